"""File trees with known contents, sizes and times."""

import hashlib
import os
import pathlib
import shutil

DEFAULT_MTIME = 1_700_000_000


def make_tree(root, files, *, mtime=DEFAULT_MTIME):
    """Makes the files below root and returns root. A value is bytes or str (the content), an int (the size, filled with bytes
    that differ between names), a pair (one of these, mtime), or a Link. Names may be bytes."""
    root = pathlib.Path(root)
    root.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        content, when = value if isinstance(value, tuple) else (value, mtime)
        path = os.path.join(os.fsencode(root), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(content, Link):
            os.symlink(os.fsencode(content.target), path)
            continue
        with open(path, "wb") as out:
            out.write(_content(name, content))
        os.utime(path, (when, when))
    return root


class Link:
    def __init__(self, target):
        self.target = target


def _content(name, content):
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, int):
        line = b"%s\n" % os.fsencode(name)
        return (line * (content // len(line) + 1))[:content]
    return content


def copy_tree(source, target, *, skip=()):
    """A copy with its times, less the subtrees and files named in skip (relative to source)."""
    skipped = {os.path.normpath(os.path.join(source, s)) for s in skip}

    def ignored(folder, names):
        return [n for n in names if os.path.normpath(os.path.join(folder, n)) in skipped]

    shutil.copytree(source, target, symlinks=True, ignore=ignored, dirs_exist_ok=True)
    return pathlib.Path(target)


def sha256_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
