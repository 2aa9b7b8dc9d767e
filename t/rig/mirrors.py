"""What the tests and the demo put together from the servers: a database with our schema, and a mirror host."""

import os
import pathlib

from .httpd import WebServer
from .process import RigError, run
from .rsyncd import Module, RsyncDaemon


class Database:
    """One database of a Postgres, with the tools of the build pointed at it."""

    def __init__(self, postgres, name, build, extra_env=None):
        self.postgres, self.name, self.build, self.extra_env = postgres, name, build, extra_env or {}

    def conninfo(self, **options):
        return self.postgres.conninfo(self.name, **options)

    def environment(self):
        """The whole environment for a tool: PG…, and no configuration file but one in extra_env."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG") and k != "MB_CONFIG"}
        return {**env, **self.postgres.environment(self.name), "LC_ALL": "C.UTF-8", **self.extra_env}

    def sql(self, statements):
        return self.postgres.sql(statements, self.name)

    def tool(self, name, *args, check=True, input=None, env=None, timeout_s=300):
        """Runs mb or mb-scan on this database; a CompletedProcess."""
        return run([self.build.program(name), *args], env={**self.environment(), **(env or {})}, check=check, input=input,
                   timeout_s=timeout_s)

    def load_schema(self):
        if self.build.find_program("mb"):
            self.tool("mb", "db", "init")
        else:
            self.sql((self.build.srcdir / "sql" / "schema.sql").read_text())

    def add_mirror(self, identifier, *, enabled=True, **columns):
        """`mb new`; columns by their SQL names. Enabled unless told otherwise."""
        if self.build.find_program("mb"):
            options = [f"--{name.replace('_', '-')}={_text(value)}" for name, value in columns.items()]
            self.tool("mb", "new", identifier, *options, *(["--enabled"] if enabled else []))
            return
        columns.pop("rsync_url", None)  # without our tools nothing scans
        values = {"identifier": identifier, "enabled": enabled, **columns}
        quoted = ", ".join("'" + _text(v).replace("'", "''") + "'" for v in values.values())
        self.sql(f"INSERT INTO mirror ({', '.join(values)}) VALUES ({quoted})")


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class MirrorHost:
    """A mirror: a tree behind an rsync daemon and a web server on one address. `tls` is an Authority: it speaks https too."""

    def __init__(self, identifier, tree, *, address="127.0.0.1", tls=None, build=None, rsync_port=None, http_port=None, motd=""):
        self.identifier, self.tree, self.address = identifier, pathlib.Path(tree), address
        self.rsyncd = RsyncDaemon([Module("pub", self.tree)], address=address, port=rsync_port, motd=motd)
        self.web = WebServer(self.tree, address=address, port=http_port, tls=tls, build=build)

    @property
    def rsync_url(self):
        return self.rsyncd.module_url("pub")

    @property
    def http_url(self):
        return self.web.url

    @property
    def https_url(self):
        return self.web.tls_url if self.web.tls_port else ""

    def start(self):
        self.rsyncd.start()
        self.web.start()
        return self

    def stop(self):
        self.rsyncd.stop()
        self.web.stop()

    def close(self):
        try:
            self.rsyncd.close()
        finally:
            self.web.close()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            try:
                self.close()
            except RigError:
                pass
            raise

    def __exit__(self, *exc):
        self.close()
