"""Servers of Python that run in a thread of this process."""

import threading


class ThreadedServer:
    """`server` is one of socketserver's, or http.server's. start() to close(), or a with block."""

    def __init__(self, server):
        self._server = server
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self):
        return self._server.server_address[1]

    def start(self):
        self._thread.start()
        return self

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.close()
