"""Redirects from the catalog: what is in the database is there within a second, and stays there when the database is gone."""

import time

import pytest

import rig
from outages import MIRROR, Redirector, fill_postgres

FRESH_S = 1.0
CONFIG = """
MirrorDatabase {database}
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
LogFormat "%>s %{MB_CATALOG_AGE}e %U" catalog
CustomLog {dir}/catalog.log catalog
"""


@pytest.fixture
def postgres(build):
    with rig.Postgres(tcp=True) as server:
        yield server


@pytest.fixture
def database(postgres, build):
    return fill_postgres(postgres, build)


@pytest.fixture
def redirector(postgres, database, build, cleanup):
    made = cleanup(Redirector(postgres, build, config=CONFIG, catalog=True)).start()
    wait_for_catalog(made)
    return made


def wait_for_catalog(redirector):
    rig.wait_for("a catalog", lambda: (redirector.httpd.catalog / "CURRENT").exists() and from_catalog(redirector), 10)


def from_catalog(redirector, answers=12):
    """Whether every process has it: so many answers in a row come from it."""
    assert all(redirector.redirects("/db/f") for _ in range(answers))
    log = (redirector.httpd.dir / "catalog.log").read_text().splitlines()
    return all(line.split()[1] != "-" for line in log[-answers:])


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


def test_changes_are_honoured_within_a_second(redirector, database):
    for enabled in ("false", "true", "false", "true"):
        database.sql(f"UPDATE mirror SET enabled = {enabled}")
        expected = MIRROR if enabled == "true" else "http://origin.example/"
        started = time.monotonic()
        rig.wait_for("the change", lambda: redirector.ask("/db/f").answer.location == expected + "f", 3)
        assert time.monotonic() - started < FRESH_S
