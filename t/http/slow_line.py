"""A TCP proxy that passes so many bytes a second to each side that connects, all connections together, or each piece of new connections
late."""

import socket
import threading
import time

_PIECE = 4096


class SlowLine:
    """with SlowLine(port, rate): `port` is where the server listens on 127.0.0.1; our own is in `port` then. rate None: no limit,
    which may be set at any time. `delay_s` is how long each piece of the server waits in connections made from then on."""

    def __init__(self, target_port, bytes_per_s=None):
        self._target, self.bytes_per_s, self.delay_s = target_port, bytes_per_s, 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.count = 0  # of connections so far
        self._lock, self._free_at, self._sockets = threading.Lock(), 0.0, []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * _PIECE)
            except OSError:
                return
            self._sockets += [near, far]
            self.count += 1
            threading.Thread(target=self._pass, args=(near, far, False, 0.0), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, True, self.delay_s), daemon=True).start()

    def _arrival(self, seconds):
        """When what comes now has passed: after all that came before it."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + seconds
            return self._free_at

    def _pass(self, source, sink, slow, delay_s):
        try:
            while piece := source.recv(_PIECE):
                rate = self.bytes_per_s  # it may be taken away meanwhile
                if slow and rate:
                    time.sleep(max(0.0, self._arrival(len(piece) / rate) - time.monotonic()))
                time.sleep(delay_s)
                sink.sendall(piece)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self._listener.close()
        for one in self._sockets:
            one.close()
