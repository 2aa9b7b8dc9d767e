"""Every MPM: a smoke test, restarts under load, the end of httpd; and GeoIP files that are replaced while it runs."""

import os
import shutil
import signal
import socket
import threading
import time

import pytest

import rig
from answers import COUNTRY
from outages import CONFIG, OUTAGE, Redirector, fill_postgres

every_mpm = pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])


@pytest.fixture(scope="module")
def _cluster(build):
    with rig.Postgres() as server:
        fill_postgres(server, build)
        yield server


@pytest.fixture
def postgres(_cluster):
    yield _cluster.start()
    _cluster.thaw()


@pytest.fixture
def make(postgres, build, cleanup):
    return lambda **options: cleanup(Redirector(postgres, build, **options))


def backends(postgres):
    return int(postgres.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mod_mirror'"))


@every_mpm
def test_redirects_declines_and_outlives_an_outage(postgres, make, mpm):
    site = make(mpm=mpm).start()
    site.wait_until_it_redirects()
    assert site.redirects("/db/f")
    assert site.ask("/local/page").answer.status == 200
    assert site.ask("/db/page").answer.status == 404
    postgres.stop()
    rig.wait_for("the outage", lambda: site.ask().answer.status == 200 and site.ask("/db/f").answer.status == 503)
    postgres.start()
    site.wait_until_it_redirects()
    site.httpd.stop()
    rig.wait_for("the connections to end", lambda: backends(postgres) == 0)


class KeptAlive(threading.Thread):
    """A client that keeps its connection for as long as the server does. A server may close an idle connection at any time, also
    just as a request is on its way: then nothing of an answer comes, and the client asks again, on a new connection."""

    def __init__(self, site):
        super().__init__()
        self.site, self.answers, self.connections, self.faults = site, 0, 0, []
        self.stopping = threading.Event()
        self._socket, self._used = None, False

    def run(self):
        while not self.stopping.is_set():
            try:
                self._ask()
            except OSError as error:
                self.faults.append(repr(error))
            if self.faults:
                return

    def _ask(self):
        if not self._socket:
            self._socket = socket.create_connection((self.site.httpd.address, self.site.httpd.port), timeout=10)
            self._used, self.connections = False, self.connections + 1
        head = b""
        try:
            self._socket.sendall(b"GET /local/f HTTP/1.1\r\nHost: h\r\n\r\n")
            head = self._read_answer()
        except (ConnectionResetError, BrokenPipeError):
            if not self._used:
                raise
        if not head and self._used:
            self._close()
        elif not head.startswith(b"HTTP/1.1 302"):
            self.faults.append(head.decode(errors="replace") or "no answer on a new connection")
        else:
            self.answers, self._used = self.answers + 1, True
            if b"Connection: close" in head:
                self._close()

    def _read_answer(self):
        """The head of a whole answer, b'' when the server closed before its first byte."""
        answer = b""
        while block := self._socket.recv(65536):
            answer += block
            head, separator, body = answer.partition(b"\r\n\r\n")
            if separator:
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                if len(body) >= length:
                    return head
        if answer:
            self.faults.append(f"half an answer: {answer!r}")
        return b""

    def _close(self):
        self._socket.close()
        self._socket = None


@every_mpm
def test_graceful_restart_under_load_drops_nothing(make, mpm):
    site = make(mpm=mpm).start()
    site.wait_until_it_redirects()
    clients = [KeptAlive(site) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for _ in range(3):
            before = sum(client.answers for client in clients)
            site.httpd.graceful()
            rig.wait_for("more answers", lambda: sum(c.answers for c in clients) > before + 100 or any(c.faults for c in clients))
    finally:
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join()
    assert [client.faults for client in clients] == [[]] * len(clients)
    assert not site.log_lines(OUTAGE) and not site.log_lines("exit signal")


def restart(httpd):
    """As `apachectl restart`: all children end at once."""
    started, children = httpd.log().count("resuming normal operations"), set(httpd.children())
    os.kill(httpd.pid, signal.SIGHUP)
    rig.wait_for("httpd's restart", lambda: httpd.log().count("resuming normal operations") > started)
    rig.wait_for("the old children to end", lambda: not set(httpd.children()) & children)


def shared_mappings(pid):
    """Sizes of the anonymous shared memory of a process."""
    with open(f"/proc/{pid}/maps") as maps:
        return sum("rw-s" in line and "/dev/zero" in line for line in maps)


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_restart_leaves_nothing_behind(postgres, make, mpm):
    site = make(mpm=mpm).start()
    site.wait_until_it_redirects()
    restart(site.httpd)
    mappings, threads = shared_mappings(site.httpd.pid), len(os.listdir(f"/proc/{site.httpd.pid}/task"))
    for _ in range(3):
        restart(site.httpd)
        site.wait_until_it_redirects()
    assert shared_mappings(site.httpd.pid) == mappings
    assert len(os.listdir(f"/proc/{site.httpd.pid}/task")) == threads == 1
    # Each process has one at most when there is no load; a former generation's would come on top.
    rig.wait_for("the old connections to end", lambda: backends(postgres) <= len(site.httpd.children()))
    assert not site.log_lines("exit signal") and not site.log_lines(OUTAGE)


@every_mpm
def test_httpd_ends_quickly_while_the_database_is_frozen(postgres, make, mpm):
    site = make(mpm=mpm).start()
    site.wait_until_it_redirects()
    postgres.freeze()
    site.ask()
    started = time.monotonic()
    site.httpd.stop()
    assert time.monotonic() - started < 5
    assert not site.log_lines("exit signal") and not site.log_lines("still did not exit")


def test_geo_files_are_reopened_and_broken_ones_ignored(make, geo, scratch):
    live, log = scratch / "live.mmdb", 'LogFormat "%{MB_COUNTRY_CODE}e" country\nCustomLog {dir}/country.log country\n'
    complaint = "MirrorGeoDatabase: .*the previous content stays in use"
    put(geo / "asn.mmdb", live)
    site = make(config=f"MirrorGeoDatabase {live}\n" + log + CONFIG).start()
    site.wait_until_it_redirects()

    def countries():
        for _ in range(8):
            site.ask(client=COUNTRY["jp"])
        return {line.upper() for line in (site.httpd.dir / "country.log").read_text().split()[-8:]}

    assert countries() == {"-"}
    put(geo / "city.mmdb", live)
    rig.wait_for("the new file", lambda: countries() == {"JP"})
    (scratch / "broken").write_bytes(b"no MaxMind DB\n" * 100)
    put(scratch / "broken", live)
    children = site.httpd.children()
    rig.wait_for("complaints of all", lambda: len(site.log_lines(complaint)) >= len(children))
    time.sleep(2.2)  # another look, which must not be heard of
    assert len(site.log_lines(complaint)) == len(children)
    assert countries() == {"JP"}
    put(geo / "asn.mmdb", live)
    rig.wait_for("the mended file", lambda: countries() == {"-"})


def put(source, target):
    """As geoipupdate does it."""
    fresh = target.with_suffix(".new")
    shutil.copy(source, fresh)
    fresh.rename(target)
