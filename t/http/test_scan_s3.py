"""mb-scan of folders in buckets, as mirrors and as the source: the store checks every signature by itself."""

import json
import os
import random
import time

import pytest
import rig
from buckets import OLD, raises, source_scan
from scanning import World, objects

FILES = {"plain": b"12345", "with space/a+b & <c>": b"1", "caf\u00e9/\u00fc": b"22", "100%25#?.txt": b"333", "empty": b"", "a/b/c/d": 1000,
         ".hidden": b"4", "a/back\\slash": b"5", "a/new\nline": b"6"}


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


@pytest.fixture
def mirror(world, store):
    """A maker of the mirror `m` in a folder of a bucket that is a copy of the source; returns the bucket."""

    def make(path="bkt/pub/", *, name="m", upload=True, url=None, **columns):
        bucket_name, _, prefix = path.partition("/")
        bucket = store.bucket(bucket_name)
        if upload:
            for root, _, names in os.walk(os.fsencode(world.source)):
                for file in names:
                    full = os.path.join(root, file)
                    key = prefix.encode() + os.path.relpath(full, os.fsencode(world.source))
                    with open(full, "rb") as content:
                        bucket.put(key, content.read())
        world.register(name, s3_url=url or store.url(path), **columns)
        return bucket

    return make


def scan(world, store, *options, name="m", env=None):
    done = world.mb_scan("--json", *options, name, env={**store.environment(), **(env or {})})
    found = objects(done)[0]
    found["stderr"] = done.stderr
    return found


def failed(world, store, **more):
    """The error of a scan that merged nothing."""
    before = world.tables()
    found = scan(world, store, **more)
    assert found["outcome"] == "failed" and world.tables() == before, found
    return found["error"]


def test_a_bucket_has_the_files_that_were_uploaded(world, store, mirror):
    world.fill_source(FILES)
    bucket = mirror()
    bucket.put("pub/a/", b"")
    bucket.put("pub/unknown", b"1")
    bucket.put("other", b"1")
    found = scan(world, store)
    assert found["outcome"] == "merged" and found["method"] == "s3" and found["unknown"] == 1, found
    assert world.files_of("m") == sorted(FILES, key=os.fsencode)
    before = world.tables()
    assert scan(world, store)["outcome"] == "unchanged" and world.tables() == before
    bucket.delete("pub/plain")
    assert scan(world, store)["lost"] == 1 and "plain" not in world.files_of("m")


def test_a_file_of_another_size_or_uploaded_before_the_source_changed_is_outdated(world, store, mirror):
    world.fill_source({"a": b"12345", "b": b"12345", "c": b"12345"})
    bucket = mirror()
    bucket.put("pub/b", b"123456")
    bucket.put("pub/c", b"12345", OLD)
    found = scan(world, store)
    assert found["outdated"] == 2 and world.files_of("m") == ["a"], found


def test_a_mirror_known_to_keep_times_by_rsync_is_not_judged_by_times_of_uploads(world, store, mirror):
    world.fill_source({f"file{n}": b"12345" for n in range(30)})
    daemon = world.mirror("m")
    world.mb_scan("m", check=True)
    assert len(world.files_of("m")) == 30
    mirror(name="other")
    world.database.sql("INSERT INTO endpoint (mirror_id, method, url) SELECT id, 's3', "
                       f"'{store.url('bkt/pub/')}' FROM mirror WHERE identifier = 'm'")
    world.database.sql("DELETE FROM endpoint WHERE method = 'rsync'")
    daemon.close()
    found = scan(world, store)
    assert found["method"] == "s3" and found["lost"] == 0 and len(world.files_of("m")) == 30, found
    assert scan(world, store, "-d", "file1")["lost"] == 0
    assert world.query("SELECT keeps_times FROM mirror WHERE identifier = 'm'") == [["t"]]


def test_where_the_md5_sum_is_known_the_etag_tells_versions_apart(world, store, mirror):
    world.fill_source({"same": b"12345", "other": b"12345", "parts": b"12345", "secret": b"12345"})
    world.database.tool("mb-hash", "--config", world.config, check=True)
    bucket = mirror()
    bucket.put("pub/same", b"12345", OLD)
    bucket.put("pub/other", b"54321")
    bucket.put("pub/parts", b"54321", etag="0" * 32 + "-2")
    bucket.put("pub/secret", b"12345", etag="1" * 32, headers={"x-amz-server-side-encryption": "aws:kms"})
    found = scan(world, store)
    assert world.files_of("m") == ["parts", "same", "secret"] and found["heads"] == 2, found


def test_the_time_that_a_tool_noted_tells_a_former_version_apart(world, store, mirror):
    world.fill_source({"index": (b"12345", OLD), "list": (b"12345", OLD)})
    bucket = mirror(upload=False)
    for name in ("index", "list"):
        bucket.put(f"pub/{name}", b"12345", OLD + 60, etag="x")
    assert scan(world, store)["gained"] == 2
    world.fill_source({"index": (b"54321", OLD + 50), "list": (b"54321", OLD + 50)}, "--force")
    bucket.put("pub/index", b"12345", etag="x", headers={"x-amz-meta-mtime": f"{OLD}.25"})
    bucket.put("pub/list", b"12345", etag="x", headers={"x-amz-meta-s3cmd-attrs": f"gid:1/mtime:{OLD}/uid:1"})
    found = scan(world, store)
    assert found["heads"] == 2 and found["outdated"] == 2 and world.files_of("m") == [], found


def test_a_large_bucket_is_listed_in_ranges_beside_each_other(world, store, mirror):
    names = [f"{top}/{middle}/{n:03}" for top in ("dists", "pool", "pool-extra") for middle in "abcdef" for n in range(150)]
    names += [f"top{n}" for n in range(200)] + [f"pool/{n}" for n in range(200)]
    world.fill_source({name: b"1" for name in names})
    more = [f"pub/pool/{middle}/more-{n:04}" for middle in "abcdef" for n in range(1500)]
    mirror().fill((key.encode(), rig.Object(b"2", OLD)) for key in more)
    found = scan(world, store)
    assert found["outcome"] == "merged" and len(world.files_of("m")) == len(names), found
    assert found["entries"] == len(names) + len(more) and found["unknown"] == len(more), found
    assert sum("start-after" in path for _, path in store.requests) > 5
    assert scan(world, store)["outcome"] == "unchanged"


def test_what_is_listed_in_another_order_is_the_same(world, store, mirror):
    world.fill_source({f"{top}/{n:03}": b"1" for top in "abcdefgh" for n in range(10)})
    bucket = mirror()
    bucket.fill((f"pub/{top}/more-{n:04}".encode(), rig.Object(b"2", OLD)) for top in "abcdefgh" for n in range(1000))
    bucket.public = True
    world.configure(store.url("bkt/pub/", anonymous="yes"))
    generator = random.Random(1)

    def delay(handler):
        time.sleep(generator.random() / 50)
        return False

    for begin in (lambda: source_scan(world, store, "--force"), lambda: scan(world, store)):
        begin()
        store.fault = delay
        assert [begin()["outcome"] for _ in range(3)] == ["unchanged"] * 3
        store.fault = None
    kinds = world.query("SELECT mirror_id IS NULL, count(DISTINCT fingerprint), count(fingerprint) FROM scan WHERE method = 's3' GROUP BY 1")
    assert sorted(kinds) == [["f", "1", "4"], ["t", "1", "4"]]


def test_names_that_no_tree_can_have_are_skipped_and_told(world, store, mirror):
    world.fill_source({"a": b"1", "b/c": b"1", "good": b"1"})
    bucket = mirror()
    bucket.put("pub/b", b"1")
    for odd in ("pub//x", "pub/x//y", "pub/../z", "pub/./z", "pub/x/..", "pub/full/", "pub/nul\0"):
        bucket.put(odd, b"1")
    found = scan(world, store)
    assert world.files_of("m") == ["a", "b/c", "good"] and found["odd_keys"] == 8 and "unknown" in found, found
    assert "8 objects with a name that no tree can have, skipped (for example '" in world.mb_scan("m", env=store.environment()).stderr


def test_what_is_archived_is_skipped_and_told(world, store, mirror):
    kinds = ("STANDARD", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
    world.fill_source({kind: b"1" for kind in kinds})
    mirror().fill((f"pub/{kind}".encode(), rig.Object(b"1", int(time.time()) + 60, storage=kind)) for kind in kinds)
    found = scan(world, store)
    assert world.files_of("m") == ["GLACIER_IR", "STANDARD"] and found["archived"] == 2, found
    assert "2 objects in an archive, " in world.mb_scan("m", env=store.environment()).stderr


def test_a_file_that_is_a_folder_too_is_skipped_even_across_ranges(world, store, mirror):
    world.fill_source({f"b/c{n}": b"1" for n in range(1500)} | {f"b!{n}/x": b"1" for n in range(30)})
    bucket = mirror()
    bucket.put("pub/b", b"1")
    found = scan(world, store)
    assert found["odd_keys"] == 1 and found["held"] == 1530, found


def test_a_part_of_the_tree_is_the_folder_of_that_name(world, store, mirror):
    world.fill_source({"pool/a": b"1", "pool/b": b"1", "poolside": b"1"})
    bucket = mirror()
    scan(world, store)
    for key in ("pub/pool/a", "pub/poolside"):
        bucket.delete(key)
    found = scan(world, store, "-d", "pool")
    assert found["lost"] == 1 and world.files_of("m") == ["pool/b", "poolside"], found
    bucket.delete("pub/pool/b")
    assert scan(world, store, "-d", "pool", "--force")["lost"] == 1 and world.files_of("m") == ["poolside"]


def test_the_region_is_found_by_the_stores_own_word(world, store, mirror):
    store.region = "eu-central-1"
    world.fill_source({"a": b"1"})
    mirror()
    assert scan(world, store)["gained"] == 1
    assert scan(world, store, env={"AWS_REGION": "eu-central-1"})["outcome"] == "unchanged"


def test_credentials_come_from_files_too_and_are_never_shown(world, store, mirror, scratch):
    world.fill_source({"a": b"1"})
    mirror()
    (scratch / ".aws").mkdir()
    (scratch / ".aws/credentials").write_text(f"[default]\naws_access_key_id = wrong\naws_secret_access_key=wrong\n[mirrors]\n"
                                              f"aws_access_key_id={rig.s3.KEY}\naws_secret_access_key = {rig.s3.SECRET}\n"
                                              "aws_session_token = tok/en+1=\n")
    store.token = "tok/en+1="
    env = {"HOME": os.fspath(scratch), "AWS_PROFILE": "mirrors", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    found = scan(world, store, env=env)
    assert found["gained"] == 1, found
    found = scan(world, store, env={**env, "AWS_PROFILE": ""})
    assert found["outcome"] == "failed" and "InvalidAccessKeyId" in found["error"], found
    found = scan(world, store, env={**env, "AWS_PROFILE": "missing"})
    assert "there are no credentials of the profile 'missing'" in found["error"]
    assert rig.s3.SECRET not in json.dumps(world.query("SELECT * FROM scan")) + found["stderr"]


def test_a_public_bucket_needs_no_credentials(world, store, mirror):
    world.fill_source({"a": b"1"})
    bucket = mirror(url=store.url("bkt/pub/", anonymous="yes"))
    assert "403 AccessDenied: Access Denied (no credentials were used" in failed(world, store)
    bucket.public = True
    assert scan(world, store, env={"AWS_SECRET_ACCESS_KEY": "wrong"})["gained"] == 1


def slow_down(times):
    """Answers so many requests with 503."""
    left = [times]

    def fault(handler):
        left[0] -= 1
        if left[0] >= 0:
            raise rig.s3.Refusal(503, "SlowDown", "Please reduce your request rate.", headers={"Retry-After": "1"})

    return fault


def test_a_store_that_asks_to_slow_down_is_asked_again_later(world, store, mirror):
    world.fill_source({"a": b"1"})
    mirror()
    store.fault = slow_down(2)
    began = time.monotonic()
    assert scan(world, store)["gained"] == 1 and time.monotonic() - began >= 2


def body_fault(change, page=2):
    """Changes the body of the listing's page of that number."""
    seen = [0]

    def fault(handler):
        seen[0] += 1
        if seen[0] != page:
            return False
        listing = handler.listing
        handler.listing = lambda *args: change(listing(*args))
        return False

    return fault


def reset(handler):
    if "token" in handler.path or "start-after" in handler.path:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(b"<?xml version='1.0'?><ListBucketResult><Name>")
        handler.close_connection = True
        return True
    return False


TOKEN = b"<IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken>"
FAULTS = {
    "truncated page": (body_fault(lambda body: body[:-100]), "is not whole, or is not XML"),
    "half a page": (body_fault(lambda body: body[:body.index(b"</Contents>") + 11] + b"</ListBucketResult>"), "not as many keys as it says"),
    "no page": (body_fault(lambda body: b""), "is empty"),
    "html": (body_fault(lambda body: b"<html><body>hello</body></html>", 1), "is no listing of a bucket"),
    "entities": (body_fault(lambda body: body.replace(b"<ListB", b"<!DOCTYPE x [<!ENTITY a 'b'>]><ListB", 1), 1), "document type"),
    "no token": (body_fault(lambda body: body.replace(b"NextContinuationToken>", b"NextMarker>"), 1), "ListObjectsV2"),
    "no end told": (body_fault(lambda body: body.replace(b"IsTruncated", b"Is"), 1), "does not say whether more follow"),
    "wrong token": (raises(400, "InvalidArgument", "The continuation token provided is incorrect"), "400 InvalidArgument"),
    "reset": (reset, "the connection broke off|transfer closed"),
    "denied": (raises(403, "AccessDenied", "Access Denied"), "403 AccessDenied: Access Denied"),
    "no bucket": (raises(404, "NoSuchBucket", "The specified bucket does not exist"), "404 NoSuchBucket"),
    "clock": (raises(403, "RequestTimeTooSkewed", "Too large"), "is this machine's clock right"),
    "region again": (raises(301, "PermanentRedirect", "Moved", "<Region>eu-west-9</Region>"), "301 PermanentRedirect"),
    "order": (body_fault(lambda body: body.replace(b"<Key>pub/f0001<", b"<Key>pub/f9999<"), 1), "is not in the order of keys"),
    "another folder": (body_fault(lambda body: body.replace(b"<Key>pub/f0001<", b"<Key>zub/f0001<"), 1), "not of this folder"),
    "endless": (lambda handler: handler.answer(200, b"<ListBucketResult>" + TOKEN + b"</ListBucketResult>") or True, "have no end"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_of_a_listing_that_is_not_whole_nothing_is_merged(world, store, mirror, name):
    import re
    world.fill_source({f"f{n:04}": b"1" for n in range(1500)})
    mirror()
    assert scan(world, store)["held"] == 1500
    store.fault, words = FAULTS[name]
    assert re.search(words, failed(world, store))
    store.fault = None
    assert scan(world, store)["outcome"] == "unchanged"


def test_a_wrong_secret_is_the_stores_to_refuse(world, store, mirror):
    world.fill_source({"a": b"1"})
    mirror()
    assert "403 SignatureDoesNotMatch" in failed(world, store, env={"AWS_SECRET_ACCESS_KEY": "wrong"})


def test_a_bucket_that_shrank_is_refused(world, store, mirror):
    world.fill_source({f"f{n}": b"1" for n in range(40)})
    bucket = mirror()
    scan(world, store)
    for n in range(30):
        bucket.delete(f"pub/f{n}")
    assert scan(world, store)["outcome"] == "refused" and len(world.files_of("m")) == 40


def test_what_another_client_signs_and_uploads_is_listed(world, store, mirror):
    session = pytest.importorskip("botocore.session").Session()
    client = session.create_client("s3", region_name="us-east-1", endpoint_url=store.endpoint, aws_access_key_id=rig.s3.KEY,
                                   aws_secret_access_key=rig.s3.SECRET)
    world.fill_source(FILES)
    bucket = mirror(upload=False)
    for name in FILES:
        content = (world.source / name).read_bytes()
        client.put_object(Bucket="bkt", Key=f"pub/{name}", Body=content)
    assert [o["Key"] for o in client.list_objects_v2(Bucket="bkt")["Contents"]] == [key.decode() for key in bucket.keys()]
    assert scan(world, store)["held"] == len(FILES)


def test_a_bucket_is_the_source(world, store):
    bucket = store.bucket("src")
    for name, content in FILES.items():
        bucket.put(f"tree/{name}", content if isinstance(content, bytes) else b"x" * content, OLD)
    bucket.put("tree/", b"")
    world.configure(store.url("src/tree/"))
    found = source_scan(world, store)
    assert found["outcome"] == "merged" and found["held"] == len(FILES), found
    rows = world.query("SELECT encode(path, 'hex'), size, mtime FROM file WHERE path = 'plain'")
    assert rows == [["plain".encode().hex(), "5", str(OLD)]]
    assert source_scan(world, store)["outcome"] == "unchanged"
    bucket.put("tree/plain", b"654321", OLD + 7)
    bucket.delete("tree/empty")
    assert source_scan(world, store)["changed"] == 1
    world.register("m", s3_url=store.url("src/tree/"))
    scan(world, store)
    assert len(world.files_of("m")) == len(FILES) - 1


def test_a_source_that_cannot_be_listed_stays_as_it_was(world, store):
    bucket = store.bucket("src")
    for n in range(1500):
        bucket.put(f"f{n:04}", b"1", OLD)
    world.configure(store.url("src/"))
    assert source_scan(world, store)["held"] == 1500
    before = world.tables()
    store.fault = body_fault(lambda body: body[:-100])
    found = source_scan(world, store)
    assert found["outcome"] == "failed" and world.tables() == before, found
