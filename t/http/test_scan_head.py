"""mb-scan of mirrors without any index: every file of the source is asked for by HEAD, some in each run."""

import contextlib
import email.utils
import http.server
import os
import socket
import threading
import urllib.parse

import pytest
import rig
from scanning import World, objects

FILES = {**{f"d{n}/f{m}": b"12345" for n in range(4) for m in range(10)}, b"with space": b"1", b"100%25#?.txt": b"22", "empty": b""}


class Cdn:
    """Serves the files of a folder and shows no index. `refusal` is asked first what to answer: it gets the handler and the number
    of the request, and says True when it has answered. `missing` is the status for what is not there."""

    def __init__(self, tree, missing=404):
        self.tree, self.missing, self.refusal, self.asked = tree, missing, lambda handler, number: False, []
        handler = type("Handler", (_Handler,), {"cdn": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def files_asked(self):
        """Since the last time, without names that cannot exist."""
        asked, self.asked[:] = [path for path in self.asked if not path.endswith(".no-such-file")], []
        return asked

    def start(self):
        self.thread.start()
        return self

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class _Handler(http.server.SimpleHTTPRequestHandler):
    cdn = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.do_HEAD()

    def do_HEAD(self):
        self.cdn.asked.append(self.path.lstrip("/"))
        with contextlib.suppress(ConnectionError):
            if not self.cdn.refusal(self, len(self.cdn.asked)):
                self.serve()

    def serve(self):
        try:
            found = os.stat(os.path.join(os.fsencode(self.cdn.tree), urllib.parse.unquote_to_bytes(self.path).lstrip(b"/")))
        except OSError:
            return self.say(self.cdn.missing)
        time = email.utils.formatdate(found.st_mtime, usegmt=True)
        if self.command == "GET":
            span = f"bytes 0-0/{found.st_size}" if found.st_size else "bytes */0"
            return self.say(206 if found.st_size else 416, b"1"[:found.st_size], Content_Range=span, Last_Modified=time)
        self.say(200, Content_Length=found.st_size, Last_Modified=time)

    def say(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            if name == "Content-Length" and "Content_Length" in headers:
                continue
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)
        return True


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.fill_source(FILES)
    return world


@pytest.fixture
def cdn(world, cleanup):
    """A maker of a CDN whose tree is a copy of the source, with the mirror `cdn`."""

    def make(options="", **settings):
        tree = world.scratch / "cdn"
        rig.copy_tree(world.source, tree)
        server = cleanup(Cdn(os.fspath(tree), **settings)).start()
        server.folder = tree
        world.register("cdn", head_url=server.url, **({"head_options": options} if options else {}))
        return server

    return make


def scan(world, *options, name="cdn"):
    return objects(world.mb_scan("--json", *options, name))[0]


def names(files=FILES):
    return sorted((os.fsencode(name) for name in files))


def has(world, name="cdn"):
    return sorted(os.fsencode(path) for path in world.files_of(name))


@pytest.mark.parametrize("server", ["apache", "nginx", "tls"])
def test_finds_the_files_that_rsync_finds(world, cleanup, authority, server):
    tree = world.scratch / "web"
    rig.copy_tree(world.source, tree)
    (tree / "d1/f1").unlink()
    (tree / "d2/f2").write_bytes(b"other size")
    daemon = cleanup(rig.RsyncDaemon([rig.Module("pub", tree)])).start()
    world.register("rsync", rsync_url=daemon.module_url("pub"))
    if server == "nginx":
        url = cleanup(rig.index_server("nginx", tree)).start().url
    else:
        tls = authority if server == "tls" else None
        web = cleanup(rig.Httpd("Protocols h2 http/1.1\n<Directory {docroot}>\n</Directory>\n", docroot=tree, tls=tls, mirror=False,
                                modules=("http2",))).start()
        url = web.tls_url if tls else web.url
    if server == "tls":
        world.configure(more=f'probe_ca = "{authority.ca_file}"\n')
    world.register("cdn", head_url=url)
    world.mb_scan("rsync", check=True)
    found = scan(world)
    assert found["outcome"] == "merged" and found["method"] == "head", found
    assert found["outdated"] == 1 and found["unknown"] == 0 and found["heads"] == len(FILES)
    assert has(world) == has(world, "rsync") and len(has(world)) == len(FILES) - 2
    if server == "tls":
        assert '"HEAD /d0/f0 HTTP/2.0" 200' in web.access_log.read_text()
    before = world.tables()
    assert scan(world)["outcome"] == "unchanged" and world.tables() == before


def test_http2_takes_no_more_connections_than_the_option_says(world, cleanup, authority):
    tree = world.scratch / "web"
    more = {f"many/{n}": b"1" for n in range(300)}
    world.fill_source(more)
    rig.copy_tree(world.source, tree)
    # One child, which ends no connection.
    config = ("StartServers 1\nServerLimit 1\nThreadsPerChild 25\nMaxRequestWorkers 25\nProtocols h2 http/1.1\nMaxKeepAliveRequests 0\nKeepAliveTimeout 600\nTimeout 600\n<Directory {docroot}>\n</Directory>\n"
              'LogFormat "%{remote}p %H" ports\nCustomLog {dir}/ports.log ports\n')
    web = cleanup(rig.Httpd(config, docroot=tree, tls=authority, mirror=False, modules=("http2",))).start()
    world.configure(more=f'probe_ca = "{authority.ca_file}"\n')
    world.register("cdn", head_url=web.tls_url, head_options="connections=2")
    assert scan(world)["heads"] == len(FILES) + len(more)
    asked = (web.dir / "ports.log").read_text().splitlines()
    assert {line.split()[1] for line in asked} == {"HTTP/2.0"} and len({line.split()[0] for line in asked}) <= 2, asked


def test_a_budget_is_spent_on_new_files_first_and_then_on_the_longest_unchecked(world, cdn):
    server = cdn("budget=15")
    seen = []
    for _ in range(3):
        assert scan(world)["outcome"] in ("merged", "unchanged")
        asked = server.files_asked()
        assert len(asked) == 15
        seen += asked
    assert len(set(seen)) == len(FILES), "three runs ask for each of 43 files"
    assert has(world) == names()
    new = {f"new/n{n}": b"new" for n in range(4)}
    rig.make_tree(world.source, new)
    rig.make_tree(server.folder, new)
    world.mb_scan("--source", "--force", check=True)
    assert scan(world)["gained"] == 4
    asked = server.files_asked()
    assert asked[:4] and set(new) <= set(asked) and len(asked) == 15
    assert has(world) == names({**FILES, **new})


def test_what_was_not_asked_for_keeps_its_state(world, cdn):
    server = cdn("budget=10")
    for _ in range(5):
        scan(world)
    assert has(world) == names()
    server.files_asked()
    for n in range(4):
        for m in range(10):
            (server.folder / f"d{n}/f{m}").unlink()
    found = scan(world)
    lost = set(server.files_asked())
    gone = {path for path in lost if path.startswith("d")}
    assert found["outcome"] == "merged" and found["lost"] == len(gone), found
    assert has(world) == sorted(set(names()) - {os.fsencode(path) for path in gone})


def test_a_file_that_is_missing_once_is_not_lost(world, cdn):
    server = cdn()
    scan(world)
    once = set()

    def refusal(handler, _):
        if handler.path in ("/d1/f1", "/d1/f2") and handler.path not in once:
            once.add(handler.path)
            return handler.say(404)
        return False

    server.refusal = refusal
    assert scan(world)["outcome"] == "unchanged" and len(once) == 2
    assert has(world) == names()
    (server.folder / "d3/f3").unlink()
    assert scan(world)["lost"] == 1


def test_a_server_that_answers_403_for_what_is_missing_is_understood(world, cdn):
    server = cdn(missing=403)
    (server.folder / "d1/f1").unlink()
    assert scan(world)["outcome"] == "merged"
    assert has(world) == sorted(set(names()) - {b"d1/f1"})
    (server.folder / "d1/f2").unlink()
    assert scan(world)["lost"] == 1


def test_a_server_that_refuses_head_is_asked_by_get(world, cdn):
    server = cdn()
    server.refusal = lambda handler, _: handler.command == "HEAD" and handler.say(405)
    assert scan(world)["outcome"] == "merged"
    assert has(world) == names()


@pytest.mark.parametrize("when", ["first", "at the end"])
def test_a_server_that_has_what_cannot_exist_merges_nothing(world, cdn, when):
    server = cdn()
    names_asked = []

    def refusal(handler, _):
        if not handler.path.endswith(".no-such-file"):
            return False
        names_asked.append(handler.path)
        return (when == "first" or len(names_asked) > 1) and handler.say(200, Content_Length=5)

    server.refusal = refusal
    found = scan(world)
    assert found["outcome"] == "failed" and "a file that cannot exist" in found["error"], found
    assert has(world) == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_time_ends_the_run_and_the_next_one_goes_on(world, cdn, status):
    server = cdn("connections=1")
    server.refusal = lambda handler, number: number > 21 and handler.say(status, Retry_After=3600)
    assert scan(world)["outcome"] == "merged"
    first = set(has(world))
    assert len(first) == 20
    server.files_asked()
    server.refusal = lambda handler, number: number > 20 and handler.say(status, Retry_After=3600)
    scan(world)
    assert len(has(world)) == 39 and first < set(has(world))


def test_a_server_that_asks_for_little_time_gets_it(world, cdn):
    server = cdn()
    server.refusal = lambda handler, number: number == 10 and handler.say(503, Retry_After=1)
    assert scan(world)["outcome"] == "merged"
    assert has(world) == names()


def test_a_server_that_asks_for_time_at_once_fails_and_keeps_all(world, cdn):
    server = cdn()
    scan(world)
    server.refusal = lambda handler, _: handler.say(429, Retry_After=3600)
    found = scan(world)
    assert found["outcome"] == "failed" and "429" in found["error"], found
    assert has(world) == names()


@pytest.mark.parametrize("fault", ["500", "reset", "403"])
def test_a_server_that_fails_merges_nothing_and_keeps_all(world, cdn, fault):
    server = cdn()
    scan(world)

    def refusal(handler, _):
        if handler.path.endswith(".no-such-file"):
            return False
        if fault == "reset":
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return True
        return handler.say(int(fault))

    server.refusal = refusal
    found = scan(world)
    assert found["outcome"] == "failed", found
    assert has(world) == names()


def test_one_file_that_fails_keeps_its_state(world, cdn):
    server = cdn()
    scan(world)
    server.refusal = lambda handler, _: handler.path == "/d1/f1" and handler.say(500)
    (server.folder / "d2/f2").unlink()
    found = scan(world)
    assert found["outcome"] == "merged" and found["lost"] == 1, found
    assert has(world) == sorted(set(names()) - {b"d2/f2"})


def test_redirects_to_the_same_name_are_followed(world, cdn, cleanup):
    server = cdn()
    other = cleanup(Cdn(os.fspath(server.folder))).start()
    server.refusal = lambda handler, _: handler.say(302, Location=other.url + handler.path.lstrip("/"))
    assert scan(world)["outcome"] == "merged"
    assert has(world) == names()


def test_a_subtree_asks_only_for_its_files(world, cdn):
    server = cdn()
    scan(world)
    server.files_asked()
    (server.folder / "d2/f2").unlink()
    (server.folder / "d1/f1").unlink()
    assert scan(world, "-d", "d2")["lost"] == 1
    assert {path.split("/")[0] for path in server.files_asked()} == {"d2"}
    assert has(world) == sorted(set(names()) - {b"d2/f2"})


def test_an_option_that_is_none_is_named(world, cdn):
    cdn("robots=heed")
    found = scan(world)
    assert found["outcome"] == "failed" and "the options are connections=N, rate=N, budget=N and sample=N" in found["error"]
