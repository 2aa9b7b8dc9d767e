"""What the tests of catalogs share: a redirector that keeps one, in front of a PostgreSQL that tests may stop, and what can be
seen of it from outside. The fixtures are for `from catalogs import …`."""

import dataclasses
import pathlib
import random
import re
import threading
import time

import pytest

import rig
from outages import DATABASE, MIRROR, Redirector, fill_postgres

FRESH_S = 1.0
PAGE = 4096  # LMDB's, in bytes
ORIGIN = "http://origin.example/"
CONFIG = """
MirrorDatabase {database}
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
LogFormat "%>s %{MB_CATALOG_AGE}e %P %{usec}t %{MB_DECLINED}e %{Location}o %U" catalog
CustomLog {dir}/catalog.log catalog
"""
STATUS = "<Location /server-status>\n  SetHandler server-status\n</Location>\n"


@pytest.fixture
def postgres(stoppable_postgres):
    """A cluster that tests may freeze and stop, without a database of an earlier test."""
    server = stoppable_postgres.start()
    for name in server.sql("SELECT datname FROM pg_database WHERE datname <> 'postgres' AND NOT datistemplate").splitlines():
        server.drop_database(name)
    yield server
    server.thaw()


@pytest.fixture
def database(postgres, build):
    return fill_postgres(postgres, build)


@pytest.fixture
def make_redirector(postgres, build, cleanup):
    """make_redirector(config=CONFIG, …) -> a running one; catalog=True unless told otherwise."""

    def make(config=CONFIG, *, start=True, **options):
        made = cleanup(Redirector(postgres, build, config=config, **{"catalog": True, **options}))
        return made.start() if start else made

    return make


@pytest.fixture
def redirector(database, make_redirector):
    """One whose catalog is complete."""
    made = make_redirector(CONFIG + STATUS)
    wait_for_catalog(made)
    return made


@dataclasses.dataclass
class Logged:
    """A request as httpd saw it."""

    status: int
    age: str  # of the catalog; "-": it was not asked
    process: int
    began: float  # Unix time
    declined: str
    location: str
    path: str


def logged(redirector):
    """All requests so far."""
    lines = [line.split() for line in (redirector.httpd.dir / "catalog.log").read_text().splitlines()]
    return [Logged(int(status), age, int(process), int(began) / 1e6, declined, location, path)
            for status, age, process, began, declined, location, path in lines]


class Clients:
    """with Clients(redirector): so many ask for one file again and again, each time on a new connection. `failures` are what was
    no redirect, as text; `count` counts the answers."""

    def __init__(self, redirector, threads=4, target="/db/f"):
        self._redirector, self._target = redirector, target
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self.failures, self.count = [], 0

    def _run(self):
        while not self._stop.is_set():
            try:
                answer = self._redirector.ask(self._target).answer
                if answer.status != 302:
                    self.failures.append(repr(answer))
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))
            self.count += 1

    def more(self, answers, deadline_s=20):
        """Waits for so many more answers."""
        wanted = self.count + answers
        rig.wait_for("answers", lambda: self.count >= wanted, deadline_s)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def wait_for_catalog(redirector, deadline_s=15):
    rig.wait_for("a catalog in every child", lambda: every_child_maps(redirector) and from_catalog(redirector), deadline_s)


def every_child_maps(redirector, folder=None):
    """Whether each child has opened the catalog in force, of the given directory or the redirector's own."""
    try:
        file = str(current_file(redirector, folder).resolve())
        return all(file in pathlib.Path(f"/proc/{child}/maps").read_text() for child in redirector.httpd.children())
    except OSError:
        return False  # there is none yet, or a child has just ended


def from_catalog(redirector, answers=12):
    """Whether so many answers in a row are redirects that come from it."""
    assert all(redirector.redirects("/db/f") for _ in range(answers))
    return _last_from_catalog(redirector, answers)


def answers_from_catalog(redirector, answers=12):
    """As from_catalog(), wherever its answers go to."""
    for _ in range(answers):
        redirector.ask("/db/f")
    return _last_from_catalog(redirector, answers)


def _last_from_catalog(redirector, answers):
    return all(request.age != "-" for request in logged(redirector)[-answers:])


def current_file(redirector, folder=None):
    """The catalog's file in force."""
    folder = folder or redirector.httpd.catalog
    return folder / (folder / "CURRENT").read_text().strip()


def garble(file, spared=0):
    """Makes garbage of all pages but the first two, which say where the others are; `spared` bytes at the head of each stay."""
    garbage = random.Random(1)
    with file.open("r+b") as out:
        for page in range(2, file.stat().st_size // PAGE):
            out.seek(page * PAGE + spared)
            out.write(garbage.randbytes(PAGE - spared))


def garble_within_pages(file):
    """LMDB follows what it finds there, and the process crashes."""
    garble(file, spared=16)


def expect_crashes(httpd, build):
    if build.sanitizer_runtime():
        pytest.skip("a sanitizer reports the crashes that are meant to happen")
    httpd.may_crash = True


def merge(database, revision, statement=""):
    """What a merge leaves: a revision of its own, and what changed in it."""
    database.sql(f"BEGIN; {new_revision(revision)}; {statement}; COMMIT")


def new_revision(revision):
    """A statement: the database refuses numbers that its sequence has not given out."""
    return f"SELECT setval('revision_seq', {revision}); INSERT INTO revision (rev) VALUES ({revision})"


def many_files(count, revision):
    """A statement for merge(): so many new files in the first cohort."""
    return ("INSERT INTO file (path, size, mtime, version_rev, rev, kind, cohort_id) SELECT "
            f"decode(md5(i::text), 'hex') || convert_to('{revision}-' || i, 'UTF8'), 1, 1, {revision}, {revision}, 'f', "
            f"(SELECT min(id) FROM cohort) FROM generate_series(1, {count}) i; "
            f"UPDATE cohort SET n_files = n_files + {count} WHERE id = (SELECT min(id) FROM cohort)")


def writer_of(directory):
    """The process that holds the directory's lock; None when nobody does."""
    inode = (pathlib.Path(directory) / "writer").stat().st_ino
    found = re.search(rf"FLOCK +ADVISORY +WRITE +(\d+) [0-9a-f]+:[0-9a-f]+:{inode} ", pathlib.Path("/proc/locks").read_text())
    return int(found[1]) if found else None


def goes_to(redirector, base, target="/db/f"):
    return redirector.ask(target).answer.location == base + target.rsplit("/", 1)[-1]


def wait_until_all_go_to(redirector, base, deadline_s=10, target="/db/f"):
    rig.wait_for(f"redirects to {base}", lambda: all(goes_to(redirector, base, target) for _ in range(8)), deadline_s)
