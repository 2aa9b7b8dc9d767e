"""mb-probe --loop: redirects leave a dead mirror and come back, whatever happens to the prober and the database."""

import http.server
import os
import re
import signal
import socket
import threading
import time

import pytest

import rig
from answers import SIZE, File, ask, fill
from probing import FILE, FILE_URL, World, answer, reset

CONFIG = """
MirrorDatabase {database}
<Location /d>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
"""


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


class Site:
    """A redirector before two mirrors with real web servers, of which `far` has next to no weight."""

    def __init__(self, world, make_httpd, make_mirror):
        self.hosts = {name: make_mirror(name, {FILE: SIZE}, weight=weight) for name, weight in (("near", 1000000), ("far", 1))}
        ids = "ARRAY(SELECT id FROM mirror ORDER BY id)"
        world.database.sql(f"INSERT INTO cohort (mirrors, n_files, rev) VALUES ({ids}, 1, 1);"
                           "INSERT INTO file (path, size, mtime, version_rev, rev, kind, cohort_id) SELECT"
                           f" '{FILE}', {SIZE}, {rig.tree.DEFAULT_MTIME}, 1, 1, 'f', id FROM cohort")
        self.httpd = make_httpd(CONFIG.replace("{database}", world.database.conninfo()), catalog=True)

    def goes_to(self):
        location = ask(self.httpd, f"/d{FILE_URL}").location
        return next((name for name, host in self.hosts.items() if location.startswith(host.http_url)), location)

    def wait_until_it_goes_to(self, name, within_s=15):
        began = time.monotonic()
        rig.wait_for(f"redirects to {name}", lambda: self.goes_to() == name, within_s)
        return time.monotonic() - began


@pytest.fixture
def site(world, make_httpd, make_mirror):
    return Site(world, make_httpd, make_mirror)


def test_redirects_leave_a_mirror_whose_web_server_stops_and_come_back(world, site):
    loop = world.start()
    world.wait_for_state("near http/ipv4", "up")
    assert site.goes_to() == "near"
    site.hosts["near"].web.stop()
    assert site.wait_until_it_goes_to("far") < 10
    assert world.health()["near http/ipv4"] == ["down", "connection refused"]
    site.hosts["near"].web.start()
    assert site.wait_until_it_goes_to("near") < 10
    status, seconds, out, err = loop.stop()
    assert status == 0 and seconds < 5 and err == ""
    assert [re.split(r" +", line)[:3] for line in out.splitlines() if line.startswith("near")] == [
        ["near", "http/ipv4", state] for state in ("up", "down", "up")]


@pytest.mark.parametrize("bad, reason", [
    (reset, "the connection broke off"), (answer(500), "answers 500"), (answer(403), "answers 403"),
    (lambda request: None, "no answer within 2 s")], ids=["reset", "500", "403", "hangs"])
def test_redirects_leave_a_mirror_whatever_ails_it_and_come_back(world, site, bad, reason):
    server = world.talker(answer())
    server.http_url = server.url()
    world.database.tool("mb", "edit", "near", "--http-url", server.http_url)
    site.hosts["near"] = server
    loop = world.start()
    world.wait_for_state("near http/ipv4", "up")
    assert site.wait_until_it_goes_to("near") < 10
    server.talk = bad
    assert site.wait_until_it_goes_to("far") < 15
    assert reason in world.health()["near http/ipv4"][1]
    server.talk = answer()
    assert site.wait_until_it_goes_to("near") < 15
    assert loop.stop()[0] == 0


def test_redirects_go_on_when_the_prober_is_killed(world, site):
    loop = world.start()
    world.wait_for_state("near http/ipv4", "up")
    site.hosts["near"].web.stop()
    site.wait_until_it_goes_to("far")
    loop.kill()
    site.hosts["near"].web.start()
    time.sleep(3)
    assert site.goes_to() == "far"
    world.start()
    site.wait_until_it_goes_to("near")


def test_a_second_prober_waits_and_takes_over(world, site):
    first = world.start("--verbose")
    world.wait_for_state("near http/ipv4", "up")
    second = world.start("--verbose")
    time.sleep(3)
    done = world.probe("near")
    assert done.returncode == 0 and "another prober is at work, so nothing is written here: mb-probe on host" in done.stderr
    first.kill()
    site.hosts["near"].web.stop()
    site.wait_until_it_goes_to("far")
    status, _, out, err = second.stop()
    assert status == 0 and err.count("another prober is at work, this one waits: mb-probe on host") == 1 and err.count("\n") == 1
    assert "near  http/ipv4   down" in out


def test_it_goes_on_after_the_database_was_away(stoppable_postgres, build, scratch, cleanup):
    stoppable_postgres.start().create_database("probe_outage")
    database = rig.Database(stoppable_postgres, "probe_outage", build)
    cleanup(Closing(lambda: stoppable_postgres.drop_database("probe_outage")))
    database.load_schema()
    world = World(database, scratch, cleanup)
    state = {"talk": answer()}
    server = world.talker(lambda request: state["talk"](request))
    world.mirrors({"a": server.url()})
    loop = world.start()
    world.wait_for_state("a http/ipv4", "up")
    stoppable_postgres.stop()
    time.sleep(3)
    assert loop.process.poll() is None
    stoppable_postgres.start()
    state["talk"] = answer(500)
    world.wait_for_state("a http/ipv4", "down")
    status, _, _, err = loop.stop()
    assert status == 0 and err.count("nothing is probed until it answers again") == 1 and "the database answers again" in err


class Closing:
    def __init__(self, close):
        self.close = close


def test_each_round_asks_for_another_file_and_writes_little(world):
    server = world.talker(answer())
    fill(world.database, {"a": {"http_url": server.url()}}, {f"f{i}": File(("a",)) for i in range(50)})
    loop = world.start()
    rig.wait_for("ten checks", lambda: len(server.requests) >= 10)
    loop.stop()
    assert len({request.split()[1] for request in server.requests}) > 4
    written = "SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = 'health'"
    rig.wait_for("the server's counts", lambda: world.database.sql(written).strip() != "0")
    assert int(world.database.sql(written)) <= 2


class KeepsConnections(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.number = self.server.connections = self.server.connections + 1

    def do_HEAD(self):
        self.server.asked.append((self.number, self.path))
        self.send_response(404 if "no-such-file" in self.path else 200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def keeping_server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), KeepsConnections) as server:
        server.connections, server.asked = 0, []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("files", [1, 5])
def test_each_check_has_a_connection_and_asks_for_some_files_over_it(world, keeping_server, files):
    world.configure(f"probe_files = {files}\n")
    url = f"http://127.0.0.1:{keeping_server.server_port}/"
    fill(world.database, {"a": {"http_url": url}}, {f"pool/f{number}": File(("a",)) for number in range(100)})
    loop = world.start()
    rig.wait_for("three checks", lambda: len(keeping_server.asked) >= 2 * files + 1)
    assert loop.stop()[0] == 0
    numbers = [number for number, _ in keeping_server.asked]
    checks = [set(numbers[at:at + files]) for at in range(0, len(numbers), files)]
    assert all(len(check) == 1 for check in checks) and len(set.union(*checks)) == len(checks), numbers


@pytest.mark.parametrize("status", [403, 503])
def test_a_server_that_answers_some_requests_in_a_row_only_is_asked_for_one(world, status):
    refused, times = [], []

    def talk(request):
        now = time.monotonic()
        times.append(now)
        if sum(now - 0.5 < at for at in times) > 3:
            refused.append(now)
            return answer(status)(request)
        return answer()(request)
    fill(world.database, {"a": {"http_url": world.talker(talk).url()}}, {f"f{number}": File(("a",)) for number in range(100)})
    loop = world.start()
    rig.wait_for("a refusal", lambda: refused)
    seen = len(times)
    rig.wait_for("checks of one file", lambda: len(times) >= seen + 8, 30)
    assert loop.stop()[0] == 0 and len(refused) <= 2
    assert world.database.sql("SELECT \"to\" FROM event WHERE \"to\" = 'down'") == ""
    assert world.database.sql("SELECT sum(n_files) FROM cohort WHERE mirrors <> '{}'") == "100"


def test_a_mirror_that_is_enabled_or_disabled_is_noticed(world):
    server = world.talker(answer())
    world.mirrors({"a": {"http_url": server.url(), "enabled": False}})
    world.start()
    time.sleep(1)
    assert not server.requests
    world.database.tool("mb", "edit", "a", "--enabled")
    world.wait_for_state("a http/ipv4", "up")
    world.database.tool("mb", "disable", "a")
    time.sleep(3)
    seen = len(server.requests)
    time.sleep(2)
    assert len(server.requests) == seen


def test_a_reload_takes_the_new_configuration_and_keeps_the_old_for_a_wrong_one(world):
    server = world.talker(answer())
    world.mirrors({"a": server.url()})
    fast = world.config.read_text()
    world.config.write_text("[instance.main]\nprobe_interval_s = 60\n")
    loop = world.start()
    time.sleep(1)
    world.config.write_text("[instance.main]\nnonsense = 1\n")
    loop.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    world.config.write_text(fast)
    loop.process.send_signal(signal.SIGHUP)
    rig.wait_for("checks each second", lambda: len(server.requests) >= 4)
    status, _, _, err = loop.stop()
    assert status == 0 and err.count("the configuration stays as it was") == 1 and "nonsense" in err


@pytest.mark.parametrize("control", [False, True])
def test_an_outage_of_our_own_network_takes_no_mirror_down(world, control):
    """A small fleet, of which never more than one fails at the same moment, and the control, are out of reach for a while, again
    and again: in the end all are good, and one that is really dead is down."""
    network = {"works": True}
    well = answer()
    servers = [world.talker(lambda request: well(request) if network["works"] else reset(request)) for _ in range(5)]
    if control:
        control = world.talker(lambda request: answer()(request) if network["works"] else reset(request))
        world.configure(f'probe_control = ["{control.url()}"]\n')
    world.mirrors({name: server.url() for name, server in zip("abcde", servers)})
    loop = world.start()
    for name in "abcde":
        world.wait_for_state(f"{name} http/ipv4", "up")
    for seconds in (1.3, 4, 2.1):
        network["works"] = False
        time.sleep(seconds)
        network["works"] = True
        time.sleep(2.5)
    servers[0].talk = reset
    world.wait_for_state("a http/ipv4", "down", 20)
    status, _, _, err = loop.stop()
    assert status == 0 and "mirrors fail over IPv4" in err
    assert world.database.sql("SELECT mirror FROM event WHERE \"to\" = 'down'").split() == ["a"]


class Hanging(http.server.BaseHTTPRequestHandler):
    """Answers after a moment, or never: then requests are on their way when the network goes."""
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        time.sleep(0.15)
        self.server.works.wait()
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
    do_GET = do_HEAD

    def log_message(self, *args):
        pass


def test_no_mirror_goes_down_for_what_was_on_its_way_when_our_own_network_went(world, cleanup):
    works = threading.Event()
    works.set()
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hanging) for _ in range(21)]
    urls = [f"http://127.0.0.1:{server.server_port}/" for server in servers]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for server, thread in zip(servers, threads):
        server.works, server.daemon_threads, server.block_on_close = works, True, False
        thread.start()
    try:
        world.config.write_text(f'[instance.main]\nprobe_interval_s = 2\nprobe_timeout_s = 2\nprobe_control = ["{urls[0]}"]\n')
        world.mirrors({f"m{number}": url for number, url in enumerate(urls[1:])})
        loop = world.start()
        for number in range(20):
            world.wait_for_state(f"m{number} http/ipv4", "up", 30)
        before = world.database.sql("SELECT coalesce(max(id), 0) FROM event")
        works.clear()
        time.sleep(16)
        status, _, _, err = loop.stop()
        assert status == 0 and "mirrors fail over IPv4, and so do the control URLs" in err
        assert world.database.sql(f"SELECT mirror FROM event WHERE \"to\" = 'down' AND id > {before}") == ""
    finally:
        works.set()
        for server, thread in zip(servers, threads):
            server.shutdown()
            server.server_close()
            thread.join()


def test_nobody_else_answers_and_there_is_no_control(world):
    """Three mirrors of which one after the other dies: the last one may be our own network."""
    servers = [world.talker(answer()) for _ in range(3)]
    world.mirrors({name: server.url() for name, server in zip("abc", servers)})
    loop = world.start()
    for name in "abc":
        world.wait_for_state(f"{name} http/ipv4", "up")
    for name, server in zip("ab", servers):
        server.talk = reset
        world.wait_for_state(f"{name} http/ipv4", "down", 20)
    servers[2].talk = reset
    time.sleep(16)
    assert world.health()["c http/ipv4"] == ["up", ""]
    assert loop.stop()[3].count("no probe_control in mb.toml tells whether our own network works") == 1


def test_systemd_is_told(world, scratch):
    server = world.talker(answer())
    world.mirrors({"a": server.url()})
    path = os.fspath(scratch / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(path)
        notified.settimeout(10)
        loop = world.start(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"})
        assert notified.recv(100) == b"READY=1"
        assert notified.recv(100) == notified.recv(100) == b"WATCHDOG=1"
        assert loop.stop()[0] == 0
        while (last := notified.recv(100)) == b"WATCHDOG=1":
            pass
        assert last == b"STOPPING=1"


def test_what_it_missed_while_it_stood_still_is_no_failure(world):
    """A frozen prober, or one on a laptop that slept, finds its time-outs over."""
    server = world.talker(answer())
    world.mirrors({"a": server.url()})
    loop = world.start()
    world.wait_for_state("a http/ipv4", "up")
    for _ in range(3):
        loop.process.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        loop.process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
    time.sleep(1)
    loop.stop()
    assert world.database.sql("SELECT count(*) FROM event").strip() == "1"
