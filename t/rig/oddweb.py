"""A mirror's web server that misbehaves: slow, or with other bytes than the file's. In a thread of ours; one connection after the
other may be slow without keeping the next one waiting."""

import http.server
import os
import pathlib
import re
import time
import urllib.parse

from .ports import host_port
from .threaded import ThreadedServer

_BLOCK = 16384


class OddWeb(ThreadedServer):
    """Serves the files below docroot, ranges too. `rate` limits each connection to so many bytes a second; with `corrupt` every
    byte is another than the file's. `paths` are the decoded ones that were asked for."""

    def __init__(self, docroot, *, address="127.0.0.1", rate=None, corrupt=False):
        self.docroot, self.address, self.rate, self.corrupt = pathlib.Path(docroot), address, rate, corrupt
        self.paths, self.closing = [], False
        handler = type("Handler", (_Handler,), {"odd": self})
        super().__init__(http.server.ThreadingHTTPServer((address, 0), handler))

    @property
    def url(self):
        return f"http://{host_port(self.address, self.port)}/"

    def close(self):
        self.closing = True
        super().close()


class _Handler(http.server.BaseHTTPRequestHandler):
    odd = None
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._serve(lambda file, count: None)

    def do_GET(self):
        self._serve(self._send)

    def _serve(self, send):
        path = urllib.parse.unquote_to_bytes(self.path.partition("?")[0]).lstrip(b"/")
        self.odd.paths.append(os.fsdecode(path))
        try:
            file = open(os.path.join(os.fsencode(self.odd.docroot), path), "rb")
        except OSError:
            return self.send_error(404)
        with file:
            size = os.fstat(file.fileno()).st_size
            first, last = self._range(size)
            self.send_response(200 if first is None else 206)
            if first is None:
                first, last = 0, size - 1
            else:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(last + 1 - first))
            self.end_headers()
            file.seek(first)
            try:
                send(file, last + 1 - first)
            except OSError:
                self.close_connection = True  # the client has seen enough

    def _range(self, size):
        """First and last byte of the one range that was asked for; None, None for the whole."""
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not found or int(found[1]) >= size:
            return None, None
        return int(found[1]), min(int(found[2] or size - 1), size - 1)

    def _send(self, file, count):
        while count > 0 and not self.odd.closing:
            block = file.read(min(_BLOCK, count))
            if not block:
                break
            if self.odd.corrupt:
                block = bytes(byte ^ 0x55 for byte in block)
            self.wfile.write(block)
            count -= len(block)
            if self.odd.rate:
                time.sleep(len(block) / self.odd.rate)

    def log_message(self, *args):
        pass
