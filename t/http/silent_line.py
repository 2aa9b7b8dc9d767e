"""A TCP proxy that can go silent: its connections stay open, and nothing that either side sends arrives any more, as where a
firewall has forgotten a connection, or the other host has lost power."""

import socket
import threading


class SilentLine:
    """SilentLine(port): `port` is where the server listens on 127.0.0.1; our own is in `port` then."""

    def __init__(self, target_port):
        self._target = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets, self._speaks = [], threading.Event()
        self._speaks.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def go_silent(self):
        self._speaks.clear()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._sockets += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source, sink):
        try:
            while piece := source.recv(4096):
                self._speaks.wait()
                sink.sendall(piece)
            self._speaks.wait()
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self):
        self._listener.close()
        for one in self._sockets:
            one.close()
        self._speaks.set()
