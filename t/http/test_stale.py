"""A mirror whose scans fail for long while others' work is stale: nobody is redirected there until a scan is good again."""

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
