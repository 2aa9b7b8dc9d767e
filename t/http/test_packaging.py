"""What the files for Debian's and RPM packages say must agree with the rest of the project. `make try-deb` tries the packages."""

import os
import pathlib
import re
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ.get("MIRROR_SRCDIR", pathlib.Path(__file__).resolve().parents[2]))
SCRIPTS = sorted(path for pattern in ("debian/*.p*inst", "debian/*.prerm", "debian/*.postrm", "debian/tests/lifecycle", "tools/try-packages",
                                                  "tools/container/entry", "tools/container/try")
                 for path in SOURCE.glob(pattern))
# What only the building of packages needs.
PACKAGING = {"debhelper-compat", "dh-apache2", "dh-sequence-installsysusers", "pkgconf", "systemd-dev"}


def text(path):
    return (SOURCE / path).read_text()


def test_all_packages_have_the_version_of_configure():
    (version,) = re.findall(r"(?m)^AC_INIT\(\[mod_mirror\], \[(.*?)\]", text("configure.ac"))
    assert re.match(r"mod-mirror \((.*)-\d+\) ", text("debian/changelog"))[1] == version
    assert re.search(r"(?m)^Version: +(.*)$", text("tools/rpm/mod_mirror.spec"))[1] == version


def test_build_dependencies_are_those_of_the_project():
    field = re.search(r"(?m)^Build-Depends:((?:\n .*)+)", text("debian/control"))[1]
    names = set(re.findall(r"(?m)^ ([a-z0-9+.-]+)", field))
    wanted = set(re.sub(r"#.*", "", text("tools/packages")).split())
    assert len(names) > 10 and names - PACKAGING <= wanted


@pytest.mark.parametrize("name", sorted(path.name for kind in ("docs", "examples", "apache2", "manpages") for path in SOURCE.glob(f"debian/*.{kind}")))
def test_files_that_debian_installs_exist(name):
    files = [line.split()[-1] for line in text(f"debian/{name}").splitlines()]
    assert files and all((SOURCE / file).is_file() for file in files)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_shell_reads_the_script(path):
    shell = path.read_text().splitlines()[0].removeprefix("#!")
    done = subprocess.run([shell, "-n", path], text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_spec_installs_what_debian_installs():
    """The programs, units and completions; a new one must not be forgotten in the list of files."""
    spec = text("tools/rpm/mod_mirror.spec")
    programs = set(re.findall(r"(?m)^bin_PROGRAMS \+= (.*)$", "".join(path.read_text() for path in SOURCE.glob("*/**/sources.am"))))
    assert {"mb", "mb-scan", "mb-probe", "mb-hash"} <= {name for line in programs for name in line.split()}
    assert all(f"%{{_bindir}}/{name}\n" in spec for line in programs for name in line.split())
