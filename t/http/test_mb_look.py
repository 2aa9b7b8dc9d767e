"""mb explain, file ls, iplookup, instances and db: what they print about a small database."""

import json

import pytest
import rig
from answers import File, fill

MIRRORS = {
    "berlin": {"http_url": "http://berlin.example/pub/", "country": "DE", "latitude": 52.52, "longitude": 13.4, "asn": 64496},
    "munich": {"http_url": "http://munich.example/", "https_url": "https://munich.example/", "country": "DE", "weight": 50,
               "latitude": 48.14, "longitude": 11.58},
    "tokyo": {"http_url": "http://tokyo.example/", "country": "JP", "latitude": 35.69, "longitude": 139.69},
    "six": {"http_url": "http://six.example/", "country": "DE", "ipv4": False, "ipv6": True},
    "small": {"http_url": "http://small.example/", "country": "FR", "file_maxsize": 10},
    "off": {"http_url": "http://off.example/", "country": "DE", "enabled": False},
    "idle": {"http_url": "http://idle.example/", "country": "DE", "weight": 0},
    "austrian": {"http_url": "http://at.example/", "country": "AT", "country_only": True},
    "shy": {"http_url": "http://shy.example/", "country": "FR", "excluded_countries": "{DE}"},
    "empty": {"http_url": "http://empty.example/", "country": "DE"},
}
EVERYONE = tuple(name for name in MIRRORS if name != "empty")
FILES = {"a/b 100%.iso": File(EVERYONE), "a/c.iso": File(("tokyo",)), b"a/\xff\n".decode(errors="surrogateescape"): File(()),
         "secret": File(EVERYONE, staged=True), "late": File(EVERYONE, pending=True)}
BERLIN = "127.0.10.9"


@pytest.fixture
def config(scratch, geo):
    path = scratch / "mb.toml"
    path.write_text(f'[instance.main]\nsource = "/srv/pub"\ngeo_databases = ["{geo}/city.mmdb", "{geo}/asn.mmdb"]\n')
    return path


@pytest.fixture
def look(database, config):
    fill(database, MIRRORS, FILES)
    return lambda *args, **options: database.tool("mb", "--config", config, *args, **{"check": False, **options})


def explained(look, *args):
    return json.loads(look("explain", *args, "--json", check=True).stdout)


def test_explain_ranks_and_says_why_not(look):
    told = explained(look, "/a/b 100%.iso", "--ip", BERLIN)
    assert [(c["mirror"], c["tier"]) for c in told["candidates"]][:2] == [("berlin", "as"), ("munich", "country")]
    assert told["candidates"][0]["url"] == "http://berlin.example/pub/a/b%20100%25.iso"
    assert told["candidates"][-1]["mirror"] == "small" and told["candidates"][-1]["oversized"]
    assert told["candidates"][1]["distance_km"] == pytest.approx(504, abs=5) and told["candidates"][1]["weight"] == 50
    assert {r["mirror"]: r["reason"] for r in told["rejected"]} == {
        "six": "IPv6 only", "off": "disabled", "idle": "weight 0", "austrian": "only its country", "shy": "excludes the country",
        "empty": "was never scanned"}
    assert told["client"]["country"] == "DE" and told["client"]["asn"] == 64496


def test_explain_says_why_a_mirror_lacks_the_version(look, database):
    """As far as the database knows: it keeps only which mirrors have the present version."""
    def reason():
        told = explained(look, "a/b 100%.iso", "--ip", BERLIN)
        return next(r["reason"] for r in told["rejected"] if r["mirror"] == "empty")

    database.sql("SELECT nextval('revision_seq');"
                 " INSERT INTO revision (rev, at) SELECT DISTINCT version_rev, timestamptz '2026-05-05 12:00Z' FROM file"
                 " ON CONFLICT (rev) DO UPDATE SET at = excluded.at; UPDATE mirror SET last_scan = '2026-05-04 11:00Z'")
    assert reason() == ("not scanned since the file changed: scanned 2026-05-04 11:00 UTC,"
                        " this version is of 2026-05-05 12:00 UTC")
    database.sql("UPDATE mirror SET last_scan = '2026-05-06 11:00Z'")
    assert reason() == "lacked the file or had another version, when scanned 2026-05-06 11:00 UTC"


def test_what_counts_is_when_a_listing_began(look, database):
    """A file that changes while a mirror is being listed may have been listed before."""
    def reason():
        told = explained(look, "a/b 100%.iso", "--ip", BERLIN)
        return next(r["reason"] for r in told["rejected"] if r["mirror"] == "empty").rpartition("scanned ")[0]

    def scanned(started, subtree="", outcome="merged"):
        database.sql("INSERT INTO scan (mirror_id, method, subtree, started, ended, outcome)"
                     f" SELECT id, 'rsync', '{subtree}', '{started}', '2026-05-06 12:00Z', '{outcome}' FROM mirror WHERE"
                     " identifier = 'empty'")

    database.sql("SELECT nextval('revision_seq');"
                 " INSERT INTO revision (rev, at) SELECT DISTINCT version_rev, timestamptz '2026-05-05 12:00Z' FROM file"
                 " ON CONFLICT (rev) DO UPDATE SET at = excluded.at; UPDATE mirror SET last_scan = '2026-05-06 12:00Z'")
    old, new = "not scanned since the file changed: ", "lacked the file or had another version, when "
    scanned("2026-05-05 11:00Z")
    assert reason() == old
    for subtree, outcome in (("", "failed"), ("b", "merged"), ("a/b", "merged")):
        scanned("2026-05-06 11:00Z", subtree, outcome)
        assert reason() == old
    scanned("2026-05-06 11:00Z", "a")
    assert reason() == new


def test_explain_looks_at_another_time(look, database):
    def at(time):
        return look("explain", "a/b 100%.iso", "--ip", BERLIN, "--at", time, check=True).stdout

    assert "gone" not in at("@0")
    database.sql("UPDATE file SET gone_at = date_trunc('minute', now()) WHERE path = 'a/b 100%.iso'")
    ends = int(database.sql("SELECT extract(epoch FROM gone_at + interval '1 second' * grace_s)::bigint FROM file, source"
                            " WHERE gone_at IS NOT NULL"))
    assert "redirected until" in at(f"@{ends - 1}") and "goes to  http://berlin.example/" in at(f"@{ends - 1}")
    assert "not redirected any more since" in at(f"@{ends}") and "goes to  no mirror" in at(f"@{ends}")
    orders = {explained(look, "a/b 100%.iso", "--ip", "127.0.0.9", "--at", f"@{hour * 3600}")["candidates"][0]["mirror"]
              for hour in range(200, 230)}
    assert len(orders) > 1, "a client keeps its mirror for an hour"
    assert explained(look, "a/b 100%.iso", "--ip", BERLIN, "--at", "2026-11-29 12:00")["at"] == "2026-11-29T12:00:00Z"
    assert look("explain", "a/b 100%.iso", "--ip", BERLIN, "--at", "2026-11-29T12:00:01Z", "--json").returncode == 0


def test_explain_says_what_it_does_not_know(look):
    assert look("explain", "a/b 100%.iso", "--ip", BERLIN, check=True).stdout.splitlines()[-1].startswith(
        "not looked at: what only httpd's configuration says (exclusions, MirrorMinSize")


def test_explain_honours_what_the_client_claims(look):
    assert explained(look, "a/b 100%.iso", "--ip", BERLIN, "--country", "jp")["candidates"][0]["mirror"] == "tokyo"
    assert explained(look, "a/b 100%.iso", "--ip", "127.0.11.1", "--as", "64496")["candidates"][0]["tier"] == "as"
    https = explained(look, "a/b 100%.iso", "--ip", BERLIN, "--https")
    assert [c["url"] for c in https["candidates"]] == ["https://munich.example/a/b%20100%25.iso"]
    assert {r["reason"] for r in https["rejected"]} > {"no https for an https client"}


def test_explain_takes_what_httpd_is_configured_with(look):
    def far(*args):
        told = explained(look, "a/b 100%.iso", "--ip", BERLIN, *args)
        return [c for c in told["candidates"] if c["tier"] == "far" and c["distance_km"] is not None]

    for scale_km, args in ((200, ()), (5000, ("--distance-scale", "5000"))):
        candidates = far(*args)
        nearest_km = min(c["distance_km"] for c in candidates)
        for candidate in candidates:
            beyond = (candidate["distance_km"] - nearest_km) / (scale_km + nearest_km / 4)
            left = candidate["effective_weight"] / candidate["weight"] * (1 + beyond**2) ** 2
            assert left == pytest.approx(1) or left == pytest.approx(2)  # in the client's region

    def order(stickiness_s):
        told = explained(look, "a/b 100%.iso", "--ip", "127.0.0.9", "--stickiness", stickiness_s)
        return [c["mirror"] for c in told["candidates"]]

    always, first = order("0"), order("1")
    rig.wait_for("another second's order", lambda: order("1") != first, 30)
    assert order("0") == always


def test_explain_is_readable(look):
    lines = look("explain", "a/b 100%.iso", "--ip", BERLIN, check=True).stdout.splitlines()
    assert lines[0].startswith("client   127.0.10.9: DE Germany, EU") and "AS64496" in lines[0]
    assert any(line.startswith("goes to  http://berlin.example/pub/") for line in lines)
    assert any(line.split()[:3] == ["2", "munich", "country"] and "504 km" in line for line in lines)
    assert any(line.split() == ["six", "IPv6", "only"] for line in lines)
    assert "not redirected for now" in look("explain", "late", "--ip", BERLIN, check=True).stdout


@pytest.mark.parametrize("args, status, words", [
    (("nosuch", "--ip", BERLIN), 1, "no file 'nosuch' in the table"), (("secret", "--ip", BERLIN), 1, "no file 'secret'"),
    (("a", "--ip", BERLIN), 1, "'a' is a directory"), (("../x", "--ip", BERLIN), 2, "cannot be a file's path"),
    (("x", "--ip", "127.0.0"), 2, "expected an IPv4 or IPv6 address"), (("x",), 2, "--ip is required"),
    (("x", "--ip", BERLIN, "--country", "xx"), 2, "expected a country code"),
    (("x", "--ip", BERLIN, "--as", "0"), 2, "the number of an AS"),
    (("late", "--ip", BERLIN, "--at", "tomorrow"), 2, "--at 'tomorrow': expected a time in UTC"),
    (("late", "--ip", BERLIN, "--at", "2026-13-01 00:00"), 2, "expected a time"),
    (("x", "--ip", BERLIN, "--stickiness=-1"), 2, "--stickiness")])
def test_what_cannot_be_explained_is_said(look, args, status, words):
    done = look("explain", *args)
    assert (done.returncode, done.stdout) == (status, "") and done.stderr.startswith("mb: ") and words in done.stderr


def test_file_ls_finds_by_folder_and_pattern(look):
    def names(pattern):
        return [f.get("path", f.get("path_hex")) for f in json.loads(look("file", "ls", pattern, "--json", check=True).stdout)]

    assert names("a/") == names("a/*") == ["a/b 100%.iso", "a/c.iso", b"a/\xff\n".hex()]
    assert names("a/?.iso") == ["a/c.iso"] and names("a/c.iso") == ["a/c.iso"] and names("*.iso") == ["a/b 100%.iso", "a/c.iso"]
    text = look("file", "ls", "*", "--mirrors", check=True).stdout
    assert " tokyo " in next(line for line in text.splitlines() if "c.iso" in line)
    assert "\\xFF\\x0A" in text and "staged" in text and "pending" in text
    assert "1 mirror " in look("file", "ls", "a/c.iso", check=True).stdout


def test_file_ls_counts_only_mirrors_that_take_redirects(look):
    line, = look("file", "ls", "a/b*", "--mirrors", check=True).stdout.splitlines()
    assert {"berlin", "six", "shy"} < set(line.split()) and not {"off", "idle"} & set(line.split())
    file, = json.loads(look("file", "ls", "a/b*", "--json", check=True).stdout)
    assert len(file["mirrors"]) == len(EVERYONE) - 2
    assert "7 mirrors" in look("file", "ls", "a/b*", check=True).stdout


def test_file_ls_takes_patterns_and_no_sql(look):
    done = look("file", "ls", "%'; DROP TABLE file; --")
    assert done.returncode == 1 and "no file" in done.stderr


def test_iplookup_tells_places(look, mb):
    told = json.loads(look("iplookup", "127.0.11.5", "--json", check=True).stdout)
    assert [(t["country"], t["region"], t["asn"]) for t in told] == [("JP", "AS", 64497)]
    assert "JP Japan" in look("iplookup", "2001:db8:81::1", check=True).stdout
    assert "unknown" in look("iplookup", "127.0.0.1", check=True).stdout
    assert look("iplookup", "no.such.host.invalid").returncode == 1
    assert "geo_databases" in mb("iplookup", "127.0.0.1", check=False).stderr


def test_instances_are_listed(mb, scratch):
    config = scratch / "two.toml"
    config.write_text('default_instance = "b"\n[instance.a]\nsource = "/a"\n[instance.b]\n')
    told = json.loads(mb("--config", config, "instances", "--json").stdout)
    assert told == [{"name": "a", "default": False, "source": "/a"}, {"name": "b", "default": True, "source": ""}]
    assert "b         default" in mb("--config", config, "instances").stdout
    assert "no configuration" in mb("instances").stderr


def test_db_tells_what_it_is(mb, postgres, build):
    assert "already" in mb("db", "init").stdout and "up to date" in mb("db", "migrate").stdout
    assert "answers" in mb("db", "check").stdout
    name = "mirror_look_empty"
    postgres.create_database(name)
    try:
        empty = rig.Database(postgres, name, build)
        for command, words in (("version", "no schema"), ("check", "run mb db init"), ("migrate", "run mb db init")):
            done = empty.tool("mb", "db", command, check=False)
            assert done.returncode == 1 and words in done.stdout + done.stderr
    finally:
        postgres.drop_database(name)
    done = rig.Database(postgres, "no_such_database", build).tool("mb", "db", "check", check=False)
    assert done.returncode == 1 and "no_such_database" in done.stderr and "mb.toml(5)" in done.stderr


def test_an_empty_tree_says_what_fills_it(database):
    for command in (["file", "ls"], ["dirs"]):
        assert "mb-scan --source lists them" in database.tool("mb", *command, check=False).stderr
