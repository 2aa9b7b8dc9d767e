"""mb-scan and mb-hash with a real object store that speaks Amazon's interface: OpenStack Swift."""

import hashlib
import os

import pytest
import rig
from scanning import World, objects

FILES = {"plain": b"12345", "with space/a+b & <c>": b"1", "caf\u00e9/\u00fc": b"22", "100%25#?.txt": b"333", "empty": b"", "a/b/c/d": b"x" * 1000,
         ".hidden": b"4", "a/back\\slash": b"5", "quote\"'": b"6"}
PAGE = 20
FOLDERS, EACH = 3, 15  # more than two pages


pytestmark = pytest.mark.skipif(not rig.has_swift(), reason="python3-swift is not installed")


@pytest.fixture(scope="module")
def store():
    """With two buckets that no test changes: `pub` has a mirror's files in a folder, `src` a source's."""
    pytest.importorskip("botocore.session")
    swift = rig.Swift(page=PAGE)
    try:
        swift.start()
        put = swift.bucket("pub")
        for name, content in {**FILES, **many()}.items():
            put(f"a tree/{name}", content)
        put("other", b"1")
        put = swift.bucket("src")
        for name, content in contents().items():
            put(name, content)
        yield swift
    finally:
        swift.close()


def many():
    return {f"pool/{n}/f{m:02}": b"12345" for n in range(FOLDERS) for m in range(EACH)}


def contents():
    """Objects of which one is read in several parts."""
    return {"large": bytes(range(256)) * 80_000, "small": b"12345", "empty": b"", "a b/\u00fc+c": b"x", "a b/\u00fc+c.asc": b"signed"}


@pytest.fixture
def world(database, scratch, store):
    return World(database, scratch, None)


def scan(world, store, *args, **more):
    return objects(world.mb_scan("--json", *args, env=store.environment(**more)))[0]


def test_a_mirror_in_a_bucket_is_listed_page_by_page(world, store):
    files = {**FILES, **many()}
    world.fill_source({**files, "missing": b"1"})
    world.register("m", s3_url=store.url("pub/a%20tree/", region=store.region))
    found = scan(world, store, "m")
    assert found["outcome"] == "merged" and found["unknown"] == 0, found
    assert world.files_of("m") == sorted(files, key=os.fsencode)
    before = world.tables()
    assert scan(world, store, "m")["outcome"] == "unchanged" and world.tables() == before


def test_one_range_is_listed_to_its_end(world, store):
    world.fill_source(many())
    world.register("m", s3_url=store.url("pub/a%20tree/", region=store.region), s3_options="connections=1")
    found = scan(world, store, "m")
    assert found["held"] == FOLDERS * EACH and found["unknown"] == len(FILES), found


def test_requests_are_signed_for_the_region_that_the_store_names(world, store):
    world.fill_source(FILES)
    world.register("m", s3_url=store.url("pub/a%20tree/"))
    assert scan(world, store, "m")["held"] == len(FILES)


def test_who_has_no_right_key_lists_nothing(world, store):
    world.fill_source(FILES)
    world.register("m", s3_url=store.url("pub/a%20tree/", region=store.region))
    world.register("anyone", s3_url=store.url("pub/a%20tree/", region=store.region, anonymous="yes"))
    wrong = scan(world, store, "m", key="wrong")
    assert wrong["outcome"] == "failed" and "SignatureDoesNotMatch" in wrong["error"], wrong
    # Swift takes what is not signed for a request of its own interface.
    assert scan(world, store, "anyone")["outcome"] == "failed"


def test_a_source_in_a_bucket_is_hashed(world, store):
    world.configure(store.url("src/", region=store.region))
    found = scan(world, store, "--source")
    assert found["outcome"] == "merged" and found["held"] == len(contents()), found
    done = world.database.tool("mb-hash", "--config", world.config, env=store.environment(), check=False)
    assert done.returncode == 0, done.stderr
    rows = world.query("SELECT encode(f.path, 'hex'), encode(h.sha256, 'hex') FROM hash h JOIN file f ON f.id = h.file_id")
    assert {bytes.fromhex(path).decode(): digest for path, digest in rows} == {
        name: hashlib.sha256(content).hexdigest() for name, content in contents().items()}
    signed = world.query("SELECT encode(path, 'hex'), encode(signature, 'hex') FROM hash JOIN file ON file_id = id WHERE signature IS NOT NULL")
    assert signed == [["a b/\u00fc+c".encode().hex(), b"signed".hex()]]
    assert scan(world, store, "--source")["outcome"] == "unchanged"
