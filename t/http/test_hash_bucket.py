"""mb-hash of a source in a bucket: reads objects, and the signatures beside them."""

import hashlib
import os

import pytest
import rig
from answers import ask
from buckets import OLD, raises, source_scan
from hashing import REDIRECTOR, World
from scanning import objects

ASC, SIG = b"-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n", b"\x89\x00"


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def hashes(world):
    return dict(world.query("SELECT encode(f.path, 'escape'), encode(h.sha256, 'hex') FROM hash h JOIN file f ON f.id = h.file_id"
                            " AND f.version_rev = h.version_rev"))


def mb_hash(world, store, *options):
    return world.mb_hash(*options, env=store.environment(), check=False)


def summary(world, store, *options):
    return world.summary(*options, env=store.environment())


def signatures(world):
    """path -> kind and text."""
    rows = world.query("SELECT encode(f.path, 'hex'), signature_kind, encode(signature, 'hex') FROM hash h JOIN file f ON f.id = h.file_id"
                       " AND f.version_rev = h.version_rev WHERE signature IS NOT NULL")
    return {bytes.fromhex(path).decode(): (kind, bytes.fromhex(text)) for path, kind, text in rows}


def reads(store):
    return [path for method, path in store.requests if method == "GET" and "list-type" not in path]


def fill(world, store, contents):
    bucket = store.bucket("src")
    for name, content in contents.items():
        bucket.put(f"tree/{name}", content, OLD)
    world.configure(store.url("src/tree/"))
    assert source_scan(world, store)["held"] == len(contents)
    return bucket


def test_mb_hash_reads_the_objects_of_a_source_in_a_bucket(world, store):
    contents = {"empty": b"", "small": b"12345", "block": os.urandom(300_000), "large": os.urandom(20_000_000), "a b/\u00fc+c": b"x"}
    fill(world, store, contents)
    done = mb_hash(world, store)
    assert done.returncode == 0, done.stderr
    rows = world.query("SELECT encode(f.path, 'hex'), encode(h.sha256, 'hex') FROM hash h JOIN file f ON f.id = h.file_id")
    assert {bytes.fromhex(path).decode(): value for path, value in rows} == {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    assert len(reads(store)) == 4 + 3
    assert mb_hash(world, store).returncode == 0 and len(reads(store)) == 4 + 3
    assert mb_hash(world, store, "--verify").returncode == 0


def test_clients_get_mirrors_hashes_and_signatures_of_a_source_in_a_bucket(world, store, make_httpd):
    content = b"12345" * 4000
    contents = {"a b/\u00fc+c": content, "a b/\u00fc+c.asc": ASC, "alone": content}
    fill(world, store, contents)
    assert mb_hash(world, store).returncode == 0
    copy = store.bucket("copy")
    copy.put("a b/\u00fc+c", content)
    world.register("m", s3_url=store.url("copy/"))
    found = objects(world.mb_scan("--json", "m", env=store.environment()))[0]
    assert found["gained"] == 1, found
    httpd = make_httpd(REDIRECTOR.replace("{database}", world.database.conninfo()))
    path = "a%20b/%C3%BC%2Bc"
    digest, mirror = hashlib.sha256(content).hexdigest().encode(), f"http://mirror.example/{path}"

    def tells_all():
        metalink = ask(httpd, f"/db/{path}.meta4").raw
        return all(part in metalink for part in (digest, mirror.encode(), ASC.replace(b"\n", b"&#10;")))

    # A process of httpd that has not seen the mirrors yet answers otherwise.
    rig.wait_for("a redirect", lambda: ask(httpd, f"/db/{path}").location == mirror, deadline_s=60)
    rig.wait_for("no mirror", lambda: ask(httpd, "/db/alone").location == "http://origin.example/alone", deadline_s=60)
    rig.wait_for("a Metalink", tells_all, deadline_s=60)


def test_an_object_that_was_uploaded_anew_waits_for_the_next_scan(world, store):
    bucket = fill(world, store, {"same": b"1", "new": b"12345", "gone": b"1"})
    bucket.put("tree/new", b"54321", OLD + 9)
    bucket.delete("tree/gone")
    done = mb_hash(world, store)
    assert set(hashes(world)) == {"same"} and "2 waiting for mb-scan --source" in done.stdout + done.stderr, (done.stdout, done.stderr)
    source_scan(world, store, "--force")
    assert mb_hash(world, store).returncode == 0 and set(hashes(world)) >= {"same", "new"}


def test_reading_goes_on_where_a_connection_broke(world, store):
    content = os.urandom(17_000_000)
    fill(world, store, {"large": content})
    broken = []

    def fault(handler):
        if handler.headers.get("Range", "").startswith("bytes=8388608-") and not broken:
            broken.append(1)
            handler.send_response(206)
            handler.send_header("Content-Length", "8388608")
            handler.end_headers()
            handler.wfile.write(b"x" * 1000)
            handler.close_connection = True
            return True
        return False

    store.fault = fault
    assert mb_hash(world, store).returncode == 0
    assert broken and hashes(world) == {"large": hashlib.sha256(content).hexdigest()}


def test_an_object_that_may_not_be_read_is_told(world, store):
    fill(world, store, {"a": b"1"})
    store.fault = lambda handler: raises(403, "AccessDenied", "Access Denied")(handler) if "/tree/a" in handler.path else False
    done = mb_hash(world, store)
    assert done.returncode != 0 and "403 AccessDenied" in done.stderr + done.stdout and hashes(world) == {}


def test_signatures_beside_objects_are_read(world, store):
    fill(world, store, {"f": b"1", "f.asc": ASC, "f.sig": SIG, "g": b"2", "g.sig": SIG, "h": b"3", "h.asc": b"x" * 65537, "h.sig": SIG,
                        "i": b"4", "i.asc": b"", "a b/\u00fc": b"5", "a b/\u00fc.asc": b"x" * 65536, "f.asc.sig": SIG})
    done = summary(world, store)
    assert done["status"] == 0 and done["hashed"] == 13, done
    assert signatures(world) == {"f": ("a", ASC), "g": ("s", SIG), "h": ("s", SIG), "a b/\u00fc": ("a", b"x" * 65536)}
    before = len(reads(store))
    done = summary(world, store)
    assert done["status"] == 0 and done["unchanged"] == 13 and len(reads(store)) == before, done
    assert summary(world, store, "--verify")["agree"] == 13


def test_signatures_of_objects_come_change_and_go_without_reading_the_file(world, store):
    bucket = fill(world, store, {"f": b"1", "f.asc": ASC, "f.sig": SIG, "g": b"2"})
    assert summary(world, store)["hashed"] == 4

    def after(change):
        """The signatures after a change: of three runs the last has nothing to do."""
        change()
        assert source_scan(world, store, "--force", "--hash-touched=0")["outcome"] == "merged"
        del store.requests[:]
        done = summary(world, store)
        assert done["status"] == 0 and done["signatures"] == 1, done
        assert not {"/src/tree/f", "/src/tree/g"} & set(reads(store)), store.requests
        done = summary(world, store)
        assert done["signatures"] == done["hashed"] == done["bytes"] == 0, done
        return signatures(world)

    assert after(lambda: bucket.put("tree/g.sig", SIG, OLD)) == {"f": ("a", ASC), "g": ("s", SIG)}
    assert after(lambda: bucket.put("tree/g.sig", b"\x89\x01", OLD + 1)) == {"f": ("a", ASC), "g": ("s", b"\x89\x01")}
    assert after(lambda: bucket.put("tree/g.sig", b"\x89\x01\x02", OLD + 1)) == {"f": ("a", ASC), "g": ("s", b"\x89\x01\x02")}
    assert after(lambda: bucket.delete("tree/f.asc")) == {"f": ("s", SIG), "g": ("s", b"\x89\x01\x02")}
    assert after(lambda: bucket.delete("tree/g.sig")) == {"f": ("s", SIG)}


def test_a_signature_that_is_not_what_the_last_scan_found_waits_for_the_next(world, store):
    bucket = fill(world, store, {"f": b"1", "f.asc": ASC, "g": b"2", "g.asc": ASC})
    bucket.put("tree/f.asc", b"new", OLD + 9)
    bucket.delete("tree/g.asc")
    done = summary(world, store)
    assert {"f", "g"} <= set(hashes(world)) and signatures(world) == {} and done["failed"] == 0, done
    done = summary(world, store)
    assert done["signatures"] == 0 and done["waiting"] == 4 and done["failed"] == 0, done
    source_scan(world, store, "--force", "--hash-touched=0")
    done = summary(world, store)
    assert done["status"] == 0 and signatures(world) == {"f": ("a", b"new")}, done


def test_a_file_has_its_hashes_though_its_signature_may_not_be_read(world, store):
    fill(world, store, {"f": b"1", "f.asc": ASC})
    store.fault = lambda handler: raises(403, "AccessDenied", "Access Denied")(handler) if "/tree/f.asc" in handler.path else False
    done = mb_hash(world, store, "f")
    assert done.returncode != 0 and "f: its signature cannot be read: " in done.stderr and "403 AccessDenied" in done.stderr, done.stderr
    assert set(hashes(world)) == {"f"} and signatures(world) == {}
    done = summary(world, store, "f")  # it alone
    assert done["status"] != 0 and done["failed"] == 1 and done["hashed"] == done["bytes"] == done["waiting"] == 0, done
    store.fault = None
    assert summary(world, store, "f")["signatures"] == 1 and signatures(world) == {"f": ("a", ASC)}
