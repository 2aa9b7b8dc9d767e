"""Immutable files (`immutable` in mb.toml): who serves them, and how soon redirectors heed another pattern."""

import json
import time

import pytest
import rig
from answers import File

MIRRORS = {"good": {"http_url": "http://good.example/", "weight": 1},
           "old": {"http_url": "http://old.example/", "weight": 1}}
PATHS = ("pool/a.deb", "pool/small.deb", "dists/a/Packages", "dists/a/small")
CONFIG = """
MirrorDatabase {database}
MirrorCatalog %s
<Location /files>
  MirrorEngine On
  MirrorTree database
  MirrorMinSize 4096
  MirrorOrigin http://origin.example/
</Location>
"""


def site_of(make_site, catalog):
    site = make_site(CONFIG % catalog, MIRRORS,
                     {path: File(("old",), size=100 if "small" in path else 10_000) for path in PATHS})
    site.database.sql("UPDATE mirror SET standing = 'stale', standing_reason = '3 days behind' WHERE identifier = 'old'")
    return site


@pytest.fixture(scope="module", params=["On", "Off"], ids=["catalog", "database"])
def site(make_site, request):
    return site_of(make_site, request.param)


@pytest.fixture
def apply(site, scratch):
    """apply(patterns, *options) copies them from mb.toml into the database."""
    def run(patterns, *options, check=True):
        path = scratch / "mb.toml"
        path.write_text(f"[instance.main]\ndatabase = \"{site.database.conninfo()}\"\nimmutable = {json.dumps(patterns)}\n")
        return site.database.tool("mb", "--config", str(path), "rules", *options, check=check)
    return run


def hosts(site):
    return [site.ask(f"/files/{path}").location.split(".")[0].removeprefix("http://") for path in PATHS]


def settle(site, expected):
    rig.wait_for("the redirects", lambda: hosts(site) == expected, 10)


def test_a_stale_mirror_serves_immutable_files_alone_and_small_ones_too(site, apply):
    apply([], "--apply")
    settle(site, ["origin"] * 4)
    apply(["pool/**"], "--apply")
    settle(site, ["old", "old", "origin", "origin"])


def test_another_pattern_is_heeded_within_a_second(site, apply):
    for patterns, expected in ((["*.deb"], "old"), ([], "origin"), (["/pool/*"], "old"), (["/dists/**"], "origin")):
        apply(patterns, "--apply")
        began = time.monotonic()
        while hosts(site)[0] != expected:
            assert time.monotonic() - began < 1


def test_mb_explain_says_what_is_immutable_and_who_is_stale(site, apply):
    apply(["pool/**"], "--apply")

    def explain(path, *options):
        return site.database.tool("mb", "explain", path, "--ip", "192.0.2.1", *options).stdout
    text = explain("pool/a.deb")
    assert "it fits pool/**" in text and "stale, but the file is immutable" in text and "http://old.example/pool/a.deb" in text
    assert "stale: 3 days behind (it serves immutable files alone)" in explain("dists/a/Packages")
    told = json.loads(explain("pool/a.deb", "--json"))
    assert told["file"]["immutable"] == "pool/**" and told["candidates"][0]["stale"]
    assert json.loads(explain("dists/a/Packages", "--json"))["file"]["immutable"] is None
    assert [json.loads(site.database.tool("mb", "file", "ls", path, "--json").stdout)[0]["mirrors"] for path in PATHS] == [
        ["old"], ["old"], [], []]


def test_mb_rules_shows_what_the_database_has_and_whether_mb_toml_differs(site, apply):
    apply(["pool/**", "*.rpm"], "--apply")
    same = apply(["pool/**", "*.rpm"])
    assert "pool/**" in same.stdout and "*.rpm" in same.stdout and not same.stderr
    other = apply(["*.rpm"], check=False)
    assert other.returncode == 1 and "other rules than the database" in other.stderr and "pool/**" in other.stdout
    assert json.loads(apply(["*.rpm"], "--json", check=False).stdout) == {
        "immutable": ["pool/**", "*.rpm"], "configured": False, "mutable": [], "groups": []}
    wrong = apply(["pool/"], check=False)
    assert wrong.returncode != 0 and "ends in '/'" in wrong.stderr


@pytest.mark.parametrize("catalog", ["On", "Off"])
def test_a_small_immutable_file_of_a_local_tree_is_redirected(make_site, catalog):
    config = """
MirrorDatabase {database}
MirrorCatalog %s
<Directory {docroot}>
  MirrorEngine On
  MirrorMinSize 4096
</Directory>
""" % catalog
    site = make_site(config, MIRRORS, {"a.deb": File(("good",), size=100), "big": File(("good",))},
                     tree={"a.deb": 100, "big": 10_000})
    rig.wait_for("a redirect", lambda: site.ask("/big").status == 302, 10)
    assert site.ask("/a.deb").status == 200
    site.database.sql("INSERT INTO path_rule (position, kind, glob) VALUES (1, 'immutable', '*.deb')")
    rig.wait_for("a redirect of the small file", lambda: site.ask("/big").status == 302 and site.ask("/a.deb").status == 302, 10)


def test_a_scan_of_the_source_copies_the_patterns(make_mirror, database, scratch):
    tree = rig.make_tree(scratch / "source", {f"pool/f{n}.deb": 5000 for n in range(6)})
    host = make_mirror("one", tree)
    config = scratch / "mb.toml"
    config.write_text(f"[instance.main]\ndatabase = \"{database.conninfo()}\"\nsource = \"{tree}\"\nimmutable = [\"*.deb\"]\n")
    database.tool("mb-scan", "--config", str(config), "--source")
    assert "*.deb" in database.tool("mb", "--config", str(config), "rules").stdout
    assert host is not None
