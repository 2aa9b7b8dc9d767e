"""mb-scan --source --watch: what changes at the source is known at once, on a real tree."""

import contextlib
import shutil
import signal
import time

import pytest
import rig
from answers import ask
from scanning import World

CONFIG = """
MirrorDatabase {database}
<Location /d>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
"""
FILES = {f"dists/d{n}/f{m}": 100 + m for n in range(20) for m in range(5)}


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    rig.make_tree(world.source, FILES)
    return world


@contextlib.contextmanager
def watching(world):
    process = world.start_scan("--source", "--watch", "--hash-touched=0")
    try:
        rig.wait_for("the first listing", lambda: len(world.has()) == len(FILES), 30)
        time.sleep(1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.out, process.err = process.communicate(timeout=20)


def size(world, path):
    rows = world.query(f"SELECT size FROM file WHERE path = '{path}' AND gone_at IS NULL")
    return int(rows[0][0]) if rows else None


def comes(world, path, expected):
    began = time.monotonic()
    rig.wait_for(f"{path} to be {expected}", lambda: size(world, path) == expected, 20)
    print(f"{path}: {time.monotonic() - began:.2f} s")


def test_each_change_is_known_soon(world):
    with watching(world) as process:
        (world.source / "dists/d1/f1").write_bytes(b"x" * 999)
        comes(world, "dists/d1/f1", 999)
        (world.source / "dists/d1/new").write_bytes(b"x" * 7)
        comes(world, "dists/d1/new", 7)
        (world.source / "dists/d1/new").rename(world.source / "dists/d2/moved")
        comes(world, "dists/d2/moved", 7)
        comes(world, "dists/d1/new", None)
        deep = world.source / "dists/d3/a/b/c"
        deep.mkdir(parents=True)
        (deep / "f").write_bytes(b"x" * 5)
        comes(world, "dists/d3/a/b/c/f", 5)
        (deep / "g").write_bytes(b"x" * 6)
        comes(world, "dists/d3/a/b/c/g", 6)
        (world.source / "dists/d3/a").rename(world.source / "dists/d4/z")
        comes(world, "dists/d4/z/b/c/f", 5)
        (world.source / "dists/d4/z/b/c/h").write_bytes(b"x" * 8)
        comes(world, "dists/d4/z/b/c/h", 8)
        shutil.rmtree(world.source / "dists/d4/z")
        comes(world, "dists/d4/z/b/c/h", None)
        (world.source / "top").symlink_to("dists/d2/moved")
        rig.wait_for("the link", lambda: world.query("SELECT 1 FROM file WHERE path = 'top'") != [], 20)
    assert process.returncode == 0, process.err


def test_a_file_that_is_being_written_waits(world):
    with watching(world), open(world.source / "dists/d1/slow", "wb") as slow:
        slow.write(b"x" * 10)
        slow.flush()
        time.sleep(2)
        assert size(world, "dists/d1/slow") is None
        slow.write(b"x" * 10)
        slow.close()
        comes(world, "dists/d1/slow", 20)


def test_what_happens_in_excluded_folders_is_no_change(world):
    temporary, late = world.source / ".~tmp~/a", world.source / "dists/d1/.~tmp~"
    temporary.mkdir(parents=True)
    with watching(world):
        late.mkdir()
        for number, folder in enumerate((temporary, late)):
            (folder / "f").write_bytes(b"x" * 9)
            (folder / "f").rename(world.source / f"dists/d2/from-{number}")
        comes(world, "dists/d2/from-0", 9)
        comes(world, "dists/d2/from-1", 9)
        (world.source / "dists/d3/new").write_bytes(b"x" * 8)
        comes(world, "dists/d3/new", 8)
    assert ["failed"] not in world.query("SELECT outcome FROM scan")


def test_redirectors_know_at_once(world, make_httpd):
    world.fill_source({})
    httpd = make_httpd(CONFIG.replace("{database}", world.database.conninfo()), catalog=True)
    with watching(world):
        rig.wait_for("the catalog", lambda: ask(httpd, "/d/dists/d1/f1").status == 302, 20)
        began = time.monotonic()
        (world.source / "dists/d1/fresh").write_bytes(b"x" * 7)
        rig.wait_for("the new file", lambda: ask(httpd, "/d/dists/d1/fresh").status == 302, 20)
        assert time.monotonic() - began < 5  # a second, on a machine that is not busy
