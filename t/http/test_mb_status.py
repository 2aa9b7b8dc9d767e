"""mb status: one screen, and the line and the exit status that monitoring systems read."""

import contextlib
import json
import re
import socket
import subprocess
import time

import pytest
import rig
from answers import File

FINE = ("UPDATE health SET checked = now(); INSERT INTO scan (mirror_id, method, ended, outcome) "
        "SELECT id, 'rsync', now(), 'merged' FROM mirror; INSERT INTO scan (method, ended, outcome) VALUES ('local', now(), 'merged');")


@pytest.fixture
def fleet(database, tmp_path):
    """Four enabled mirrors and a disabled one, all well; fleet(*args) -> the finished mb status."""
    for name in ("a", "b", "c", "d"):
        database.add_mirror(name, http_url=f"http://{name}.example/")
    database.sql("UPDATE mirror SET enabled = true;" + FINE)
    database.sql("INSERT INTO mirror (identifier, http_url, enabled) VALUES ('off', 'http://off.example/', false)")
    source = tmp_path / "tree"
    source.mkdir()
    config = tmp_path / "mb.toml"
    config.write_text(f'[instance.main]\ndatabase = "{database.conninfo()}"\nsource = "{source}"\n')

    def status(*args, **options):
        return database.tool("mb", "--config", config, "status", *(() if "--disk" in args else ("--disk", ",")), *args, check=False, **options)
    status.config, status.database = config, database
    return status


def fleet_line(done):
    """What a monitoring system reads."""
    return done.stdout.splitlines()[0]


def test_all_is_well(fleet):
    done = fleet()
    assert done.returncode == 0, done.stdout
    assert fleet_line(done).startswith("MIRRORS OK - 4 of 4 up | 'up'=4 'partly_down'=0 'down'=0 ")
    assert "'free_source'=" in fleet_line(done) and re.search(r"'database'=\d+B", fleet_line(done))
    assert "4 up, 1 disabled" in done.stdout and "has never checked a mirror" in done.stdout
    # Who may only read sees no read-only database in that.
    reader = fleet(env={"PGOPTIONS": "-c default_transaction_read_only=on"})
    assert reader.returncode == 0 and "read-only" not in reader.stdout


@pytest.mark.parametrize("change, status, words", [
    ("INSERT INTO health (mirror_id, scheme, family, state, reason, checked) SELECT id, 'http', 'ipv4', 'down', 'refused | by a', now() "
     "FROM mirror WHERE identifier = 'a'", 1, "1 of 4 down: a"),
    ("INSERT INTO doubt SELECT id, 'stale', now(), '9 days behind' FROM mirror WHERE identifier IN ('a', 'c')", 2, "2 of 4 stale: a, c"),
    ("INSERT INTO doubt SELECT id, 'wrong', now(), 'other files' FROM mirror WHERE identifier = 'b'", 1, "1 of 4 wrong: b"),
    ("INSERT INTO doubt SELECT id, 'returning', now(), 'was down' FROM mirror WHERE enabled", 2, "no mirror gets clients"),
    ("UPDATE mirror SET enabled = false", 2, "no mirror gets clients"),
    ("UPDATE mirror SET weight = 0", 2, "no mirror gets clients"),
    ("INSERT INTO scan (mirror_id, method, ended, outcome, error, started) SELECT id, 'rsync', now(), 'failed', 'no route', now() "
     "+ interval '1 s' FROM mirror WHERE identifier = 'd'", 1, "scans fail of d"),
    ("UPDATE scan SET ended = now() - interval '4 days' WHERE mirror_id = (SELECT id FROM mirror WHERE identifier = 'c')", 1,
     "scans are overdue of c"),
    ("UPDATE scan SET ended = now() - interval '4 days' WHERE mirror_id IS NULL", 2, "the last good scan of the source is 4 days old"),
    ("INSERT INTO redirector VALUES ('web1', '/var/c', 0, now() - interval '8 minutes')", 1, "redirector web1 is silent for 8 minutes"),
    ("INSERT INTO redirector VALUES ('web1', '/var/c', 0, now()); INSERT INTO revision (rev, at) "
     "VALUES (nextval('revision_seq'), now() - interval '40 minutes')", 2, "redirector web1 is 40 minutes behind"),
    ("INSERT INTO health (mirror_id, scheme, family, state, checked) SELECT id, 'http', 'ipv4', 'up', now() - interval '20 minutes' "
     "FROM mirror WHERE identifier = 'a'", 1, "mb-probe checked nothing for 20 minutes"),
    # As a hosted PostgreSQL whose disk is nearly full.
    ("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$", 2,
     "the database is read-only: no scan, check or change can be stored"),
], ids=["down", "stale", "wrong", "none", "disabled", "weightless", "failing", "overdue", "source", "silent", "behind", "prober", "read-only"])
def test_what_is_wrong_is_in_the_first_line(fleet, change, status, words):
    fleet.database.sql(change)
    done = fleet()
    assert words in fleet_line(done) and done.returncode == status, done.stdout
    assert fleet_line(done).startswith(f"MIRRORS {['OK', 'WARNING', 'CRITICAL'][status]} - ")
    assert done.stdout.count("|") == 1
    found = json.loads(fleet("--json").stdout)
    assert found["code"] == status and any(words in problem["text"] for problem in found["instances"][0]["problems"])


def test_scans_that_wait_for_a_worker_are_told_if_there_are_workers(fleet):
    fleet.database.sql("INSERT INTO scan_queue (mirror_id, due) SELECT id, now() + interval '1 hour' FROM mirror")
    fleet.database.sql("UPDATE scan_queue SET due = now() - interval '2 hours 10 minutes' WHERE mirror_id ="
                       " (SELECT min(id) FROM mirror WHERE enabled)")
    assert "waiting" not in fleet().stdout
    fleet.database.sql("INSERT INTO scan_worker VALUES ('far.example', 12, 'EU', now())")
    done = fleet()
    assert done.returncode == 1 and "1 scan is waiting for a worker, the longest for 2 hours" in done.stdout.splitlines()[0]
    assert "'queue_lag'=78" in done.stdout and "1 worker, 1 waiting, the longest for 2 hours" in done.stdout
    assert fleet("--queue-lag", "3h,4h").returncode == 0
    fleet.database.sql("UPDATE mirror SET scan_hours = mod(extract(hour FROM now() AT TIME ZONE 'UTC')::int + 2, 24) || '-' ||"
                       " mod(extract(hour FROM now() AT TIME ZONE 'UTC')::int + 3, 24)")
    assert "1 worker, nothing waits" in fleet().stdout


def test_limits_are_options(fleet):
    fleet.database.sql("INSERT INTO doubt SELECT id, 'stale', now(), 'old' FROM mirror WHERE identifier IN ('a', 'c')")
    assert fleet("--mirrors", "3,4").returncode == 0
    assert fleet("--mirrors", "2,3").returncode == 1
    assert fleet("--mirrors", "1,2").returncode == 2
    assert fleet("--mirrors", "60%,").returncode == 0
    fleet.database.sql("UPDATE scan SET ended = now() - interval '2 hours'")
    assert fleet("--scan-age", "1h", "--scans", ",1", "--mirrors", ",").returncode == 2
    assert fleet("--disk", "100%,").returncode == 2
    for wrong in (("--mirrors", "x,1"), ("--feed-lag", "5,9"), ("--disk", "5"), ("--nonsense",)):
        assert fleet(*wrong).returncode == 3, wrong


def test_no_database_is_critical_and_soon_said(fleet):
    began = time.monotonic()
    with socket.socket() as silent:  # takes connections and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        fleet.config.write_text(f'[instance.main]\ndatabase = "host=127.0.0.1 port={silent.getsockname()[1]} dbname=x"\n')
        done = fleet("--timeout", "1")
    assert time.monotonic() - began < 5
    assert done.returncode == 2 and fleet_line(done) == "MIRRORS CRITICAL - the database did not answer in time", done.stdout


def test_tables_that_somebody_locks_are_unknown_and_soon_said(fleet):
    import psycopg2
    with contextlib.closing(psycopg2.connect(fleet.database.conninfo())) as locker:
        locker.cursor().execute("LOCK TABLE scan IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        done = fleet("--timeout", "2")
    assert done.returncode == 3 and fleet_line(done).startswith("MIRRORS UNKNOWN - ") and time.monotonic() - began < 4, done.stdout


def test_errors_are_json_too(fleet):
    found = json.loads(fleet("--json", "--feed-lag", "x").stdout)
    assert found["status"] == "UNKNOWN" and found["code"] == 3 and "--feed-lag" in found["error"]


def test_a_disk_that_never_answers_is_named(fleet, tmp_path):
    """As a network file system whose server is dead."""
    code = tmp_path / "hang.c"
    code.write_text("#include <unistd.h>\nint statvfs(const char *p, void *s) { for (;;) pause(); }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "hang.so", code], check=True)
    began = time.monotonic()
    done = fleet("--timeout", "1", env={"LD_PRELOAD": str(tmp_path / "hang.so"), "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"})
    assert done.returncode == 1 and "does not answer" in fleet_line(done) and time.monotonic() - began < 4, done.stdout
    assert "4 up" in done.stdout


@pytest.mark.parametrize("change, words", [
    ("DELETE FROM schema_version WHERE version > 3; INSERT INTO schema_version VALUES (3) ON CONFLICT DO NOTHING; "
     "DELETE FROM schema_version WHERE version > 3", "run mb db migrate"),
    ("INSERT INTO schema_version VALUES (999)", "the database has schema version 999"),
], ids=["old", "new"])
def test_another_schema_is_unknown(fleet, change, words):
    fleet.database.sql(change)
    done = fleet()
    assert done.returncode == 3 and words in fleet_line(done) and fleet_line(done).startswith("MIRRORS UNKNOWN - ")


def test_several_instances_are_told_apart(fleet):
    text = fleet.config.read_text()
    fleet.config.write_text(text + text.replace("main", "two").replace(fleet.database.name, "no_such_database"))
    done = fleet("--all")
    assert done.returncode == 2 and "two: no connection" in fleet_line(done) and "'main/up'=4" in fleet_line(done)
    assert [one["name"] for one in json.loads(fleet("--all", "--json").stdout)["instances"]] == ["main", "two"]
    assert fleet("--instance", "main").returncode == 0


def test_a_redirector_tells_how_far_it_is(make_site, make_module_database):
    site = make_site("MirrorDatabase {database}\n<Location /files>\nMirrorEngine On\nMirrorTree database\n"
                     "MirrorOrigin http://origin.example/\n</Location>\n", {"m": {"http_url": "http://m.example/"}}, {}, catalog=True)
    rig.wait_for("the note", lambda: site.database.sql("SELECT count(*) FROM redirector") == "1", 20)
    host = socket.gethostname()
    found = json.loads(site.database.tool("mb", "status", "--json", check=False).stdout)["instances"][0]["redirectors"]
    assert [one["host"] for one in found] == [host] and found[0]["lag_s"] == 0


def test_a_redirector_tells_what_is_asked_for(make_site, make_module_database):
    files = {name: File(("m",)) for name in ("much", "little", "never", "by_range")}
    site = make_site("MirrorDatabase {database}\n<Location /files>\nMirrorEngine On\nMirrorTree database\n"
                     "MirrorOrigin http://origin.example/\n</Location>\n", {"m": {"http_url": "http://m.example/"}}, files, catalog=True)
    noted = lambda: site.database.sql("SELECT count(*) FROM redirector WHERE seen > now() - interval '1 minute'")  # noqa: E731
    rig.wait_for("the first note", lambda: noted() == "1", 20)
    for name, times in (("much", 40), ("little", 4), ("none such", 3)):
        for _ in range(times):
            site.ask("/files/" + name.replace(" ", "%20"))
    site.ask("/files/by_range", headers={"Range": "bytes=1-"})
    site.ask("/files/never", method="HEAD")
    site.database.sql("UPDATE redirector SET seen = seen - interval '2 minutes'")
    site.httpd.graceful()  # who keeps the catalog then tells at once
    rig.wait_for("the second note", lambda: noted() == "1", 30)
    found = site.database.sql("SELECT string_agg(path || ':' || round(requests), ' ' ORDER BY requests DESC) FROM"
                              " (SELECT convert_from(path, 'UTF8') AS path, requests FROM demand JOIN file ON id = file_id) d")
    assert found == "much:40 little:4"


def test_httpd_may_note_a_redirector_once_a_minute_and_nothing_else(database):
    def note(host, rev):
        database.sql(f"SET ROLE mirror_httpd; SELECT note_redirector('{host}', '/c', {rev}, '{{}}', '{{}}')")
    note("one", 1)
    note("one", 2)
    note("bad name", 1)
    assert database.sql("SELECT host || rev FROM redirector") == "one1"
    database.sql("UPDATE redirector SET seen = now() - interval '8 days'")
    note("two", 5)
    assert database.sql("SELECT host || rev FROM redirector") == "two5"
    with pytest.raises(rig.RigError):
        database.sql("SET ROLE mirror_httpd; DELETE FROM redirector")
