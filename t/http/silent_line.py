"""A TCP proxy that can go silent: its connections stay open, and nothing that either side sends arrives any more, as where a
firewall has forgotten a connection, or the other host has lost power."""

import socket
import threading

from slow_line import SlowLine


class SilentLine(SlowLine):
    """SilentLine(port): `port` is where the server listens on 127.0.0.1; our own is in `port` then."""

    def __init__(self, target_port):
        self._speaks = threading.Event()
        self._speaks.set()
        super().__init__(target_port)

    def go_silent(self):
        self._speaks.clear()

    def _pass(self, source, sink, slow, delay_s):
        try:
            while piece := source.recv(4096):
                self._speaks.wait()
                sink.sendall(piece)
            self._speaks.wait()
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self):
        super().close()
        self._speaks.set()
