"""Through PgBouncer: with a session for each client everything works, with one for each transaction every program says why not."""

import shutil

import pytest
import rig
from answers import ask
from rig.ports import accepts, free_port
from rig.process import Process
from scanning import World

SETTINGS = """[databases]
* = host={socket} port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 20
"""
CONFIG = """
MirrorDatabase {conninfo}
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorMinSize 0
  MirrorOrigin http://origin.example/
</Location>
"""
REFUSED = "in PgBouncer pool_mode = session"


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.fill_source({"f": b"12345"})
    world.mirror("a")
    return world


@pytest.fixture
def make_pooler(postgres, cleanup):
    """make_pooler(mode): PgBouncer in front of the cluster; its port."""
    if not shutil.which("pgbouncer", path="/usr/sbin:/usr/bin"):
        pytest.skip("PgBouncer is not installed")

    def make(mode):
        folder, port = cleanup(rig.Scratch("mirror-pooler")).path, free_port()
        # It has the server's sessions under its own name alone, so the user is given here.
        settings = SETTINGS.format(socket=f"{postgres.dir} user=postgres", server=postgres.port, port=port, mode=mode)
        (folder / "pgbouncer.ini").write_text(settings)
        pooler = Process("PgBouncer", ["/usr/sbin/pgbouncer", folder / "pgbouncer.ini"], folder / "log",
                         user=postgres.user)
        cleanup(Stop(pooler))
        pooler.wait_until(lambda: accepts("127.0.0.1", port))
        return port

    return make


class Stop:
    def __init__(self, process):
        self.close = process.stop


def test_a_session_for_each_client_works(world, make_pooler, cleanup, build):
    port = make_pooler("session")
    through = {"PGHOST": "127.0.0.1", "PGPORT": str(port)}
    world.mb_scan("a", env=through, check=True)
    assert world.files_of("a") == ["f"]
    assert world.database.tool("mb", "list", env=through).stderr == ""
    conninfo = f"host=127.0.0.1 port={port} user=postgres dbname={world.database.name}"
    httpd = cleanup(rig.Httpd(CONFIG.format(conninfo=conninfo), build=build, catalog=True)).start()
    rig.wait_for("a catalog", lambda: (httpd.catalog / "CURRENT").exists(), 10)
    assert ask(httpd, "/db/f").location == "http://mirror.example/f"
    world.database.sql("UPDATE mirror SET enabled = false")
    rig.wait_for("no mirror", lambda: ask(httpd, "/db/f").location == "http://origin.example/f", 10)


def test_a_session_for_each_transaction_is_refused_with_what_to_set(world, make_pooler, cleanup, build):
    port = make_pooler("transaction")
    through = {"PGHOST": "127.0.0.1", "PGPORT": str(port)}
    for program, words in (("mb-scan", ("--config", world.config, "a")), ("mb", ("list",)), ("mb", ("db", "check"))):
        done = world.database.tool(program, *words, env=through, check=False)
        assert done.returncode != 0 and REFUSED in done.stderr, done
    assert world.files_of("a") == []
    conninfo = f"host=127.0.0.1 port={port} user=postgres dbname={world.database.name}"
    httpd = cleanup(rig.Httpd(CONFIG.format(conninfo=conninfo), build=build, catalog=True)).start()
    rig.wait_for("the reason in the log", lambda: REFUSED in httpd.log(), 15)
    assert ask(httpd, "/db/f").status == 503
