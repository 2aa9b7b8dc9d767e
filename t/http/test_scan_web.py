"""mb-scan by directory indexes: of real web servers in every shape, and of servers that do what a test wants."""

import contextlib

import psycopg2
import pytest
import rig
from scanning import World, objects

NAMES = [b"plain", b"with space", b"a&b <c> \"q\" 'q'", b"100%25#?.txt", "caf\u00e9".encode(), b"semi;colon", b"plus+sign", b"-dash",
         b"tilde~", b"colon:name", b"back\\slash", b"x" * 120, b"empty", b"sub/file", b"sub dir/file", "s\u00fcb/x/y".encode(),
         b"sub/sub/sub/deep", b".hidden", b"sub/.treeinfo", b"README", b"sub/README.html", b"sub/HEADER", b".disk/info", b"sub/.x/y/z",
         b"sub/RCS/old,v", b"CVS", b"RCSX", b"CVSX/f", b"sub/backup~", b"sub/auto#", b"READMEs/f", b"sub/roff,t", b"v", b"~"]
SIZES = {"kilo": 1500, "kilo10": 10300, "mega": 1_300_000, "d973": 973, "d9999": 9999}
FILES = {**{name: b"12345" for name in NAMES}, b"empty": b"", **SIZES}


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


@pytest.fixture
def web(world, cleanup):
    """A maker of a web server in that shape, with the mirror `web` behind it, whose tree is a copy of the source."""

    def make(shape, *, name="web", **columns):
        tree = world.scratch / f"{name}-tree"
        rig.copy_tree(world.source, tree)
        server = cleanup(rig.index_server(shape, tree)).start()
        server.tree = tree
        world.database.add_mirror(name, http_url=server.url, **columns)
        return server

    return make


def result(world, *options, name="web"):
    """What the scan of the mirror says in JSON."""
    done = world.mb_scan("--json", *options, name)
    found = objects(done)[0]
    found["stderr"] = done.stderr
    return found


@pytest.mark.parametrize("shape", rig.INDEX_SERVERS)
def test_every_shape_gives_the_files_that_rsync_gives(world, web, shape):
    world.fill_source({**FILES, "old": (b"1", 86400), "size": 2000, "missing": b"1"})
    server = web(shape)
    (server.tree / "missing").unlink()
    rig.make_tree(server.tree, {"size": b"1234", "unknown": b"1", "more/unknown": b"1"})
    rig.copy_tree(server.tree, world.scratch / "same")
    daemon = world._cleanup(rig.RsyncDaemon([rig.Module("pub", world.scratch / "same")])).start()
    world.register("rsync", rsync_url=daemon.module_url("pub"))
    world.mb_scan("rsync", check=True)
    first = result(world)
    assert first["outcome"] == "merged" and first["method"] == "http", first
    assert world.files_of("web") == world.files_of("rsync") and len(world.files_of("web")) == len(FILES) + 1
    assert first["unknown"] == 2 and first["outdated"] == 1 and (shape != "nginx" or first["heads"] == 2)
    before = world.tables()
    again = result(world)
    assert again["outcome"] == "unchanged" and world.tables() == before


@pytest.mark.parametrize("shape", ["apache-fancy", "nginx-json"])
def test_an_unchanged_mirror_takes_no_lock(world, web, shape):
    """While another session holds the merge lock."""
    world.fill_source(FILES)
    server = web(shape)
    first = result(world)
    assert first["outcome"] == "merged" and len(world.files_of("web")) == len(FILES)
    rig.make_tree(server.tree, {"unknown": b"1"})  # a listing that is not the same, of the same files
    before = world.tables(), world.query("SELECT count(*) FROM revision")
    with contextlib.closing(psycopg2.connect(world.database.conninfo())) as merging:
        merging.cursor().execute("LOCK TABLE merge_lock IN EXCLUSIVE MODE")
        for _ in range(2):
            again = result(world)
            assert again["outcome"] == "unchanged" and again["unknown"] == 1 and again["lock_seconds"] == 0, again
            assert result(world, "-d", "sub")["outcome"] == "unchanged"
    assert (world.tables(), world.query("SELECT count(*) FROM revision")) == before
