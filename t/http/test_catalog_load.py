"""Catalogs under load: httpd restarts, children are killed, files are damaged, in the middle of requests, of pulls, of loading."""

import os
import random
import re
import signal
import sys

import pytest

import rig
from catalogs import (CONFIG, ORIGIN, PAGE, STATUS, Clients, current_file, database, expect_crashes, garble,  # noqa: F401
                      garble_within_pages, goes_to, logged, make_redirector, many_files, merge, postgres, redirector,
                      wait_for_catalog, wait_until_all_go_to, writer_of)
from outages import MIRROR

MANY = 100_000


def status_of(redirector):
    """The status page's lines on the catalog."""
    page = redirector.ask("/server-status?auto").answer.body.decode()
    return dict(re.findall(r"^MirrorCatalog0(\w+): (.*)$", page, re.M))


def half_done(redirector, revision):
    """Whether some of its many files are there, those of earlier ones being whole, and it has not been reached."""
    status = status_of(redirector)
    return int(status["Files"]) > 1 + (revision - 1) * MANY and int(status["Revision"]) < revision


def pull_many(redirector, database, revision):
    """Returns in the middle of a pull of so many files, or right after it."""
    merge(database, revision, many_files(MANY, revision))
    rig.wait_for("a pull's first batches", lambda: int(status_of(redirector)["Files"]) > 1 + (revision - 1) * MANY, 90)


def wait_for_revision(redirector, revision, deadline_s=120):
    rig.wait_for(f"revision {revision}", lambda: int(status_of(redirector)["Revision"]) == revision, deadline_s)


def verify(redirector, database, revision=1):
    done = database.tool("mb", "catalog", "verify", "--dir", redirector.httpd.catalog)
    assert "the catalog equals the database" in done.stdout and f" {revision * MANY + 1:,} files" in done.stdout, done


def writer_is_one_of_the_children(redirector):
    return writer_of(redirector.httpd.catalog) in redirector.httpd.children()


def test_restarts_under_load_fail_no_request(redirector, database):
    with Clients(redirector, 8) as clients:
        for revision in range(1, 4):
            merge(database, revision, f"UPDATE file SET size = size + 1, rev = {revision}")
            redirector.httpd.graceful()
            clients.more(100)
        wait_for_revision(redirector, 3)
        rig.wait_for("a writer", lambda: writer_is_one_of_the_children(redirector), 30)
    assert clients.failures == []
    assert len(redirector.log_lines("a new catalog of")) == 1, "restarts go on with the one that is there"
    database.sql("UPDATE mirror SET enabled = false")
    wait_until_all_go_to(redirector, ORIGIN)


def test_restarts_while_a_catalog_is_made(database, make_redirector):
    merge(database, 1, many_files(MANY, 1))
    redirector = make_redirector(CONFIG + STATUS)
    files = set()

    def unfinished():
        files.update(path.name for path in redirector.httpd.catalog.glob("catalog.*.mdb"))
        return files
    with Clients(redirector) as clients:
        rig.wait_for("the first file", unfinished, 60)
        assert not (redirector.httpd.catalog / "CURRENT").exists()
        for _ in range(2):
            redirector.httpd.graceful()
            clients.more(20)
        wait_for_catalog(redirector, 120)
    assert clients.failures == []
    assert [path.name for path in redirector.httpd.catalog.glob("*.mdb")] == [current_file(redirector).name]
    verify(redirector, database)


def test_a_restart_in_the_middle_of_a_pull(redirector, database):
    with Clients(redirector) as clients:
        pull_many(redirector, database, 1)
        redirector.httpd.graceful()
        wait_for_revision(redirector, 1)
    assert clients.failures == [] and writer_is_one_of_the_children(redirector)
    verify(redirector, database)


def test_a_writer_that_is_killed_in_the_middle_of_a_pull(redirector, database):
    for revision in range(1, 6):
        pull_many(redirector, database, revision)
        killed = writer_of(redirector.httpd.catalog)
        os.kill(killed, signal.SIGKILL)
        if half_done(redirector, revision):  # and stays so until another one has the lock
            break
        wait_for_revision(redirector, revision)
    else:
        pytest.fail("the pulls were always over by then")
    rig.wait_for("another writer", lambda: writer_of(redirector.httpd.catalog) not in (None, killed), 30)
    wait_for_revision(redirector, revision)
    verify(redirector, database, revision)
    assert len(redirector.log_lines("a new catalog of")) == 1, "what the killed one left is gone on with"


def processes_with_slots(redirector):
    """Of LMDB's table of readers: after its head come 64 bytes a slot, whose second 8 begin with the process (lmdb's mdb.c)."""
    table = current_file(redirector).with_name(current_file(redirector).name + "-lock").read_bytes()
    return {int.from_bytes(table[at + 8:at + 12], sys.byteorder) for at in range(0, len(table) - 63, 64)}


def others_with_slots(redirector, writer):
    return processes_with_slots(redirector) & set(redirector.httpd.children()) - {writer}


def kill_in_the_middle(process):
    """Stopped first, so that it holds what it held."""
    os.kill(process, signal.SIGSTOP)
    os.kill(process, signal.SIGKILL)


def kill_another(redirector, writer):
    """A child other than the writer, whose slots are still there: one that has just begun may look for such in that moment."""
    for _ in range(5):
        other = rig.wait_for("another child with a slot", lambda: others_with_slots(redirector, writer)).pop()
        kill_in_the_middle(other)
        rig.wait_for("its end", lambda: other not in redirector.httpd.children())
        if other in processes_with_slots(redirector):
            return other
    pytest.fail("a killed child leaves no slot")


def test_slots_of_killed_children_are_swept(redirector, database):
    with Clients(redirector, 8) as clients:
        for _ in range(2):
            writer = writer_of(redirector.httpd.catalog)
            other = kill_another(redirector, writer)
            kill_in_the_middle(writer)  # who takes over looks for such
            rig.wait_for("free slots", lambda: not processes_with_slots(redirector) & {writer, other}, 40)
            clients.more(200)
    assert redirector.redirects("/db/f")
    assert len(redirector.log_lines("a new catalog of")) == 1, "who is killed has not crashed on the file"
    database.sql("UPDATE mirror SET enabled = false")
    wait_until_all_go_to(redirector, ORIGIN)


def cut(file):
    os.truncate(file, PAGE)


def overwrite(file):
    with file.open("r+b") as out:
        out.write(random.Random(1).randbytes(file.stat().st_size))


@pytest.mark.parametrize("damage", [cut, overwrite, garble, garble_within_pages])
def test_damage_under_the_hands_of_httpd_heals(redirector, build, damage):
    """Children may crash on it. The server does not, and in the end there is a new file."""
    expect_crashes(redirector.httpd, build)
    current, server = current_file(redirector), redirector.httpd.pid
    damage(current)

    def healed():
        try:
            redirector.ask("/db/f")
        except (OSError, AssertionError):
            pass  # of a child that crashed
        return current_file(redirector) != current
    rig.wait_for("a new file", healed, 60)
    rig.wait_for("redirects", lambda: all(goes_to(redirector, MIRROR) and logged(redirector)[-1].age != "-" for _ in range(12)), 20)
    assert redirector.httpd.pid == server and redirector.httpd.alive()


def test_a_file_that_no_process_survives_is_replaced(redirector, build):
    """What LMDB divides by when it opens the file is 0: each child would die as soon as it begins."""
    expect_crashes(redirector.httpd, build)
    redirector.httpd.stop()
    current = current_file(redirector)
    with current.open("r+b") as file:
        for page in (0, 1):
            file.seek(page * PAGE + 40)
            file.write(bytes(4))
    redirector.start()
    rig.wait_for("a new file", lambda: current_file(redirector) != current, 30)
    rig.wait_for("redirects", lambda: all(goes_to(redirector, MIRROR) and logged(redirector)[-1].age != "-" for _ in range(12)), 20)
    assert redirector.log_lines("processes crashed while they used it: it counts as damaged")
