"""A mirror's own report in place of a listing: mb-scan NAME --from FILE."""

import subprocess

import pytest
import rig
from scanning import World

FILES = {f"pool/{n % 3}/f {n}": 100 + n for n in range(30)} | {"top": 7, "sub/a:": 8}

COMMANDS = {
    "rsync": ["rsync", "-r", "--list-only", "."],
    "find": ["find", ".", "-printf", r"%y %m %s %T@ %P\n"],
    "find without types": ["find", ".", "-type", "f", "-printf", r"%s %T@ %p\n"],
    "ls": ["ls", "-lR"],
    "ls of all": ["ls", "-AlR", "--time-style=full-iso", "."],
    "ls to the minute": ["ls", "-lR", "--time-style=long-iso"],
    "sha256sum": ["sh", "-c", "find . -type f -exec sha256sum {} +"],
    "md5sum with tags": ["sh", "-c", "find . -type f -exec md5sum --tag {} +"],
}


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.fill_source(FILES)
    database.add_mirror("m", enabled=True, http_url="http://127.0.0.1:9/")
    return world


def report(world, command, tree=None):
    file = world.scratch / "report"
    with file.open("w") as out:
        subprocess.run(COMMANDS.get(command, command), cwd=tree or world.source, stdout=out, check=True, env={"TZ": "UTC", "LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    return file


@pytest.mark.parametrize("command", COMMANDS)
def test_a_report_gives_the_mirror_what_it_has(world, command):
    if "sum" in command:
        world.database.tool("mb-hash", "--config", world.config)
    done = world.mb_scan("m", "--from", report(world, command), check=True)
    assert world.files_of("m") == sorted(FILES), done
    assert world.query("SELECT method, outcome FROM scan WHERE mirror_id IS NOT NULL") == [["report", "merged"]]


@pytest.mark.parametrize("command", ["find", "ls of all", "sha256sum"])
def test_old_and_missing_files_do_not_count(world, command):
    world.database.tool("mb-hash", "--config", world.config)
    tree = world.scratch / "there"
    rig.copy_tree(world.source, tree)
    rig.make_tree(tree, {"top": 9, "sub/a:": (8, 1_500_000_000)})
    (tree / "sub/a:").write_bytes(b"otherone")
    (tree / "pool/0/f 3").unlink()
    world.mb_scan("m", "--from", report(world, command, tree), check=True)
    gone = {"top", "pool/0/f 3"} | ({"sub/a:"} if command == "sha256sum" else set())
    assert set(FILES) - set(world.files_of("m")) >= gone and len(world.files_of("m")) >= len(FILES) - 3


def test_it_may_come_by_standard_input(world):
    argv = [world.database.build.program("mb-scan"), "--config", world.config, "m", "--from", "-"]
    with report(world, "find").open() as text:
        subprocess.run(argv, env=world.database.environment(), stdin=text, check=True)
    assert world.files_of("m") == sorted(FILES)


def test_a_part_of_the_tree_is_taken_alone(world):
    world.mb_scan("m", "-d", "pool/1", "--from", report(world, "find"), check=True)
    assert world.files_of("m") == sorted(path for path in FILES if path.startswith("pool/1/"))


@pytest.mark.parametrize("text, words", [
    ("1 1.0 top\nnonsense\n", "line 2 is not as 'find -printf' prints it"),
    ("nonsense\n", "line 1 is not as rsync --list-only, find -printf, ls -lR or sha256sum print it"),
    ("7 1.0 to", "it ends in the middle of a line"),
    ("", "it is empty"),
    ("1 1.0 ../top\n", "which no tree can have"),
])
def test_a_report_that_cannot_be_read_changes_nothing(world, text, words):
    world.mb_scan("m", "--from", report(world, "find"), check=True)
    file = world.scratch / "broken"
    file.write_text(text)
    done = world.mb_scan("m", "--from", file)
    assert done.returncode == 2 and words in done.stderr and world.files_of("m") == sorted(FILES)


def test_a_report_that_lost_most_files_is_refused(world):
    world.mb_scan("m", "--from", report(world, "find"), check=True)
    file = world.scratch / "short"
    file.write_text("7 1000000000.0 top\n")
    assert "would shrink" in world.mb_scan("m", "--from", file).stderr
    assert world.files_of("m") == sorted(FILES)


def test_it_needs_a_file_and_one_mirror(world):
    assert "No such file" in world.mb_scan("m", "--from", "/no/such").stderr
    for args in (["--all"], ["--source"], ["m", "n"]):
        done = world.mb_scan("--from", "x", *args)
        assert done.returncode == 2 and "--from needs the name of one mirror" in done.stderr
