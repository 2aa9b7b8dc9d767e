"""Presets of mb.toml for pacman, flatpak (OSTree) and Nix: repositories that their own programs have made, fetched by their own clients through
a redirector, while mirrors are half-way in a sync."""

import os

import pytest
import rig
import scanning

CONFIG = """
MirrorDatabase {database}
MirrorCatalog On
Alias /origin @source@
<Directory @source@>
  Require all granted
</Directory>
<Location /files>
  MirrorEngine On
  MirrorTree database
  MirrorMinSize 0
  MirrorOrigin http://127.0.0.1:{port}/origin/
</Location>
"""
PACKAGE_INFO = """pkgname = tool
pkgbase = tool
pkgver = {version}-1
pkgdesc = A tool
url = http://tool.example/
builddate = 1700000000
packager = somebody
size = 10
arch = any
license = none
"""


class Pacman:
    preset, anchor, immutable = "pacman", "r.db", "*.pkg.tar.*"

    def __init__(self, folder, repository):
        self.folder, self.repository = folder, repository

    def publish(self, version):
        rig.make_tree(self.folder / version, {".PKGINFO": PACKAGE_INFO.format(version=version), "payload": f"payload {version}"})
        package = self.repository / f"tool-{version}-1-any.pkg.tar.gz"
        rig.run(["tar", "-C", self.folder / version, "-czf", package, ".PKGINFO", "payload"])
        rig.run(["repo-add", "--quiet", self.repository / "r.db.tar.gz", package])

    def fetch(self, url, into):
        rig.make_tree(into, {"db/.keep": "", "cache/.keep": "", "root/.keep": ""})
        config = into / "pacman.conf"
        config.write_text(f"[options]\nArchitecture = x86_64\nSigLevel = Never\nDBPath = {into}/db\nCacheDir = {into}/cache\n"
                          f"HookDir = {into}/hooks\nGPGDir = {into}/gpg\nLogFile = {into}/log\n[r]\nServer = {url}\n")
        rig.run(["pacman", "--config", config, "--root", into / "root", "--noconfirm", "-Syw", "tool"])
        [package] = (into / "cache").glob("tool-*.gz")
        return rig.run(["tar", "-xzOf", package, "payload"]).stdout


class OsTree:
    preset, anchor, immutable = "flatpak", "summary", "objects/*/*.filez"

    def __init__(self, folder, repository):
        self.folder, self.repository = folder, repository
        rig.run(["ostree", f"--repo={repository}", "init", "--mode=archive"])

    def publish(self, version):
        rig.make_tree(self.folder / version, {"payload": f"payload {version}"})
        rig.run(["ostree", f"--repo={self.repository}", "commit", "--branch=app", f"--subject={version}", f"--tree=dir={self.folder / version}"])
        rig.run(["ostree", f"--repo={self.repository}", "summary", "--update"])

    def fetch(self, url, into):
        repository = f"--repo={into}"
        rig.run(["ostree", repository, "init", "--mode=bare-user-only"])
        rig.run(["ostree", repository, "remote", "add", "--no-sign-verify", "r", url])
        rig.run(["ostree", repository, "pull", "r", "app"])
        return rig.run(["ostree", repository, "cat", "r:app", "payload"]).stdout


class Nix:
    preset, anchor, immutable = "nix", None, "nar/*"

    def __init__(self, folder, repository):
        self.folder, self.repository, self.path = folder, repository, None

    def run(self, *arguments):
        env = {**os.environ, "HOME": str(self.folder)}
        return rig.run(["nix", "--extra-experimental-features", "nix-command", *arguments], env=env).stdout.strip()

    def publish(self, version):
        (self.folder / "payload").write_text(f"payload {version}")
        store = ("--store", self.folder / "store")
        self.path = self.run(*store, "store", "add-path", self.folder / "payload")
        self.run(*store, "copy", "--to", f"file://{self.repository}", self.path)

    def fetch(self, url, into):
        self.run("copy", "--no-check-sigs", "--from", url, "--to", into, self.path)
        return (into / self.path.lstrip("/")).read_text()


class World(scanning.World):
    """A repository with two mirrors behind rsync and HTTP, and a redirector."""

    def __init__(self, make_site, scratch, cleanup, kind):
        source = scratch / "source"
        source.mkdir()
        self.site = make_site(CONFIG.replace("@source@", str(source)), {}, {})
        super().__init__(self.site.database, scratch, cleanup)
        self.repository, self._seen, self._fetches = kind(scratch, source), {}, 0
        self.configure(more=f'preset = "{kind.preset}"\nmax_change_percent = 100\nmax_shrink_percent = 100\n')
        self.publish("1")
        self.webs = {}
        for name in ("one", "two"):
            self.mirror(name)
            self.webs[name] = cleanup(rig.WebServer(scratch / name).start())
            self.database.sql(f"UPDATE mirror SET http_url = '{self.webs[name].url}' WHERE identifier = '{name}'")
        self.mb_scan("--all", check=True)

    def files(self):
        return {path.relative_to(self.source): path.read_bytes() for path in self.source.rglob("*") if path.is_file()}

    def publish(self, version):
        """Returns the paths that are new or changed."""
        self.repository.publish(version)
        now = self.files()
        changed = [path for path, content in now.items() if self._seen.get(path) != content]
        for path in changed:
            when = rig.tree.DEFAULT_MTIME + 1000 * int(version)
            os.utime(self.source / path, (when, when))
        self._seen = now
        self.mb_scan("--source", check=True)
        return changed

    def sync(self, name, paths):
        for path in paths:
            content = (self.source / path).read_bytes()
            rig.make_tree(self.scratch / name, {str(path): (content, (self.source / path).stat().st_mtime)})
        self.mb_scan(name, check=True)

    def fetch(self):
        """What the client gets of the newest version."""
        self._fetches += 1
        return self.repository.fetch(f"{self.site.httpd.url}files", self.scratch / f"client{self._fetches}")

    def hosts(self, path):
        """Who gets some clients; None for nobody."""
        ports = {web.port: name for name, web in self.webs.items()} | {self.site.httpd.port: "origin"}
        found = [self.site.ask(f"/files/{path}", client=f"127.0.3.{n}").location for n in range(1, 9)]
        return {location and ports[int(location.split("/")[2].rpartition(":")[2])] for location in found}

    def settle(self, path, *hosts):
        rig.wait_for(f"{path} from {hosts}", lambda: self.hosts(path) <= set(hosts), 10)


@pytest.mark.parametrize("kind", [Pacman, OsTree, Nix])
def test_a_client_gets_the_whole_new_version_while_mirrors_sync(make_site, scratch, cleanup, kind):
    world = World(make_site, scratch, cleanup, kind)
    package = next(path for path in world.files() if path.match(kind.immutable))
    world.settle(package, "one", "two")
    assert world.fetch() == "payload 1"
    changed = world.publish("2")
    new_package = next(path for path in changed if path.match(kind.immutable))
    world.settle(new_package, "origin")
    assert world.fetch() == "payload 2", "no mirror has it"
    world.sync("one", [path for path in changed if path.match(kind.immutable)])
    world.settle(new_package, "one")
    assert world.hosts(package) <= {"one", "two"}, "it is still the same"
    assert world.fetch() == "payload 2", "a mirror has half of it"
    world.sync("one", changed)
    world.sync("two", changed)
    world.settle(new_package, "one", "two")
    assert world.fetch() == "payload 2"
    if kind.anchor:
        assert world.hosts(kind.anchor) == {"origin"}
