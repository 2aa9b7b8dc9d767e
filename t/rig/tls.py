"""A throw-away certificate authority for https on loopback."""

import contextlib
import pathlib
import select
import socket
import socketserver
import ssl

from .process import run
from .threaded import ThreadedServer


class Authority:
    """Makes certificates for addresses and names; clients trust `ca_file`."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.ca_file = self.dir / "ca.pem"
        self._ca_key = self.dir / "ca.key"
        run([*_REQUEST, "-x509", "-days", "2", "-subj", "/CN=mod_mirror test authority", "-keyout", self._ca_key,
             "-out", self.ca_file])

    def certificate(self, *hosts, days=2):
        """(certificate file, key file), valid for these addresses and names, until so many days from now."""
        stem = self.dir / f"{hosts[0].replace(':', '_')}.{days}"
        names = ",".join(("IP:" if h[0].isdigit() or ":" in h else "DNS:") + h for h in hosts)
        csr, cert, key, extensions = (stem.with_name(stem.name + s) for s in (".csr", ".pem", ".key", ".ext"))
        extensions.write_text(f"subjectAltName={names}\n")
        run([*_REQUEST, "-subj", f"/CN={hosts[0]}", "-keyout", key, "-out", csr])
        run(["openssl", "x509", "-req", "-in", csr, "-CA", self.ca_file, "-CAkey", self._ca_key, "-CAcreateserial",
             "-days", str(days), "-extfile", extensions, "-out", cert])
        return cert, key


_REQUEST = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class TlsFront(ThreadedServer):
    """Takes TLS on loopback and passes on what is in it to a server of a port there, as a proxy before an rsync daemon does."""

    def __init__(self, certificate, to_port, address="127.0.0.1"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        handler = type("Front", (_Front,), {"context": context, "to": (address, to_port)})
        server = type("Server", (socketserver.ThreadingTCPServer,), {"allow_reuse_address": True})
        super().__init__(server((address, 0), handler))


class _Front(socketserver.BaseRequestHandler):
    context, to = None, None

    def handle(self):
        with contextlib.suppress(OSError):  # of TLS too: a client that does not trust us
            with self.context.wrap_socket(self.request, server_side=True) as outer, socket.create_connection(self.to) as inner:
                _pass_on(outer, inner)
                outer.unwrap()


def _pass_on(outer, inner):
    """Both ways until the inner server has no more. In one thread, as OpenSSL wants it."""
    open_ends = [outer, inner]
    while True:
        ready = [outer] if outer in open_ends and outer.pending() else select.select(open_ends, [], [])[0]
        for end in ready:
            data = end.recv(65536)
            if data:
                (inner if end is outer else outer).sendall(data)
            elif end is inner:
                return
            else:
                open_ends.remove(outer)
                inner.shutdown(socket.SHUT_WR)
