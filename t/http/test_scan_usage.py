"""mb-scan's command line, exit statuses and output."""

import re

import pytest
import rig
from scanning import World, objects


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


@pytest.mark.parametrize("args, words", [
    ([], "nothing to do"), (["--source", "a"], "--source cannot be combined with mirrors"), (["--all", "a"], "not both"),
    (["-j", "0", "a"], "--jobs"), (["--max-shrink", "101", "a"], "--max-shrink"), (["--nonsense"], "--nonsense"),
    (["-d", "../x", "a"], "-d ../x"), (["-d", "/x", "a"], "-d /x"), (["--rsync-option=-e", "a"], "only these are permitted"),
    (["--config", "/nonexistent/mb.toml", "a"], "/nonexistent/mb.toml"), (["--instance", "nosuch", "a"], "nosuch"),
    (["--source", "--enable"], "not for --source")])
def test_wrong_usage_is_explained(world, args, words):
    done = world.mb_scan(*args) if "--config" not in args else world.database.tool("mb-scan", *args, check=False)
    assert done.returncode == (3 if args[:1] in (["--config"], ["--instance"]) else 2)
    assert done.stderr.startswith("mb-scan: ") and words in done.stderr and done.stdout == ""


def test_help_and_version(world):
    help_text = world.mb_scan("--help", check=True).stdout
    for option in ("--source", "--all", "--jobs", "--directory", "--enable", "--force", "--max-shrink", "--max-change",
                   "--rsync-option", "--password-file", "--connect-timeout", "--idle-timeout", "--max-entries", "--verbose",
                   "--json", "--config", "--instance", "--version", "Exit status"):
        assert option in help_text
    assert world.mb_scan("--version", check=True).stdout.startswith("mb-scan (mod_mirror) 0.")


def test_the_manual_knows_every_option(world, build):
    manual = (build.srcdir / "doc" / "mb-scan.1").read_text().replace("\\-", "-")
    completion = (build.srcdir / "doc" / "completion" / "mb-scan").read_text()
    for word in world.mb_scan("--help", check=True).stdout.replace(",", " ").split():
        if word.startswith("--"):
            assert word in manual and word in completion, word


def test_unknown_mirrors_suggest_the_nearest(world):
    world.fill_source({"f": b"1"})
    world.mirror("ftp.example.org")
    done = world.mb_scan("ftp.exmaple.org")
    assert done.returncode == 2 and "did you mean 'ftp.example.org'?" in done.stderr
    done = world.mb_scan("ftp.example.org", "'; DROP TABLE mirror; --")
    assert done.returncode == 1 and world.files_of("ftp.example.org") == ["f"]


def test_all_some_none(world):
    world.fill_source({"f": b"1"})
    for name in ("a", "b"):
        world.mirror(name)
    for name in ("dead", "gone"):
        world.register(name, rsync_url="rsync://127.0.0.1:1/pub/")
    assert world.mb_scan("a", "b").returncode == 0
    some = world.mb_scan("--all", "-j", "2")
    assert some.returncode == 1 and "4 mirrors: 2 scanned, 2 failed" in some.stdout
    assert [line.split()[0] for line in sorted(some.stdout.splitlines())[1:]] == ["a", "b"]
    assert sorted(line.split("'")[1] for line in some.stderr.splitlines()) == ["dead", "gone"]
    assert world.mb_scan("dead", "gone").returncode == 2
    json = objects(world.mb_scan("--json", "--all"))
    assert sorted(o["mirror"] for o in json[:-1]) == ["a", "b", "dead", "gone"] and json[-1]["summary"]["failed"] == 2
    assert "exited 10" in next(o["error"] for o in json if o.get("mirror") == "dead")


def test_nothing_enabled(world):
    done = world.mb_scan("--all", check=True)
    assert "no mirror is enabled" in done.stderr


def test_a_missing_configuration_file_is_named(world, build):
    """Whoever has none may not know that there should be one."""
    environment = {**world.database.environment(), "PGHOST": "/nonexistent"}
    for program, args in (("mb", ["list"]), ("mb-scan", ["a"]), ("mb-scan", ["--source"]), ("mb-hash", [])):
        done = rig.run([build.program(program), *args], env=environment, check=False)
        named = re.search(r"configuration file (/\S+/mb\.toml)", done.stderr)
        assert done.returncode in (1, 3) and named and "x0" not in done.stderr, done


def test_the_database_is_named_once(world, postgres):
    done = world.mb_scan("a", env={"PGDATABASE": "nosuch"})
    assert done.returncode == 3 and done.stderr.startswith("mb-scan: database: ") and "database: database:" not in done.stderr
    done = world.mb_scan("a", env={"PGDATABASE": "postgres"})
    assert done.returncode == 3 and "database: database:" not in done.stderr


def test_a_database_without_our_schema(world, postgres):
    postgres.create_database("empty_for_scan")
    try:
        done = world.mb_scan("a", env=postgres.environment("empty_for_scan"))
        assert done.returncode == 3 and "mb-scan: " in done.stderr and "schema" in done.stderr
    finally:
        postgres.drop_database("empty_for_scan")


def test_progress_is_one_line_on_a_terminal(world):
    world.fill_source({"f": b"1"})
    world.mirror("a")
    env = {**world.database.environment(), **world.fake_rsync("sleep 1; exec /usr/bin/env PATH=/usr/bin rsync \"$@\"")}
    program = world.database.build.program("mb-scan")
    done, shown = rig.run_on_terminal([program, "--config", world.config, "a"], env)
    assert done.returncode == 0 and "0 of 1 done; a 0 (0/s)" in shown and "\n" not in shown and shown.endswith("\r\033[K")
