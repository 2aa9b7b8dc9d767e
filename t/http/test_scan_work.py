"""mb-scan --work: any number of workers take what is due from one queue, and nobody lists a mirror twice."""

import contextlib
import json
import signal

import pytest
import rig
from scanning import World, listing, objects

FILES = {f"d{n % 4}/f{n}": b"12345" for n in range(20)}


@pytest.fixture
def world(database, scratch, cleanup):
    made = World(database, scratch, cleanup)
    made.fill_source(FILES)
    return made


def queue(world, *options):
    return json.loads(world.mb_scan("--queue", "--json", *options, check=True).stdout)


def due(world):
    return {scan["mirror"]: scan["due_in_s"] for scan in queue(world)["queue"] if not scan["folder"]}


@contextlib.contextmanager
def worker(world, *options, **more):
    process = world.start_scan("--work", *options, **more)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_what_is_due_is_scanned_once_and_then_not_due(world):
    for name in "abc":
        world.mirror(name)
    world.mirror("off", enabled=False)
    done = world.mb_scan("--work", "--once", "--json", check=True)
    assert {line["mirror"] for line in objects(done)[:-1]} == set("abc")
    assert all(world.files_of(name) == sorted(FILES) for name in "abc") and world.files_of("off") == []
    assert all(0.89 * 4 * 3600 < seconds < 1.11 * 4 * 3600 for seconds in due(world).values()), due(world)
    again = world.mb_scan("--work", "--once", check=True)
    assert again.stdout == again.stderr == ""
    assert [scan[0] for scan in world.scans("a")] == ["merged"]


def test_a_scan_by_hand_moves_the_next_one(world):
    world.mirror("a")
    world.mb_scan("a", check=True)
    assert due(world)["a"] > 3 * 3600


def test_two_workers_never_list_the_same_mirror(world):
    for number in range(12):
        world.register(f"m{number}", rsync_url="rsync://127.0.0.1:1/pub/")
    lines = world.scratch / "lines"
    env = world.fake_rsync(f'case "$*" in *--version*) ;; *) echo x >>{lines}; sleep 0.3 ;; esac\n' + listing())
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(worker(world, "--once", "-j", "3", env=env)) for _ in range(3)]
        assert all(process.wait(60) == 1 for process in workers), "the mirrors have nothing"
    assert lines.read_text().count("x") == 12
    assert world.query("SELECT count(*), count(DISTINCT mirror_id) FROM scan WHERE mirror_id IS NOT NULL") == [["12", "12"]]


def test_what_a_killed_worker_was_at_is_taken_by_another(world):
    world.register("a", rsync_url="rsync://127.0.0.1:1/pub/")
    env = world.fake_rsync(f"exec {world.linger()}\n")
    with worker(world, env=env) as first:
        rig.wait_for("the listing", world.fake_processes)
        shown = queue(world)
        assert str(first.pid) in shown["queue"][0]["scanned_by"] and [w["process"] for w in shown["workers"]] == [first.pid]
        nothing = world.mb_scan("--work", "--once", check=True)
        assert nothing.stdout == ""
        first.kill()
        first.wait()
        rig.wait_for("the end of its listing", lambda: not world.fake_processes())
        world.database.sql("UPDATE scan_queue SET taken_until = now()")  # two minutes later
        world.fake_rsync(listing())
        rig.wait_for("another worker", lambda: world.mb_scan("--work", "--once", env=env).stdout)
    assert world.scans("a")[-1][0] in ("merged", "unchanged")


def test_a_worker_that_is_told_to_stop_leaves_what_it_was_at_for_others(world):
    world.register("a", rsync_url="rsync://127.0.0.1:1/pub/")
    with worker(world, env=world.fake_rsync(world.linger() + "\n")) as process:
        rig.wait_for("the listing", world.fake_processes)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not world.fake_processes()
    shown = queue(world)
    assert shown["queue"][0]["due_in_s"] <= 0 and shown["workers"] == []


def test_a_worker_takes_what_becomes_due_and_lives_through_a_database_that_goes_away(world):
    world.mirror("a")
    with worker(world, "--verbose") as process:
        rig.wait_for("the first scan", lambda: world.files_of("a"))
        world.database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mb-scan'")
        world.mirror("b")
        rig.wait_for("the second mirror", lambda: world.files_of("b"), 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_folder_that_was_asked_for_is_listed_alone(world):
    daemon = world.mirror("a")
    world.mb_scan("a", check=True)
    for path in ("d0/f0", "d1/f1"):
        (daemon.tree / path).unlink()
    world.database.sql("INSERT INTO scan_queue (mirror_id, subtree) SELECT id, 'd0' FROM mirror")
    world.mb_scan("--work", "--once", check=True)
    assert set(FILES) - set(world.files_of("a")) == {"d0/f0"}
    assert [scan["folder"] for scan in queue(world)["queue"]] == [""]


def test_a_mirror_that_fails_is_tried_again_later_and_later_and_then_disabled(world):
    for name in "abc":
        world.mirror(name)
    world.mb_scan("--all", check=True)
    world.register("bad", rsync_url="rsync://127.0.0.1:1/pub/", index_options="off")
    world.configure(more="disable_after_days = 0.001\n")
    for failures in range(1, 6):
        world.database.sql("UPDATE scan_queue SET due = now() WHERE mirror_id = (SELECT id FROM mirror WHERE identifier = 'bad')")
        done = world.mb_scan("--work", "--once")
        assert done.returncode == 2 and "'bad'" in done.stderr, done.stderr
        if failures == 4:
            assert 0.89 * 4800 < due(world)["bad"] < 1.11 * 4800 and queue(world)["queue"][0]["failures"] == 4
            world.database.sql("UPDATE scan_queue SET failing_since = failing_since - interval '1 day' WHERE"
                               " mirror_id = (SELECT id FROM mirror WHERE identifier = 'bad')")
    assert "mirror 'bad': now disabled: 5 scans failed in a row, and there was no good one since 20" in done.stderr
    events = world.database.tool("mb", "events", "bad", check=True).stdout
    assert "5 scans failed in a row" in events
    assert "bad" not in due(world)


def test_a_mirror_with_two_ways_that_fail_has_failed_once(world):
    world.register("a", rsync_url="rsync://127.0.0.1:1/pub/", index_url="http://127.0.0.1:1/")
    assert world.mb_scan("a").returncode == 2
    assert len(world.scans("a")) == 2 and queue(world)["queue"][0]["failures"] == 1


def test_a_mirror_without_a_way_has_not_failed(world):
    world.register("a", index_options="off")
    assert world.mb_scan("a").returncode == 2
    assert queue(world)["queue"][0]["failures"] == 0


def test_slow_mirrors_do_not_delay_others(world):
    for name in ("slow1", "slow2"):
        world.register(name, rsync_url="rsync://127.0.0.1:1/pub/")
    env = world.fake_rsync(f"exec {world.linger()}\n")
    world.configure(more="slow_after_s = 1\n")
    with worker(world, "-j", "1", env=env):
        rig.wait_for("the slow one", lambda: len(world.fake_processes()) > 0)
        rig.wait_for("another one beside it", lambda: len(world.fake_processes()) > 1)


def test_the_queue_reads_well(world):
    world.mirror("a")
    lines = world.mb_scan("--queue", check=True).stdout.splitlines()
    assert [line.split() for line in lines[:2]] == [["due", "mirror", "folder", "state"], ["now", "a", "waits"]]
    assert lines[2:] == ["no worker is there: mb-scan --work starts one"]
    world.mb_scan("a", check=True)
    world.database.sql("INSERT INTO scan_queue (mirror_id, subtree, due) SELECT id, 'd0', now() - interval '3 minutes' FROM mirror")
    world.database.sql("INSERT INTO scan_worker VALUES ('far.example', 12, 'EU', now() - interval '5 minutes')")
    lines = world.mb_scan("--queue", check=True).stdout.splitlines()
    assert [line.split() for line in lines[:2]] == [["due", "mirror", "folder", "state"], ["3", "minutes", "ago", "a", "d0", "waits"]]
    assert lines[2].startswith("in 4 hours") or lines[2].startswith("in 3 hours")
    assert lines[3] == "worker: host far.example, process 12, near EU, silent for 5 minutes"


@pytest.mark.parametrize("options, words", [
    (("--once", "a"), "--once and --near go with --work"), (("--work", "a"), "they take no names"), (("--work", "--all"), "no names"),
    (("--work", "--near", "Europe"), "--near: expected a region or country"),
    (("--work", "--near", "XX"), "--near: expected a region or country"),
    (("--work", "--near", "eu"), "--near: expected a region or country"), (("--work", "--queue"), "not both"),
    (("--queue", "--force"), "--force")])
def test_options_that_make_no_sense_together(world, options, words):
    done = world.mb_scan(*options)
    assert done.returncode == 2 and words in done.stderr and done.stdout == ""
