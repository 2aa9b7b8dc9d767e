"""mb-scan --source: a local tree and one behind rsync, staged entries, links, the guard."""

import json
import os
import shutil
import subprocess
import time

import pytest
import rig
from scanning import World, objects


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def files(world):
    """path -> kind, staged, link target; gone files are left out."""
    rows = world.query("SELECT encode(path, 'hex'), kind, staged, coalesce(encode(link_target, 'hex'), '') FROM file"
                       " WHERE gone_at IS NULL")
    return {os.fsdecode(bytes.fromhex(p)): (k, s == "t", os.fsdecode(bytes.fromhex(t))) for p, k, s, t in rows}


TREE = {"top": b"12345", "d/e/f": b"1", "d/link": rig.Link("e/f"), "closed/x": b"1", "hidden": b"1", b"n\nl\xe9": b"1"}
EXPECTED = {"top": ("f", False, ""), "d/e/f": ("f", False, ""), "d/link": ("l", False, "d/e/f"), "closed/x": ("f", True, ""),
            "hidden": ("f", True, ""), os.fsdecode(b"n\nl\xe9"): ("f", False, "")}


def hide(tree):
    (tree / "closed").chmod(0o750)
    (tree / "hidden").chmod(0o640)


def test_a_local_tree(world):
    rig.make_tree(world.source, TREE)
    hide(world.source)
    os.mkfifo(world.source / "fifo")
    (world.source / "absolute").symlink_to(world.source / "d" / "e" / "f")
    done = world.mb_scan("--source", check=True)
    assert files(world) == {**EXPECTED, "absolute": ("l", False, "d/e/f")}
    assert f"source {world.source}: " in done.stdout and " gained" in done.stdout
    assert world.query("SELECT size, mtime FROM file WHERE path = 'top'") == [["5", str(rig.tree.DEFAULT_MTIME)]]


def test_an_rsync_source(world, cleanup):
    tree = rig.make_tree(world.scratch / "origin", TREE)
    hide(tree)
    daemon = cleanup(rig.RsyncDaemon([rig.Module("pub", tree, uid="root")])).start()
    world.configure(daemon.module_url("pub"))
    world.mb_scan("--source", check=True)
    assert files(world) == EXPECTED
    before = world.tables()
    daemon.stop()
    done = world.mb_scan("--source")
    assert done.returncode == 2 and "exited 10" in done.stderr and "the file table stays as it was" in done.stderr
    assert world.tables() == before


def test_staged_files_are_never_had_until_the_mode_flips(world):
    rig.make_tree(world.source, {"a": b"12345", "new": b"12345"})
    (world.source / "new").chmod(0o600)
    world.mb_scan("--source", check=True)
    daemon = world.mirror("m")
    (daemon.tree / "new").chmod(0o644)
    world.mb_scan("m", check=True)
    assert world.has() == {"a": ["m"]}
    (world.source / "new").chmod(0o644)
    world.mb_scan("--source", "--force", check=True)
    assert world.has() == {"a": ["m"], "new": []}
    world.mb_scan("m", check=True)
    assert world.has() == {"a": ["m"], "new": ["m"]}


def test_a_new_version_is_nowhere_yet(world):
    world.fill_source({str(n): b"12345" for n in range(40)})
    world.mirror("m")
    world.mb_scan("m", check=True)
    (world.source / "7").write_bytes(b"other size")
    done = world.mb_scan("--json", "--source", check=True)
    assert {k: v for k, v in objects(done)[0].items() if k in ("changed", "lost", "outcome", "held")} == {
        "outcome": "merged", "lost": 0, "held": 40, "changed": 1}
    assert world.has()["7"] == [] and world.has()["8"] == ["m"]


def test_a_suspicious_source_is_held(world):
    world.fill_source({str(n): b"12345" for n in range(60)})
    before = world.tables()
    for n in range(23):
        (world.source / str(n)).unlink()
    done = world.mb_scan("--source")
    assert done.returncode == 2 and done.stderr == (
        f"mb-scan: source '{world.source}': 23 of 60 files changed or are gone, more than 5% of them; "
        "the file table stays as it was "
        "(--force merges it, --max-change sets the limit)\n")
    assert world.tables() == before
    world.mb_scan("--source", "--max-change", "40", check=True)
    assert len(files(world)) == 37


def test_few_changes_are_never_held(world):
    world.fill_source({str(n): b"12345" for n in range(6)})
    for n in range(2):
        (world.source / str(n)).unlink()
    world.mb_scan("--source", check=True)
    assert len(files(world)) == 4


def test_a_touched_file_waits_for_mb_hash(world):
    world.fill_source({"a": b"12345", "b": b"12345", "d/c": b"1"})
    world.database.tool("mb-hash", "--config", world.config)
    os.utime(world.source / "a", (1, 1))
    done = world.mb_scan("--source", "--hash-touched=0", check=True)
    assert ": 3 seen, " in done.stdout and " 1 touched, waiting for mb-hash" in done.stdout
    assert objects(world.mb_scan("--source", "--hash-touched", "0", "--json", check=True))[0]["touched"] == 1
    world.database.tool("mb-hash", "--config", world.config)
    assert "touched" not in world.mb_scan("--source", check=True).stdout


def test_a_touched_file_of_a_local_source_is_hashed_at_once(world):
    world.fill_source({"a": b"12345", "b": b"12345", "d/c": b"1"})
    world.mirror("m")
    world.mb_scan("m", check=True)
    world.database.tool("mb-hash", "--config", world.config)
    [[version]] = world.query("SELECT version_rev FROM file WHERE path = 'a'")
    os.utime(world.source / "a", (1, 1))
    (world.source / "b").write_bytes(b"other")
    os.utime(world.source / "b", (1, 1))
    done = world.mb_scan("--source", check=True)
    assert " 2 touched and hashed, " in done.stdout and "waiting" not in done.stdout
    assert world.query("SELECT path FROM file WHERE pending") == []
    # What is the same stays where it is, what is not is a new version.
    assert world.has() == {"a": ["m"], "b": [], "d/c": ["m"]}
    assert world.query("SELECT version_rev FROM file WHERE path = 'a'") == [[version]]
    assert objects(world.mb_scan("--source", "--json", check=True))[0]["touched_hashed"] == 0


def test_hashing_touched_files_ends_in_time(world):
    world.fill_source({"big": b"x" * 8_000_000, "small": b"1"})
    world.database.tool("mb-hash", "--config", world.config)
    for name in ("big", "small"):
        os.utime(world.source / name, (1, 1))
    world.configure(more="hash_touched_s = 2\n[instance.main.hash]\nmax_rate = 100000\n")
    start = time.monotonic()
    done = world.mb_scan("--source", check=True)
    assert time.monotonic() - start < 30
    assert "touched, waiting for mb-hash" in done.stdout
    world.configure()
    assert world.database.tool("mb-hash", "--config", world.config).returncode == 0
    assert world.query("SELECT path FROM file WHERE pending") == []


def test_a_part_of_the_source(world):
    tree = {"top": b"1", "d/a": b"1", "d/e/b": b"1", "d-x/c": b"1", "d0": b"1", "closed/in/s": b"1",
            "l": rig.Link("d/a"), "d/out": rig.Link("../d-x/c"), "d/dir": rig.Link("../d-x"), "into": rig.Link("d/e"),
            "v2/iso/x": b"1", "current": rig.Link("v2"), "iso/latest": rig.Link("../current/iso"), "iso/y": b"1"}
    rig.make_tree(world.source, tree)
    world.mb_scan("--source", check=True)
    before = files(world)
    assert set(before) == set(tree)
    # Everything changes, and only the part is looked at.
    for name in ("top", "d-x/c", "d0", "d/a"):
        (world.source / name).write_bytes(b"another")
    (world.source / "d/e/b").unlink()
    (world.source / "d/new").write_bytes(b"new")
    (world.source / "closed").chmod(0o750)
    done = world.mb_scan("--source", "-d", "d/", check=True)
    assert " 1 gained" not in done.stdout and " 1 lost, 1 changed" in done.stdout
    expected = {**before, "d/new": ("f", False, "")}
    del expected["d/e/b"]
    assert files(world) == expected
    sizes = dict(world.query("SELECT convert_from(path, 'UTF8'), size FROM file WHERE kind = 'f' AND gone_at IS NULL"))
    assert sizes["d/a"] == "7" and sizes["top"] == sizes["d0"] == sizes["d-x/c"] == "1"
    # What lies in a closed directory is staged, also where only a part of it is listed.
    world.mb_scan("--source", "-d", "closed/in", check=True)
    assert files(world)["closed/in/s"] == ("f", True, "")
    world.mb_scan("--source", "--force", check=True)
    whole = world.tables()
    for part in ("d", "d/e", "d-x", "closed/in", "iso"):
        assert objects(world.mb_scan("--source", "--json", "-d", part, check=True))[0]["outcome"] == "unchanged"
    assert world.tables() == whole


def test_a_part_that_the_source_does_not_have(world, cleanup):
    world.fill_source({"d/a": b"1", "link": rig.Link("d")})
    before = world.tables()
    for part in ("nosuch", "d/a", "d/nosuch/deeper", "link"):
        done = world.mb_scan("--source", "-d", part)
        assert done.returncode == 2 and "the file table stays as it was" in done.stderr, done
    assert "the source has no directory 'nosuch'" in world.mb_scan("--source", "-d", "nosuch").stderr
    assert world.tables() == before
    daemon = cleanup(rig.RsyncDaemon([rig.Module("pub", world.source)])).start()
    world.configure(daemon.module_url("pub"))
    assert "only a local source" in world.mb_scan("--source", "-d", "d").stderr


def test_a_source_that_is_gone_or_empty(world):
    world.fill_source({str(n): b"12345" for n in range(40)})
    before = world.tables()
    shutil.move(world.source, world.scratch / "moved")
    done = world.mb_scan("--source")
    assert done.returncode == 2 and "No such file or directory" in done.stderr
    world.source.mkdir()
    done = world.mb_scan("--source")
    assert done.stderr.count("--force") == 1 and "root is empty, which no limit allows" in done.stderr
    assert done.returncode == 2 and world.tables() == before
    world.source.rmdir()
    shutil.move(world.scratch / "moved", world.source)
    assert objects(world.mb_scan("--json", "--source", check=True))[0]["outcome"] == "unchanged"
    assert world.tables() == before


@pytest.mark.skipif(not rig.process.is_root(), reason="needs a second user")
def test_a_directory_that_may_not_be_read(world):
    rig.make_tree(world.source, {"a": b"1", "d/x": b"1"})
    (world.source / "d").chmod(0o700)
    shutil.chown(world.source / "d", "root")
    environment = {**world.database.environment(), "HOME": "/"}
    done = rig.run([world.database.build.program("mb-scan"), "--config", world.config, "--json", "--source"], env=environment,
                   user="nobody", cwd="/", check=False)
    if done.returncode == 126 or "Permission denied" in done.stderr and "cannot open the source" not in done.stderr:
        pytest.skip("the build tree may not be read by nobody")
    assert json.loads(done.stdout)["unreadable_directories"] == 1
    assert files(world) == {"a": ("f", False, "")}


def test_no_source_is_configured(world):
    world.config.write_text("[instance.main]\n")
    done = world.mb_scan("--source")
    assert done.returncode == 3 and "has no source" in done.stderr


OPEN_TREE = {"top": b"1", "closed/x": b"1", "closed/sub/y": b"1", "acl/z": b"1", "into": rig.Link("acl/z"),
             **{f"n{n}": b"1" for n in range(200)}}


def scan_as_nobody(world, database):
    """The scan of the timer's user, who may read the configuration."""
    for folder in (world.scratch, world.config):
        folder.chmod(0o755)
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           str(database.build.program("mb-scan")), "--config", str(world.config), "--source"],
                          env={**os.environ, **database.environment()}, capture_output=True, text=True)


@pytest.mark.skipif(not rig.is_root(), reason="only root can scan as two users")
@pytest.mark.parametrize("mode", [0o750, 0o754])
def test_what_this_user_may_not_read_is_held_and_never_gone(world, database, mode):
    rig.make_tree(world.source, OPEN_TREE)
    (world.source / "closed").chmod(mode)
    world.mb_scan("--source", check=True)
    before = files(world)
    assert before["closed/x"] == ("f", True, "") and before["into"] == ("l", False, "acl/z")
    done = scan_as_nobody(world, database)
    assert done.returncode == 0, done
    assert files(world) == before and " 0 lost" in done.stdout
    assert "1 directory cannot be read by this user; files below stay as they were (for example 'closed')" in done.stderr


@pytest.mark.skipif(not rig.is_root(), reason="only root can scan as two users")
def test_files_below_a_closed_directory_are_staged_whoever_scans(world, database):
    rig.make_tree(world.source, OPEN_TREE)
    world.mb_scan("--source", check=True)
    (world.source / "acl").chmod(0o750)
    done = scan_as_nobody(world, database)
    assert done.returncode == 0, done
    seen = files(world)
    assert seen["acl/z"] == ("f", True, "") and "into" not in seen
    world.mb_scan("--source", check=True)
    assert files(world) == seen


def test_an_rsync_source_holds_what_its_daemon_may_not_read(world, cleanup):
    tree = rig.make_tree(world.scratch / "origin", {"below/" + path: text for path, text in OPEN_TREE.items()})
    daemon = cleanup(rig.RsyncDaemon([rig.Module("pub", tree)])).start()
    world.configure(daemon.module_url("pub") + "below/")
    world.mb_scan("--source", check=True)
    before = files(world)
    (tree / "below" / "closed").chmod(0o700)
    done = world.mb_scan("--source", check=True)
    staged = {path: (kind, path.startswith("closed/"), link) for path, (kind, _, link) in before.items()}
    assert files(world) == staged and "'closed'" in done.stderr


def test_a_source_whose_root_may_not_be_read_is_not_merged(world, cleanup):
    tree = rig.make_tree(world.scratch / "origin", {"d/x": b"1"})
    daemon = cleanup(rig.RsyncDaemon([rig.Module("pub", tree)])).start()
    world.configure(daemon.module_url("pub") + "d/")
    world.mb_scan("--source", check=True)
    before = world.tables()
    (tree / "d").chmod(0o700)
    assert world.mb_scan("--source").returncode == 2 and world.tables() == before


def test_what_transfers_leave_is_no_file(world):
    names = ("a.iso.partial", ".a.iso.Xy12aB", "d/.~tmp~/a", ".nfs0000001", "d/.rsync-partial/b")
    rig.make_tree(world.source, {"a.iso": b"1", ".hidden": b"1", **{name: b"1" for name in names}})
    world.mb_scan("--source", check=True)
    assert sorted(files(world)) == [".hidden", "a.iso"]
    world.configure(more='exclude = ["a.iso"]\n')
    world.mb_scan("--source", "--force", check=True)
    assert sorted(files(world)) == sorted([".hidden", *names])
