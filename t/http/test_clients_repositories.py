"""dnf and zypper on a repository that createrepo_c has made: by its list of mirrors, by its Metalink, by redirects."""

import pytest
import rig
from clients import noise

SPEC = """
Name: tool
Version: 1
Release: 1
Summary: A package
License: none
BuildArch: noarch
%description
A package
%install
mkdir -p %{buildroot}/opt
cp %{_sourcedir}/payload %{buildroot}/opt
%files
/opt/payload
"""
REPOSITORY = "pub/1/os"
RULES = "MirrorRepositoryList pub/{release}/{repo} repodata/repomd.xml release=[0-9]+ repo=[a-z]+\n"
ROOT = [] if rig.process.is_root() else ["unshare", "--map-root-user"]  # dnf insists
WITH_DEAD, WITH_CORRUPT = "country=de", "country=at"  # the client's country, and so which bad mirror stands first


def make_repository(folder):
    """A package and what createrepo_c says of it, below folder / REPOSITORY."""
    packages = folder / REPOSITORY / "packages"
    top = folder / "build"
    rig.make_tree(top, {"tool.spec": SPEC, "SOURCES/payload": noise(300_000, 1)})
    packages.mkdir(parents=True)
    rig.run(["rpmbuild", "-bb", "--define", f"_topdir {top}", "--define", "_build_id_links none", top / "tool.spec"])
    (top / "RPMS/noarch/tool-1-1.noarch.rpm").rename(packages / "tool-1-1.noarch.rpm")
    rig.run(["createrepo_c", "--quiet", folder / REPOSITORY])


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in (folder / "pub").rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def downloads(make_downloads, keep):
    def mirrors(source):
        nonlocal corrupt
        good = [keep(rig.WebServer(source)) for _ in range(2)]
        made.extend(good)
        corrupt = keep(rig.OddWeb(source, corrupt=True))
        bad = {"country_only": True, "region": "EU"}
        return {**{f"good{number}": {"http_url": web.url, "country": "JP", "region": "AS"} for number, web in enumerate(good)},
                "dead": {"http_url": f"http://127.0.0.1:{rig.CLOSED_PORT}/", "country": "DE", **bad},
                "corrupt": {"http_url": corrupt.url, "country": "AT", **bad}}
    made, corrupt = [], None
    with rig.Scratch("mirror-repository") as folder:
        make_repository(folder)
        downloads = make_downloads(contents(folder), mirrors, "<Location /files>\n" + RULES + "</Location>\n")
    downloads.webs, downloads.corrupt = made, corrupt
    return downloads


def list_url(downloads, word, more):
    return downloads.url(f"{word}?release=$releasever&repo=os&{more}")


class Client:
    """A client with a root, a cache and one repository of its own. `source` is the line that tells where the repository is."""

    def __init__(self, folder, source):
        self.folder = folder
        rig.make_tree(folder, {"root/.keep": "", "cache/.keep": "",
                               "repos/r.repo": f"[r]\nname=r\nenabled=1\nautorefresh=1\ntype=rpm-md\ngpgcheck=0\n{source}\n"})

    def package(self):
        [path] = self.folder.rglob("*.rpm")
        return path.read_bytes()


class Dnf(Client):
    def fetch(self):
        config = self.folder / "dnf.conf"
        config.write_text(f"[main]\ngpgcheck=0\nplugins=0\nreposdir={self.folder}/repos\ncachedir={self.folder}/cache\n"
                          f"logdir={self.folder}\npersistdir={self.folder}/persist\n")
        rig.run([*ROOT, "dnf", f"--config={config}", f"--installroot={self.folder}/root", "--releasever=1", "--assumeyes",
                 "install", "--downloadonly", "tool"])


class Zypper(Client):
    def fetch(self):
        zypper = ["zypper", "--non-interactive", "--no-gpg-checks", "--releasever=1", f"--root={self.folder}/root",
                  f"--reposd-dir={self.folder}/repos", f"--cache-dir={self.folder}/cache"]
        rig.run([*zypper, "refresh"])
        rig.run([*zypper, "download", "tool"])


every_client = pytest.mark.parametrize("kind", [Dnf, Zypper])


def check(downloads, client):
    before = len(downloads.site.httpd.access())
    client.fetch()
    assert client.package() == (downloads.source / REPOSITORY / "packages/tool-1-1.noarch.rpm").read_bytes()
    return downloads.site.httpd.access()[before:]


@every_client
def test_a_list_of_mirrors_whose_first_is_dead(downloads, scratch, kind):
    listed = downloads.ask(f"mirrorlist?release=1&repo=os&{WITH_DEAD}").body.decode().split()
    assert len(listed) == 4 and "/origin/" in listed[-1] and not listed[0].startswith(tuple(web.url for web in downloads.webs))
    asked = check(downloads, kind(scratch / "client", f"mirrorlist={list_url(downloads, 'mirrorlist', WITH_DEAD)}"))
    assert asked and all("/files/mirrorlist?" in line for line in asked), "the mirrors do the rest"


@every_client
def test_a_metalink_whose_first_mirror_is_dead(downloads, scratch, kind):
    key = "metalink" if kind is Dnf else "mirrorlist"
    asked = check(downloads, kind(scratch / "client", f"{key}={list_url(downloads, 'metalink', WITH_DEAD)}"))
    assert asked and all("/files/metalink?" in line for line in asked)


def test_dnf_takes_no_index_but_the_metalink_s(downloads, scratch):
    check(downloads, Dnf(scratch / "client", f"metalink={list_url(downloads, 'metalink', WITH_CORRUPT)}"))
    assert f"{REPOSITORY}/repodata/repomd.xml" in downloads.corrupt.paths


@every_client
def test_packages_come_by_redirect(downloads, scratch, kind):
    asked = check(downloads, kind(scratch / "client", f"baseurl={downloads.url(REPOSITORY)}"))
    [package] = [line for line in asked if ".rpm " in line and "/files/" in line]  # of the last resort zypper takes a part
    assert (' 302 ' if kind is Dnf else ' 200 ') in package, "zypper wants a Metalink of the package where it can have one"
