"""mb-hash among interruptions: killed, two at once, files that change while they are read."""

import contextlib
import ctypes
import mmap
import os
import signal
import time

import psycopg2
import pytest
import rig
from hashing import World

MIB = 1 << 20
LOCKS = ("FROM pg_locks WHERE locktype = 'advisory' AND "
         "database = (SELECT oid FROM pg_database WHERE datname = current_database())")
WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'merge_lock'::regclass AND NOT granted"
CLAIMED = f"SELECT count(*) {LOCKS} AND objsubid = 1 GROUP BY pid"


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def fill(world, files):
    rig.make_tree(world.source, files)
    world.scan_source()


def test_killed_again_and_again_it_loses_only_what_is_in_hand(world):
    fill(world, {f"{n:03}": 20_000 for n in range(400)})
    counts, rounds = [0], 0
    while counts[-1] < 400 and rounds < 60:
        rounds += 1
        process = world.start_hash("--max-rate", "4M")
        begun = counts[-1]
        rig.wait_for("a stored group", lambda: process.poll() is not None or len(world.stored()) > begun)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        counts.append(len(world.stored()))
    assert counts == sorted(counts) and counts[-1] == 400 and rounds > 2, counts
    assert world.stored() == world.real() and world.summary()["hashed"] == 0
    wrong = "SELECT count(*) FROM cohort c WHERE n_files <> (SELECT count(*) FROM file WHERE cohort_id = c.id)"
    assert world.query(wrong) == [["0"]]


def test_two_at_once_share_the_work(world):
    files = {f"{n:03}": 30_000 for n in range(600)}
    fill(world, files)
    both = [world.start_hash("-v", "-j", "1", "--max-rate", "6M") for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    hashed = [[line.split()[1] for line in text.splitlines() if line.startswith("hashed ")] for text in said]
    assert sorted(hashed[0] + hashed[1]) == sorted(files)
    assert world.stored() == world.real()


def test_two_at_once_wait_for_a_merge(world):
    """More files than one run claims while it waits, so both have some in hand."""
    files = {f"{n:04}": 100 + n for n in range(4000)}
    fill(world, files)
    with contextlib.closing(psycopg2.connect(world.database.conninfo())) as merging:
        merging.cursor().execute("LOCK TABLE merge_lock IN EXCLUSIVE MODE")
        both = [world.start_hash("-v", "-j", "1") for _ in range(2)]
        rig.wait_for("two runs that wait", lambda: world.query(WAITING) == [["2"]])
        time.sleep(0.5)  # they hash on meanwhile
        claimed = [int(count) for count, in world.query(CLAIMED)]
        assert len(claimed) == 2 and max(claimed) < 3100, claimed
        assert world.stored() == {} and [process.poll() for process in both] == [None, None]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    hashed = [[line.split()[1] for line in text.splitlines() if line.startswith("hashed ")] for text in said]
    assert all(hashed) and sorted(hashed[0] + hashed[1]) == sorted(files)
    assert world.stored() == world.real()


def test_a_file_that_changes_while_it_is_read_is_done_again(world):
    fill(world, {"big": 8 * MIB})
    process = world.start_hash("--json", "--max-rate", "6M")
    path = world.source / "big"
    opened = f"/proc/{process.pid}/fd"
    rig.wait_for("the file to be open", lambda: any(os.path.realpath(os.path.join(opened, fd)) == str(path.resolve())
                                                  for fd in os.listdir(opened)))
    with open(path, "r+b") as file:
        file.write(b"changed")
    os.utime(path, (rig.tree.DEFAULT_MTIME, rig.tree.DEFAULT_MTIME))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and '"hashed":1' in out, (out, err)
    assert world.stored() == world.real()


def test_a_file_that_is_replaced_by_another_size_waits_for_the_scan(world):
    fill(world, {"big": 8 * MIB})
    process = world.start_hash("--json", "--max-rate", "6M")
    rig.wait_for("reading", lambda: any(os.path.realpath(f"/proc/{process.pid}/fd/{fd}").endswith("/big")
                                        for fd in os.listdir(f"/proc/{process.pid}/fd")))
    with open(world.source / "big", "ab") as file:
        file.write(b"more")
    out, _ = process.communicate(timeout=60)
    assert '"waiting":1' in out and world.stored() == {}
    world.scan_source()
    world.mb_hash()
    assert world.stored() == world.real()


def test_a_signal_stores_what_is_done_and_says_so(world):
    fill(world, {f"{n:03}": 30_000 for n in range(400)})
    process = world.start_hash("--max-rate", "2M")
    rig.wait_for("a stored group", world.stored)
    process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 1 and "interrupted, what was done is stored" in out and time.monotonic() - begun < 5
    assert 0 < len(world.stored()) < 400


def cached_bytes(path):
    """How much of a file is in the page cache."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    size, pages = path.stat().st_size, -(-path.stat().st_size // mmap.PAGESIZE)
    with open(path, "rb") as file:
        at = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    there = (ctypes.c_ubyte * pages)()
    assert libc.mincore(ctypes.c_void_p(at), ctypes.c_size_t(size), there) == 0
    libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(size))
    return sum(page & 1 for page in there) * mmap.PAGESIZE


@pytest.fixture
def world_on_disk(database, cleanup):
    """The temporary folder may lie in memory."""
    with rig.Scratch("mirror-test", "/var/tmp") as folder:
        yield World(database, folder, cleanup)


def test_the_page_cache_is_left_as_it_was(world_on_disk):
    world = world_on_disk
    cold = ["cold", *(f"small/{n:02}" for n in range(50))]
    fill(world, {"cold": 40 * MIB, "warm": 40 * MIB, **{name: 100_000 for name in cold[1:]}})
    os.sync()
    for name in cold:
        with open(world.source / name, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if sum(cached_bytes(world.source / name) for name in cold) > MIB:
        pytest.skip("the scratch folder's file system keeps everything in memory")
    assert cached_bytes(world.source / "warm") == 40 * MIB
    assert world.summary("-j", "2")["hashed"] == 52
    assert sum(cached_bytes(world.source / name) for name in cold) < MIB
    assert cached_bytes(world.source / "warm") == 40 * MIB


def test_a_large_file_is_stored_as_soon_as_it_is_read(world):
    fill(world, {"a": 20 * MIB, "b": 80 * MIB})
    process = world.start_hash("-j", "1", "--max-rate", "20M")
    rig.wait_for("the second file", lambda: any(os.path.realpath(f"/proc/{process.pid}/fd/{fd}").endswith("/b")
                                                for fd in os.listdir(f"/proc/{process.pid}/fd")))
    rig.wait_for("the first one's hashes", world.stored, 2)
    assert list(world.stored()) == ["a"] and process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_max_rate_is_kept(world):
    fill(world, {"f": 4 * MIB})
    begun = time.monotonic()
    world.mb_hash("--max-rate", "4M")
    assert time.monotonic() - begun > 0.8


def test_memory_stays_small(world):
    fill(world, {"big": 1})
    with open(world.source / "big", "r+b") as file:
        file.truncate(300 * MIB)
    world.scan_source()
    argv = [world.database.build.program("mb-hash"), "--config", world.config, "-j", "16"]
    done, peak_bytes, _ = rig.run_measured(argv, world.database.environment())
    sanitized = b"__asan_init" in argv[0].read_bytes()  # which has memory of its own
    assert done.returncode == 0 and 1 * MIB < peak_bytes and (sanitized or peak_bytes < 64 * MIB)
