"""A PostgreSQL server as Debian installs it: nothing of its configuration helps our programs to find their schema."""

import pytest
import rig
from answers import ask

PLAIN = {"search_path": '"$user", public', "jit": "on"}


@pytest.fixture(scope="module")
def database(build):
    with rig.Postgres(settings=PLAIN) as server:
        server.create_database("mirrors")
        yield rig.Database(server, "mirrors", build)


@pytest.fixture
def tree(scratch):
    return rig.make_tree(scratch / "source", {"f": 20_000, "d/g": b"content"})


def config_of(scratch, tree):
    path = scratch / "mb.toml"
    path.write_text(f'[instance.main]\nsource = "{tree}"\n')
    return path


@pytest.mark.parametrize("catalog", [True, False])
def test_every_program_works_and_mb_disable_is_followed(database, build, scratch, tree, cleanup, catalog):
    def run(program, *args):
        return database.tool(program, "--config", config_of(scratch, tree), *args)

    if catalog:
        run("mb", "db", "init")
    run("mb-scan", "--source", "--force")
    run("mb-hash")
    daemon = cleanup(rig.RsyncDaemon([rig.Module("pub", tree)])).start()
    name = f"m{int(catalog)}"
    run("mb", "new", name, "--no-geo", "--http-url", f"http://{name}.example/", "--rsync-url", daemon.module_url("pub"))
    run("mb-scan", "--enable", name)
    run("mb", "db", "check")
    server = cleanup(rig.Httpd(f"MirrorDatabase {database.conninfo()}\n<Location /files>\n  MirrorEngine On\n  MirrorTree database\n"
                               "  MirrorOrigin http://origin.example/\n</Location>\n", build=build, catalog=catalog))
    server.start()

    def goes_to():
        return ask(server, "/files/f").location

    rig.wait_for("redirects to the mirror", lambda: goes_to() == f"http://{name}.example/f")
    assert ask(server, "/files/f.meta4").status == 200
    run("mb", "disable", name)
    rig.wait_for("redirects to the origin", lambda: goes_to() == "http://origin.example/f")
    run("mb", "enable", name)
    rig.wait_for("redirects to the mirror again", lambda: goes_to() == f"http://{name}.example/f")
    run("mb", "disable", name)
    assert not [line for line in server.log().splitlines() if "MIR03" in line and ":error" in line]
