"""What the tests of mb-probe share: mirrors that answer as a test wants, and a prober."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time

import rig
from answers import SIZE, File, fill

FILE = "pool/f 1.deb"
FILE_URL = "/pool/f%201.deb"


class Talker:
    """A web server of which a test says every byte: `talk(request)` returns bytes to send, or None to send nothing and wait;
    an exception ends the connection with a reset; pieces that it returns are sent one by one, two a second. `requests` are those that came. `tls`: (certificate, key)."""

    def __init__(self, talk, *, address="127.0.0.1", port=0, tls=None):
        self.talk, self.address, self.requests, self._tls = talk, address, [], None
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family)
        self.port = self._listener.getsockname()[1]
        if tls:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*tls)
        self._open = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def url(self, host=None):
        return f"http{'s' if self._tls else ''}://{rig.ports.host_port(host or self.address, self.port)}/"

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join()

    def _accept(self):
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            request = b""
            while b"\r\n\r\n" not in request:
                piece = connection.recv(4096)
                if not piece:
                    return connection.close()
                request += piece
            self.requests.append(request.decode())
            answer = self.talk(request.decode())
            if answer is None:
                return
            for number, piece in enumerate([answer] if isinstance(answer, bytes) else answer):
                time.sleep(0.5 if number else 0)
                connection.sendall(piece)
        except (OSError, ssl.SSLError):
            pass
        except Reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()


class Reset(Exception):
    pass


NOTHING = b"HTTP/1.1 404 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def answer(status=200, **headers):
    """A talk() that always says this, but for names that cannot exist. Underscores in names stand for hyphens."""
    headers = {"Content_Length": SIZE if status == 200 else 0, **headers}
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
             "Connection: close"]
    said = "\r\n".join([*lines, "", ""]).encode()
    body = b"x" if status == 200 and int(headers["Content_Length"] or 0) > 0 else b""  # as much as a prober reads
    return lambda request: (NOTHING if "no-such-file" in request and status == 200
                            else said + body if request.startswith("GET ") else said)


def reset(request):
    raise Reset


class World:
    """A database in which every mirror has FILE, and mb-probe with short times."""

    def __init__(self, database, scratch, cleanup):
        self.database, self.cleanup = database, cleanup
        self.config = scratch / "mb.toml"
        self.configure()

    def configure(self, more=""):
        self.config.write_text(f"[instance.main]\nprobe_interval_s = 1\nprobe_timeout_s = 2\n{more}")

    def talker(self, talk, **options):
        return self.cleanup(Talker(talk, **options))

    def mirrors(self, mirrors):
        """{identifier: columns or the http_url}"""
        columns = {name: {"http_url": c} if isinstance(c, str) else c for name, c in mirrors.items()}
        fill(self.database, columns, {FILE: File(tuple(columns))})

    def probe(self, *args, check=False, **options):
        return self.database.tool("mb-probe", "--config", self.config, *args, check=check, **options)

    def checks(self, *args, **options):
        """The checks of one call, as objects."""
        return [json.loads(line) for line in self.probe("--json", *args, **options).stdout.splitlines()]

    def start(self, *args, env=None):
        """mb-probe --loop in the background: a Loop."""
        argv = [self.database.build.program("mb-probe"), "--config", self.config, "--loop", *args]
        return self.cleanup(Loop(argv, {**self.database.environment(), **(env or {})}))

    def health(self):
        """{"mirror way": [state, reason]}"""
        rows = self.database.sql("SELECT identifier || ' ' || scheme || '/' || family, state, reason FROM health"
                                 " JOIN mirror ON mirror.id = mirror_id ORDER BY 1")
        return {name: [state, reason] for name, state, reason in (line.split("|") for line in rows.splitlines())}

    def wait_for_state(self, name, state, within_s=15):
        rig.wait_for(f"{name} to be {state}", lambda: self.health().get(name, [None])[0] == state, within_s)


class Loop:
    def __init__(self, argv, env):
        self.process = subprocess.Popen([os.fspath(a) for a in argv], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def kill(self):
        self.process.kill()
        return self.process.communicate(timeout=10)

    def stop(self):
        """(exit status, seconds, standard output, standard error)"""
        began = time.monotonic()
        self.process.terminate()
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, time.monotonic() - began, out, err

    def close(self):
        if self.process.poll() is None:
            self.kill()
