"""Web servers that show folders as directory indexes, each in the shapes that mirrors have."""

import json
import os
import pathlib
import sys

from .httpd import WebServer
from .ports import accepts, free_port, host_port
from .process import Process, RigError, Scratch, tail


def _apache(options):
    return lambda tree, address: WebServer(tree, address=address, config=f"<Directory {{docroot}}>\n  {options}\n</Directory>\n")


class Program:
    """A server that is no httpd. `argv` and the files of `config` get {port}, {address}, {docroot} and {dir} replaced."""

    def __init__(self, name, tree, address, argv, config=None, env=None):
        self.name, self.docroot, self.address = name, pathlib.Path(tree), address
        self._argv, self._config, self._env = argv, config or {}, env or {}
        self._scratch = Scratch(f"mirror-{name}")
        self.dir = self._scratch.path
        self.port = free_port(address)
        self._process = None

    @property
    def url(self):
        return f"http://{host_port(self.address, self.port)}/"

    def _filled(self, text):
        for word in ("port", "address", "docroot", "dir"):
            text = text.replace("{%s}" % word, str(getattr(self, word)))
        return text

    def start(self):
        for attempt in range(5):
            for name, text in self._config.items():
                (self.dir / name).write_text(self._filled(text))
            env = {**os.environ, "HOME": str(self.dir), "XDG_DATA_HOME": str(self.dir), "XDG_CONFIG_HOME": str(self.dir),
                   **self._env}
            self._process = Process(self.name, [self._filled(a) for a in self._argv], self.dir / "stderr.log", cwd=self.dir,
                                    env=env)
            try:
                self._process.wait_until(lambda: accepts(self.address, self.port) and self._process.alive())
                return self
            except RigError as error:
                self._process.stop()
                if attempt == 4:
                    raise RigError(f"{error}\n{tail(self.dir / 'stderr.log')}") from None
                self.port = free_port(self.address)

    def stop(self):
        if self._process:
            self._process.stop()
            self._process = None

    def close(self):
        self.stop()
        self._scratch.close()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *exc):
        self.close()


_FANCYINDEX = "load_module /usr/lib/nginx/modules/ngx_http_fancyindex_module.so;\n"


def _nginx(options, module=""):
    config = (module + "daemon off;\nworker_processes 1;\npid {dir}/pid;\nerror_log stderr;\nuser root;\n"
              "events { worker_connections 256; }\n"
              "http {\n  access_log off;\n  client_body_temp_path {dir}/body;\n  proxy_temp_path {dir}/proxy;\n"
              "  fastcgi_temp_path {dir}/fastcgi;\n  uwsgi_temp_path {dir}/uwsgi;\n  scgi_temp_path {dir}/scgi;\n"
              "  server {\n    listen {address}:{port};\n    root {docroot};\n    index no-such-index;\n"
              f"    {options}\n  }}\n}}\n")
    return lambda tree, address: Program("nginx", tree, address, ["nginx", "-c", "{dir}/nginx.conf", "-p", "{dir}"],
                                          {"nginx.conf": config})


def _lighttpd(tree, address):
    config = ('server.document-root = "{docroot}"\nserver.port = {port}\nserver.bind = "{address}"\n'
              'server.modules = ("mod_dirlisting")\ndir-listing.activate = "enable"\ndir-listing.hide-dotfiles = "disable"\n')
    return Program("lighttpd", tree, address, ["lighttpd", "-D", "-f", "{dir}/lighttpd.conf"], {"lighttpd.conf": config})


def _caddy(tree, address):
    config = {"admin": {"disabled": True}, "apps": {"http": {"http_port": 0, "servers": {"s": {
        "listen": ["{address}:{port}"], "automatic_https": {"disable": True},
        "routes": [{"handle": [{"handler": "file_server", "root": "{docroot}", "index_names": [], "browse": {}}]}]}}}}}
    return Program("caddy", tree, address, ["caddy", "run", "--config", "{dir}/caddy.json"],
                    {"caddy.json": json.dumps(config)})


def _python(tree, address):
    return Program("http.server", tree, address,
                    [sys.executable, "-m", "http.server", "--bind", "{address}", "--directory", "{docroot}", "{port}"])


# Makers of servers, by the shape of their pages: each is called with a tree and a loopback address.
INDEX_SERVERS = {
    "apache-plain": _apache(""),
    "apache-fancy": _apache("IndexOptions FancyIndexing FoldersFirst"),
    "apache-table": _apache("IndexOptions FancyIndexing HTMLTable SuppressDescription"),
    "nginx": _nginx("autoindex on;"),
    "nginx-rounded": _nginx("autoindex on; autoindex_exact_size off;"),
    "nginx-json": _nginx("autoindex on; autoindex_format json;"),
    "nginx-fancy": _nginx("fancyindex on;", _FANCYINDEX),
    "nginx-fancy-rounded": _nginx("fancyindex on; fancyindex_exact_size off;", _FANCYINDEX),
    "lighttpd": _lighttpd,
    "caddy": _caddy,
    "python": _python,
}


def index_server(shape, tree, address="127.0.0.1"):
    """The server, not yet started."""
    return INDEX_SERVERS[shape](tree, address)
