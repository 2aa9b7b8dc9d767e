"""mb-probe: what it finds of mirrors on loopback that answer in all kinds of ways, and the reason that it gives."""

import email.utils
import time

import pytest

import rig
from answers import SIZE
from probing import FILE, FILE_URL, World, answer, reset

MTIME = rig.tree.DEFAULT_MTIME


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def one(world, talk, **options):
    """The last check of a mirror that talks so, after the first was confirmed."""
    server = world.talker(talk, **options)
    world.mirrors({"a": server.url()})
    checks = world.checks("a")
    assert checks[-1]["file"] == FILE and checks[-1]["way"] == "http/ipv4"
    return checks


def test_a_good_mirror_is_up(world):
    server = world.talker(answer())
    world.mirrors({"a": server.url()})
    done = world.probe("a")
    assert done.returncode == 0 and done.stderr == "", done
    name, way, state, latency, unit, *file = done.stdout.split()
    assert (name, way, state, unit, " ".join(file)) == ("a", "http/ipv4", "up", "ms", FILE)
    assert server.requests[0].startswith(f"HEAD {FILE_URL} HTTP/1.1\r\n") and "mb-probe" in server.requests[0]
    assert world.health() == {"a http/ipv4": ["up", ""]}


@pytest.mark.parametrize("talk, reason", [
    (answer(403), "answers 403 for a file that it should have"),
    (answer(500), "answers 500 for a file that it should have"),
    (reset, "the connection broke off"),
    (lambda request: b"", "the connection was closed without an answer"),
    (lambda request: None, "no answer within 2 s"),
    (lambda request: [b"%c" % byte for byte in answer()(request)], "no answer within 2 s"),
    (lambda request: b"220 smtp.example ESMTP\r\n", "not HTTP"),
    (lambda request: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10000, "its headers are longer than 32768 bytes"),
    (answer(302, Location=FILE_URL), "redirects in a loop"),
    (answer(302), "answers with a redirect to nowhere"),
    (answer(302, Location="/elsewhere/index.html"), "redirects to another file: "),
    (answer(302, Location="ftp://ftp.example/pub/f%201.deb"), "redirects to what is neither http nor https: ftp://ftp.example/"),
    (answer(301, Location="http://redirector.example/d/pub/f%201.deb"), "redirects back to us: http://redirector.example/d/pub/"),
])
def test_a_bad_mirror_goes_down_with_a_reason(world, talk, reason):
    world.configure('server_urls = ["https://redirector.example/d/"]\n')
    checks = one(world, talk)
    assert [check["state"] for check in checks] == ["failing", "down"]
    assert all(reason in check["reason"] for check in checks), checks
    assert world.health() == {"a http/ipv4": ["down", checks[-1]["reason"]]}
    assert world.probe("a").returncode == 1


@pytest.mark.parametrize("talk, reason", [
    (answer(404), "answers 404 for a file that it should have"),
    (answer(410), "answers 410 for a file that it should have"),
    (answer(Content_Length=1234), f"sends 1,234 bytes instead of {SIZE:,}"),
    (lambda request: b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "sends a web page in place of the file"),
])
def test_a_wrong_file_does_not_take_the_mirror_down(world, talk, reason):
    checks = one(world, talk)
    assert checks[-1]["state"] == "up" and not checks[-1]["ok"] and checks[-1]["reason"] == reason
    assert world.health() == {"a http/ipv4": ["up", ""]}


def test_a_mirror_that_hangs_is_asked_again_at_once(world):
    """The seconds in which it did not answer count as the pause between two checks."""
    times = []
    server = world.talker(lambda request: times.append(time.monotonic()))
    world.mirrors({"a": server.url()})
    done = world.probe("a", "--interval=60", "--timeout=10")
    assert done.returncode == 1 and world.health()["a http/ipv4"][0] == "down"
    assert len(times) >= 2 and 9 < times[1] - times[0] < 19  # with a pause of ten seconds it would be 20


def test_connection_refused(world):
    world.mirrors({"a": f"http://127.0.0.1:{rig.CLOSED_PORT}/"})
    assert world.checks("a")[-1]["reason"] == "connection refused"


def test_a_name_that_does_not_exist(world):
    world.mirrors({"a": "http://name.invalid/"})
    assert world.checks("a")[-1]["reason"] == "its name has no IPv4 address, or cannot be looked up"


def test_endless_redirects_end(world):
    def talk(request):
        depth = request.split("/")[1]
        return answer(302, Location=f"/{int(depth) + 1 if depth.isdigit() else 1}/f%201.deb")(request)
    server = world.talker(talk)
    world.mirrors({"a": server.url()})
    assert world.checks("-n", "a")[-1]["reason"] == "redirects more than 5 times"
    assert len(server.requests) == 2 * 6


def test_a_redirect_to_a_good_host_is_followed(world):
    other = world.talker(answer())
    server = world.talker(answer(307, Location=other.url() + FILE_URL[1:]))
    world.mirrors({"a": server.url()})
    assert world.checks("a")[-1]["state"] == "up" and len(other.requests) == 1
    assert world.database.sql("SELECT final_host FROM health").strip() == ""


def test_the_host_that_a_mirror_redirects_to_is_kept_and_shown(world):
    other = world.talker(answer())
    server = world.talker(answer(307, Location=other.url("localhost") + FILE_URL[1:]))
    world.mirrors({"a": server.url()})
    assert world.checks("a")[-1]["ok"]
    assert "redirects to localhost" in world.database.tool("mb", "show", "a").stdout
    server.talk = answer()
    world.checks("a")
    assert "redirects to" not in world.database.tool("mb", "show", "a").stdout


def test_where_head_is_refused_a_range_is_asked_for(world):
    def talk(request):
        if request.startswith("HEAD"):
            return answer(405)(request)
        assert "\r\nRange: bytes=0-0\r\n" in request
        return answer(206, Content_Length=1, Content_Range=f"bytes 0-0/{SIZE}")(request) + b"x"
    assert [check["state"] for check in one(world, talk)] == ["up"]


def test_a_server_without_ranges_is_not_read_to_the_end(world):
    def talk(request):
        return answer(405)(request) if request.startswith("HEAD") else answer()(request) + b"x" * 100
    assert [check["state"] for check in one(world, talk)] == ["up"]


def test_times_are_compared_where_the_mirror_keeps_them(world):
    talk = answer(Last_Modified="Sun, 06 Nov 1994 08:49:37 GMT")
    assert one(world, talk)[-1]["state"] == "up"
    world.database.sql("UPDATE mirror SET keeps_times = true")
    assert world.checks("a")[-1]["reason"].startswith("has the file of 1994-11-06T08:49:37Z instead of 20")


def test_each_time_under_which_the_source_had_the_version_is_right(world):
    """After a touch at the source the mirrors still have the time of before."""
    server = world.talker(answer(Last_Modified="Sun, 06 Nov 1994 08:49:37 GMT"))
    world.mirrors({"a": server.url()})
    world.database.sql("UPDATE mirror SET keeps_times = true;"
                       " INSERT INTO hash (file_id, version_rev, sha256, mtimes) SELECT id, version_rev, sha256('x'),"
                       " ARRAY[mtime, 784111777] FROM file")
    assert world.checks("a")[-1]["ok"]


def test_times_of_a_mirror_whose_clock_is_off_are_compared_as_its_scans_found_them(world):
    server = world.talker(answer(Last_Modified=email.utils.formatdate(MTIME + 7200, usegmt=True)))
    world.mirrors({"a": server.url()})
    world.database.sql("UPDATE mirror SET keeps_times = true, time_offset_s = 7200;"
                       " INSERT INTO endpoint (mirror_id, method, url) SELECT id, 'rsync', 'rsync://127.0.0.1/pub/' FROM mirror")
    assert world.checks("-n", "a")[-1]["ok"]
    world.database.sql("UPDATE mirror SET time_offset_s = 3600")
    assert not world.checks("-n", "a")[-1]["ok"]


def test_times_of_immutable_files_do_not_count(world):
    server = world.talker(answer(Last_Modified="Sun, 06 Nov 1994 08:49:37 GMT"))
    world.mirrors({"a": server.url()})
    world.database.sql("UPDATE mirror SET keeps_times = true;"
                       " INSERT INTO path_rule (position, kind, glob) VALUES (1, 'immutable', 'pool/**')")
    assert world.checks("a")[-1]["ok"]


def test_times_are_compared_as_exactly_as_the_mirror_keeps_them(world):
    server = world.talker(answer(Last_Modified=email.utils.formatdate(MTIME + 3600, usegmt=True)))
    world.mirrors({"a": server.url()})
    world.database.sql("UPDATE mirror SET keeps_times = true;"
                       " INSERT INTO endpoint (mirror_id, method, url) SELECT id, 'rsync', 'rsync://127.0.0.1/pub/' FROM mirror")
    assert "has the file of" in world.checks("-n", "a")[-1]["reason"]
    world.database.sql("UPDATE endpoint SET method = 'ftp', url = 'ftp://127.0.0.1/pub/'")
    assert world.checks("-n", "a")[-1]["ok"]


def test_ipv6_dead_with_ipv4_alive(world):
    """To libcurl, localhost is both ::1 and 127.0.0.1; nobody listens on the first."""
    if not rig.has_ipv6():
        pytest.skip("this machine has no ::1")
    server = world.talker(answer())
    world.mirrors({"a": {"http_url": server.url("localhost"), "ipv6": True}})
    checks = world.checks("a")
    assert {check["way"]: check["state"] for check in checks} == {"http/ipv4": "up", "http/ipv6": "down"}
    assert world.health() == {"a http/ipv4": ["up", ""], "a http/ipv6": ["down", "connection refused"]}


def test_an_address_is_not_probed_over_the_other_family(world):
    server = world.talker(answer())
    world.mirrors({"a": {"http_url": server.url(), "ipv6": True}})
    assert [check["way"] for check in world.checks("a")] == ["http/ipv4"]


def test_a_mirror_without_files_is_not_judged(world):
    world.mirrors({"a": "http://127.0.0.1:1/"})
    world.database.sql("UPDATE file SET pending = true")
    done = world.probe("a")
    assert done.returncode == 1 and "found no file that it has" in done.stderr and world.health() == {}


def test_nothing_probed_is_no_success(world):
    assert world.probe("--all").returncode == 1


def test_what_a_prober_left_can_be_forgotten(world):
    dead = f"http://127.0.0.1:{rig.CLOSED_PORT}/"
    world.mirrors({"a": dead, "b": dead})
    world.probe("--all")
    assert {state for state, _ in world.health().values()} == {"down"}
    done = world.probe("--forget", "a", check=True)
    assert done.stdout == "mirror 'a': what was found is forgotten; it counts as up\n" and done.stderr == ""
    assert world.health()["a http/ipv4"] == ["unknown", ""] and world.health()["b http/ipv4"][0] == "down"
    assert world.database.sql("SELECT identifier FROM mirror WHERE down <> '{}'").split() == ["b"]
    world.probe("--forget", "--all", check=True)
    assert {state for state, _ in world.health().values()} == {"unknown"}


def test_a_dry_run_writes_nothing(world):
    world.mirrors({"a": f"http://127.0.0.1:{rig.CLOSED_PORT}/"})
    assert world.probe("--dry-run", "a").returncode == 1 and world.health() == {}


def test_a_mirror_comes_back(world):
    state = {"talk": answer(500)}
    server = world.talker(lambda request: state["talk"](request))
    world.mirrors({"a": server.url(), "b": {"http_url": server.url(), "enabled": False}})
    assert world.probe("--all").returncode == 1
    state["talk"] = answer()
    checks = world.checks("--all")
    assert [check["state"] for check in checks] == ["recovering", "up"] and {check["mirror"] for check in checks} == {"a"}
    assert world.database.sql("SELECT \"from\" || '>' || \"to\" || ' ' || why FROM event ORDER BY id").splitlines() == [
        "unknown>down answers 500 for a file that it should have", "down>up "]


def test_ways_that_nobody_claims_are_forgotten(world):
    server = world.talker(answer())
    world.mirrors({"a": server.url()})
    world.database.sql("INSERT INTO health (mirror_id, scheme, family, state) SELECT id, 'https', 'ipv6', 'down' FROM mirror")
    world.probe("a", check=True)
    assert world.health() == {"a http/ipv4": ["up", ""]}


def test_most_mirrors_failing_at_once_needs_a_control(world):
    dead = f"http://127.0.0.1:{rig.CLOSED_PORT}/"
    world.mirrors({name: dead for name in "abc"})
    done = world.probe("--all")
    assert done.returncode == 2 and "no probe_control in mb.toml" in done.stderr and world.health() == {}
    world.configure(f'probe_control = ["{dead}"]\n')
    done = world.probe("--all")
    assert done.returncode == 2 and "our own network has trouble" in done.stderr and world.health() == {}
    assert done.stderr.count("nothing is changed") == 1
    control = world.talker(answer())
    world.configure(f'probe_control = ["{dead}", "{control.url()}"]\n')
    done = world.probe("--all")
    assert done.returncode == 1 and len(world.health()) == 3 and control.requests


def test_a_dead_control_keeps_no_dead_mirror_up_while_others_answer(world):
    dead = f"http://127.0.0.1:{rig.CLOSED_PORT}/"
    world.mirrors({"a": dead, **{name: world.talker(answer()).url() for name in "bc"}})
    world.configure(f'probe_control = ["{dead}"]\n')
    world.start()
    world.wait_for_state("a http/ipv4", "down", 20)
    assert world.health()["b http/ipv4"] == ["up", ""]


def test_some_that_hang_beside_others_that_answer_need_no_control(world):
    well, silent = world.talker(answer()), world.talker(lambda request: None)
    world.mirrors({**{name: silent.url() for name in "abc"}, **{name: well.url() for name in "defg"}})
    done = world.probe("--all")
    assert done.returncode == 1 and done.stderr == ""
    assert [state for state, _ in world.health().values()] == ["down"] * 3 + ["up"] * 4


def test_usage(world, build):
    for args, words in (([], "nothing to do"), (["--all", "a"], "not several"), (["--all", "--loop"], "not both"),
                        (["--timeout", "0", "a"], "--timeout")):
        done = world.probe(*args)
        assert done.returncode == 2 and words in done.stderr and done.stdout == ""
    world.mirrors({"ftp.example.org": "http://127.0.0.1:1/"})
    done = world.probe("ftp.exmaple.org")
    assert done.returncode == 1 and "did you mean 'ftp.example.org'?" in done.stderr
    assert world.probe("a", env={"PGDATABASE": "nosuch"}).returncode == 3
    manual = (build.srcdir / "doc" / "mb-probe.1").read_text().replace("\\-", "-")
    completion = (build.srcdir / "doc" / "completion" / "mb-probe").read_text()
    for word in world.probe("--help", check=True).stdout.replace(",", " ").split():
        if word.startswith("--"):
            assert word in manual and word in completion, word
    assert world.probe("--version", check=True).stdout.startswith("mb-probe (mod_mirror) 0.")
