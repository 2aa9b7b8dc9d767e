"""Real input that every Debian system has: the package index as a tree of sparse files, and the list of Debian's mirrors."""

import os
import pathlib
import random

from .process import RigError, run

_LISTS = pathlib.Path("/var/lib/apt/lists")
_MIRRORS = pathlib.Path("/usr/share/python-apt/templates/Debian.mirrors")  # package python-apt-common
_EPOCH, _SPAN_S = 1_600_000_000, 4 * 365 * 86400


def package_index():
    """{path: size} of every package that apt knows of, about 66,000 after `apt-get update`; in the order of paths."""
    found = {}
    for index in sorted(_LISTS.glob("*_Packages*")):
        path = ""
        for line in run(["/usr/lib/apt/apt-helper", "cat-file", index]).stdout.splitlines():
            if line.startswith("Filename: "):
                path = line[10:]
            elif line.startswith("Size: ") and path:
                found[path] = int(line[6:])
    if not found:
        raise RigError(f"{_LISTS} holds no package index: run apt-get update")
    return dict(sorted(found.items()))


def make_sparse_tree(root, sizes):
    """Files of these sizes without content, their times spread over four years."""
    times = random.Random(1)
    made = set()
    for path, size in sizes.items():
        target = os.path.join(root, path)
        folder = os.path.dirname(target)
        if folder not in made:
            os.makedirs(folder, exist_ok=True)
            made.add(folder)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT, 0o644)
        os.truncate(descriptor, size)
        when = _EPOCH + times.randrange(_SPAN_S)
        os.utime(descriptor, (when, when))
        os.close(descriptor)


def mirror_list():
    """[(country code, URL)] of Debian's mirrors, about 310."""
    try:
        lines = _MIRRORS.read_text().splitlines()
    except OSError as error:
        raise RigError(f"{error}: install the Debian package python-apt-common") from None
    country, found = "", []
    for line in map(str.strip, lines):
        if line.startswith("#LOC:"):
            country = line[5:]
        elif line.startswith("http"):
            found.append((country, line))
    return found
