"""mb compare: a log is replayed against two redirectors, of which one sends clients wrong."""

import gzip
import json

import pytest

import rig
from answers import SIZE, File, fill

CONFIG = """
MirrorGeoDatabase {geo}/city.mmdb
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
MirrorTree database
MirrorOrigin {origin}
MirrorRepeatWindow 0
LogFormat "%a %m %U%q %{User-agent}i" seen
CustomLog {dir}/seen.log seen
<Location /a>
  MirrorDatabase {a}
  MirrorEngine On
</Location>
<Location /b>
  MirrorDatabase {b}
  MirrorEngine On
</Location>
"""
LINES = [
    '127.0.11.7 - - [29/Nov/2026:10:00:00 +0000] "GET /same HTTP/1.1" 302 -',
    '127.0.11.7 - joe [29/Nov/2026:10:00:00 +0000] "HEAD /gone?x=1 HTTP/1.0" 302 - "-" "curl/8 (a \\"b\\")"',
    'www.example.org:80 2001:db8::7 - - [29/Nov/2026:10:00:00 +0000] "GET /other HTTP/2.0" 302 17 "http://x/" "-"',
    '127.0.10.7 - - [29/Nov/2026:10:00:00 +0000] "GET /none HTTP/1.1" 404 5 "-" "agent"',
    'client.example - - [29/Nov/2026:10:00:00 +0000] "GET /s%C3%A9\\xc3\\xa9 HTTP/1.1" 200 5 "-" "agent"',
    '127.0.10.7 - - [29/Nov/2026:10:00:00 +0000] "POST /same HTTP/1.1" 200 5',
    '127.0.10.7 - - [29/Nov/2026:10:00:00 +0000] "\\x16\\x03\\x01" 400 226',
    '127.0.10.7 - - [29/Nov/2026:10:00:00 +0000] "GET http://evil.example/ HTTP/1.1" 200 5',
    '127.0.10.7 - - [29/Nov/2026:10:00:00 +0000] "GET /a\\r\\nX-Evil: 1 HTTP/1.1" 200 5',
    '127.0.10.7 - - [29/Nov/2026:10:00:00 +0000] "GET /a b HTTP/1.1" 200 5',
    '127.0.10.7 - - [29/Nov/2026:10:00:00 +0000] "GET /unfinished',
    "127.0.10.7 - - [29/Nov/2026:10:00:00 +0000] \"GET /" + "x" * 20_000 + ' HTTP/1.1" 200 5',
    "nothing of the kind",
]


@pytest.fixture(scope="module")
def world(make_module_database, build, geo, keep):
    class World:
        pass
    made = World()
    folder = keep(rig.Scratch("mirror-compare"))
    paths = {"same": SIZE, "gone": SIZE, "other": SIZE, "s\u00e9\u00e9": SIZE}
    trees = {"good": paths, "bad": {"same": SIZE, "other": SIZE + 1, "s\u00e9\u00e9": SIZE}}
    made.hosts = {name: keep(rig.MirrorHost(name, rig.make_tree(folder / name, tree), address=address, build=build))
                  for (name, tree), address in zip(trees.items(), ("127.0.11.1", "127.0.10.1"))}
    databases = {}
    for side, odd in (("a", "good"), ("b", "bad")):
        databases[side] = make_module_database()
        mirrors = {name: {"http_url": host.http_url} for name, host in made.hosts.items()}
        fill(databases[side], mirrors, {path: File(("good" if path == "same" else odd,)) for path in paths})
    config = CONFIG.replace("{geo}", str(geo)).replace("{origin}", made.hosts["good"].http_url)
    for side, database in databases.items():
        config = config.replace("{%s}" % side, database.conninfo())
    made.httpd = keep(rig.Httpd(config, build=build))
    made.log = folder / "access.log"
    made.log.write_bytes("\n".join(LINES).encode())
    made.config = folder / "mb.toml"
    made.config.write_text(f'[instance.main]\ndatabase = "dbname=none"\ngeo_databases = ["{geo}/city.mmdb"]\n')

    def compare(*args, sides=("a", "b"), log=None, **options):
        urls = [made.httpd.url + side for side in sides]
        return databases["a"].tool("mb", "--config", made.config, "compare", *urls, "--log", log or made.log,
                                   "--timeout", "60", *args, **options)
    made.compare = compare
    seen = made.httpd.dir / "seen.log"
    made.seen = lambda: seen.read_text().splitlines() if seen.exists() else []
    return made


def test_which_one_sends_clients_wrong_is_told(world):
    before = len(world.seen())
    done = world.compare("--json", "--truth", world.hosts["good"].http_url, check=False)
    assert done.returncode == 3, done.stderr
    found = json.loads(done.stdout)
    assert (found["requests"], found["skipped"]) == (5, {"other_method": 1, "unreadable": 7})
    assert (found["both_redirect"], found["same_mirror"], found["other_size"]) == (4, 1, 1)
    assert (found["countries_known"], found["same_country"]) == (4, 1)
    assert (found["a"]["wrong"], found["b"]["wrong"], found["a"]["no_redirect"], found["b"]["no_redirect"]) == (0, 2, 1, 1)
    assert found["b"]["latency_ms"]["p50"] <= found["b"]["latency_ms"]["p99"]
    wrong = {one["path"]: (one["side"], one["client"], one["target"], one["reason"]) for one in found["examples"]}
    bad = world.hosts["bad"].http_url
    assert wrong == {
        "/gone?x=1": ("B", "127.0.11.7", bad + "gone", "the target answers 404"),
        "/other": ("B", "2001:db8::7", bad + "other", "other size: 10,001 bytes instead of 10,000")}
    seen = rig.wait_for("the log", lambda: len(world.seen()) >= before + 10 and world.seen()[before:], 60)
    for side in "ab":
        assert f"127.0.11.7 GET /{side}/same mb-compare/" in "\n".join(seen)
        assert f'127.0.11.7 HEAD /{side}/gone?x=1 curl/8 (a \\"b\\")' in seen
        assert f"127.0.10.7 GET /{side}/none agent" in seen
        assert any(line.startswith(f"127.0.0.1 GET /{side}/s") for line in seen), "the log has no address"
    assert len(seen) == 10


def test_the_table_is_for_people_and_logs_may_be_compressed(world):
    packed = world.log.with_suffix(".gz")
    packed.write_bytes(gzip.compress(world.log.read_bytes()))
    done = world.compare(log=packed, check=False)
    assert done.returncode == 3, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    for row in (["requests", "5"], ["sent", "wrong", "0", "1"], ["no", "redirect", "1", "1"], ["other", "size", "1"],
                ["same", "mirror", "1", "of", "4", "(25.0", "%)"], ["same", "country", "1", "of", "4", "(25.0", "%)"]):
        assert row in lines, done.stdout
    assert any(line[:3] == ["B", "127.0.11.7", "/gone?x=1"] for line in lines)
    assert world.compare("--no-targets", "--client-header", "").returncode == 0
    assert world.compare(sides="aa").returncode == 0
    assert json.loads(world.compare("--limit", "2", "--json", "--no-targets").stdout)["requests"] == 2
    some = json.loads(world.compare("--sample", "50", "--json", "--no-targets").stdout)["requests"]
    assert 0 < some < 5 and some == json.loads(world.compare("--sample", "50", "--json", "--no-targets").stdout)["requests"]
    packed.write_bytes(packed.read_bytes()[:-20])
    assert "gzip cannot unpack" in world.compare(log=packed, check=False).stderr


def test_what_cannot_be_compared_is_said(world):
    for args, options, status, words in (
            (("--client-header", "a b"), {}, 2, "expected the name of a header"), (("--limit", "0"), {}, 2, "limit"),
            ((), {"log": "/nonexistent"}, 1, "/nonexistent cannot be read"), ((), {"log": "/dev/null"}, 1, "has no GET or HEAD"),
            (("--truth", "ftp://x/"), {}, 2, "is not an http or https URL")):
        done = world.compare(*args, check=False, **options)
        assert done.returncode == status and words in done.stderr, done.stderr
