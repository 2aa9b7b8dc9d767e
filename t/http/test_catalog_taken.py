"""What other programs take away from a catalog's folder, or put there, while httpd runs."""

import shutil

import pytest

import rig
from catalogs import (MIRROR, ORIGIN, Clients, current_file, database, every_child_maps, make_redirector, postgres,  # noqa: F401
                      redirector, wait_until_all_go_to)


def delete(*names):
    def take(folder, current):
        for name in names:
            (folder / name.format(current)).unlink()
    return take


def replace(name):
    """By a file of the same content, as a restored backup is."""
    def take(folder, current):
        file, copy = folder / name.format(current), folder / "copy"
        shutil.copy2(file, copy)
        shutil.chown(copy, *(getattr(file.stat(), what) for what in ("st_uid", "st_gid")))
        copy.rename(file)
    return take


def plant(number, into_current=False):
    def take(folder, current):
        planted = f"catalog.{number}.mdb"
        (folder / planted).write_bytes(b"no catalog")
        if into_current:
            (folder / "CURRENT").write_text("catalog.5.mdb\n")
        (folder / current).unlink()
    return take


TAKEN = {
    "catalog": delete("{}"), "its lock": delete("{}-lock"), "CURRENT": delete("CURRENT"), "writer": delete("writer"),
    "all": delete("{}", "{}-lock", "CURRENT", "writer", "contact"), "another catalog": replace("{}"),
    "another lock": replace("{}-lock"), "another writer": replace("writer"), "a planted number": plant(999999999999999999),
    "a planted name": plant(999999999999999999, into_current=True),
}


@pytest.mark.parametrize("what", TAKEN)
def test_it_is_made_again_while_the_database_is_down(redirector, postgres, database, what):
    folder = redirector.httpd.catalog
    postgres.stop()
    with Clients(redirector) as clients:
        clients.more(20)
        TAKEN[what](folder, current_file(redirector).name)
        rig.wait_for("the log line", lambda: redirector.log_lines(r"MIR0313: .*made again"))
        rig.wait_for("the file in force", lambda: (folder / "CURRENT").exists() and current_file(redirector).exists())
        rig.wait_for("every child's catalog", lambda: every_child_maps(redirector))
        redirector.httpd.graceful()  # children that start later
        rig.wait_for("every child's catalog", lambda: every_child_maps(redirector))
        clients.more(40)
    assert clients.failures == []
    assert (folder / "writer").exists() and not (folder / "catalog.999999999999999999.mdb").exists()
    assert int(current_file(redirector).name.split(".")[1]) < 10
    postgres.start()
    database.sql("UPDATE mirror SET enabled = false")
    wait_until_all_go_to(redirector, ORIGIN)
    database.sql("UPDATE mirror SET enabled = true")
    wait_until_all_go_to(redirector, MIRROR)


def test_a_current_that_was_removed_brings_a_new_catalog(redirector):
    """As mb advises where a file is damaged."""
    before = current_file(redirector)
    (redirector.httpd.catalog / "CURRENT").unlink()
    rig.wait_for("a new catalog", lambda: (redirector.httpd.catalog / "CURRENT").exists() and current_file(redirector) != before)
    rig.wait_for("every child's catalog", lambda: every_child_maps(redirector))
    rig.wait_for("its line in the log", lambda: len(redirector.log_lines("MIR0309")) > 1)
    assert len(redirector.log_lines("MIR0309")) == 2
