"""The admin's day: what mb asks mirrors right now, and what it says of files, folders and mirrors. One world for all tests."""

import json

import pytest
import rig

FILES = {"pub/a.iso": b"a" * 4000, "pub/b.iso": b"b" * 3000, "doc/read me.txt": b"read me", "doc/\u00e4/deep.txt": b"deep"}


class World:
    def __init__(self, database, scratch, geo, authority, keep):
        self.database, self.scratch, self.hosts = database, scratch, {}
        self.source = rig.make_tree(scratch / "source", FILES)
        self.config = scratch / "mb.toml"
        self.config.write_text(f'[instance.main]\nsource = "{self.source}"\nprobe_ca = "{authority.ca_file}"\n'
                               f'geo_databases = ["{geo}/city.mmdb", "{geo}/asn.mmdb"]\n')
        for name, tls, files in (("whole", authority, FILES), ("part", None, {k: v for k, v in FILES.items() if k.startswith("pub/")}),
                                 ("old", None, {**FILES, "pub/a.iso": b"old"}), ("off", None, FILES)):
            tree = rig.make_tree(scratch / name, files)
            host = self.hosts[name] = keep(rig.MirrorHost(name, tree, tls=tls))
            self.database.add_mirror(name, enabled=name != "off", http_url=host.http_url, rsync_url=host.rsync_url,
                                     https_url=host.https_url, country="DE")
        self.tool("mb-scan", "--source")
        self.tool("mb-scan", *self.hosts)
        database.add_mirror("dead", http_url=f"http://127.0.0.1:{rig.CLOSED_PORT}/", rsync_url=f"rsync://127.0.0.1:{rig.CLOSED_PORT}/m/",
                            country="FR")

    def tool(self, name, *args, **options):
        return self.database.tool(name, "--config", self.config, *args, **options)

    def mb(self, *args, status=0, **options):
        done = self.tool("mb", *args, check=False, **options)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def json(self, *args, **options):
        return json.loads(self.mb(*args, "--json", **options).stdout)


@pytest.fixture(scope="module")
def world(make_module_database, keep, geo, authority):
    return World(make_module_database(), keep(rig.Scratch("mirror-daily")), geo, authority, keep)


def test_a_mirror_that_is_well(world):
    told = world.json("test", "whole", "--files", "4")
    (mirror,) = told
    assert mirror["ok"] and mirror["mirror"] == "whole" and mirror["reason"] is None
    ways = {way["way"]: way for way in mirror["ways"]}
    assert set(ways) == {"http/ipv4", "https/ipv4"} and all(way["ok"] and way["status"] == 200 for way in ways.values())
    assert ways["https/ipv4"]["certificate_end"] and ways["http/ipv4"]["certificate_end"] is None
    assert {file["path"] for file in ways["http/ipv4"]["files"]} == set(FILES)
    (listing,) = mirror["listings"]
    assert (listing["method"], listing["ok"], listing["files"], listing["known"]) == ("rsync", True, len(FILES), len(FILES))
    text = world.mb("test", "whole").stdout
    assert "https/ipv4" in text and "list by rsync" in text and "3 of 3" in text and "FAILS" not in text


def test_mirrors_that_are_not_well(world):
    (world.hosts["part"].tree / "pub/b.iso").rename(world.scratch / "aside")
    try:
        told = {mirror["mirror"]: mirror for mirror in world.json("test", "part", "dead", "--files", "10", status=1)}
    finally:
        (world.scratch / "aside").rename(world.hosts["part"].tree / "pub/b.iso")
    (way,) = told["part"]["ways"]
    assert not told["part"]["ok"] and way["status"] == 200 and not way["ok"]
    assert {file["path"]: file["ok"] for file in way["files"]} == {"pub/a.iso": True, "pub/b.iso": False}
    assert "404" in next(file["reason"] for file in way["files"] if not file["ok"])
    (way,), (listing,) = told["dead"]["ways"], told["dead"]["listings"]
    assert way["status"] == 0 and "refused" in way["reason"] and not listing["ok"] and listing["reason"]
    assert "FAILS" in world.mb("test", "dead", status=1).stdout
    assert world.database.sql("SELECT count(*) FROM health") == "0", "nothing is written"


def test_names_for_test(world):
    assert "no mirror 'wohle'" in world.mb("test", "wohle", status=1).stderr
    assert "name mirrors, or say --all" in world.mb("test", status=2).stderr
    assert "name mirrors, or say --all" in world.mb("test", "whole", "--all", status=2).stderr
    assert {mirror["mirror"] for mirror in world.json("test", "--all", status=1)} == {"whole", "part", "old", "dead"}


def test_probefile_asks_all_mirrors(world):
    told = world.json("probefile", "/pub/a.iso")
    assert (told["path"], told["known"], told["size"]) == ("pub/a.iso", True, 4000) and told["mtime"].endswith("Z")
    found = {mirror["mirror"]: mirror for mirror in told["mirrors"]}
    assert {name: (m["there"], m["in_database"]) for name, m in found.items()} == {
        "whole": (True, True), "part": (True, True), "old": (False, False), "dead": (False, False)}
    assert found["whole"]["scheme"] == "https" and found["whole"]["last_modified"] == told["mtime"]
    assert found["old"]["size"] == 3 and "3 bytes instead of 4,000" in found["old"]["reason"] and found["dead"]["status"] is None
    text = world.mb("probefile", "pub/a.iso", "whole", "old").stdout
    assert "pub/a.iso: 1 of 2 mirrors have it, 1 by the database; 4,000 bytes" in text and "same" in text


def test_probefile_of_a_file_that_the_database_does_not_know(world):
    rig.make_tree(world.hosts["off"].tree, {"new/#1 ?.iso": b"new"})
    told = world.json("probefile", "new/#1 ?.iso", "--all", "--urltype", "http")
    assert told["known"] is False and told["size"] is None
    assert {m["mirror"]: (m["there"], m["size"], m["in_database"]) for m in told["mirrors"]}["off"] == (True, 3, None)
    assert [m["mirror"] for m in told["mirrors"] if m["there"]] == ["off"] and len(told["mirrors"]) == 5
    done = world.mb("probefile", "new/#1 ?.iso", status=1)
    assert "0 of 4 mirrors have it; the database does not know this file" in done.stdout and "404" in done.stdout
    assert world.json("probefile", "pub/a.iso", "--urltype=https")["mirrors"][0]["mirror"] == "whole"
    assert "a/../b" in world.mb("probefile", "a/../b", status=2).stderr
