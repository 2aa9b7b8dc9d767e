"""mb-hash on real trees: what it stores, what it reads again, and which version the hashes belong to."""

import datetime
import os
import pathlib
import re
import subprocess

import libtorrent
import pytest
import rig
from hashing import World

MIB = 1 << 20
SIZES = [0, 1, 16383, 16384, 16385, 262144, 262145, 3 * MIB + 5, 513 * MIB]


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.configure(more="[instance.main.hash]\nzsync = true\njobs = 3\n")
    return world


def fill(world, files):
    rig.make_tree(world.source, files)
    world.scan_source()


def rewrite(path, content, when):
    path.write_bytes(content)
    os.utime(path, (when, when))


def test_digests_are_those_of_other_programs(world):
    fill(world, {f"d/{size}": size for size in SIZES[:-1]} | {b"n\nl\xe9 \\ &": b"odd"})
    assert world.summary()["hashed"] == len(SIZES)
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        assert world.stored(algorithm) == world.real(algorithm)
    again = world.summary()
    assert (again["hashed"], again["bytes"], again["unchanged"]) == (0, 0, len(SIZES))


def test_info_hashes_are_libtorrents(world):
    fill(world, {f"d/{size}": size for size in SIZES[1:]} | {"sparse": b""})
    with open(world.source / "d" / str(SIZES[-1]), "r+b") as file:  # one with larger pieces
        file.truncate(SIZES[-1])
    world.scan_source()
    world.mb_hash()
    columns = {name: world.stored(name) for name in ("btih", "btih_v1", "btmh", "sha1_pieces", "pieces_root", "piece_layer")}
    for size in SIZES[1:]:
        path = world.source / "d" / str(size)
        piece = int(world.query(f"SELECT piece_bytes FROM hash JOIN file ON id = file_id WHERE path = 'd/{size}'")[0][0])
        for flags, names in ((0, ("btih", "btmh")), (libtorrent.create_torrent.v1_only, ("btih_v1",))):
            storage = libtorrent.file_storage()
            libtorrent.add_files(storage, str(path))
            torrent = libtorrent.create_torrent(storage, piece, flags)
            libtorrent.set_piece_hashes(torrent, str(path.parent))
            info = libtorrent.torrent_info(libtorrent.bdecode(libtorrent.bencode(torrent.generate()))).info_hashes()
            for name in names:
                expected = info.v2 if name == "btmh" else info.v1
                assert columns[name][f"d/{size}"] == str(expected), (size, name)


@pytest.mark.parametrize("size", [1, 2048, 2049, 1_000_000])
def test_zsync_sums_are_zsyncmakes(world, size):
    fill(world, {"f": size})
    world.mb_hash()
    made = world.scratch / "f.zsync"
    subprocess.run(["zsyncmake", "-u", "http://x/f", "-o", made, world.source / "f"], check=True, capture_output=True)
    head, _, sums = made.read_bytes().partition(b"\n\n")
    block, lengths = (re.search(rb"%s: (\S+)" % name, head)[1].decode() for name in (b"Blocksize", b"Hash-Lengths"))
    assert world.stored("zsync_sums")["f"] == sums.hex()
    ours = world.query("SELECT zsync_block_bytes, zsync_seq_matches, zsync_rsum_bytes, zsync_md4_bytes FROM hash")
    assert ours == [[block, *lengths.split(",")]]


def test_a_touched_file_returns_to_redirects_once_hashed(world):
    fill(world, {"a": b"12345", "b": b"12345"})
    daemon = world.mirror("m")
    world.mb_scan("m", check=True)
    world.mb_hash()
    for name in ("a", "b"):
        os.utime(world.source / name, (1_700_000_500, 1_700_000_500))
    rewrite(world.source / "b", b"other", 1_700_000_500)
    world.scan_source()
    assert world.query("SELECT path, pending FROM file ORDER BY path") == [["\\x61", "t"], ["\\x62", "t"]]
    assert world.stored() == {}
    done = world.summary()
    assert done["hashed"] == 2 and done["new_versions"] == 1
    assert world.has() == {"a": ["m"], "b": []} and world.stored() == world.real()
    assert world.query("SELECT count(*) FROM file WHERE pending") == [["0"]]
    rewrite(daemon.tree / "b", b"other", 1_700_000_500)
    world.mb_scan("m", check=True)
    assert world.has() == {"a": ["m"], "b": ["m"]}


def test_another_content_of_the_same_size_and_time_is_found(world):
    fill(world, {"a": b"12345"})
    world.mirror("m")
    world.mb_scan("m", check=True)
    world.mb_hash()
    rewrite(world.source / "a", b"54321", rig.tree.DEFAULT_MTIME)
    done = world.summary()
    assert done["new_versions"] == 1 and world.has() == {"a": []} and world.stored() == world.real()


def test_what_the_source_scan_has_not_seen_waits_for_it(world):
    fill(world, {"a": b"12345", "gone": b"1"})
    (world.source / "gone").unlink()
    rewrite(world.source / "a", b"longer than before", 1_700_000_500)
    done = world.summary()
    assert (done["waiting"], done["hashed"], done["status"]) == (2, 0, 0) and world.stored() == {}
    world.scan_source()
    assert world.summary()["hashed"] == 1 and world.stored() == world.real()


def test_hard_links_far_apart_are_read_once(world):
    fill(world, {"a": MIB, **{f"b/{n:04}": b"x" for n in range(1500)}})
    os.link(world.source / "a", world.source / "c")
    world.scan_source()
    done = world.summary()
    assert (done["hashed"], done["linked"], done["bytes"]) == (1502, 1, MIB + 1500) and world.stored() == world.real()


def test_hard_links_are_read_once(world):
    fill(world, {"a/x": MIB, "other": b"1"})
    for name in ("b", "c"):
        os.link(world.source / "a" / "x", world.source / name)
    world.scan_source()
    done = world.summary()
    assert (done["hashed"], done["linked"], done["bytes"]) == (4, 2, MIB + 1)
    assert world.stored() == world.real() and len(set(world.stored("btih").values())) == 4  # the name counts
    assert world.summary()["bytes"] == 0


def test_signatures_come_and_go_without_reading_the_file(world):
    fill(world, {"f": b"1", "f.asc": b"-----BEGIN PGP SIGNATURE-----\n", "g": b"2", "g.sig": b"\x89\x00",
                "h": b"3", "h.asc": 70000})
    world.mb_hash()
    kinds = "SELECT path, signature_kind FROM hash JOIN file ON id = file_id WHERE signature IS NOT NULL ORDER BY path"
    assert world.query(kinds) == [["\\x66", "a"], ["\\x67", "s"]]
    (world.source / "f.asc").unlink()
    rig.make_tree(world.source, {"h.asc": b"short"})
    done = world.summary("h")
    assert done["signatures"] == 1 and done["bytes"] == 0
    assert world.summary("f")["signatures"] == 1
    assert world.query(kinds) == [["\\x67", "s"], ["\\x68", "a"]]


def test_only_a_subtree(world):
    fill(world, {"d/a": b"1", "d.txt": b"2", "e/b": b"3"})
    assert world.summary("d/", "e/b")["hashed"] == 2 and sorted(world.stored()) == ["d/a", "e/b"]


def test_kinds_that_are_switched_on_later_are_added(world):
    fill(world, {"f": b"1"})
    world.configure(more='[instance.main.hash]\ndigests = ["sha256"]\n')
    world.mb_hash()
    assert world.stored("md5") == {} and world.stored() == world.real()
    assert world.summary()["hashed"] == 0
    world.configure()
    assert world.summary()["hashed"] == 1 and world.stored("md5") == world.real("md5") and world.stored("btmh")
    assert world.summary("--force")["hashed"] == 1


@pytest.mark.parametrize("year", [2261, 2262, 2263, 2400])
def test_files_of_the_far_future_are_hashed(world, year):
    """In nanoseconds since 1970 a signed 64-bit number ends in April 2262."""
    when = int(datetime.datetime(year, 6, 1, tzinfo=datetime.timezone.utc).timestamp())
    rig.make_tree(world.source, {"far": (b"12345", when)})
    if int((world.source / "far").stat().st_mtime) != when:
        pytest.skip(f"this file system does not keep times of {year}")
    world.scan_source()
    done = world.summary()
    assert (done["hashed"], done["waiting"], done["status"]) == (1, 0, 0) and world.stored() == world.real()
    assert world.summary()["unchanged"] == 1


def test_verify_reports_and_touches_nothing(world):
    fill(world, {"good": b"1", "bad": MIB})
    world.mb_hash()
    before = world.tables(), world.query("SELECT * FROM hash ORDER BY file_id")
    assert world.summary("--verify")["status"] == 0
    with open(world.source / "bad", "r+b") as file:  # as a disk does it: nothing else tells of it
        file.seek(MIB // 2)
        file.write(b"\xff")
    os.utime(world.source / "bad", (rig.tree.DEFAULT_MTIME, rig.tree.DEFAULT_MTIME))
    done = world.mb_hash("--verify", check=False)
    assert done.returncode == 1 and done.stderr.startswith("mb-hash: bad: its content is not what was hashed: md5, sha1, sha256")
    assert (world.tables(), world.query("SELECT * FROM hash ORDER BY file_id")) == before


def test_nothing_outside_the_source_is_read(world):
    fill(world, {"d/a": b"1", "b": b"2"})
    outside = rig.make_tree(world.scratch / "outside", {"a": b"9"})
    for name, target in (("d", outside), ("b", outside / "a")):
        (world.source / name).rename(world.scratch / f"away-{name}")
        (world.source / name).symlink_to(target)
    done = world.summary()
    assert done["hashed"] == 0 and done["waiting"] == 2 and world.stored() == {}


def test_unreadable_files_are_told(world, scratch):
    if not rig.process.is_root():
        pytest.skip("root makes files that another user may not read")
    fill(world, {"a": b"1", "b": b"2"})
    (world.source / "b").chmod(0o600)
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", world.database.build.program("mb-hash"),
            "--config", world.config]
    for folder in [pathlib.Path(argv[4]), *pathlib.Path(argv[4]).parents]:
        if not os.access(folder, os.X_OK) or not folder.stat().st_mode & 0o001:
            pytest.skip("the build is where another user cannot run it")
    done = subprocess.run([os.fspath(a) for a in argv], env=world.database.environment(), capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 1 and "mb-hash: b: cannot be read: Permission denied" in done.stderr
    assert list(world.stored()) == ["a"]
