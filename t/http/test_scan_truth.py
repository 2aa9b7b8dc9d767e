"""A listing has sizes and times and no content: what it may confirm, and what not."""

import os

import pytest
from hashing import World

NAMES = [f"pool/f{n}" for n in range(12)]
WHEN = 1_700_000_000


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.fill_source({name: (100 + n, WHEN + 1000 * n) for n, name in enumerate(NAMES)} | {"dists/Release": (500, WHEN)})
    world.mb_hash()
    return world


def replace(path, content, when):
    """As rsync does: another inode takes the name, with the time it is told."""
    fresh = path.with_name(path.name + ".fresh")
    fresh.write_bytes(content)
    os.utime(fresh, (when, when))
    fresh.rename(path)


def shift(tree, by_s=None):
    """Every file's time as if the clock or the zone were off; without `by_s` as if it were the transfer's."""
    for number, path in enumerate(sorted(path for path in tree.rglob("*") if path.is_file())):
        when = path.stat().st_mtime + by_s if by_s is not None else WHEN + 500_123 + 7 * number
        os.utime(path, (when, when))


def test_other_bytes_under_the_same_size_and_time_are_another_version(world):
    mirror = world.mirror("m")
    world.mb_scan("m", check=True)
    assert world.has()["dists/Release"] == ["m"]
    replace(world.source / "dists/Release", b"!" * 500, WHEN)
    said = world.mb_scan("--source", check=True).stdout
    assert "1 touched and hashed" in said
    assert world.has()["dists/Release"] == []
    world.mb_scan("m", "--force", check=True)  # what it has looks as if it were the new one
    assert world.has()["dists/Release"] == []
    replace(mirror.tree / "dists/Release", b"!" * 500, WHEN)
    world.mb_scan("m", check=True)  # and so does the new one: only its content tells
    assert world.has()["dists/Release"] == [] and world.has()[NAMES[0]] == ["m"]


def test_a_changed_mode_or_a_new_link_to_the_same_bytes_changes_nothing(world):
    world.mirror("m")
    world.mb_scan("m", check=True)
    os.chmod(world.source / "dists/Release", 0o664)
    os.link(world.source / NAMES[0], world.scratch / "another name")
    before = world.tables()
    assert "2 touched and hashed" in world.mb_scan("--source", check=True).stdout
    assert world.tables() == before
    assert "touched" not in world.mb_scan("--source", check=True).stdout


def test_a_mirror_whose_zone_is_off_keeps_times(world, database):
    mirror = world.mirror("m")
    shift(mirror.tree, -5 * 3600)
    world.mb_scan("m", check=True)
    assert set(world.files_of("m")) == {*NAMES, "dists/Release"}
    shown = database.tool("mb", "show", "m", "--config", world.config, check=True).stdout
    assert "yes (100.0 % of its files), -5 h off" in shown
    replace(world.source / "dists/Release", b"!" * 500, WHEN + 900)
    world.mb_scan("--source", check=True)
    world.mb_scan("m", check=True)
    assert "dists/Release" not in world.files_of("m")


def test_without_times_a_changed_file_of_the_same_size_is_not_confirmed(world):
    mirror = world.mirror("m")
    shift(mirror.tree)
    world.mb_scan("m", check=True)
    assert set(world.files_of("m")) == {*NAMES, "dists/Release"}  # no earlier version is known that it could be
    replace(world.source / "dists/Release", b"!" * 500, WHEN + 900)
    world.mb_scan("--source", check=True)
    world.mb_scan("m", check=True)
    assert set(world.files_of("m")) == set(NAMES)
    replace(world.source / "dists/Release", b"!" * 501, WHEN + 1900)
    replace(mirror.tree / "dists/Release", b"!" * 501, WHEN + 600_000)
    world.mb_scan("--source", check=True)
    world.mb_scan("m", check=True)
    assert "dists/Release" in world.files_of("m")  # the first version of that size
