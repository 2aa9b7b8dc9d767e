"""How many connections all processes hold together, what they do when there are no more, and databases that cannot be used."""

import collections
import os
import re
import signal
import threading
import time

import psycopg2
import pytest

import rig
from outages import CONFIG, DATABASE, OUTAGE, RECOVERY, Redirector, at_once, fill_postgres
from slow_line import SlowLine

LIMIT = 3
LIMITED = f"MirrorDatabaseMaxConnections {LIMIT}\n" + CONFIG


@pytest.fixture(scope="module")
def cluster(build):
    with rig.Postgres(tcp=True) as server:
        fill_postgres(server, build)
        server.sql("CREATE ROLE web LOGIN PASSWORD 'right'; GRANT mirror_httpd TO web; CREATE ROLE nobody_special LOGIN")
        yield server


@pytest.fixture
def make(cluster, build, cleanup):
    return lambda **options: cleanup(Redirector(cluster, build, **{"config": LIMITED, **options}))


@pytest.fixture
def own(cluster):
    """A connection of the test's own, which does not count."""
    connection = psycopg2.connect(cluster.conninfo(DATABASE) + " application_name=test")
    connection.autocommit = True
    yield connection.cursor()
    connection.close()


def backends(cursor, condition="true"):
    cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mod_mirror' AND " + condition)
    return cursor.fetchone()[0]


class Load:
    """Clients that ask all the time while the block runs; `statuses` counts the answers, `slowest` is in seconds."""

    def __init__(self, site, clients=12):
        self.statuses, self.slowest = collections.Counter(), 0.0
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(site,)) for _ in range(clients)]

    def _run(self, site):
        while not self._stop.is_set():
            one = site.ask()
            with self._lock:
                self.statuses[one.answer.status] += 1
                self.slowest = max(self.slowest, one.seconds)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_all_processes_together_never_hold_more_than_the_limit(make, own, mpm):
    site = make(mpm=mpm).start()
    site.wait_until_it_redirects()
    with Load(site) as load:
        seen = []
        end = time.monotonic() + 2
        while time.monotonic() < end:
            seen.append(backends(own))
    assert 1 < max(seen) <= LIMIT
    assert not site.log_lines(OUTAGE)
    assert load.slowest < 1.5
    per_process = collections.defaultdict(collections.Counter)
    for line in (site.httpd.dir / "process.log").read_text().splitlines():
        pid, _, status, _ = line.split()
        per_process[pid][status] += 1
    assert len(per_process) > 1
    if mpm == "event":  # connections are enough for each process to have one
        # A process that has only begun had no time to connect.
        assert all(counts["302"] > 0.9 * counts.total() for counts in per_process.values() if counts.total() > 200), per_process


def test_no_free_connection_counts_as_down_for_that_request_only(make, own):
    one_process = "StartServers 1\nServerLimit 1\nThreadsPerChild 8\nMaxRequestWorkers 8\n"
    site = make(config=one_process + "MirrorDatabaseMaxConnections 1\n" + CONFIG).start()
    site.wait_until_it_redirects()
    own.execute("BEGIN; LOCK TABLE file")
    held = []
    first = threading.Thread(target=lambda: held.append(site.ask()))
    first.start()
    rig.wait_for("the lookup", lambda: backends(own, "wait_event_type = 'Lock'") == 1)
    others = at_once(6, site.ask)
    own.execute("ROLLBACK")
    first.join()
    assert {one.answer.status for one in others} == {200} and max(one.seconds for one in others) < 1.5
    assert held[0].answer.status == 302
    assert site.ask().answer.status == 302
    assert not site.log_lines(OUTAGE)


def test_a_burst_waits_for_its_turn_while_answers_come(make, cluster, cleanup):
    line = cleanup(SlowLine(cluster.port))
    line.delay_s = 0.015
    one_process = "StartServers 1\nServerLimit 1\nThreadsPerChild 12\nMaxRequestWorkers 12\n"
    conninfo = re.sub(r"port='?\d+'?", f"port={line.port}", cluster.conninfo(DATABASE, tcp=True))
    site = make(config=one_process + "MirrorDatabaseMaxConnections 1\nMirrorDatabaseTimeout 20\n" + CONFIG, conninfo=conninfo).start()
    site.wait_until_it_redirects()
    burst = at_once(12, site.ask)
    assert {one.answer.status for one in burst} == {302} and max(one.seconds for one in burst) > 0.25


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_connections_of_killed_processes_come_back(make, own, mpm):
    site = make(mpm=mpm).start()
    for _ in range(3):
        site.wait_until_it_redirects()
        at_once(8, site.ask)
        held = site.httpd.children()
        for pid in held:
            os.kill(pid, signal.SIGKILL)
        rig.wait_for("other processes", lambda: (now := site.httpd.children()) and not set(now) & set(held))
    site.wait_until_it_redirects()
    assert 0 < backends(own) <= LIMIT


def test_full_server_is_no_outage(make, cluster, own):
    own.execute("ALTER ROLE web CONNECTION LIMIT 2")
    site = make(config=CONFIG, conninfo=cluster.conninfo(DATABASE, user="web")).start()
    site.wait_until_it_redirects()
    with Load(site, clients=16) as load:
        time.sleep(1)
    own.execute("ALTER ROLE web CONNECTION LIMIT -1")
    assert load.slowest < 1.5 and load.statuses[302] > load.statuses[200]
    assert not site.log_lines(OUTAGE)
    assert len(site.log_lines("lower MirrorDatabaseMaxConnections or raise PostgreSQL's max_connections")) <= 4  # one a process


def test_dropped_connections_fail_no_request(make, own):
    site = make(config=CONFIG).start()
    site.wait_until_it_redirects()
    with Load(site, clients=6) as load:
        for _ in range(15):
            own.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mod_mirror'")
            time.sleep(0.3)
    assert not site.log_lines(OUTAGE)
    assert load.statuses.keys() == {302}


def test_changed_table_fails_no_request(make, own):
    site = make(config=CONFIG).start()
    site.wait_until_it_redirects()
    with Load(site, clients=4) as load:
        for number in range(4):
            own.execute(f"ALTER TABLE file ALTER COLUMN pending TYPE boolean USING pending, ADD COLUMN extra_{number} int")
            time.sleep(0.1)
    assert load.statuses.keys() == {302}
    assert not site.log_lines(OUTAGE)


@pytest.fixture
def passwords(cluster):
    hba = cluster.dir / "data" / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("local all web scram-sha-256\n" + before)
    cluster.sql("SELECT pg_reload_conf()")
    yield
    hba.write_text(before)
    cluster.sql("SELECT pg_reload_conf()")


def check_useless(site, words):
    """The log says once why; requests go on as with the database down."""
    site.start()
    answers = [site.ask() for _ in range(12)]
    assert {one.answer.status for one in answers} == {200} and max(one.seconds for one in answers) < 1.5
    assert site.ask("/db/f").answer.status == 503
    assert [line for line in site.log_lines(OUTAGE) if words in line] == site.log_lines(OUTAGE)
    assert len(site.log_lines(OUTAGE)) == 1
    assert "right" not in site.httpd.log().replace("rights", "")


def test_newer_schema_is_named_and_not_used(make, cluster):
    version = cluster.sql("SELECT version FROM schema_version", DATABASE)
    cluster.sql("UPDATE schema_version SET version = 9999", DATABASE)
    site = make()
    try:
        check_useless(site, "schema version 9999")
    finally:
        cluster.sql(f"UPDATE schema_version SET version = {version}", DATABASE)
    site.wait_until_it_redirects()
    assert len(site.log_lines(RECOVERY)) == 1


def test_role_without_rights_is_named(make, cluster):
    check_useless(make(conninfo=cluster.conninfo(DATABASE, user="nobody_special")), "permission denied")


def test_rights_to_only_some_tables_are_named(make, cluster):
    cluster.sql("GRANT SELECT ON schema_version, mirror, mirror_prefix, mirror_rev, source TO nobody_special", DATABASE)
    try:
        check_useless(make(conninfo=cluster.conninfo(DATABASE, user="nobody_special")), "permission denied")
    finally:
        cluster.sql("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM nobody_special", DATABASE)


def test_wrong_password_is_named(make, cluster, passwords):
    check_useless(make(conninfo=cluster.conninfo(DATABASE, user="web") + " password=wrong-right"),
                  "password authentication failed")


def test_missing_database_is_named(make, cluster):
    check_useless(make(conninfo=cluster.conninfo("nowhere")), "does not exist")


def test_database_without_schema_is_named(make, cluster):
    check_useless(make(conninfo=cluster.conninfo("template1")), "has no mod_mirror schema: run mb db init")
