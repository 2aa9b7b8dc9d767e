"""mb-scan --source: a local tree and one behind rsync, staged entries, links, the guard."""

import json
import os
import shutil

import pytest
import rig
from scanning import World, objects


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def files(world):
    """path -> kind, staged, link target; what is gone is left out."""
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
