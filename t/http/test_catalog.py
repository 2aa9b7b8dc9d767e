"""Redirects from the catalog: what is in the database is there within a second, and stays there when the database is gone."""

import threading
import time

import psycopg2
import pytest

import rig
from catalogs import FRESH_S, ORIGIN, Clients, database, goes_to, logged, make_redirector, postgres, redirector  # noqa: F401
from outages import MIRROR
from scanning import World

SCANNED = "http://mirror.example/"  # as scanning.World registers mirrors


def test_redirects_go_on_without_the_database(redirector, postgres):
    postgres.stop()
    for _ in range(30):
        timed = redirector.ask("/db/f")
        assert (timed.answer.status, timed.answer.location) == (302, MIRROR + "f")
        assert timed.seconds < 0.5
    assert redirector.ask("/db/none").answer.status == 404
    redirector.httpd.stop()
    redirector.httpd.start()
    assert redirector.redirects("/db/f"), "httpd restarted, the database still down"


def test_a_frozen_database_keeps_nobody(redirector, postgres):
    postgres.freeze()
    try:
        for _ in range(30):
            assert redirector.ask("/db/f").seconds < 0.5
    finally:
        postgres.thaw()


class Commit:
    """with Commit(database, query) as commit: … `not_before` is a Unix time before which the query's answer was another one, at
    most some milliseconds earlier than the commit that changed it."""

    def __init__(self, database, query):
        self._query = query
        self._connection = psycopg2.connect(database.conninfo())
        self._connection.autocommit = True
        self._before = self._ask()
        self._thread = threading.Thread(target=self._watch)
        self._given_up = threading.Event()
        self.not_before = None

    def _ask(self):
        with self._connection.cursor() as cursor:
            cursor.execute(self._query)
            return cursor.fetchall()

    def _watch(self):
        while not self._given_up.is_set():
            asked = time.time()
            if self._ask() != self._before:
                return
            self.not_before = asked
            time.sleep(0.001)

    def __enter__(self):
        self._thread.start()
        rig.wait_for("the first look", lambda: self.not_before)
        return self

    def __exit__(self, kind, *_):
        if kind:
            self._given_up.set()
        self._thread.join(30)
        self._given_up.set()
        assert not self._thread.is_alive(), f"{self._query}: still {self._before}"
        self._connection.close()


def seen_after(redirector, commit):
    """Requests that began later than a second after the commit, some of them in every process of httpd."""
    children = set(redirector.httpd.children())

    def late():
        found = [request for request in logged(redirector) if request.began > commit.not_before + FRESH_S]
        return found if children <= {request.process for request in found} else None
    return rig.wait_for("a request to every process", late, 30)


def last_to(redirector, base, commit):
    """Seconds after the commit at which the last request began that was sent there."""
    began = [request.began for request in logged(redirector) if request.location == base + "f"]
    return max(began) - commit.not_before


@pytest.mark.parametrize("there, back", [
    (("mb", "disable", "m"), ("mb", "enable", "m")),
    (("mb", "edit", "m", "--no-online"), ("mb", "edit", "m", "--online")),
    ("INSERT INTO health (mirror_id, scheme, family, state) SELECT id, 'http', 'ipv4', 'down' FROM mirror",
     "UPDATE health SET state = 'up'"),
    ("UPDATE mirror SET standing = 'wrong', standing_reason = 'other files'", "UPDATE mirror SET standing = 'good'"),
    (("mb", "pause", "--reason", "new disks"), ("mb", "resume")),
], ids=["disabled", "offline", "down", "wrong", "paused"])
def test_mirrors_change_within_a_second(redirector, database, there, back):
    with Clients(redirector) as clients:
        for change, old, new in ((there, MIRROR, ORIGIN), (back, ORIGIN, MIRROR)):
            with Commit(database, "SELECT enabled, online, down, standing, (SELECT count(*) FROM pause) FROM mirror") as commit:
                database.sql(change) if isinstance(change, str) else database.tool(*change)
            assert {request.location for request in seen_after(redirector, commit)} == {new + "f"}
            assert last_to(redirector, old, commit) < FRESH_S
    assert clients.failures == []


@pytest.fixture
def scanned(database, scratch, cleanup, make_redirector):
    """A redirector to a file of a source that has been scanned, and so has its mirror."""
    database.sql("DELETE FROM file; DELETE FROM mirror; DELETE FROM cohort")
    world = World(database, scratch, cleanup)
    world.fill_source({"f": 20_000})
    world.mirror("m")
    world.mb_scan("m", check=True)
    made = make_redirector()
    rig.wait_for("a catalog", lambda: all(goes_to(made, SCANNED) and logged(made)[-1].age != "-" for _ in range(12)), 15)
    made.world = world
    return made


def test_an_old_version_is_redirected_to_no_longer_than_a_second(scanned, database):
    """And from then on never: the mirror has the old one, whatever it says."""
    world = scanned.world
    for size, when in ((20_000, rig.tree.DEFAULT_MTIME + 60), (20_001, rig.tree.DEFAULT_MTIME + 120)):
        with Clients(scanned) as clients:
            rig.make_tree(world.source, {"f": (size, when)})
            with Commit(database, "SELECT version_rev FROM file") as commit:
                world.mb_scan("--source", "--force", check=True)
            assert {request.location for request in seen_after(scanned, commit)} == {ORIGIN + "f"}
            assert world.mb_scan("m").returncode == 1  # which says that the mirror has nothing of use
            clients.more(40)
        assert clients.failures == []
        assert last_to(scanned, SCANNED, commit) < FRESH_S
        rig.make_tree(world.scratch / "m", {"f": (size, when)})
        world.mb_scan("m", check=True)
        rig.wait_for("the mirror's new version", lambda: all(goes_to(scanned, SCANNED) for _ in range(12)), 10)
