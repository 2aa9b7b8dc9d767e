"""A redirector in front of a streaming replica: it follows changes there, tools change nothing, and a promotion needs no restart."""

import signal

import pytest

import rig
from catalogs import CONFIG, wait_for_catalog
from outages import DATABASE, Redirector, fill_postgres
from rig.postgres import bindir
from rig.process import Process, run

PORT = 5433  # of a unix socket


class Standby:
    """In the primary's folder."""

    def __init__(self, primary):
        self.primary, data = primary, primary.dir / "standby"
        run([bindir() / "pg_basebackup", "-h", primary.dir, "-p", str(primary.port), "-U", "postgres", "-D", data, "-R", "-X", "stream", "-c",
             "fast", "--no-sync"], user=primary.user, cwd=primary.dir)
        argv = [bindir() / "postgres", "-D", data, "-k", primary.dir, "-p", str(PORT), "-c", "listen_addresses=", "-c", "fsync=off", "-c",
                "max_connections=120"]
        self._process = Process("the replica", argv, primary.dir / "standby.log", user=primary.user, cwd=primary.dir,
                                stop_signal=signal.SIGINT, death_signal=signal.SIGQUIT)
        # The server writes this last.
        self._process.wait_until(lambda: (data / "postmaster.pid").exists() and "ready" in (data / "postmaster.pid").read_text(), 60)

    def environment(self):
        return {**self.primary.environment(DATABASE), "PGPORT": str(PORT)}

    def conninfo(self):
        return f"host={self.primary.dir} port={PORT} user=postgres dbname={DATABASE}"

    def close(self):
        self._process.stop()


@pytest.fixture
def primary(cleanup):
    return cleanup(rig.Postgres(settings={"wal_level": "replica", "max_wal_senders": "2"})).start()


def test_a_redirector_follows_a_replica_also_when_it_becomes_the_primary(primary, build, cleanup):
    database = fill_postgres(primary, build)
    standby = cleanup(Standby(primary))
    site = cleanup(Redirector(None, build, config=CONFIG, conninfo=standby.conninfo(), catalog=True)).start()
    wait_for_catalog(site)

    def on_the_replica(*command):
        return database.tool(*command, env=standby.environment(), check=False)

    assert site.redirects("/db/f")
    database.tool("mb", "disable", "m")
    rig.wait_for("the change", lambda: not site.redirects("/db/f"), 60)

    listed = on_the_replica("mb", "list", "--disabled")
    assert (listed.returncode, listed.stdout.count("disabled")) == (0, 1), listed
    for command, status in ((("mb", "enable", "m"), 1), (("mb-scan", "m"), 2), (("mb-probe", "--all"), 3)):
        refused = on_the_replica(*command)
        assert refused.returncode == status and "in a read-only transaction (SQLSTATE 25006)" in refused.stderr, refused

    primary.stop()
    run([bindir() / "psql", standby.conninfo(), "-XAtqc", "SELECT pg_promote()"])
    assert on_the_replica("mb", "enable", "m").returncode == 0
    rig.wait_for("the change", lambda: site.redirects("/db/f"), 60)
    assert "MIR0308" not in site.httpd.log()  # the new primary knows the catalog's revision
