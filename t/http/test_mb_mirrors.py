"""mb's commands on mirrors: what they store, what they print, how they fail."""

import json
import os
import subprocess

import pytest
import rig

from terminals import answer

URL = "--http-url=http://a.example/pub/"


@pytest.fixture
def run(database):
    """run(…) -> CompletedProcess, whatever the exit status."""
    return lambda *args, **options: database.tool("mb", *args, check=False, **options)


@pytest.fixture
def two(mb):
    mb("new", "--no-geo", "a.example", URL, "--country=DE", "--weight=50", "--enabled")
    mb("new", "--no-geo", "b.example", "--https-url=https://b.example/", "--country=US")


@pytest.fixture
def geo_config(scratch, build):
    rig.run(["perl", build.data("make-mmdb.pl"), build.data("geo.txt"), scratch])
    path = scratch / "mb.toml"
    path.write_text(f'[instance.main]\ngeo_databases = ["{scratch}/city.mmdb", "{scratch}/asn.mmdb"]\n')
    return path


def shown(mb, name):
    return json.loads(mb("show", name, "--json").stdout)


def test_new_stores_what_it_is_told(mb):
    done = mb("new", "--no-geo", "a.example", URL, "--https-url=https://a.example/pub/", "--rsync-url=rsync://a.example/pub/",
              "--ftp-url=ftp://a.example/pub/", "--strip-prefix=x/y", "--add-prefix=z",
              "--stamp-path=project/trace/x", "--max-age=48.5", "--scan-interval=2.5", "--scan-hours=22-6",
              "--rsync-options=--bwlimit=9,-4",
              "--weight=7", "--country=de", "--region=eu", "--subdivision=BY", "--latitude=48.1", "--longitude=11.6",
              "--asn=64496",
              "--prefix-only", "--no-as-only", "--other-countries=at,ch", "--excluded-countries=FR", "--ipv6", "--no-ipv4",
              "--file-maxsize=1000", "--operator-name=Ö'Brien \"&\" Co", "--operator-url=https://op.example/",
              "--admin-email=x@y.example", "--public-note=hello\nworld", "--private-comment='; DROP TABLE mirror; --")
    assert done.stdout == "mirror 'a.example' added, disabled\n  next: mb scan --enable a.example\n"
    expected = {
        "http_url": "http://a.example/pub/", "https_url": "https://a.example/pub/", "rsync_url": "rsync://a.example/pub/",
        "ftp_url": "ftp://a.example/pub/", "strip_prefix": "x/y", "add_prefix": "z", "stamp_path": "project/trace/x", "max_age": "48.5",
        "scan_interval": "2.5", "scan_hours": "22-6", "rsync_options": ["--bwlimit=9", "-4"],
        "weight": 7, "country": "DE", "region": "EU", "subdivision": "BY", "latitude": 48.1, "longitude": 11.6, "asn": 64496,
        "prefix_only": True, "as_only": False, "other_countries": ["AT", "CH"], "excluded_countries": ["FR"], "ipv4": False,
        "ipv6": True, "file_maxsize": 1000, "operator_name": "Ö'Brien \"&\" Co", "operator_url": "https://op.example/",
        "admin_email": "x@y.example", "public_note": "hello\nworld", "private_comment": "'; DROP TABLE mirror; --",
        "enabled": False, "online": True, "files": 0, "scans": [], "last_scan": None, "prefixes": [], "served_as": []}
    found = shown(mb, "a.example")
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("args, words", [
    (["a.example"], "an http_url or an https_url"), (["", URL], "identifier"), (["-x", URL], "unknown option '-x'"),
    (["a b", URL], "identifier"), (["a\x1b[31m", URL], "identifier"), (["a", "--http-url=ftp://a/"], "http_url"),
    (["a", "--http-url=http://a/?x"], "http_url"), (["a", "--http-url=http://a/p q/"], "http_url"),
    (["a", URL, "--weight=-1"], "weight"),
    (["a", URL, "--weight=x"], "weight"), (["a", URL, "--country=DEU"], "country"), (["a", URL, "--region=XX"], "region"),
    (["a", URL, "--latitude=91", "--longitude=0"], "latitude"), (["a", URL, "--latitude=1"], "longitude"),
    (["a", URL, "--asn=4294967296"], "asn"), (["a", URL, "--other-countries=DE,X"], "other_countries"),
    (["a", URL, "--strip-prefix=../x"], "strip_prefix"), (["a", URL, "--stamp-path=/x"], "stamp_path"),
    (["a", URL, "--max-age=soon"], "max_age"), (["a", URL, "--scan-interval=often"], "scan_interval"),
    (["a", URL, "--scan-hours=22-30"], "scan_hours"), (["a", URL, "--admin-email=nobody"], "admin_email"),
    (["a", URL, "--operator-name=a\x1bb"], "operator_name"), (["a", URL, "--file-maxsize=-5"], "file_maxsize")])
def test_new_refuses_what_makes_no_sense(run, args, words):
    done = run("new", "--no-geo", *args)
    assert done.returncode in (1, 2) and words in done.stderr and done.stderr.startswith("mb: ") and done.stdout == ""
    assert "\x1b" not in done.stderr and "SQLSTATE" not in done.stderr
    assert run("list", "-a", "--json").stdout == "[]\n"


def test_text_that_is_no_utf8_is_refused(run):
    done = run("new", "--no-geo", "a", URL, "--private-comment=\udcff")
    assert done.returncode == 1 and "UTF8" in done.stderr and run("list", "-a", "--json").stdout == "[]\n"


def test_a_missing_slash_is_added(mb):
    mb("new", "--no-geo", "a", "--http-url=http://a.example/pub")
    assert shown(mb, "a")["http_url"] == "http://a.example/pub/"


def test_new_refuses_a_name_that_is_taken(run, two):
    done = run("new", "--no-geo", "a.example", URL)
    assert done.returncode == 1 and "there is already a mirror with this name" in done.stderr


def test_new_looks_up_the_place(mb, geo_config):
    done = mb("--config", geo_config, "new", "a", "--http-url=http://127.0.11.5/pub/")
    assert "from 127.0.11.5: country JP, region AS, latitude 35.69, longitude 139.69, asn 64497, ipv4 yes, ipv6 no" in done.stdout
    found = shown(mb, "a")
    assert (found["country"], found["region"], found["asn"], found["ipv4"], found["ipv6"]) == ("JP", "AS", 64497, True, False)
    mb("--config", geo_config, "new", "six", "--https-url=https://[2001:db8:de::1]:8443/")
    found = shown(mb, "six")
    assert (found["country"], found["asn"], found["ipv4"], found["ipv6"]) == ("DE", 64496, False, True)


def test_what_is_given_goes_before_what_is_looked_up(mb, geo_config):
    mb("--config", geo_config, "new", "a", "--http-url=http://127.0.11.5/", "--country=FR", "--asn=7", "--ipv6")
    found = shown(mb, "a")
    assert (found["country"], found["region"], found["latitude"], found["asn"], found["ipv6"]) == ("FR", "EU", None, 7, True)


@pytest.mark.parametrize("host, remark", [("127.0.11.5", "no geo_databases"), ("no-such-host.invalid", "cannot be resolved")])
def test_an_unknown_place_is_a_remark(run, mb, host, remark):
    done = run("new", "a", f"--http-url=http://{host}/", "--country=JP")
    assert done.returncode == 0 and remark in done.stderr
    assert (shown(mb, "a")["country"], shown(mb, "a")["region"]) == ("JP", "AS")


def test_list_shows_the_enabled_ones(run, two):
    done = run("list")
    assert done.returncode == 0 and "1 disabled mirror not shown; -a shows them" in done.stderr
    header, row = done.stdout.splitlines()
    assert header.split() == ["MIRROR", "STATE", "WEIGHT", "CC", "REGION", "AS", "IP", "SPEAKS", "FILES", "LAST", "SCAN"]
    assert row.split() == ["a.example", "enabled", "50", "DE", "EU", "4", "http", "0", "never"]
    names = {tuple(args): [m["identifier"] for m in json.loads(run("list", *args, "--json").stdout)] for args in (
        [], ["-a"], ["--all"], ["--disabled"], ["-a", "-c", "us"], ["-a", "-r", "EU"], ["-a", "--asn", "5"])}
    assert list(names.values()) == [["a.example"], ["a.example", "b.example"], ["a.example", "b.example"], ["b.example"],
                                    ["b.example"], ["a.example"], []]


def test_list_of_nothing(run, two):
    assert "no mirror matches" in run("list", "-a", "-c", "ZZ").stderr
    assert run("list", "-c", "Germany").returncode == 2
    assert run("list", "-r", "XX").returncode == 2


def test_list_of_an_empty_database(run):
    done = run("list")
    assert done.returncode == 0 and done.stdout == "" and "`mb new` adds one" in done.stderr


def test_show(mb, run, two):
    lines = mb("show", "b.example").stdout.splitlines()
    table = dict(line.split(None, 1) if " " in line else (line, "") for line in lines)
    assert table["state"] == "disabled" and table["https_url"] == "https://b.example/" and table["last_scan"] == "never"


def test_edit_says_what_changed(mb, run, two):
    assert mb("edit", "a.example", "--weight=60", "--no-ipv4", "--ipv6").stdout == (
        "mirror 'a.example': weight 50 → 60, ipv4 yes → no, ipv6 no → yes\n")
    assert mb("edit", "a.example", "--country=").stdout == "mirror 'a.example': country DE → ''\n"
    assert mb("edit", "a.example", "--country", "FR", "--region", "").stdout.startswith("mirror 'a.example': country '' → FR")
    assert mb("edit", "a.example", "--weight=60").stdout == "mirror 'a.example': nothing to change\n"
    assert run("edit", "a.example").returncode == 2
    done = run("edit", "a.example", "--http-url=")
    assert done.returncode == 1 and "an http_url or an https_url" in done.stderr
    assert shown(mb, "a.example")["http_url"] == "http://a.example/pub/"


def test_a_country_takes_its_region_along(mb, run, two):
    assert mb("edit", "a.example", "--country=US").stdout == "mirror 'a.example': country DE → US, region EU → NA\n"
    mb("edit", "a.example", "--country=JP", "--region=OC")
    assert (shown(mb, "a.example")["country"], shown(mb, "a.example")["region"]) == ("JP", "OC")


def test_codes_of_no_country_are_a_remark(run, two):
    done = run("edit", "a.example", "--country=UK")
    assert done.returncode == 0 and "no country has the code UK" in done.stderr and "GB?" in done.stderr
    done = run("new", "--no-geo", "c", URL, "--country=**", "--other-countries=GB,QQ", "--excluded-countries=ZZ")
    assert done.returncode == 0 and [line.split(":")[1] for line in done.stderr.splitlines()] == [
        " other_countries", " excluded_countries"]


def test_weight_and_score(mb, run, two):
    assert mb("weight", "a.example", "0").stdout == "mirror 'a.example': weight 50 → 0\n"
    assert mb("score", "a.example", "5").stdout == "mirror 'a.example': weight 0 → 5\n"
    for wrong in ("-1", "x", "1000001", ""):
        assert run("weight", "a.example", wrong).returncode in (1, 2) and shown(mb, "a.example")["weight"] == 5


def test_rename(mb, run, two):
    assert mb("rename", "a.example", "c.example").stdout == "mirror 'a.example' is now 'c.example'\n"
    assert run("rename", "c.example", "b.example").returncode == 1
    assert run("rename", "c.example", "bad name").returncode == 1
    assert run("rename", "a.example", "x").returncode == 1
    assert [m["identifier"] for m in json.loads(mb("list", "-a", "--json").stdout)] == ["b.example", "c.example"]


def test_rename_tells_of_the_section_that_keeps_the_old_name(run, two, scratch):
    config = scratch / "mb.toml"
    config.write_text('[instance.main]\n[instance.main.mirror."a.example"]\nrsync_password_file = "/etc/secret"\n')
    done = run("--config", config, "rename", "a.example", "c.example")
    assert done.returncode == 0 and 'section [instance.main.mirror."a.example"] has the old name: rename it' in done.stderr
    assert run("--config", config, "rename", "b.example", "d.example").stderr == ""


def test_enable_and_disable(mb, run, two):
    done = run("enable", "a.example", "b.example")
    assert done.stdout == "mirror 'a.example' was enabled already\nmirror 'b.example' enabled\n"
    assert mb("disable", "b.example").stdout == "mirror 'b.example' disabled\n"
    done = run("disable", "a.example", "nosuch")
    assert done.returncode == 1 and shown(mb, "a.example")["enabled"], "one unknown name, and nothing is done"


def test_enabling_a_mirror_without_files_is_told_with_the_cause(database, mb, run, two):
    done = run("enable", "b.example")
    assert done.returncode == 1 and "mirror 'b.example' is enabled and has no files" in done.stderr
    assert "it was never scanned: mb scan b.example" in done.stderr
    database.sql("UPDATE mirror SET last_scan = now() WHERE identifier = 'b.example'")
    assert "its last scan found none of the source's" in run("enable", "b.example").stderr
    database.sql("INSERT INTO cohort (mirrors, n_files, rev) SELECT ARRAY[id], 1, 1 FROM mirror"
                 " WHERE identifier = 'b.example'")
    mb("disable", "b.example")
    assert mb("enable", "b.example").stderr == ""


def test_another_host_is_another_place(mb, run, geo_config, two):
    mb("--config", geo_config, "new", "c", "--http-url=http://127.0.11.5/pub/")
    done = run("--config", geo_config, "edit", "c", "--http-url=http://127.0.12.5/pub/")
    assert done.returncode == 0 and "the host was 127.0.11.5, and the mirror still has the place of that host (JP, AS64497)" in done.stderr
    assert "for the place of 127.0.12.5 run: mb edit c --country US" in done.stderr
    command = done.stderr.split("mb edit ")[1].split()
    mb("--config", geo_config, "edit", *command)
    assert shown(mb, "c")["country"] == "US"
    # The same host, a place that is given, a mirror whose place nobody knew: nothing to say.
    assert mb("--config", geo_config, "edit", "c", "--http-url=http://127.0.12.5/other/").stderr == ""
    assert mb("--config", geo_config, "edit", "c", "--http-url=http://127.0.11.5/", "--country=JP", "--asn=64497").stderr == ""
    mb("new", "--no-geo", "d", "--http-url=http://127.0.12.5/")
    assert mb("--config", geo_config, "edit", "d", "--http-url=http://127.0.11.5/").stderr == ""


def test_kosovo_is_a_country(mb, two):
    assert mb("edit", "a.example", "--country=XK").stderr == ""


def test_tabs_of_messages_are_tabs(run, scratch):
    config = scratch / "mb.toml"
    config.write_text('[instance.main]\ndatabase = "host=/nonexistent"\n')
    done = run("--config", config, "list")
    assert done.returncode == 1 and "\tIs the server running" in done.stderr and "x09" not in done.stderr


@pytest.mark.parametrize("command", [["show"], ["edit", "--weight=1"], ["enable"], ["disable"], ["delete", "--yes"], ["prefix"]])
def test_unknown_names_suggest_the_nearest(run, two, command):
    done = run(*command, "a.exmaple")
    assert done.returncode == 1 and done.stderr.startswith("mb: there is no mirror 'a.exmaple'; did you mean 'a.example'")
    done = run(*command, "'; DELETE FROM mirror; --\x1b]0;x\x07\n")
    assert done.returncode == 1 and "`mb list -a` lists them all" in done.stderr and "\x1b" not in done.stderr


def test_unknown_words_suggest_the_nearest(run):
    assert run("lsit").returncode == 2 and "did you mean 'list'" in run("lsit").stderr
    assert "did you mean '--json'" in run("list", "--jsno").stderr
    assert "which command?" in run().stderr and run().returncode == 2
    for words in (["lst"], ["lst", "--help"], ["db", "lst", "--help"]):
        done = run(*words)
        assert done.returncode == 2 and "unknown command 'lst'" in done.stderr and done.stdout == "", words
    assert run("file").returncode == 2 and run("db", "drop").returncode == 2


def test_prefixes(mb, run, two):
    mb("prefix", "a.example", "add", "192.0.2.0/24", "2001:db8::/32", "AS64496", "64497")
    assert mb("prefix", "a.example").stdout.split() == ["192.0.2.0/24", "2001:db8::/32", "AS64496", "AS64497"]
    for wrong in ("192.0.2.1/24", "nonsense", "AS0", "AS4294967296", "1.2.3.4/33", "'; --"):
        assert run("prefix", "a.example", "add", wrong).returncode == 1, wrong
    assert run("prefix", "a.example", "add", "AS64496").returncode in (0, 1)
    mb("prefix", "a.example", "rm", "192.0.2.0/24", "AS64497")
    done = run("prefix", "a.example", "rm", "192.0.2.0/24")
    assert done.returncode == 1 and "has no prefix or AS" in done.stderr
    assert run("prefix", "a.example", "add").returncode == 2 and run("prefix", "a.example", "move", "x").returncode == 2
    assert mb("prefix", "a.example").stdout.split() == ["2001:db8::/32", "AS64496"]


def test_delete_asks(database, mb, run, two):
    done = run("delete", "a.example")
    assert done.returncode == 2 and "--yes" in done.stderr
    for text in ("n\n", "\n", "\x04", "yep\n"):
        status, output, errors = answer(database, "delete", "a.example", text=text)
        assert status == 1 and output == "mirror 'a.example' kept\n" and "Delete mirror 'a.example' with 0 files? [y/N]" in errors
    status, output, _ = answer(database, "delete", "a.example", "b.example", text="y\nn\n")
    assert status == 1 and output == "mirror 'a.example' deleted, with 0 files\nmirror 'b.example' kept\n"
    assert mb("delete", "--yes", "b.example").stdout == "mirror 'b.example' deleted, with 0 files\n"
    assert json.loads(mb("list", "-a", "--json").stdout) == []


def test_this_server_s_own_url_is_told_and_refused(database, mb, scratch):
    config = scratch / "mb.toml"
    config.write_text('[instance.main]\nserver_urls = ["https://get.example.org/pub/"]\n')
    told = f"is this server's own (https://get.example.org/pub/, server_urls in {config}): clients would be sent back here"

    def run(*args):
        return mb("--config", config, *args, check=False)

    made = run("new", "self", "--no-geo", "--country", "de", "--http-url", "http://GET.example.org:80/pub/files/")
    assert made.returncode == 0 and f"the URL http://GET.example.org:80/pub/files/ of mirror 'self' {told}" in made.stderr
    enabled = run("enable", "self")
    assert enabled.returncode == 1 and f"{told}, so it stays disabled" in enabled.stderr
    assert json.loads(mb("list", "-a", "--json").stdout)[0]["enabled"] is False
    assert told in run("edit", "self", "--http-url", "", "--https-url", "https://get.example.org/pub/").stderr
    forced = run("edit", "self", "--enabled")
    assert forced.returncode == 1 and f"{told}, so it is disabled now" in forced.stderr
    assert json.loads(mb("list", "-a", "--json").stdout)[0]["enabled"] is False
    moved = run("edit", "self", "--https-url", "https://get.example.org/other/")
    assert moved.returncode == 0 and "own" not in moved.stderr
    assert "'self' enabled" in run("enable", "self").stdout


def test_output_that_cannot_be_written(database, two):
    program = database.build.program("mb")
    with open("/dev/full", "w") as full:
        done = subprocess.run([program, "list", "-a"], env=database.environment(), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "standard output: No space left on device" in done.stderr
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([program, "list", "-a"], env=database.environment(), stdout=write, stderr=subprocess.PIPE, text=True,
                          preexec_fn=lambda: __import__("signal").signal(13, 1))
    os.close(write)
    assert done.returncode == 1 and done.stderr.replace("mb: 1 disabled mirror not shown; -a shows them\n", "") == ""
