"""Many scans at once, scans killed at any moment, and listings without end."""

import contextlib
import http.server
import json
import random
import socket
import subprocess
import sys
import threading
import time

import pytest
import rig
from scanning import World, entry, processes_with


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def random_mirrors(count, files, seed):
    """Names and files of mirrors that lack random files and whole subtrees."""
    rng = random.Random(seed)
    mirrors = {}
    for n in range(count):
        lacking = {f"d{rng.randrange(8)}" for _ in range(n % 3)}
        mirrors[f"m{n}"] = {f: b"12345" for f in files if f.split("/")[0] not in lacking and rng.random() > 0.05 * (n % 4)}
    return mirrors


def test_eight_scans_at_once_equal_a_serial_run(world, make_database, scratch, cleanup):
    files = {f"d{n % 8}/f{n}": b"12345" for n in range(400)}
    world.fill_source(files)
    serial = World(make_database(), scratch, cleanup)
    serial.mb_scan("--source", check=True)
    mirrors = random_mirrors(8, files, 1)
    for round_number in range(2):
        for name, content in mirrors.items():
            if round_number == 0:
                daemon = world.mirror(name, content)
                serial.register(name, rsync_url=daemon.module_url("pub"))
            else:
                for path in list(content)[:40]:  # and a round in which everybody loses some
                    (scratch / name / path).unlink()
                    del content[path]
        # Of their own processes, and of one with threads.
        if round_number == 0:
            scans = [world.start_scan(name) for name in mirrors]
            assert [scan.wait(60) for scan in scans] == [0] * 8
        else:
            world.mb_scan("--all", "-j8", check=True)
        for name in mirrors:
            serial.mb_scan(name, check=True)
        expected = {f: sorted(m for m, content in mirrors.items() if f in content) for f in files}
        assert world.has() == expected and serial.has() == expected
    wrong = "SELECT id FROM cohort WHERE n_files <> (SELECT count(*) FROM file WHERE cohort_id = cohort.id)"
    assert world.query(wrong) == []


@pytest.fixture
def slow_line():
    """slow_line(port) -> the port of a proxy that passes a daemon's bytes on slowly, to any number of clients."""
    servers = []

    def passed_on(source, target, pause):
        with contextlib.suppress(OSError):
            while data := source.recv(128):
                target.sendall(data)
                time.sleep(pause)
            target.shutdown(socket.SHUT_WR)

    def serve(server, port):
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                daemon = socket.create_connection(("127.0.0.1", port))
                for ends in ((client, daemon, 0), (daemon, client, 0.1)):
                    threading.Thread(target=passed_on, args=ends, daemon=True).start()

    def make(port):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threading.Thread(target=serve, args=(server, port), daemon=True).start()
        return server.getsockname()[1]

    yield make
    for server in servers:
        server.close()


def test_a_slow_mirror_delays_no_other(world, slow_line):
    """One job, and the slow ones come first; in the end they are scanned too."""
    files = {f"d{n % 8}/a-name-that-is-not-short-{n}": b"12345" for n in range(800)}
    world.fill_source(files)
    world.configure(more="jobs = 1\nslow_after_s = 1\n")
    for name in ("a-slow", "b-slow"):
        daemon = world.mirror(name)
        world.database.sql(f"UPDATE endpoint SET url = 'rsync://127.0.0.1:{slow_line(daemon.port)}/pub/'"
                           f" WHERE mirror_id = (SELECT id FROM mirror WHERE identifier = '{name}')")
    for name in ("c", "d", "e"):
        world.mirror(name)
    done = world.mb_scan("--all", check=True)
    order = [line.split()[0] for line in done.stdout.splitlines()]
    assert order[:3] == ["c", "d", "e"] and sorted(order[3:5]) == ["a-slow", "b-slow"], done.stdout
    assert all(len(world.files_of(name)) == 800 for name in ("a-slow", "b-slow", "c", "d", "e"))


def test_slow_mirrors_do_not_multiply_without_end(world, scratch):
    """Of ten that never say anything four run beside each other where one job is asked for."""
    world.fill_source({"f": b"12345"})
    world.configure(more="jobs = 1\nslow_after_s = 1\n")
    for n in range(10):
        world.register(f"m{n}", rsync_url="rsync://127.0.0.1:1/pub/")
    scan = world.start_scan("--all", env=world.fake_rsync(f"echo x >>{scratch}/begun; {world.linger()}"))
    begun = scratch / "begun"
    rig.wait_for("four scans", lambda: begun.exists() and begun.read_text().count("x") == 4, 30)
    time.sleep(3)
    assert begun.read_text().count("x") == 4
    scan.terminate()
    _, errors = scan.communicate(timeout=30)
    assert errors.count("interrupted") == 10


def test_killed_at_any_moment(world):
    world.fill_source({f"d{n % 5}/f{n}": b"12345" for n in range(500)})
    daemon = world.mirror("m")
    mark = f":{daemon.port}/"
    before, after = [], [f"d{n % 5}/f{n}" for n in range(500)]
    start = time.monotonic()
    world.mb_scan("m", check=True)
    whole = time.monotonic() - start
    rng = random.Random(7)
    seen = {"before": 0, "after": 0}
    for _ in range(25):
        world.database.sql("UPDATE cohort SET n_files = 0; UPDATE file SET cohort_id = (SELECT min(id) FROM cohort);"
                           "UPDATE cohort SET mirrors = '{}', n_files = 500 WHERE id = (SELECT min(id) FROM cohort);"
                           "DELETE FROM cohort WHERE n_files = 0")
        scan = world.start_scan("m")
        time.sleep(rng.uniform(0, whole * 1.1))  # no synchronisation: the moment is what varies
        scan.kill()
        scan.communicate()
        rig.wait_for("rsync to end", lambda: not processes_with(mark))
        rig.wait_for("the session to end", lambda: not world.query(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'mb-scan' AND datname = current_database()"))
        now = world.files_of("m")
        assert now in (before, sorted(after))
        seen["before" if now == before else "after"] += 1
    assert seen["before"]
    world.mb_scan("m", check=True)
    assert world.files_of("m") == sorted(after)


def peak_memory_kib(world, *args, env):
    """mb-scan's own peak, with its exit status; rsync's is not counted since it is no child of ours."""
    code = ("import os, resource, subprocess, sys\n"
            "p = subprocess.Popen(sys.argv[1:], stdout=2)\n"
            "_, status, usage = os.wait4(p.pid, 0)\n"
            "print(usage.ru_maxrss, os.waitstatus_to_exitcode(status))\n")
    argv = [sys.executable, "-c", code, world.database.build.program("mb-scan"), "--config", world.config, *args]
    done = subprocess.run(argv, env={**world.database.environment(), **env}, capture_output=True, text=True, timeout=900)
    peak, status = done.stdout.split()
    return int(peak), int(status), done.stderr


# awk writes the lines of a mirror with so many files.
ENDLESS = """exec awk 'BEGIN {{ print "{root}"; print "{file}"; for (n = 0; n < {count}; ++n)
  printf "-rw-r--r-- %14d 2023/11/14 22:13:20 dists/suite-%d/component/binary-amd64/package-%d.deb\\n", n, n % 100, n }}'"""


def test_a_long_listing_takes_little_memory(world):
    sanitized = b"__asan_init" in world.database.build.program("mb-scan").read_bytes()
    world.fill_source({"f": b"12345"})
    world.mirror("m")
    script = ENDLESS.format(root=entry(".", 4096, "drwxr-xr-x"), file=entry("f"), count=300_000 if sanitized else 10_000_000)
    peak, status, errors = peak_memory_kib(world, "m", env=world.fake_rsync(script))
    assert status == 0, errors
    assert sanitized or peak < 64 << 10


def serve(cleanup, page):
    """A web server whose pages are page(path): bytes, or None where there is none. Its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            body = page(self.path)
            with contextlib.suppress(ConnectionError):
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.send_header("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT")
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body or b"")

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()

    class Site:
        url = f"http://127.0.0.1:{server.server_address[1]}/"

        def close(self):
            server.shutdown()
            server.server_close()
            thread.join()

    return cleanup(Site()).url


def nginx_page(names):
    lines = "".join(f'<a href="{name}">{name}</a>     14-Nov-2023 22:13    {"-" if name.endswith("/") else 5}\r\n' for name in names)
    return (f'<html>\r\n<head><title>Index of /</title></head>\r\n<body>\r\n<h1>Index of /</h1><hr><pre><a href="../">../</a>\r\n'
            f'{lines}</pre><hr></body>\r\n</html>\r\n').encode()


def json_page(names):
    return json.dumps([{"name": name, "type": "file", "mtime": "Tue, 14 Nov 2023 22:13:20 GMT", "size": 5} for name in names],
                      separators=(",", ":")).encode()


@pytest.mark.parametrize("page", [nginx_page, json_page])
def test_a_page_with_as_many_entries_as_are_read_takes_little_memory(world, cleanup, page):
    sanitized = b"__asan_init" in world.database.build.program("mb-scan").read_bytes()
    world.fill_source({"f": b"12345"})
    body = page(["f", *(f"p{n:06}" for n in range(199_990))])
    assert 11_000_000 < len(body) < 16 << 20
    url = serve(cleanup, {"/": body, "/f": b"12345"}.get)
    world.database.add_mirror("m", http_url=url)
    peak, status, errors = peak_memory_kib(world, "m", env={})
    assert status == 0 and world.files_of("m") == ["f"], errors
    assert sanitized or peak < 64 << 10


def test_many_large_folders_beside_a_slow_one_take_little_memory(world, cleanup):
    """The first folder is answered last, so the pages of the others wait."""
    sanitized = b"__asan_init" in world.database.build.program("mb-scan").read_bytes()
    world.fill_source({f"d{n:02}/f": b"12345" for n in range(16)})
    root, large = nginx_page([f"d{n:02}/" for n in range(16)]), nginx_page(["f", *(f"pkg-{n:06}.deb" for n in range(2_000 if sanitized else 20_000))])
    others, enough = [], threading.Event()

    def page(path):
        if path == "/d00/":
            assert enough.wait(120)
        elif path != "/" and path.endswith("/"):
            others.append(path)
            if len(others) >= 7:  # with the first one, as many as are asked for at a time
                enough.set()
        return root if path == "/" else large if path.endswith("/") else b"12345" if path.endswith("/f") else None

    world.database.add_mirror("m", http_url=serve(cleanup, page))
    peak, status, errors = peak_memory_kib(world, "m", env={})
    assert status == 0 and len(world.files_of("m")) == 16, errors
    assert sanitized or peak < 64 << 10


def test_an_endless_listing_is_cut_off(world):
    world.fill_source({"f": b"12345"})
    world.mirror("m")
    script = ENDLESS.format(root=entry(".", 4096, "drwxr-xr-x"), file=entry("f"), count="1e18")
    peak, status, errors = peak_memory_kib(world, "--max-entries", "100000", "m", env=world.fake_rsync(script))
    assert status == 2 and "more than 100000 entries" in errors


def test_an_endless_line_is_cut_off(world):
    sanitized = b"__asan_init" in world.database.build.program("mb-scan").read_bytes()
    world.fill_source({"f": b"12345"})
    world.mirror("m")
    script = f"echo '{entry('f')}'; printf '%s' '{entry('x')}'; head -c 300000000 /dev/zero | tr '\\0' y; echo; exit 0"
    peak, status, errors = peak_memory_kib(world, "m", env=world.fake_rsync(script))
    assert status == 0 and "1 path longer than 2048 bytes, skipped" in errors
    assert world.files_of("m") == ["f"] and (sanitized or peak < 64 << 10)
