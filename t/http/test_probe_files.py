"""mb-probe and the files that mirrors should have: what is missing or wrong is withdrawn, and a mirror of which too much is wrong
gets no redirects until it is good again."""

import contextlib
import time

import psycopg2
import pytest

import rig
from answers import File, fill
from probing import FILE, World, answer, reset


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def mirrors_with(world, path):
    return world.database.sql("SELECT identifier FROM file JOIN cohort ON cohort.id = cohort_id"
                              f" JOIN mirror ON mirror.id = ANY (mirrors) WHERE path = '{path}' ORDER BY 1").split()


def standing(world, name):
    return world.database.sql(f"SELECT standing, standing_reason FROM mirror WHERE identifier = '{name}'").strip().split("|")


def wait_for_standing(world, name, expected, within_s=40):
    rig.wait_for(f"{name} to be {expected}", lambda: standing(world, name)[0] == expected, within_s)
    return standing(world, name)[1]


def scan(world, name, subtree=""):
    """As if it had been scanned just now."""
    world.database.sql("INSERT INTO scan (mirror_id, method, subtree, started, ended, outcome)"
                       f" SELECT id, 'rsync', '{subtree}', now(), now(), 'unchanged' FROM mirror WHERE identifier = '{name}'")


def lets_files_grow_old(world):
    """What a mirror got lately is looked at before all else; here other looks are tried."""
    world.database.sql("INSERT INTO revision (rev, at) VALUES (nextval('revision_seq'), now() - interval '2 days')")


def lists_by_rsync(world):
    world.database.sql("INSERT INTO endpoint (mirror_id, method, url) SELECT id, 'rsync', 'rsync://127.0.0.1/pub/' FROM mirror")


@pytest.mark.parametrize("talk, reason", [
    (answer(404), "answers 404 for a file that it should have"),
    (answer(Content_Length=1234), "sends 1,234 bytes instead of 10,000"),
    (lambda request: b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "sends a web page in place of the file"),
])
def test_a_wrong_file_is_withdrawn_from_that_mirror_after_a_second_look(world, talk, reason):
    servers = {"a": world.talker(talk), "b": world.talker(answer())}
    world.mirrors({name: server.url() for name, server in servers.items()})
    done = world.probe("--all")
    assert done.returncode == 1 and done.stderr == f"mb-probe: mirror 'a': '{FILE}' is withdrawn: {reason}\n"
    assert mirrors_with(world, FILE) == ["b"] and len(servers["a"].requests) == 2
    assert {state for state, _ in world.health().values()} == {"up"} and standing(world, "a") == ["good", ""]


def test_a_file_that_is_there_at_the_second_look_stays(world):
    server = world.talker(lambda request: answer(404 if len(server.requests) == 1 else 200)(request))
    world.mirrors({"a": server.url()})
    done = world.probe("a")
    assert done.returncode == 0 and done.stderr == "" and mirrors_with(world, FILE) == ["a"] and len(server.requests) == 2


def test_a_dry_run_withdraws_nothing(world):
    world.mirrors({"a": world.talker(answer(404)).url()})
    assert world.probe("-n", "a").returncode == 1 and mirrors_with(world, FILE) == ["a"]


def test_a_long_merge_holds_up_withdrawals_but_no_health(world):
    servers = {name: world.talker(answer()) for name in "ab"}
    world.mirrors({name: server.url() for name, server in servers.items()})
    loop = world.start()
    for name in "ab":
        world.wait_for_state(f"{name} http/ipv4", "up")
    with contextlib.closing(psycopg2.connect(world.database.conninfo())) as merging:
        merging.cursor().execute("LOCK TABLE merge_lock IN EXCLUSIVE MODE")
        servers["a"].talk = answer(404)
        time.sleep(8)  # longer than the prober waits for a lock
        servers["b"].talk = reset
        world.wait_for_state("b http/ipv4", "down")
        assert mirrors_with(world, FILE) == ["a", "b"]
    rig.wait_for("the file to be withdrawn", lambda: mirrors_with(world, FILE) == ["b"], 40)
    assert "nothing is probed" not in loop.stop()[3]


def test_a_way_that_serves_other_files_is_down_alone(world):
    """The virtual host for IPv6 or https is another one than that for http, and has nothing."""
    well = world.talker(answer())
    other = world.talker(answer(404), address="::1", port=well.port)
    fill(world.database, {"a": {"http_url": f"http://localhost:{well.port}/", "ipv6": True}}, {f"f{i}": File(("a",)) for i in range(9)})
    loop = world.start()
    world.wait_for_state("a http/ipv6", "down", 60)
    assert world.health()["a http/ipv6"][1].startswith("serves other files over http/IPv6 than over its other ways: answers 404")
    assert world.health()["a http/ipv4"] == ["up", ""] and standing(world, "a") == ["good", ""] and other.requests
    assert all(mirrors_with(world, f"f{i}") == ["a"] for i in range(9)) and "withdrawn" not in loop.stop()[3]


def test_a_file_that_is_refused_alone_is_withdrawn(world):
    """As by rights that are wrong for one file."""
    server = world.talker(lambda request: answer(403 if "/f1 " in request else 200)(request))
    fill(world.database, {"a": {"http_url": server.url()}}, {f"f{i}": File(("a",)) for i in range(4)})
    world.start()
    rig.wait_for("the file to be withdrawn", lambda: mirrors_with(world, "f1") == [], 30)
    assert mirrors_with(world, "f2") == ["a"] and world.health()["a http/ipv4"] == ["up", ""]


def test_a_file_for_which_head_alone_is_wrong_stays(world):
    server = world.talker(lambda request: answer(404 if request.startswith("HEAD") else 200)(request))
    world.mirrors({"a": server.url()})
    done = world.probe("a")
    assert done.returncode == 0 and mirrors_with(world, FILE) == ["a"]
    assert "GET" in server.requests[-1] and "Range: bytes=0-0" in server.requests[-1]


def test_a_mirror_that_asks_for_time_again_and_again_is_down_over_all_its_ways(world):
    if not rig.has_ipv6():
        pytest.skip("no IPv6 on loopback")
    talk = answer(503, Retry_After="1")
    four = world.talker(talk)
    six = world.talker(talk, address="::1", port=four.port)
    world.mirrors({"a": {"http_url": four.url("localhost"), "ipv6": True}})
    began = time.monotonic()
    world.start()
    for way in ("a http/ipv4", "a http/ipv6"):
        world.wait_for_state(way, "down", 60)
    assert time.monotonic() - began > 9 and "503" in world.health()["a http/ipv6"][1]  # it gets ten seconds


def test_a_mirror_that_asks_for_time_gets_it(world):
    server = world.talker(answer())
    world.mirrors({"a": server.url()})
    world.start()
    world.wait_for_state("a http/ipv4", "up")
    server.talk = answer(429, Retry_After="600")
    seen = len(server.requests)
    rig.wait_for("another check", lambda: len(server.requests) > seen)
    time.sleep(4)
    assert len(server.requests) <= seen + 2 and world.health()["a http/ipv4"] == ["up", ""]


def test_files_larger_than_a_mirror_gets_are_not_asked_for(world):
    server = world.talker(answer())
    fill(world.database, {"a": {"http_url": server.url(), "file_maxsize": 10_000}},
         {"small": File(("a",)), "large": File(("a",), size=10_001)})
    world.start()
    rig.wait_for("checks", lambda: len(server.requests) > 4)
    assert all("/small" in request for request in server.requests)


def test_what_most_mirrors_seem_to_lack_is_not_withdrawn(world):
    """The source has changed, and was not scanned since."""
    world.mirrors({name: world.talker(answer(404)).url() for name in "abcde"})
    done = world.probe("--all")
    assert done.stderr.count("most mirrors seem to lack files") == 1 and len(mirrors_with(world, FILE)) >= 3


def test_what_each_of_the_mirrors_lacks_of_its_own_is_withdrawn(world):
    """A tenth each: that many mirrors lack something says nothing about the source."""
    def lacks(number):
        return lambda request: (answer(404) if f"/f{number} " in request else answer())(request)
    names = "abcde"
    fill(world.database, {name: {"http_url": world.talker(lacks(number)).url()} for number, name in enumerate(names)},
         {f"f{number}": File(tuple(names)) for number in range(10)})
    loop = world.start()
    for number, name in enumerate(names):
        rig.wait_for(f"what {name} lacks", lambda: name not in mirrors_with(world, f"f{number}"), 60)
    assert loop.stop()[0] == 0
    assert all(len(files_of(world, name)) == 9 for name in names)


def test_a_mirror_that_serves_another_folder_is_wrong_until_it_was_scanned_and_is_good(world):
    broken = {"is": True}
    server = world.talker(lambda request: answer(404)(request) if broken["is"] and "/f1" in request else answer()(request))
    fill(world.database, {"a": {"http_url": server.url()}}, {f"f{i}": File(("a",)) for i in range(20)})
    lists_by_rsync(world)
    lets_files_grow_old(world)
    loop = world.start()
    reason = wait_for_standing(world, "a", "wrong")
    assert reason.startswith("rsync lists what the web server does not serve: 5 of the last ") and "answers 404" in reason, reason
    assert world.health()["a http/ipv4"] == ["up", ""]
    broken["is"] = False
    scan(world, "a", "some/folder")
    time.sleep(24)
    assert standing(world, "a")[0] == "wrong"  # a scan of a part is no scan
    scan(world, "a")
    wait_for_standing(world, "a", "good")
    _, _, _, err = loop.stop()
    assert "mirror 'a' is wrong: rsync lists" in err and "mirror 'a' is no longer wrong" in err
    assert world.database.sql("SELECT \"from\" || '>' || \"to\" FROM event WHERE what = 'standing' ORDER BY id").split() == [
        "good>wrong", "wrong>good"]


def test_runs_of_a_timer_remember_what_earlier_ones_found(world):
    """So that a mirror becomes wrong, and good again, without --loop."""
    broken = {"is": True}
    server = world.talker(lambda request: answer(404)(request) if broken["is"] and "/f1" in request else answer()(request))
    fill(world.database, {"a": {"http_url": server.url()}}, {f"f{i}": File(("a",)) for i in range(20)})

    def runs(expected, most):
        for _ in range(most):
            world.probe("--all")
            if standing(world, "a")[0] == expected:
                return
        raise AssertionError(standing(world, "a"))
    runs("wrong", 40)
    assert "5 of the last " in standing(world, "a")[1]
    broken["is"] = False
    time.sleep(1)  # times of doubts are rounded to seconds
    scan(world, "a")
    for _ in range(15):
        world.probe("--all")
    assert standing(world, "a")[0] == "wrong"
    runs("good", 30)


def test_what_was_remembered_is_forgotten_with_the_rest(world):
    world.mirrors({"a": world.talker(answer(404)).url()})
    world.probe("--all")
    assert world.database.sql("SELECT checked, wrong_bits FROM probe_memory") == "1|1"
    world.probe("--forget", "--all", check=True)
    assert world.database.sql("SELECT checked, wrong_bits FROM probe_memory") == "0|0"


def test_a_running_prober_takes_over_that_something_is_forgotten(world):
    server = world.talker(lambda request: answer(404 if "/f1 " in request else 200)(request))
    fill(world.database, {"a": {"http_url": server.url()}}, {f"f{i}": File(("a",)) for i in range(8)})
    remembered = lambda: world.database.sql("SELECT checked || ' ' || bit_count(wrong_bits::bit(64)) FROM probe_memory").split()  # noqa: E731
    world.start()
    rig.wait_for("a wrong file", lambda: remembered()[1:] == ["1"], 90)
    assert world.probe("--forget", "--all", check=True).stderr.startswith("mb-probe: a prober is at work")
    rig.wait_for("what the prober writes next", lambda: int(remembered()[0]) > 1, 40)
    assert remembered()[1] == "0"


def test_a_file_that_is_touched_at_the_source_meanwhile_does_not_speak_against_the_mirror(world):
    def talk(request):
        if request.startswith("GET "):  # the second look
            world.database.sql("UPDATE file SET pending = true")
        return answer(404)(request)
    world.mirrors({"a": world.talker(talk).url()})
    done = world.probe("--all")
    assert done.stderr == (f"mb-probe: mirror 'a': '{FILE}' is withdrawn: answers 404 for a file that it should have;"
                           " the source's file was touched and is not yet hashed again\n")
    assert world.database.sql("SELECT coalesce(sum(bit_count(wrong_bits::bit(64))), 0) FROM probe_memory") == "0"


@pytest.mark.parametrize("during_a_merge", [False, True])
def test_a_prober_that_is_stopped_writes_what_it_knows(world, during_a_merge):
    missing = set()
    server = world.talker(lambda request: answer(404 if any(path in request for path in missing) else 200)(request))
    fill(world.database, {"a": {"http_url": server.url()}}, {f"f{i}": File(("a",)) for i in range(8)})
    loop = world.start()
    world.wait_for_state("a http/ipv4", "up")
    rig.wait_for("its first note", lambda: world.database.sql("SELECT checked FROM probe_memory") != "", 15)
    missing.update({"/f1 ", "/f2 ", "/f3 ", "/f4 ", "/f5 ", "/f6 "})
    rig.wait_for("a file to be withdrawn", lambda: sum(bool(mirrors_with(world, f"f{i}")) for i in range(8)) < 8, 30)
    with contextlib.closing(psycopg2.connect(world.database.conninfo())) as merging:
        if during_a_merge:
            merging.cursor().execute("LOCK TABLE merge_lock IN EXCLUSIVE MODE")
        status, seconds, _, _ = loop.stop()
    assert status == 0 and seconds < 4
    assert world.database.sql("SELECT wrong_bits <> 0 FROM probe_memory") == "t"


def test_files_that_the_source_has_deleted_do_not_speak_against_a_mirror(world, scratch):
    world.configure(f'source = "{scratch}/tree"\n')
    rig.make_tree(scratch / "tree", {f"f{i}": 10_000 for i in range(6, 9)})
    server = world.talker(lambda request: answer(404 if "/f1" in request or "/f2" in request or "/f3" in request or "/f4" in request
                                                 or "/f5" in request or "/f0" in request else 200)(request))
    fill(world.database, {"a": {"http_url": server.url()}}, {f"f{i}": File(("a",)) for i in range(9)})
    lets_files_grow_old(world)
    loop = world.start()
    rig.wait_for("the files to be withdrawn", lambda: not any(mirrors_with(world, f"f{i}") for i in range(6)), 90)
    assert standing(world, "a") == ["good", ""] and mirrors_with(world, "f7") == ["a"]
    assert loop.stop()[3].count("is withdrawn: answers 404 for a file that it should have; the source has deleted it too\n") == 6


@pytest.mark.parametrize("says, expected", [(404, "good"), (200, "wrong"), (500, "wrong")])
def test_a_source_elsewhere_is_asked_whether_it_has_deleted_what_is_missing(world, says, expected):
    missing = [f"/f{number} " for number in range(6)]
    gone = lambda request, status: answer(status if any(path in request for path in missing) else 200)(request)  # noqa: E731
    source = world.talker(lambda request: gone(request, says))
    world.configure(f'source = "rsync://127.0.0.1:1/pub/"\nsource_url = "{source.url()}"\nfresh_requests = 0\n')
    servers = {name: world.talker(lambda request: gone(request, 404)).url() for name in "ab"}
    fill(world.database, {name: {"http_url": url} for name, url in servers.items()}, {f"f{i}": File(("a", "b")) for i in range(9)})
    loop = world.start()
    if expected == "wrong":
        wait_for_standing(world, "a", "wrong", 90)
    else:
        rig.wait_for("the files to be withdrawn", lambda: not any(mirrors_with(world, f"f{i}") for i in range(6)), 90)
    assert standing(world, "a")[0] == expected
    assert len(source.requests) == len({request.split()[1] for request in source.requests}) > 3, "once for each path"
    assert loop.stop()[3].count("; the source has deleted it too\n") == (12 if says == 404 else 0)


def lost_and_kept(world, lost):
    """A mirror of many files in folders, of which `lost` is gone, and its server."""
    server = world.talker(lambda request: answer(404 if f" /{lost}/" in request else 200)(request))
    tops = {"pool/a": 60, "pool/b": 100, "dists": 400} if lost == "pool" else {"pool/a": 150, "pool/b": 250, "dists": 1100}
    paths = [f"{top}/{number % 25}/f{number}" for top, count in tops.items() for number in range(count)]
    fill(world.database, {"a": {"http_url": server.url()}}, {path: File(("a",)) for path in paths})
    return server, paths


def files_of(world, name):
    return world.database.sql("SELECT convert_from(path, 'UTF8') FROM file JOIN cohort ON cohort.id = cohort_id"
                              f" JOIN mirror ON mirror.id = ANY (mirrors) WHERE identifier = '{name}'").split()


@pytest.mark.parametrize("lost, expected", [("pool/b", "good"), ("pool", "wrong")])
def test_a_mirror_that_lost_a_folder_loses_all_redirects_for_it_soon(world, scratch, lost, expected):
    """And all others, if that was more than a fifth of what it had."""
    server, paths = lost_and_kept(world, lost)
    world.configure(f'source = "{scratch}/tree"\n')
    rig.make_tree(scratch / "tree", {path: 10 for path in paths})
    lets_files_grow_old(world)
    loop = world.start()
    rig.wait_for("a file of it to be asked for", lambda: any(f" /{lost}/" in request for request in server.requests), 60)
    kept = {path for path in paths if not path.startswith(lost + "/")}
    rig.wait_for("the folder to be withdrawn", lambda: set(files_of(world, "a")) == kept, 25)
    assert f" below '{lost}/' withdrawn: answers 404 for a file that it should have\n" in loop.stop()[3]
    assert standing(world, "a")[0] == expected
    if expected == "wrong":
        assert standing(world, "a")[1].startswith("serves something else than what was listed: ")
        assert " files are missing; 'pool" in standing(world, "a")[1]


def test_folders_with_a_single_file_each_are_withdrawn_with_the_folder_around_them(world):
    """After the second one: of a single file alone it is not likely that more is lost."""
    server = world.talker(lambda request: answer(404 if " /pool/b/" in request else 200)(request))
    paths = [f"{top}/{number}/f" for top, count in (("pool/a", 60), ("pool/b", 140), ("dists", 200)) for number in range(count)]
    fill(world.database, {"a": {"http_url": server.url()}}, {path: File(("a",)) for path in paths})
    lets_files_grow_old(world)
    loop = world.start()
    rig.wait_for("the folder to be withdrawn", lambda: set(files_of(world, "a")) == {p for p in paths if "/b/" not in p}, 60)
    said = loop.stop()[3]
    assert " more files are below 'pool/b/' withdrawn: answers 404" in said and said.count("is withdrawn: ") < 20


def test_a_look_at_a_folder_asks_for_each_file_again_some_seconds_later(world):
    asked = {}

    def talk(request):
        asked.setdefault(request.split()[1], []).append((request.split()[0], time.monotonic()))
        return answer(404 if " /lost/" in request else 200)(request)
    server = world.talker(talk)
    fill(world.database, {"a": {"http_url": server.url()}}, {f"{top}/f{n}": File(("a",)) for top in ("lost", "kept") for n in range(30)})
    world.start()
    rig.wait_for("the folder to be withdrawn", lambda: all(path.startswith("kept/") for path in files_of(world, "a")), 60)
    looks = {path: times for path, times in asked.items() if path.startswith("/lost/") and len(times) > 1}
    later = [path for path, ((first, began), (second, ended), *_) in looks.items()
             if (first, second) == ("HEAD", "GET") and ended - began > 4.5]
    assert len(looks) == 30 and len(later) > 20, "all but those that ordinary checks asked for, each second"


def test_a_look_at_a_folder_ends_when_the_mirror_is_wrong(world, scratch):
    paths = [f"{top}/f{number}" for top in ("lost", "kept") for number in range(2500)]
    world.configure(f'source = "{scratch}/tree"\n')
    rig.make_tree(scratch / "tree", {path: 10 for path in paths})
    server = world.talker(lambda request: answer(404 if " /lost/" in request else 200)(request))
    fill(world.database, {"a": {"http_url": server.url()}}, {path: File(("a",)) for path in paths})
    world.start()
    rig.wait_for("the look to begin", lambda: len(server.requests) > 100, 60)
    world.database.sql("INSERT INTO doubt (mirror_id, kind, reason) SELECT id, 'wrong', 'x' FROM mirror")
    time.sleep(4)
    seen = len(server.requests)
    time.sleep(5)
    assert len(server.requests) - seen < 30, "ordinary checks alone go on"
    assert len(files_of(world, "a")) > 3000


def test_a_mirror_that_is_ahead_of_the_last_scan_of_the_source_is_not_wrong(world, scratch):
    server, paths = lost_and_kept(world, "none")
    server.talk = lambda request: answer(Content_Length=77 if " /pool/" in request else 10_000)(request)
    world.configure(f'source = "{scratch}/tree"\n')
    rig.make_tree(scratch / "tree", {path: 10 for path in paths})
    while set(files_of(world, "a")) == set(paths):
        world.probe("a")
    assert standing(world, "a") == ["good", ""]


def test_one_file_that_is_missing_costs_a_look_at_its_folder(world):
    server = world.talker(lambda request: answer(404 if "/a/f3 " in request else 200)(request))
    paths = {f"{folder}/f{number}" for folder in ("a", "b") for number in range(10)}
    fill(world.database, {"a": {"http_url": server.url()}}, {path: File(("a",)) for path in paths})
    while set(files_of(world, "a")) == paths:
        server.requests.clear()
        done = world.probe("a")
    asked = {request.split()[1] for request in server.requests}
    assert asked == {f"/a/f{number}" for number in range(10)} and set(files_of(world, "a")) == paths - {"a/f3"}
    assert done.stderr.count("withdrawn") == 1 and done.returncode == 1


def test_a_run_of_a_timer_looks_at_the_folder_too(world):
    server, paths = lost_and_kept(world, "pool")
    while set(files_of(world, "a")) == set(paths):
        done = world.probe("a")
    assert set(files_of(world, "a")) == {path for path in paths if path.startswith("dists/")}, done.stderr


@pytest.mark.parametrize("by, files", [("scan", 1), ("probes", 1), ("probes", 5)])
def test_a_mirror_that_was_down_for_long_returns_when_its_files_were_checked(world, by, files):
    world.configure(f"rescan_after_s = 2\nprobe_files = {files}\n")
    server = world.talker(answer())
    world.mirrors({"a": server.url()})
    loop = world.start()
    world.wait_for_state("a http/ipv4", "up")
    server.talk = reset
    world.wait_for_state("a http/ipv4", "down")
    time.sleep(3)
    first = len(server.requests)
    server.talk = answer()
    reason = wait_for_standing(world, "a", "returning")
    assert reason.startswith("was down for ") and reason.endswith(" s, and its files were not checked since")
    world.wait_for_state("a http/ipv4", "up")
    seen = len(server.requests)
    if by == "scan":
        scan(world, "a")
        loop.stop()  # scans are looked for now and then, and at the start
        loop = world.start()
        wait_for_standing(world, "a", "good", 10)
        assert len(server.requests) - seen < 18
    else:
        wait_for_standing(world, "a", "good")
        assert len(server.requests) - first >= 20
    loop.stop()
    order = world.database.sql("SELECT what || ' ' || \"to\" FROM event ORDER BY id DESC LIMIT 3").splitlines()[::-1]
    assert order == ["standing returning", "http/ipv4 up", "standing good"]


def test_a_mirror_that_was_down_for_short_is_believed_at_once(world):
    world.configure("rescan_after_s = 100\n")
    server = world.talker(answer())
    world.mirrors({"a": server.url()})
    world.start()
    for talk, state in ((answer(), "up"), (reset, "down"), (answer(), "up")):
        server.talk = talk
        world.wait_for_state("a http/ipv4", state)
    assert standing(world, "a")[0] == "good"
