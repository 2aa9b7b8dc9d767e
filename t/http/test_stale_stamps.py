"""A mirror whose stamp is old is stale: redirects leave it, and come back soon after its stamp is new again."""

import time

import pytest

import rig
from answers import SIZE, ask
from probing import FILE, FILE_URL, World

CONFIG = """
MirrorDatabase {database}
<Location /d>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
"""
DAY = 86400


def day(days_ago):
    """As date(1) prints it, and as projects' scripts write it."""
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(time.time() - days_ago * DAY)) + "\nRunning on host: x\n"


class Site:
    """A redirector before two mirrors with real web servers, of which `far` has next to no weight, and a local source."""

    def __init__(self, world, make_httpd, make_mirror, scratch):
        self.world, self.source = world, scratch / "source"
        self.trees = {name: scratch / name for name in ("near", "far")}
        self.hosts = {name: make_mirror(name, {FILE: SIZE}, weight=weight) for name, weight in (("near", 1000000), ("far", 1))}
        ids = "ARRAY(SELECT id FROM mirror ORDER BY id)"
        world.database.sql(f"INSERT INTO cohort (mirrors, n_files, rev) VALUES ({ids}, 1, 1);"
                           "INSERT INTO file (path, size, mtime, version_rev, rev, kind, cohort_id) SELECT"
                           f" '{FILE}', {SIZE}, {rig.tree.DEFAULT_MTIME}, 1, 1, 'f', id FROM cohort")
        self.source.mkdir()
        self.configure()
        self.httpd = make_httpd(CONFIG.replace("{database}", world.database.conninfo()), catalog=True)

    def configure(self, more=""):
        self.world.configure(f'source = "{self.source}"\nstamp_path = "project/trace"\n{more}')

    def write(self, tree, text):
        (tree / "project").mkdir(parents=True, exist_ok=True)
        (tree / "project/trace.new").write_text(text)
        (tree / "project/trace.new").rename(tree / "project/trace")

    def goes_to(self):
        location = ask(self.httpd, f"/d{FILE_URL}").location
        return next((name for name, host in self.hosts.items() if location.startswith(host.http_url)), location)

    def wait_until_it_goes_to(self, name, within_s=15):
        rig.wait_for(f"redirects to {name}", lambda: self.goes_to() == name, within_s)

    def standing(self, name="near"):
        return self.world.database.sql(f"SELECT standing || ': ' || standing_reason FROM mirror WHERE identifier = '{name}'")

    def wait_until_stamps_are_read(self):
        rig.wait_for("both stamps to be read", lambda: self.world.database.sql("SELECT count(*) FROM stamp") == "2", 15)


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


@pytest.fixture
def site(world, make_httpd, make_mirror, scratch):
    return Site(world, make_httpd, make_mirror, scratch)


def test_redirects_leave_a_mirror_with_an_old_stamp_and_come_back_with_a_new_one(world, site):
    site.write(site.trees["near"], day(4))
    site.write(site.trees["far"], day(0.1))
    loop = world.start()
    site.wait_until_it_goes_to("far")
    assert site.standing().startswith("stale: its stamp project/trace says 2") and site.standing("far") == "good: "
    shown = world.database.tool("mb", "show", "near").stdout
    assert "stale since " in shown and "UTC (project/trace)" in shown
    assert "its stamp project/trace says" in world.database.tool("mb", "list", "--health").stdout
    assert "1 of 2 stale: near" in world.database.tool("mb", "status", check=False).stdout
    assert "stale: its stamp project/trace" in world.database.tool("mb", "explain", FILE, "--ip", "127.0.0.1").stdout
    assert "its stamp project/trace says" in world.database.tool("mb", "events", "near").stdout
    site.write(site.trees["near"], day(0.1))
    site.wait_until_it_goes_to("near")
    out = loop.stop()[3]
    assert "mirror 'near': stale: its stamp project/trace says" in out
    assert "mirror 'near': its stamp does not make it stale any more" in out


def test_a_mirror_is_measured_by_what_the_source_has_had_for_long(world, site):
    site.write(site.source, day(9))
    site.write(site.trees["near"], day(9))
    site.write(site.trees["far"], day(30))
    world.start()
    rig.wait_for("far to be stale", lambda: site.standing("far").startswith("stale: "), 15)
    assert "; the source's has been newer since 2" in site.standing("far")
    assert site.standing() == "good: " and site.goes_to() == "near"
    site.write(site.source, day(0))  # after a pause: nobody can have that yet
    rig.wait_for("the source's new stamp", lambda: world.database.sql("SELECT count(*) FROM source_stamp") == "2", 15)
    assert site.standing() == "good: "
    world.database.sql("UPDATE source_stamp SET at = at - interval '4 days'")
    site.wait_until_it_goes_to("http://origin.example/" + FILE_URL[1:])
    assert site.standing().startswith("stale: ")


def test_a_stamp_that_is_missing_or_says_nothing_is_told_once_and_makes_nobody_stale(world, site):
    site.write(site.trees["far"], "hello\n")
    (site.trees["far"] / "project/trace").touch()
    loop = world.start()
    site.wait_until_stamps_are_read()
    before = world.database.sql("SELECT max(asked) FROM stamp")
    rig.wait_for("another reading", lambda: world.database.sql("SELECT min(asked) FROM stamp") > before, 20)
    assert site.standing() == "good: " and site.standing("far") == "good: "
    shown = world.database.tool("mb", "show", "near").stdout
    assert "cannot be used: HTTP status 404, read at " in shown
    said = loop.stop()[3]
    assert said.count("mirror 'near': its stamp project/trace cannot be used: HTTP status 404") == 1, said
    assert "'far'" not in said, "it was last modified just now"


def test_a_mirror_may_have_a_path_and_a_limit_of_its_own(world, site):
    for tree in site.trees.values():
        site.write(tree, day(4))
    (site.trees["near"] / "own").write_text(day(0))
    world.database.tool("mb", "edit", "near", "--stamp-path", "own")
    world.database.tool("mb", "edit", "far", "--max-age", "never")
    world.probe("--all", check=True)
    assert world.database.sql("SELECT path FROM stamp") == "own"
    assert site.standing() == "good: " and site.standing("far") == "good: "
    world.database.tool("mb", "edit", "far", "--max-age", "97")
    world.probe("far", check=True)
    assert site.standing("far") == "good: "
    world.database.tool("mb", "edit", "far", "--max-age", "95")
    done = world.probe("far", check=True)
    assert "mirror 'far': stale: its stamp project/trace says " in done.stderr
    world.probe("far", "--forget", check=True)
    assert site.standing("far") == "good: "


def test_the_sources_stamp_may_be_behind_a_url(world, site, make_mirror):
    origin = make_mirror("origin", {"project/trace": day(9)}, register=False)
    site.configure(f'stamp_url = "{origin.http_url}project/trace"\n')
    site.write(site.source, "not this one\n")
    site.write(site.trees["near"], day(9))
    site.write(site.trees["far"], day(9.5))
    world.probe("--all", check=True)
    world.probe("near", "far", check=True)
    assert site.standing() == "good: "
    assert site.standing("far").startswith("stale: ")


def test_nobody_is_stale_while_the_sources_stamp_cannot_be_read(world, site, make_mirror):
    origin = make_mirror("origin", {"project/trace": day(9)}, register=False)
    site.configure(f'stamp_url = "{origin.http_url}project/trace"\n')
    for tree in site.trees.values():
        site.write(tree, day(9))
    origin.web.stop()
    world.probe("--all", check=True)
    world.probe("near", "far", check=True)
    assert site.standing() == "good: " and site.standing("far") == "good: "
    origin.web.start()
    site.write(site.trees["far"], day(9.5))
    world.probe("near", "far", check=True)
    assert site.standing() == "good: " and site.standing("far").startswith("stale: ")


def test_a_dry_run_writes_nothing(world, site):
    site.write(site.trees["near"], day(4))
    world.probe("--dry-run", "near", check=True)
    assert world.database.sql("SELECT count(*) FROM stamp") == "0" and site.standing() == "good: "
