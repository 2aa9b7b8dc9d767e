"""Listings that broke off, servers that do not answer, hostile listings: nothing of them is merged."""

import pathlib
import signal
import socket
import threading
import time

import pytest
import rig
from scanning import World, entry, listing, objects


@pytest.fixture
def world(database, scratch, cleanup):
    """A mirror `a` that has all of the source, from a good scan."""
    world = World(database, scratch, cleanup)
    world.fill_source({f"f{n}": b"12345" for n in range(4)})
    world.mirror("a")
    world.mb_scan("a", check=True)
    world.before = world.tables()
    return world


ALL = [entry(f"f{n}") for n in range(4)]
UNREADABLE = 'rsync: [sender] opendir "x" (in pub) failed: Permission denied (13)'


def fails(world, script, *words, options=()):
    done = world.mb_scan(*options, "a", env=world.fake_rsync(script))
    assert done.returncode == 2, done
    for word in ("mb-scan: mirror 'a': ", "nothing was merged, the last good scan of 2", *words):
        assert word in done.stderr
    assert done.stdout == "" and world.tables() == world.before
    assert world.scans("a")[-1][0] == "failed" and words[0] in world.scans("a")[-1][1]
    return done


@pytest.mark.parametrize("status, verdict", [
    (1, "syntax or usage error"), (10, "error in socket IO"), (12, "error in rsync protocol data stream"),
    (20, "received SIGINT, SIGTERM, or SIGHUP"), (30, "timeout in data send/receive"),
    (35, "timeout waiting for daemon connection"),
])
def test_a_broken_listing_merges_nothing(world, status, verdict):
    script = listing(*ALL[:2]) + f"echo 'rsync error: {verdict} (code {status}) at io.c(1)' >&2; exit {status}"
    fails(world, script, f"rsync exited {status} ({verdict}) after 3 entries")


def test_vanished_files_leave_it_whole(world):
    script = listing(*ALL[:3]) + "echo 'file has vanished: \"/x\" (in pub)' >&2; exit 24"
    world.mb_scan("a", env=world.fake_rsync(script), check=True)
    assert world.files_of("a") == ["f0", "f1", "f2"]


def test_directories_that_may_not_be_read_leave_it_whole(world):
    script = listing(*ALL[:3]) + f"echo '{UNREADABLE}' >&2; exit 23"
    world.mb_scan("a", env=world.fake_rsync(script), check=True)
    assert world.files_of("a") == ["f0", "f1", "f2"]


@pytest.mark.parametrize("version", ["2.6.9", "3.0.9", "3.1.3", "3.2.7", "3.5.0"])
def test_a_folder_that_may_not_be_searched_leaves_it_whole_whatever_the_daemon(world, version):
    recorded = pathlib.Path(__file__).parents[1] / "data" / "rsync"
    script = f"cat {recorded}/v{version}.stdout; grep -v ^exit {recorded}/v{version}.stderr >&2; exit 23"
    done = world.mb_scan("--json", "--force", "a", env=world.fake_rsync(script), check=True)
    result = objects(done)[0]
    assert (result["outcome"], result["unreadable_directories"]) == ("merged", 2)
    assert world.files_of("a") == ["f1"]


@pytest.mark.parametrize("time", ["   1/01/01 00:00:00", " 999/12/31 23:59:59", "10000/01/01 00:00:0"])
def test_files_of_years_that_cannot_be_told_are_skipped_and_told(world, time):
    odd = [entry("junk", when=time), entry("f3", when=time), entry("old", mode="drwx------", when=time), entry("old/f")]
    done = world.mb_scan("--json", "a", env=world.fake_rsync(listing(*ALL[:3], *odd)), check=True)
    assert "mirror 'a': 2 files with a date before the year 1000 or after 9999, skipped" in done.stderr
    assert objects(done)[0]["odd_times"] == 2 and objects(done)[0]["unknown"] == 0
    assert world.files_of("a") == ["f0", "f1", "f2"]


@pytest.mark.parametrize("complaint", [
    "rsync: odd", 'rsync: [sender] readdir("x" (in pub)): Input/output error (5)',
    "IO error encountered -- skipping file deletion",
    'rsync: [sender] change_dir "x" (in pub) failed: No such file or directory (2)'])
def test_any_other_partial_listing_is_broken(world, complaint):
    said = f"echo '{UNREADABLE}' >&2; echo '{complaint}' >&2; "
    fails(world, listing(*ALL[:3]) + said + "exit 23", "rsync exited 23")
    fails(world, listing(*ALL[:3]) + "exit 23", "rsync exited 23")


def test_a_million_complaints_are_bounded(world):
    done = fails(world, listing(*ALL) + "yes 'rsync: [sender] trouble' | head -n 1000000 >&2; exit 23", "and 999997 more")
    assert len(done.stderr) < 2000


@pytest.mark.parametrize("line", [
    entry("/etc/passwd"), entry("../up"), entry("a/../../b"), entry("a//b"), entry("nul\\#000"), "what is this?",
    entry("x", when="2023/13/14 22:13:20"), entry("x", size="99999999999999999999"), "-rw-r--r--"],
    ids=["absolute", "dotdot", "inner-dotdot", "empty-segment", "nul", "words", "date", "size", "cut"])
def test_hostile_lines_break_the_listing(world, line):
    fails(world, listing(*ALL, line), "the listing has ")


def test_hostile_words_are_made_printable(world):
    done = fails(world, listing(entry("x"), r"\033[2J\007") + r"printf '\033[2J\n'", "not an entry")
    assert "\033" not in done.stderr


def test_long_paths_are_skipped_and_told(world):
    long = [entry("x" * 2049), entry("d/" + "y" * 60000), entry("\\#303" * 2049)]
    done = world.mb_scan("--json", "a", env=world.fake_rsync(listing(*ALL, *long)), check=True)
    assert "3 paths longer than 2048 bytes, skipped" in done.stderr
    result = objects(done)[0]
    assert (result["outcome"], result["long_paths"], result["seen"]) == ("unchanged", 3, 4)


def test_odd_names_are_names(world):
    odd = [entry("\\#033[2J\\#012"), entry("'; DROP TABLE file; --"), entry("\\#377\\#376")]
    done = world.mb_scan("--json", "a", env=world.fake_rsync(listing(*ALL, *odd)), check=True)
    assert objects(done)[0]["unknown"] == 3


def test_more_entries_than_allowed(world):
    fails(world, listing(*ALL), "more than 4 entries", options=("--max-entries", "4"))
    world.mb_scan("--max-entries", "5", "a", env=world.fake_rsync(listing(*ALL)), check=True)


def test_an_empty_answer_is_no_listing(world):
    fails(world, "exit 0", "sent no listing")
    fails(world, "echo 'pub   our files'; exit 0", "sent no listing")


def test_an_empty_mirror_meets_the_guard(world):
    done = world.mb_scan("a", env=world.fake_rsync(listing()))
    assert done.returncode == 2 and world.tables() == world.before


def test_a_line_that_is_cut_off(world):
    fails(world, listing(*ALL) + "printf '%s' '" + entry("f") + "'", "ends within a line")


def test_killed_rsync(world):
    fails(world, listing(*ALL) + "kill -9 $$", "ended by signal 9")



def wait_until_all_ended(world):
    """They have been killed, and are gone when the kernel comes to it."""
    rig.wait_for("the end of what was started", lambda: not world.fake_processes())


def test_silence_ends_it_and_all_it_started(world):
    linger = world.linger()
    start = time.monotonic()
    done = world.mb_scan("--idle-timeout", "1", "--connect-timeout", "1", "a",
                         env=world.fake_rsync(listing(*ALL) + f"{linger} & {linger}"))
    assert done.returncode == 2 and "rsync said nothing for 2 s after 5 entries" in done.stderr
    assert time.monotonic() - start < 30
    wait_until_all_ended(world)
    assert world.tables() == world.before


def test_the_idle_time_out_is_what_it_says(world):
    """It is not the time to connect and some seconds more."""
    start = time.monotonic()
    fails(world, listing(*ALL) + world.linger(), "rsync said nothing for 6 s", options=("--idle-timeout", "3"))
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("trickle", ["echo '" + entry("x$n") + "'", "echo welcome", "echo 'rsync: odd' >&2"])
def test_a_mirror_that_trickles_is_given_up(world, trickle):
    world.configure(more="max_scan_minutes = 0.03\n")
    script = listing(*ALL) + "n=0; while :; do n=$((n+1)); " + trickle.replace("'-rw", '"-rw').replace("$n'", '$n"') + "; sleep 0.2; done"
    if "welcome" in trickle:
        script = script.replace(listing(*ALL), "")
    fails(world, script, "the listing takes longer than 0.03 minutes", "max_scan_minutes is the limit")


def serve(answer):
    """A server that says one thing to every client and then nothing more; its port."""
    server = socket.create_server(("127.0.0.1", 0))
    clients = []

    def run():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            clients.append(client)
            client.sendall(answer)

    threading.Thread(target=run, daemon=True).start()
    return server


@pytest.mark.parametrize("answer, words", [
    (b"", "exited 30"), (b"HTTP/1.0 200 OK\r\n\r\n", "rather than greeting"),
    (b"@RSYNCD: 31.0\n@ERROR: max connections (3) reached -- try again later\n", "max connections (3) reached"),
    (b"@RSYNCD: 31.0 md5 md4\n@RSYNCD: OK\n" + b"\0" * 64, "rsync exited ")], ids=["silent", "http", "busy", "garbage"])
def test_servers_that_are_no_daemons(world, answer, words):
    with serve(answer) as server:
        world.database.sql(f"UPDATE endpoint SET url = 'rsync://127.0.0.1:{server.getsockname()[1]}/pub/'")
        done = world.mb_scan("--idle-timeout", "1", "a")
    assert done.returncode == 2 and words in done.stderr and world.tables() == world.before


@pytest.mark.parametrize("url, words", [
    ("rsync://127.0.0.1:1/pub/", "exited 10"), ("rsync://-oProxyCommand=x/pub/", "this is not a host name"),
    ("", "http://mirror.example/robots.txt: its name has no address"),
    ("rsync://127.0.0.1/", "it has no module")])
def test_urls_that_lead_nowhere(world, url, words):
    world.database.sql("ALTER TABLE endpoint DROP CONSTRAINT endpoint_url_shape")  # as in a database from before it
    world.database.sql(f"UPDATE endpoint SET url = '{url}'")
    done = world.mb_scan("a")
    assert done.returncode == 2 and words in done.stderr and world.tables() == world.before


def test_unknown_modules_say_so(world):
    world.database.sql("UPDATE endpoint SET url = replace(url, 'pub', 'nosuch')")
    done = world.mb_scan("a")
    assert done.returncode == 2 and "Unknown module 'nosuch'" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_rsync_and_close_the_scan(world, number):
    world.register("b", rsync_url="rsync://127.0.0.1:1/pub/")
    scan = world.start_scan("-j1", "a", "b", env=world.fake_rsync(listing(*ALL) + world.linger()))
    rig.wait_for("rsync to run", world.fake_processes)
    scan.send_signal(number)
    _, errors = scan.communicate(timeout=20)
    assert scan.returncode == 2 and "interrupted" in errors and "mirror 'b': not scanned" in errors
    wait_until_all_ended(world)
    assert world.tables() == world.before and world.scans("a")[-1][0] == "interrupted"


def test_the_database_goes_away(scratch, cleanup, build):
    server = cleanup(rig.Postgres()).start()
    server.create_database("own")
    database = rig.Database(server, "own", build)
    database.load_schema()
    world = World(database, scratch, cleanup)
    world.fill_source({"f": b"12345"})
    world.mirror("a")
    go = scratch / "go"
    script = f"while [ ! -e {go} ]; do sleep 0.05; done; " + listing(entry("f"))
    scan = world.start_scan("a", env=world.fake_rsync(script))
    rig.wait_for("rsync to run", world.fake_processes)
    server.kill()
    go.touch()
    _, errors = scan.communicate(timeout=30)
    assert scan.returncode == 2 and "mb-scan: mirror 'a': database: " in errors
    done = world.mb_scan("a")
    assert done.returncode == 3 and "mb-scan: database: " in done.stderr
    server.start()
    world.mb_scan("a", check=True)
    assert world.files_of("a") == ["f"]
