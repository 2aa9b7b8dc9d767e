"""Where the sources and the built programs are: MIRROR_SRCDIR and MIRROR_BUILDDIR, or this tree and its folder build."""

import functools
import os
import pathlib
import re
import shutil

from .process import RigError


class Build:
    def __init__(self, srcdir=None, builddir=None):
        own = pathlib.Path(__file__).resolve().parents[2]
        self.srcdir = pathlib.Path(srcdir or os.environ.get("MIRROR_SRCDIR") or own).resolve()
        self.builddir = pathlib.Path(builddir or os.environ.get("MIRROR_BUILDDIR") or self.srcdir / "build").resolve()

    @property
    def module(self):
        return self.builddir / ".libs" / "mod_mirror.so"

    def find_program(self, name):
        """The built program's path, or None."""
        folders = [self.builddir / f for f in ("", "tools/mb", "tools", "scanner")]
        found = shutil.which(name, path=os.pathsep.join(map(str, folders)))
        return pathlib.Path(found) if found else None

    def program(self, name):
        found = self.find_program(name)
        if not found:
            raise RigError(f"{name} is not built: run make in {self.builddir}, or set MIRROR_BUILDDIR")
        return found

    def data(self, name):
        """A file of t/data: a generated one from the build tree, else the source's."""
        built = self.builddir / "t" / "data" / name
        return built if built.exists() else self.srcdir / "t" / "data" / name

    def sanitizer_runtime(self):
        """What a plain httpd must preload for our module (LD_PRELOAD's form), or None for a build without sanitizers."""
        return _sanitizer_runtime(self.builddir / "Makefile")


@functools.cache
def _sanitizer_runtime(makefile):
    """As configure found it."""
    found = re.search(r"^SANITIZER_PRELOAD = (\S+)$", makefile.read_text(), re.MULTILINE) if makefile.exists() else None
    return found[1] if found else None
