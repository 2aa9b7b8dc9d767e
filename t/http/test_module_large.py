"""Large answers, zsync's control files: read and sent in pieces, so that neither a slow client nor a slow line to the database costs
the others anything."""

import pathlib
import re
import socket
import time

import pytest

import rig
from answers import ask
from catalogs import database, make_redirector, postgres  # noqa: F401
from outages import DATABASE, LIMIT_S, OUTAGE, at_once
from slow_line import SlowLine

BLOCKS = 1_048_576
SUM_BYTES = 5
FILE_BYTES = BLOCKS * 2048
SUMS_BYTES = BLOCKS * SUM_BYTES  # 5 MiB
SUMS = (f"substring((SELECT string_agg(decode(md5(i::text), 'hex'), '') FROM generate_series(1, {SUMS_BYTES // 16 + 1}) i) "
        f"FROM 1 FOR {SUMS_BYTES})")
CONFIG = """
MirrorDatabase {database}
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
"""
CATALOG = "MirrorCatalogHashes On\n"
READERS = 60


@pytest.fixture
def large(database):  # noqa: F811
    """The file `large`, with 5 MiB of sums."""
    database.sql(f"""
        INSERT INTO file (path, size, mtime, version_rev, rev, kind, cohort_id)
          SELECT 'large', {FILE_BYTES}, 1700000000, 1, 1, 'f', min(id) FROM cohort;
        UPDATE cohort SET n_files = n_files + 1;
        INSERT INTO hash (file_id, version_rev, mtimes, sha1, sha256, zsync_block_bytes, zsync_seq_matches, zsync_rsum_bytes,
                          zsync_md4_bytes, zsync_sums)
          SELECT id, 1, '{{1700000000}}', decode(repeat('01', 20), 'hex'), decode(repeat('02', 32), 'hex'), 2048, 2, 2, 3, {SUMS}
          FROM file WHERE path = 'large'""")
    return database


def sums_of(database):  # noqa: F811
    return bytes.fromhex(database.sql("SELECT encode(zsync_sums, 'hex') FROM hash").strip())


def wait_until_kept(redirector):
    """All hashes are in the catalog."""
    rig.wait_for("a catalog", lambda: (redirector.httpd.catalog / "CURRENT").exists() and redirector.redirects("/db/f"))
    time.sleep(1.5)


@pytest.mark.parametrize("catalog", [False, True])
def test_the_sums_arrive_as_they_are(large, make_redirector, catalog):  # noqa: F811
    redirector = make_redirector((CATALOG if catalog else "") + CONFIG, catalog=catalog)
    if catalog:
        wait_until_kept(redirector)
    answer = ask(redirector.httpd, "/db/large.zsync")
    head, _, rest = answer.body.partition(b"\n\n")
    assert answer.status == 200 and b"Blocksize: 2048" in head
    expected = sums_of(large)
    assert len(rest) == SUMS_BYTES and rest == expected
    whole = len(answer.body)
    assert answer.get("Content-Length") == str(whole)
    part = ask(redirector.httpd, "/db/large.zsync", headers={"Range": f"bytes={whole - 100_000}-{whole - 50_001}"})
    assert part.status == 206 and part.body == answer.body[whole - 100_000:whole - 50_000]
    assert ask(redirector.httpd, "/db/large.zsync", method="HEAD").body == b""
    again = ask(redirector.httpd, "/db/large.zsync", headers={"If-None-Match": answer.get("ETag")})
    assert again.status == 304


def test_a_large_answer_over_a_slow_line_is_its_own_trouble_alone(large, postgres, make_redirector, cleanup):  # noqa: F811
    line = cleanup(SlowLine(postgres.port))
    conninfo = re.sub(r"port='?\d+'?", f"port={line.port}", postgres.conninfo(DATABASE, tcp=True))
    redirector = make_redirector(CONFIG, catalog=False, conninfo=conninfo)
    assert all(redirector.redirects("/db/f") for _ in range(8))
    line.bytes_per_s = 120_000
    sockets = [open_request(redirector, "/db/large.zsync") for _ in range(3)]
    try:
        until = time.monotonic() + 8
        answers, others = [], 0
        while time.monotonic() < until:
            answers += at_once(3, lambda: redirector.ask("/db/f").answer.status)
            others += 1
        assert others > 3 and set(answers) == {302}, f"{answers.count(503)} of {len(answers)} got 503"
        assert redirector.log_lines(OUTAGE) == []
    finally:
        line.bytes_per_s = None
        for one in sockets:
            one.close()


def test_a_connection_that_takes_too_long_is_no_outage_while_others_answer(large, postgres, make_redirector, cleanup):  # noqa: F811
    line = cleanup(SlowLine(postgres.port))
    conninfo = re.sub(r"port='?\d+'?", f"port={line.port}", postgres.conninfo(DATABASE, tcp=True))
    one_child = "StartServers 1\nServerLimit 1\nThreadsPerChild 8\nMinSpareThreads 1\nMaxSpareThreads 8\nMaxRequestWorkers 8\n"
    redirector = make_redirector(one_child + CONFIG, catalog=False, conninfo=conninfo)
    assert redirector.redirects("/db/f")
    before, line.delay_s = line.count, 0.5
    until, statuses = time.monotonic() + 2 * LIMIT_S, set()
    while time.monotonic() < until:
        statuses.update(at_once(4, lambda: redirector.ask("/db/f").answer.status))
    assert line.count > before and statuses == {302} and redirector.log_lines(OUTAGE) == []


def test_large_answers_take_turns_and_leave_threads_for_others(large, postgres, make_redirector, cleanup):  # noqa: F811
    line = cleanup(SlowLine(postgres.port))
    conninfo = re.sub(r"port='?\d+'?", f"port={line.port}", postgres.conninfo(DATABASE, tcp=True))
    one_child = "StartServers 1\nServerLimit 1\nThreadsPerChild 40\nMinSpareThreads 1\nMaxSpareThreads 40\nMaxRequestWorkers 40\n"
    redirector = make_redirector(one_child + CONFIG, catalog=False, conninfo=conninfo)
    assert all(at_once(12, lambda: redirector.redirects("/db/f")))
    line.bytes_per_s = 150_000
    readers = [open_request(redirector, "/db/large.zsync") for _ in range(8)]
    try:
        assert {reader.recv(12) for reader in readers} == {b"HTTP/1.1 200"}
        readers += [open_request(redirector, "/db/large.zsync") for _ in range(50)]
        for _ in range(5):
            assert redirector.redirects("/db/f")
    finally:
        line.bytes_per_s = None
        for reader in readers:
            reader.close()


def open_request(redirector, target, receive_bytes=4096):
    """A client that has asked and reads nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.settimeout(20)
    client.connect((redirector.httpd.address, redirector.httpd.port))
    client.sendall(f"GET {target} HTTP/1.1\r\nHost: r.example\r\nConnection: close\r\n\r\n".encode())
    return client


def private_bytes(redirector):
    """Of all children together."""
    total = 0
    for child in redirector.httpd.children():
        for line in pathlib.Path(f"/proc/{child}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1]) * 1024
    return total


@pytest.mark.parametrize("catalog", [False, True])
def test_slow_readers_cost_little_memory(build, large, make_redirector, catalog):  # noqa: F811
    config = "ThreadsPerChild 40\nThreadLimit 64\nStartServers 2\nServerLimit 2\nMinSpareThreads 40\nMaxSpareThreads 80\n" \
        "MaxRequestWorkers 80\n" + (CATALOG if catalog else "") + CONFIG
    redirector = make_redirector(config, catalog=catalog)
    if catalog:
        wait_until_kept(redirector)
    assert redirector.redirects("/db/f")
    before = private_bytes(redirector)
    count = 10 if build.sanitizer_runtime() else READERS  # whose memory is not measured
    readers = [open_request(redirector, "/db/large.zsync") for _ in range(count)]
    try:
        for reader in readers:
            assert reader.recv(64).startswith(b"HTTP/1.1 200")
        time.sleep(1)
        each = (private_bytes(redirector) - before) / count
        print(f"{each / 1024:.0f} KiB for each of {count} slow readers")
        assert build.sanitizer_runtime() or each < 512 * 1024  # sanitizers have memory of their own
    finally:
        for reader in readers:
            reader.close()


def test_a_file_that_changes_meanwhile_ends_the_answer_short(large, make_redirector):  # noqa: F811
    redirector = make_redirector(CONFIG, catalog=False)
    assert redirector.redirects("/db/f")
    client = open_request(redirector, "/db/large.zsync")
    received = client.recv(1000)
    large.sql("UPDATE hash SET sha1 = decode(repeat('03', 20), 'hex')")
    while block := client.recv(65536):
        received += block
    client.close()
    assert b"200 OK" in received and len(received) < SUMS_BYTES
    assert redirector.redirects("/db/f")
