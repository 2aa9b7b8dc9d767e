"""Catalogs when something goes wrong: the writer is killed, the database fails over or is an older one, the disk is full, files
are damaged, directories are shared."""

import contextlib
import os
import random
import re
import signal
import stat
import subprocess
import time

import pytest

import rig
from catalogs import (CONFIG, ORIGIN, STATUS, answers_from_catalog, current_file, database, every_child_maps, from_catalog,  # noqa: F401
                      goes_to, make_redirector, many_files, merge, postgres, redirector, wait_for_catalog, wait_until_all_go_to, writer_of)
from outages import DATABASE, MIRROR, fill_postgres


def test_another_process_writes_on_when_the_writer_is_killed(redirector, database):
    for revision in (1, 2, 3):
        first = writer_of(redirector.httpd.catalog)
        assert first in redirector.httpd.children()
        # A change that is being pulled, in any of its stages.
        merge(database, revision, "UPDATE file SET size = size + 1, rev = %d" % revision)
        os.kill(first, signal.SIGKILL)
        rig.wait_for("another writer", lambda: writer_of(redirector.httpd.catalog) not in (None, first), 10)
        enabled = revision % 2 == 0
        database.sql(f"UPDATE mirror SET enabled = {enabled}")
        wait_until_all_go_to(redirector, MIRROR if enabled else ORIGIN)


def test_the_database_comes_back(redirector, postgres, database):
    postgres.stop()
    assert redirector.redirects("/db/f")
    postgres.start()
    database.sql("UPDATE mirror SET enabled = false")
    wait_until_all_go_to(redirector, ORIGIN)


def test_an_older_state_of_the_database_is_noticed(database, postgres, make_redirector):
    merge(database, 1)
    postgres.create_database("backup", DATABASE)
    redirector = make_redirector()
    wait_for_catalog(redirector)
    merge(database, 2, "INSERT INTO file (path, size, mtime, version_rev, rev, kind, cohort_id) "
          "SELECT 'g', size, mtime, 2, 2, kind, cohort_id FROM file")
    rig.wait_for("the new file", lambda: goes_to(redirector, MIRROR, "/db/g"), 10)
    postgres.sql(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false; DROP DATABASE {DATABASE} WITH (FORCE); "
                 f"ALTER DATABASE backup RENAME TO {DATABASE}")
    wait_until_all_go_to(redirector, MIRROR)
    rig.wait_for("no new file", lambda: redirector.ask("/db/g").answer.status == 404, 10)
    assert len(redirector.log_lines("does not know revision 2 of this catalog")) == 1


def test_a_newer_schema_under_the_feed_is_said_once_and_not_pulled(redirector, database):
    database.sql("BEGIN; UPDATE schema_version SET version = version + 1; UPDATE mirror SET enabled = false; COMMIT")
    newer = "MirrorCatalog .*schema version"
    rig.wait_for("the fault", lambda: redirector.log_lines(newer), 10)
    time.sleep(6)  # it is tried again
    assert len(redirector.log_lines(newer)) == 1, redirector.httpd.log()
    assert from_catalog(redirector)


def test_failover_to_the_second_server(postgres, database, build, cleanup, make_redirector):
    merge(database, 1)
    dump = rig.run(["pg_dump", "--no-privileges", "--no-owner", DATABASE], env={**os.environ, **postgres.environment()}).stdout
    second = cleanup(rig.Postgres(tcp=True)).start()
    second.create_database(DATABASE)
    second.sql("".join(f"CREATE ROLE {role} LOGIN;" for role in ("mirror_httpd", "mirror_scanner", "mirror_admin")))
    second.sql(dump, DATABASE)
    redirector = make_redirector(
        conninfo=f"host=127.0.0.1,127.0.0.1 port={postgres.port},{second.port} user=postgres dbname={DATABASE}")
    wait_for_catalog(redirector)
    postgres.stop()
    second.sql("UPDATE mirror SET enabled = false", DATABASE)
    wait_until_all_go_to(redirector, ORIGIN, 15)
    assert len(redirector.log_lines("a new catalog of")) == 1, "the second server knows the first one's revisions"


def faults_shown(redirector):
    """What the status page says is wrong, asked of many processes."""
    pages = [redirector.ask("/server-status?auto").answer.body.decode() for _ in range(20)]
    return {re.search("^MirrorCatalog0Fault: (.*)$", page, re.M)[1] for page in pages}


@contextlib.contextmanager
def mount(*options):
    """A folder that something is mounted on."""
    with rig.Scratch("mirror-disk") as path:
        mounted = subprocess.run(["mount", *options, path], capture_output=True, text=True)
        if mounted.returncode != 0:
            pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
        try:
            yield path
        finally:
            subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk_is_said_once(database, make_redirector):
    with mount("-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs") as disk:
        redirector = make_redirector(CONFIG + STATUS, catalog=disk / "catalog")
        wait_for_catalog(redirector)
        assert faults_shown(redirector) == {"none"}
        merge(database, 1, many_files(100_000, 1))
        rig.wait_for("the fault", lambda: redirector.log_lines(r"MirrorCatalog .*(No space left|full)"), 30)
        time.sleep(6)  # it is tried again
        assert len(redirector.log_lines(r"MirrorCatalog .*(No space left|full)")) == 1
        assert all(redirector.redirects("/db/f") for _ in range(20))
        shown = faults_shown(redirector)
        assert len(shown) == 1 and re.search("No space left|full", shown.pop())
        redirector.httpd.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="httpd's children are another user's only when root starts it")
@pytest.mark.parametrize("umask", ("027", "077"))
def test_the_first_start_with_a_strict_umask(database, make_redirector, cleanup, umask):
    folder = cleanup(rig.Scratch("mirror-state")).path
    redirector = make_redirector(catalog=folder / "of" / "the" / "catalog",
                                 wrapper=("sh", "-c", f'umask {umask}; exec "$0" "$@"'))
    wait_for_catalog(redirector)
    assert stat.S_IMODE((folder / "of").stat().st_mode) == 0o755
    assert stat.S_IMODE(redirector.httpd.catalog.stat().st_mode) == 0o750
    redirector.postgres.stop()
    redirector.httpd.graceful()
    assert all(redirector.redirects("/db/f") for _ in range(20))


def test_a_read_only_directory_leaves_requests_to_the_database(database, make_redirector):
    redirector = make_redirector(start=False)
    redirector.httpd.catalog.mkdir(mode=0o555)
    redirector.start()
    assert all(redirector.redirects("/db/f") for _ in range(20))
    rig.wait_for("the fault", lambda: redirector.log_lines("MirrorCatalog .*Permission denied"), 10)
    assert list(redirector.httpd.catalog.iterdir()) == []


@pytest.mark.skipif(not rig.is_root(), reason="needs root: httpd's children are another user then")
def test_a_complete_catalog_that_cannot_be_written_is_served(redirector, postgres):
    redirector.httpd.stop()
    folder = redirector.httpd.catalog
    for path in (folder, *folder.iterdir()):
        os.chown(path, 0, 0)
        path.chmod(0o755 if path.is_dir() else 0o644)
    postgres.stop()
    redirector.httpd.start()
    assert all(redirector.redirects("/db/f") for _ in range(20))
    fault = "mirror:error.*MirrorCatalog .*writer: Permission denied"
    rig.wait_for("the fault", lambda: redirector.log_lines(fault), 10)
    time.sleep(6)  # it is tried again
    assert len(redirector.log_lines(fault)) == 1, redirector.httpd.log()
    assert from_catalog(redirector)


def test_a_read_only_view_that_is_written_while_it_is_read(redirector, database):
    def verify(folder):  # waits for the feed
        return database.tool("mb", "catalog", "verify", "--dir", folder).stdout
    merge(database, 1, many_files(3000, 1))
    verify(redirector.httpd.catalog)
    with mount("--bind", redirector.httpd.catalog) as view:
        subprocess.run(["mount", "-o", "remount,bind,ro", view], check=True)
        for folder, status, words in (view, 1, "was written while it was read"), (redirector.httpd.catalog, 0, ""):
            argv = [database.build.program("mb"), "catalog", "dump", "--dir", folder]
            dump = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
            begun = dump.stdout.read(1000)  # it waits for its reader from here on
            database.sql("UPDATE mirror SET enabled = NOT enabled")
            verify(redirector.httpd.catalog)
            rest, errors = dump.communicate(timeout=60)
            assert (dump.returncode, words in errors.decode()) == (status, True), errors
            assert (begun + rest).count(b'"kind":"file"') == 3001
        assert "3,001 files" in verify(view)


@pytest.mark.parametrize("damage", ("empty", "text", "cut", "zeros", "head"))
def test_a_damaged_file_is_replaced(redirector, damage):
    redirector.httpd.stop()
    current = current_file(redirector)
    size = current.stat().st_size
    with current.open("r+b") as file:
        if damage == "empty":
            file.truncate(0)
        elif damage == "cut":
            file.truncate(size - 4096)
        elif damage == "text":
            file.write(b"not a catalog\n" * (size // 14))
        elif damage == "head":
            file.write(random.Random(1).randbytes(8192))
        else:
            file.seek(8192)
            file.write(b"\0" * (size - 8192))
    redirector.httpd.start()
    assert all(redirector.ask("/db/f").answer.status == 302 for _ in range(20))
    rig.wait_for("a new file", lambda: current_file(redirector) != current, 15)
    wait_for_catalog(redirector)
    assert redirector.log_lines(f"mirror:error.*MirrorCatalog .*{current.name}"), redirector.httpd.log()


def test_two_hosts_with_databases_of_their_own(postgres, database, build, make_redirector):
    fill_postgres(postgres, build, "other", "http://other.example/")
    config = CONFIG + (f"<Location /other>\n  MirrorEngine On\n  MirrorTree database\n  MirrorOrigin {ORIGIN}\n"
                       f"  MirrorDatabase {{other}}\n  MirrorCatalog {{dir}}/other\n</Location>\n")
    redirector = make_redirector(config.replace("{other}", postgres.conninfo("other")))
    wait_for_catalog(redirector)
    rig.wait_for("the other catalog", lambda: every_child_maps(redirector, redirector.httpd.dir / "other"), 15)
    postgres.stop()
    for _ in range(10):
        assert goes_to(redirector, MIRROR) and goes_to(redirector, "http://other.example/", "/other/f")


def test_one_directory_is_of_one_database(postgres, database, make_redirector):
    config = CONFIG + (f"<Location /other>\n  MirrorEngine On\n  MirrorTree database\n  MirrorOrigin {ORIGIN}\n"
                       f'  MirrorDatabase {postgres.conninfo("other")}\n</Location>\n')
    accepted, output = make_redirector(config, start=False).httpd.configtest()
    assert not accepted and "a MirrorCatalog belongs to one database" in output


def test_two_servers_share_a_directory(redirector, database, make_redirector):
    second = make_redirector(catalog=redirector.httpd.catalog)
    rig.wait_for("the catalog", lambda: from_catalog(second), 10)
    database.sql("UPDATE mirror SET enabled = false")
    for one in (redirector, second):
        wait_until_all_go_to(one, ORIGIN)
    first = writer_of(redirector.httpd.catalog)
    redirector.httpd.stop()
    rig.wait_for("another writer", lambda: writer_of(second.httpd.catalog) not in (None, first), 10)
    database.sql("UPDATE mirror SET enabled = true")
    wait_until_all_go_to(second, MIRROR)


def test_a_directory_of_another_database_is_refused(redirector, postgres, build, make_redirector):
    fill_postgres(postgres, build, "other", "http://other.example/")
    second = make_redirector(CONFIG + STATUS, catalog=redirector.httpd.catalog, conninfo=postgres.conninfo("other"))
    for _ in range(60):
        assert goes_to(second, "http://other.example/") and goes_to(redirector, MIRROR)
        time.sleep(0.1)
    assert second.log_lines("another httpd keeps the catalog of .* in this directory")
    shown = faults_shown(second)
    assert len(shown) == 1 and "another httpd keeps the catalog of" in shown.pop()
    assert faults_shown(redirector) == {"none"}
    redirector.httpd.stop()
    rig.wait_for("a catalog of its own", lambda: answers_from_catalog(second), 15)
    assert goes_to(second, "http://other.example/")
    rig.wait_for("no fault any more", lambda: faults_shown(second) == {"none"}, 15)


def test_a_directory_that_was_another_databases_is_made_anew(redirector, postgres, build, make_redirector):
    redirector.httpd.stop()
    fill_postgres(postgres, build, "other", "http://other.example/")
    second = make_redirector(catalog=redirector.httpd.catalog, conninfo=postgres.conninfo("other"))
    for _ in range(30):
        assert goes_to(second, "http://other.example/")
    rig.wait_for("a catalog", lambda: answers_from_catalog(second), 15)
    assert goes_to(second, "http://other.example/")


def test_graceful_restarts_drop_nothing(redirector, database):
    for revision in range(1, 5):
        merge(database, revision, f"UPDATE file SET size = size + 1, rev = {revision}")
        redirector.httpd.graceful()
        assert all(redirector.redirects("/db/f") for _ in range(40))
    database.sql("UPDATE mirror SET enabled = false")
    wait_until_all_go_to(redirector, ORIGIN)


def test_too_old_a_catalog_redirects_nobody(database, postgres, make_redirector):
    redirector = make_redirector(CONFIG.replace("MirrorTree database", "MirrorTree database\n  MirrorCatalogMaxAge 8"))
    wait_for_catalog(redirector)
    time.sleep(10)
    assert redirector.redirects("/db/f"), "contact keeps it young"
    postgres.stop()
    assert redirector.redirects("/db/f")
    rig.wait_for("an end of redirects", lambda: redirector.ask("/db/f").answer.status == 503, 20)


def test_the_status_page_tells_of_it(redirector):
    page = redirector.ask("/server-status?auto").answer.body.decode()
    assert f"MirrorCatalog0Directory: {redirector.httpd.catalog}" in page and "MirrorCatalog0State: in use" in page
    assert re.search(r"^MirrorCatalog0Files: 1$", page, re.M) and re.search(r"^MirrorCatalog0AgeSeconds: [0-9]$", page, re.M)
    readers, slots = (int(re.search(f"^MirrorCatalog0{name}: ([0-9]+)$", page, re.M)[1]) for name in ("Readers", "MaxReaders"))
    assert 0 < readers < slots
    assert str(redirector.httpd.catalog) in redirector.ask("/server-status").answer.body.decode()


@pytest.mark.parametrize("mpm", ("prefork", "worker"))
def test_every_mpm(mpm, database, postgres, make_redirector):
    redirector = make_redirector(mpm=mpm)
    wait_for_catalog(redirector)
    database.sql("UPDATE mirror SET enabled = false")
    wait_until_all_go_to(redirector, ORIGIN)
    postgres.stop()
    assert all(goes_to(redirector, ORIGIN) for _ in range(20))
