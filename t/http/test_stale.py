"""A mirror whose scans fail for long while others' work is stale, and so is one that has files in an old version for long: nobody
is redirected there until a scan is good again."""

import pytest
import rig
from answers import ask
from scanning import World

CONFIG = """
MirrorDatabase {database}
<Location /files>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
"""


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def test_a_mirror_whose_scans_fail_for_long_gets_nobody_until_one_is_good(world, cleanup, build):
    world.fill_source({"f": "x" * 5000})
    stuck, other = world.mirror("stuck"), world.mirror("other", weight=0)
    world.mb_scan("--all", check=True)
    httpd = cleanup(rig.Httpd(CONFIG.replace("{database}", world.database.conninfo()), build=build, catalog=True)).start()

    def location():
        return ask(httpd, "/files/f").location or ""

    def standing():
        return world.database.sql("SELECT standing FROM mirror WHERE identifier = 'stuck'")
    rig.wait_for("a redirect to the mirror", lambda: location().startswith("http://mirror.example/"), 15)
    stuck.stop()
    world.database.sql("UPDATE scan SET started = started - interval '4 days', ended = ended - interval '4 days' WHERE mirror_id = "
                       "(SELECT id FROM mirror WHERE identifier = 'stuck')")
    done = world.mb_scan("--all")
    assert "mirror stuck: stale: its last good scan was at " in done.stderr and standing() == "stale"
    rig.wait_for("redirects stop", lambda: location().startswith("http://origin.example/"), 1)
    stuck.start()
    world.mb_scan("stuck", check=True)
    assert standing() == "good"
    rig.wait_for("redirects go there again", lambda: location().startswith("http://mirror.example/"), 1)
    assert other


def test_the_limit_is_a_setting(world):
    world.configure(more="max_scan_age_hours = 0\n")
    world.fill_source({"f": "x" * 5000})
    for name in ("a", "b"):
        world.mirror(name)
    world.mb_scan("--all", check=True)
    world.database.sql("UPDATE scan SET ended = ended - interval '40 days' WHERE mirror_id = 1")
    world.mb_scan("b", check=True)
    assert world.database.sql("SELECT count(*) FROM doubt") == "0"
    world.configure(more="max_scan_age_hours = 24\n")
    world.mb_scan("b", check=True)
    assert world.database.sql("SELECT count(*) FROM doubt") == "0", "nobody tried to scan it"
    world.database.sql("INSERT INTO scan (mirror_id, method, ended, outcome) VALUES (1, 'rsync', now(), 'failed')")
    world.mb_scan("b", check=True)
    assert world.database.sql("SELECT mirror_id FROM doubt") == "1"


def test_a_mirror_that_stopped_following_the_source_is_stale_until_it_follows_again(world, cleanup, build):
    names = [f"f{i}" for i in range(40)]
    world.fill_source({name: "x" * 5000 for name in names})
    late, good = world.mirror("late"), world.mirror("good", weight=0)
    part = world.mirror("part", {name: "x" * 5000 for name in names[20:]}, weight=0)
    world.mb_scan("--all", check=True)
    httpd = cleanup(rig.Httpd(CONFIG.replace("{database}", world.database.conninfo()), build=build, catalog=True)).start()

    def location(name):
        return ask(httpd, f"/files/{name}").location or ""

    def standings():
        return dict(world.query("SELECT identifier, standing FROM mirror"))
    rig.wait_for("a redirect to the mirror", lambda: location("f39").startswith("http://mirror.example/"), 15)
    newer = {name: ("y" * 6000, rig.tree.DEFAULT_MTIME + 7200) for name in names[:8]}
    world.fill_source(newer, "--force")
    rig.make_tree(good.tree, newer)
    world.mb_scan("--all", check=True)
    assert standings() == {"late": "good", "good": "good", "part": "good"}
    world.database.sql("UPDATE behind SET since = since - interval '73 hours'")
    done = world.mb_scan("part", check=True)
    assert "mirror late: stale: it has 8 of the 8 files that changed last in an old version" in done.stderr
    assert standings() == {"late": "stale", "good": "good", "part": "good"}
    rig.wait_for("redirects stop", lambda: location("f39").startswith("http://origin.example/"), 1)
    assert "in an old version; the source has had newer ones since" in world.database.tool("mb", "show", "late").stdout
    rig.make_tree(late.tree, newer)
    done = world.mb_scan("late", check=True)
    assert "mirror late: old files do not make it stale any more" in done.stderr
    assert standings()["late"] == "good"
    rig.wait_for("redirects go there again", lambda: location("f39").startswith("http://mirror.example/"), 1)
    assert part


def test_the_prober_judges_between_scans(world):
    world.configure(more="probe_interval_s = 1\n")
    world.fill_source({f"f{i}": "x" * 5000 for i in range(10)})
    world.mirror("late")
    world.mb_scan("--all", check=True)
    world.database.sql("INSERT INTO behind SELECT id, now() - interval '4 days', 7, 9 FROM mirror")
    done = world.database.tool("mb-probe", "--config", world.config, "--all", check=False)
    assert "mirror 'late': stale: it has 7 of the 9 files" in done.stderr
    world.database.sql("DELETE FROM behind")
    done = world.database.tool("mb-probe", "--config", world.config, "--all", check=False)
    assert "mirror 'late': old files do not make it stale any more" in done.stderr
