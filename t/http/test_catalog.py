"""Redirects from the catalog: what is in the database is there within a second, and stays there when the database is gone."""

import time

import rig
from catalogs import FRESH_S, ORIGIN, database, make_redirector, postgres, redirector  # noqa: F401
from outages import MIRROR


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
        expected = MIRROR if enabled == "true" else ORIGIN
        started = time.monotonic()
        rig.wait_for("the change", lambda: redirector.ask("/db/f").answer.location == expected + "f", 3)
        assert time.monotonic() - started < FRESH_S
