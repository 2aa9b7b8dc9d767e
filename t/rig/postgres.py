"""A private PostgreSQL cluster in a scratch folder: unix socket, on request also 127.0.0.1, nothing synced to disk."""

import functools
import os
import pathlib
import shutil
import signal

from .ports import free_port
from .process import Process, RigError, Scratch, is_root, run, tail

_SUPERUSER = "postgres"
_SETTINGS = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB",
    "max_connections": "120", "wal_level": "minimal", "max_wal_senders": "0", "timezone": "UTC", "log_timezone": "UTC",
    "client_min_messages": "warning", "jit": "off",
    # For what tests ask by themselves. The programs set their own.
    "search_path": "mirror, public",
}


@functools.cache
def bindir():
    """The programs of the server in MIRROR_POSTGRES_BINDIR, else of the newest one that is installed."""
    chosen = os.environ.get("MIRROR_POSTGRES_BINDIR")
    if chosen:
        if not (pathlib.Path(chosen) / "initdb").exists():
            raise RigError(f"MIRROR_POSTGRES_BINDIR: there is no initdb in {chosen}")
        return pathlib.Path(chosen)
    versions = [p for p in pathlib.Path("/usr/lib/postgresql").glob("*/bin") if (p / "initdb").exists()]
    if versions:
        return max(versions, key=lambda p: int(p.parent.name) if p.parent.name.isdigit() else 0)
    initdb = shutil.which("initdb")
    if not initdb:
        raise RigError("no PostgreSQL server found: install the Debian package postgresql")
    return pathlib.Path(initdb).parent


class Postgres:
    """with Postgres() as pg: …  The cluster is made on construction; start() and stop() may be called again and again."""

    def __init__(self, *, tcp=False, settings=None):
        self._scratch = Scratch("mirror-pg")
        self.dir = self._scratch.path
        self.log = self.dir / "postgres.log"
        self.user = "postgres" if is_root() else None  # PostgreSQL refuses to run as root
        self.port = free_port() if tcp else 5432
        self.tcp = tcp
        self._settings = {**_SETTINGS, **(settings or {})}
        self._process = None
        self._frozen = []
        try:
            if self.user:
                shutil.chown(self.dir, self.user)
            self._env = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG", "LD_PRELOAD"))}
            run([bindir() / "initdb", "-D", self.dir / "data", "-U", _SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C",
                 "--no-sync"], user=self.user, cwd=self.dir, env=self._env)
        except BaseException:
            self._scratch.close()
            raise

    def start(self):
        if self._process and self._process.alive():
            return self
        settings = {**self._settings, "unix_socket_directories": str(self.dir), "port": str(self.port),
                    "listen_addresses": "127.0.0.1" if self.tcp else ""}
        argv = [bindir() / "postgres", "-D", self.dir / "data"]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        self._process = Process("PostgreSQL", argv, self.log, user=self.user, cwd=self.dir, env=self._env,
                                stop_signal=signal.SIGINT, death_signal=signal.SIGQUIT)
        self._process.wait_until(lambda: self._ready(), 60)
        return self

    def _ready(self):
        # The server itself writes this into its pid file once it takes connections.
        try:
            lines = (self.dir / "data" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready" and lines[0].strip() == str(self._process.pid)

    @property
    def process(self):
        return self._process

    def stop(self):
        """Stops the server (fast shutdown: open transactions are rolled back). The data stay."""
        if self._process:
            self.thaw()
            self._process.stop()

    def kill(self):
        """Ends it as a power cut would, as far as its clients can tell."""
        if self._process:
            self.thaw()
            self._process.signal(signal.SIGQUIT)
            self._process.stop()

    def restart(self):
        self.stop()
        return self.start()

    def pids(self):
        """The server's and its backends'."""
        return [self._process.pid, *self._process.descendants()] if self._process and self._process.alive() else []

    def freeze(self):
        """Freezes the server and all of its backends: connections stay open, but nothing answers."""
        os.kill(self._process.pid, signal.SIGSTOP)
        self._frozen = [self._process.pid]
        while fresh := [pid for pid in self._process.descendants() if pid not in self._frozen]:
            for pid in fresh:
                self._frozen.append(pid)
                _kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in reversed(self._frozen):
            _kill(pid, signal.SIGCONT)
        self._frozen = []

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

    def conninfo(self, dbname="postgres", *, user=_SUPERUSER, tcp=False):
        host = "127.0.0.1" if tcp else self.dir
        return f"host={host} port={self.port} user={user} dbname={dbname}"

    def environment(self, dbname="postgres", *, user=_SUPERUSER):
        """libpq's variables for this cluster."""
        return {"PGHOST": str(self.dir), "PGPORT": str(self.port), "PGUSER": user, "PGDATABASE": dbname}

    def _version(self):
        return int((self.dir / "data" / "PG_VERSION").read_text().split(".")[0])

    def sql(self, statements, dbname="postgres"):
        """Runs SQL by psql and returns what it printed: rows as lines, columns separated by '|'."""
        env = {**self._env, **self.environment(dbname)}
        try:
            return run([bindir() / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-"], input=statements, env=env).stdout.rstrip("\n")
        except RigError as error:
            raise RigError(f"{error}\n{tail(self.log, 5)}") from None

    def create_database(self, name, template="template1"):
        # The other strategy writes each page into the log: twice the time. Before version 15 this one had no name.
        strategy = " STRATEGY file_copy" if self._version() >= 15 else ""
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{strategy}')
        return name

    def drop_database(self, name):
        self.thaw()
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
