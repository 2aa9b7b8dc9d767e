"""Mutable groups ([[mutable]] and preset in mb.toml) with a real layout of apt and a real repository of createrepo_c: members come
from mirrors that have the whole group, what tells and signs its state from the origin alone, and nobody gets a mixture."""

import json

import pytest
import rig
import scanning
from test_clients_repositories import REPOSITORY, make_repository

CONFIG = """
MirrorDatabase {database}
MirrorCatalog %s
<Location /files>
  MirrorEngine On
  MirrorTree database
  MirrorMinSize 0
  MirrorOrigin http://origin.example/
  MirrorFallback - - http://fallback.example/
</Location>
"""
SUITE = {f"dists/bookworm/{name}": 900 for name in (
    "InRelease", "Release", "Release.gpg", "main/binary-amd64/Packages.xz", "main/source/Sources.xz", "main/binary-amd64/by-hash/SHA256/aa")}
POOL = {f"pool/main/p/p_{n}.deb": 900 + n for n in range(6)}
PACKAGES, SOURCES = "dists/bookworm/main/binary-amd64/Packages.xz", "dists/bookworm/main/source/Sources.xz"
BY_HASH, ANCHOR = "dists/bookworm/main/binary-amd64/by-hash/SHA256/aa", "dists/bookworm/InRelease"
NEXT = rig.tree.DEFAULT_MTIME + 1000


class World(scanning.World):
    """A source with two mirrors behind rsync, and a redirector that follows the database."""

    def __init__(self, site, scratch, cleanup, preset, files):
        super().__init__(site.database, scratch, cleanup)
        self.site = site
        self.configure(more=f'preset = "{preset}"\nmax_change_percent = 100\nmax_shrink_percent = 100\n')
        self.fill_source(files)
        for name in ("one", "two"):
            self.mirror(name)
        self.database.sql("UPDATE mirror SET http_url = 'http://' || identifier || '.example/'")
        self.mb_scan("--all", check=True)

    def sync(self, name, files):
        """These files of the source come to the mirror, which is scanned."""
        for path in files:
            rig.make_tree(self.scratch / name, {path: ((self.source / path).read_bytes(), (self.source / path).stat().st_mtime)})
        self.mb_scan(name, check=True)

    def hosts(self, path):
        """Who gets some clients."""
        return {self.site.ask(f"/files/{path}", client=f"127.0.3.{n}").location.split("/")[2].removesuffix(".example")
                for n in range(1, 9)}

    def settle(self, path, *hosts):
        rig.wait_for(f"{path} from {hosts}", lambda: self.hosts(path) <= set(hosts), 10)

    def explain(self, path):
        return self.database.tool("mb", "--config", self.config, "explain", path, "--ip", "192.0.2.1").stdout


@pytest.fixture(params=["On", "Off"], ids=["catalog", "database"])
def apt(request, make_site, scratch, cleanup):
    return World(make_site(CONFIG % request.param, {}, {}), scratch, cleanup, "apt", {**SUITE, **POOL})


def test_a_mirror_half_way_in_its_sync_gets_no_members(apt):
    apt.settle(PACKAGES, "one", "two")
    apt.fill_source({PACKAGES: (b"new" * 300, NEXT), SOURCES: (b"new" * 301, NEXT), ANCHOR: (b"new" * 299, NEXT)})
    for path in (PACKAGES, SOURCES, ANCHOR):
        apt.settle(path, "origin")
    apt.sync("one", [PACKAGES])
    apt.settle("pool/main/p/p_1.deb", "one", "two")
    assert apt.hosts(PACKAGES) == apt.hosts(SOURCES) == {"origin"}
    text = apt.explain(PACKAGES)
    assert "has not the whole current group dists/bookworm" in text
    apt.sync("one", [SOURCES])
    apt.settle(PACKAGES, "one")
    apt.settle(SOURCES, "one")
    apt.sync("two", [PACKAGES, SOURCES])
    apt.settle(PACKAGES, "one", "two")


def test_what_tells_and_signs_the_state_comes_from_the_origin_alone(apt):
    apt.settle(PACKAGES, "one", "two")
    for path in (ANCHOR, "dists/bookworm/Release", "dists/bookworm/Release.gpg"):
        assert apt.hosts(path) == {"origin"}
        listed = apt.site.ask(f"/files/{path}.meta4").body
        assert b"http://origin.example/" in listed and b"one.example" not in listed and b"fallback" not in listed
    assert "it is an anchor or signature of a mutable group" in apt.explain(ANCHOR)


def test_immutable_files_in_a_group_are_no_members(apt):
    apt.fill_source({PACKAGES: (b"new" * 300, NEXT)})
    apt.settle(PACKAGES, "origin")
    assert apt.hosts(BY_HASH) <= {"one", "two"} and apt.hosts("pool/main/p/p_2.deb") <= {"one", "two"}


def test_mb_rules_shows_the_groups_and_the_catalog_has_them(apt):
    told = json.loads(apt.database.tool("mb", "--config", apt.config, "rules", "--json").stdout)
    assert told["groups"] == [{"folder": "dists/bookworm", "mirrors": 2}] and told["configured"]
    assert told["mutable"][0] == {"folder": "dists/*", "anchors": ["InRelease", "Release"], "signatures": ["Release.gpg"], "alternates_hours": 0}
    text = apt.database.tool("mb", "--config", apt.config, "rules").stdout
    assert "dists/bookworm/" in text and "InRelease, Release, Release.gpg" in text


def test_a_repository_of_rpm_packages_is_served_whole_or_by_the_origin(make_site, scratch, cleanup):
    make_repository(scratch / "made")
    made = {str(path.relative_to(scratch / "made")): path.read_bytes()
            for path in (scratch / "made" / "pub").rglob("*") if path.is_file()}
    world = World(make_site(CONFIG % "On", {}, {}), scratch, cleanup, "rpm-md", made)
    index = next(path for path in made if "primary" in path)
    marker, package = f"{REPOSITORY}/repodata/repomd.xml", next(path for path in made if path.endswith(".rpm"))
    world.settle(index, "one", "two")
    assert world.hosts(marker) == {"origin"} and world.hosts(package) <= {"one", "two"}
    new = f"{REPOSITORY}/repodata/new-primary.xml.gz"
    world.fill_source({new: (b"x" * 500, NEXT), marker: (made[marker] + b"\n", NEXT)})
    world.settle(index, "origin")
    assert world.hosts(package) <= {"one", "two"}
    world.sync("two", [new])
    world.settle(index, "two")
