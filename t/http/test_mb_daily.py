"""The admin's day: what mb asks mirrors right now, and what it says of files, folders and mirrors. One world for all tests."""

import json
import shutil
import subprocess
import sys

import pytest
import rig

FILES = {"pub/a.iso": b"a" * 4000, "pub/b.iso": b"b" * 3000, "doc/read me.txt": b"read me", "doc/\u00e4/deep.txt": b"deep"}


class World:
    def __init__(self, database, scratch, geo, authority, keep):
        self.database, self.scratch, self.hosts = database, scratch, {}
        self.source = rig.make_tree(scratch / "source", FILES)
        self.config = scratch / "mb.toml"
        self.config.write_text(f'[instance.main]\nsource = "{self.source}"\nprobe_ca = "{authority.ca_file}"\n'
                               f'geo_databases = ["{geo}/city.mmdb", "{geo}/asn.mmdb"]\n')
        for name, tls, files in (("whole", authority, FILES), ("part", None, {k: v for k, v in FILES.items() if k.startswith("pub/")}),
                                 ("old", None, {**FILES, "pub/a.iso": b"old"}), ("off", None, FILES)):
            tree = rig.make_tree(scratch / name, files)
            host = self.hosts[name] = keep(rig.MirrorHost(name, tree, tls=tls))
            self.database.add_mirror(name, enabled=name != "off", http_url=host.http_url, rsync_url=host.rsync_url,
                                     https_url=host.https_url, country="DE")
        self.tool("mb-scan", "--source")
        self.tool("mb-scan", *self.hosts)
        database.add_mirror("dead", http_url=f"http://127.0.0.1:{rig.CLOSED_PORT}/", rsync_url=f"rsync://127.0.0.1:{rig.CLOSED_PORT}/m/",
                            country="FR")

    def tool(self, name, *args, **options):
        return self.database.tool(name, "--config", self.config, *args, **options)

    def mb(self, *args, status=0, **options):
        done = self.tool("mb", *args, check=False, **options)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def json(self, *args, **options):
        return json.loads(self.mb(*args, "--json", **options).stdout)


@pytest.fixture(scope="module")
def world(make_module_database, keep, geo, authority):
    return World(make_module_database(), keep(rig.Scratch("mirror-daily")), geo, authority, keep)


def test_a_mirror_that_is_well(world):
    told = world.json("test", "whole", "--files", "4")
    (mirror,) = told
    assert mirror["ok"] and mirror["mirror"] == "whole" and mirror["reason"] is None
    ways = {way["way"]: way for way in mirror["ways"]}
    assert set(ways) == {"http/ipv4", "https/ipv4"} and all(way["ok"] and way["status"] == 200 for way in ways.values())
    assert ways["https/ipv4"]["certificate_end"] and ways["http/ipv4"]["certificate_end"] is None
    assert {file["path"] for file in ways["http/ipv4"]["files"]} == set(FILES)
    (listing,) = mirror["listings"]
    assert (listing["method"], listing["ok"], listing["files"], listing["known"]) == ("rsync", True, len(FILES), len(FILES))
    text = world.mb("test", "whole").stdout
    assert "https/ipv4" in text and "list by rsync" in text and "3 of 3" in text and "FAILS" not in text


def test_mirrors_that_are_not_well(world):
    (world.hosts["part"].tree / "pub/b.iso").rename(world.scratch / "aside")
    try:
        told = {mirror["mirror"]: mirror for mirror in world.json("test", "part", "dead", "--files", "10", status=1)}
    finally:
        (world.scratch / "aside").rename(world.hosts["part"].tree / "pub/b.iso")
    (way,) = told["part"]["ways"]
    assert not told["part"]["ok"] and way["status"] == 200 and not way["ok"]
    assert {file["path"]: file["ok"] for file in way["files"]} == {"pub/a.iso": True, "pub/b.iso": False}
    assert "404" in next(file["reason"] for file in way["files"] if not file["ok"])
    (way,), (listing,) = told["dead"]["ways"], told["dead"]["listings"]
    assert way["status"] == 0 and "refused" in way["reason"] and not listing["ok"] and listing["reason"]
    assert "FAILS" in world.mb("test", "dead", status=1).stdout
    assert world.database.sql("SELECT count(*) FROM health") == "0", "nothing is written"


def test_names_for_test(world):
    assert "no mirror 'wohle'" in world.mb("test", "wohle", status=1).stderr
    assert "name mirrors, or say --all" in world.mb("test", status=2).stderr
    assert "name mirrors, or say --all" in world.mb("test", "whole", "--all", status=2).stderr
    assert {mirror["mirror"] for mirror in world.json("test", "--all", status=1)} == {"whole", "part", "old", "dead"}


def test_probefile_asks_all_mirrors(world):
    told = world.json("probefile", "/pub/a.iso")
    assert (told["path"], told["known"], told["size"]) == ("pub/a.iso", True, 4000) and told["mtime"].endswith("Z")
    found = {mirror["mirror"]: mirror for mirror in told["mirrors"]}
    assert {name: (m["there"], m["in_database"]) for name, m in found.items()} == {
        "whole": (True, True), "part": (True, True), "old": (False, False), "dead": (False, False)}
    assert found["whole"]["scheme"] == "https" and found["whole"]["last_modified"] == told["mtime"]
    assert found["old"]["size"] == 3 and "3 bytes instead of 4,000" in found["old"]["reason"] and found["dead"]["status"] is None
    text = world.mb("probefile", "pub/a.iso", "whole", "old").stdout
    assert "pub/a.iso: 1 of 2 mirrors have it, 1 by the database; 4,000 bytes" in text and "same" in text


def test_probefile_of_a_file_that_the_database_does_not_know(world):
    rig.make_tree(world.hosts["off"].tree, {"new/#1 ?.iso": b"new"})
    told = world.json("probefile", "new/#1 ?.iso", "--all", "--urltype", "http")
    assert told["known"] is False and told["size"] is None
    assert {m["mirror"]: (m["there"], m["size"], m["in_database"]) for m in told["mirrors"]}["off"] == (True, 3, None)
    assert [m["mirror"] for m in told["mirrors"] if m["there"]] == ["off"] and len(told["mirrors"]) == 5
    done = world.mb("probefile", "new/#1 ?.iso", status=1)
    assert "0 of 4 mirrors have it; the database does not know this file" in done.stdout and "404" in done.stdout
    assert world.json("probefile", "pub/a.iso", "--urltype=https")["mirrors"][0]["mirror"] == "whole"
    for path in ("a/../b", "", "/"):
        assert "cannot be a file's path" in world.mb("probefile", path, status=2).stderr


def reasons(world, *args):
    return world.json("why-not", *args)["reasons"]


def test_why_not_tells_each_reason(world):
    told = world.json("why-not", "whole", "pub/a.iso")
    assert told["gets_redirects"] and told["reasons"] == [] and told["client"] is None and told["path"] == "pub/a.iso"
    (lacking,) = reasons(world, "part", "doc/read me.txt")
    assert lacking.startswith("lacked the file or had another version, when scanned ")
    world.mb("edit", "off", "--weight=0", "--country-only", "--max-mbit=7", "--file-maxsize=10")
    try:
        assert reasons(world, "off", "pub/a.iso") == ["disabled", "weight 0"]
        told = world.json("why-not", "off", "pub/a.iso", "--client", "127.0.11.1", "--https")
        assert told["reasons"] == ["disabled", "weight 0", "no https for an https client", "only its country"]
        assert told["client"]["country"] == "JP" and "after all others" in told["notes"][0] and "7 Mbit/s" in told["notes"][1]
        assert told["standing"]["place"] == 0 and told["standing"]["first"] == "whole"
        text = world.mb("why-not", "off", "pub/a.iso", "--client", "127.0.11.1").stdout
        assert "it gets no redirects for this file:\n  disabled\n  weight 0\n" in text
    finally:
        world.mb("edit", "off", "--weight=100", "--no-country-only", "--max-mbit=0", "--file-maxsize=0")
    world.database.sql("UPDATE file SET pending = true WHERE path = 'pub/b.iso'")
    assert "hashed" in reasons(world, "whole", "pub/b.iso")[0]
    world.database.sql("UPDATE file SET pending = false WHERE path = 'pub/b.iso'")
    standing = world.json("why-not", "whole", "pub/b.iso", "--client", "127.0.10.1")["standing"]
    assert standing["tier"] == "country" and standing["of"] == 3 and standing["share"] == pytest.approx(1 / 3)
    for args, status, words in ((("whole", "none"), 1, "no file 'none'"), (("whole", "pub"), 1, "is a directory"),
                                (("wohle", "pub/a.iso"), 1, "wohle"), (("whole", "pub/a.iso", "--client", "x"), 2, "expected an IPv4")):
        assert words in world.mb("why-not", *args, status=status).stderr


def test_what_a_mirror_lacks(world):
    def paths(*args, **options):
        return [file["path"] for file in world.json("file", "ls", *args, **options)]

    assert paths("--missing-on", "part") == ["doc/read me.txt", "doc/\u00e4/deep.txt"]
    assert paths("pub/", "--missing-on", "old") == ["pub/a.iso"] and len(paths()) == len(FILES)
    assert paths("--missing-on", "whole") == [] and "lacks none" in world.mb("file", "ls", "--missing-on", "whole").stderr
    world.database.sql("INSERT INTO behind (mirror_id, since, old_files, of_files, shown, shown_sizes, shown_times)"
                       " SELECT m.id, now(), 1, 4, ARRAY[f.id], ARRAY[3], ARRAY[86400] FROM mirror m, file f"
                       " WHERE m.identifier = 'old' AND f.path IN ('pub/a.iso')")
    assert paths("--outdated-on", "old") == ["pub/a.iso"] and paths("--outdated-on", "part") == []
    assert "listed 3 bytes of 1970-01-02 00:00 UTC instead of 4,000 of" in reasons(world, "old", "pub/a.iso")[0]
    world.database.sql("DELETE FROM behind")
    assert "not both" in world.mb("file", "ls", "--missing-on", "old", "--outdated-on", "old", status=2).stderr


def test_files_are_given_and_taken_by_hand(world):
    assert "has it then" in world.mb("file", "add", "pub/a.iso", "old", "--dry-run").stdout
    assert reasons(world, "old", "pub/a.iso") != []
    assert "has it now, until its next scan" in world.mb("file", "add", "/pub/a.iso", "old").stdout
    assert reasons(world, "old", "pub/a.iso") == [] and "has it already" in world.mb("file", "add", "pub/a.iso", "old").stdout
    assert "has it not now" in world.mb("file", "rm", "pub/a.iso", "old", "whole").stdout
    assert reasons(world, "old", "pub/a.iso") != [] and reasons(world, "whole", "pub/a.iso") != []
    world.mb("file", "add", "pub/a.iso", "whole")
    assert "no file" in world.mb("file", "rm", "none", "old", status=1).stderr
    # What a probe would not ask for is taken away too: a file larger than the mirror's limit, and one that waits for its hashes.
    world.mb("edit", "whole", "--file-maxsize=10")
    world.database.sql("UPDATE file SET pending = true WHERE path = 'pub/b.iso'")
    try:
        for path in ("pub/a.iso", "pub/b.iso"):
            assert "has it not now" in world.mb("file", "rm", path, "whole").stdout
            assert "has it not already" in world.mb("file", "rm", path, "whole").stdout
    finally:
        world.database.sql("UPDATE file SET pending = false WHERE path = 'pub/b.iso'")
        world.mb("edit", "whole", "--file-maxsize=0")
        for path in ("pub/a.iso", "pub/b.iso"):
            world.mb("file", "add", path, "whole")


def test_dirs(world):
    folders = {row["folder"]: row for row in world.json("dirs")}
    assert {name: (row["files"], row["size"], row["mirrors_whole"], row["mirrors_some"]) for name, row in folders.items()} == {
        "doc": (2, 11, 2, 2), "pub": (2, 7000, 2, 3)}, "disabled mirrors do not count"
    here = world.json("dirs", "/doc/")
    assert [(row["folder"], row["here"], row["files"]) for row in here] == [("", True, 1), ("\u00e4", False, 1)]
    assert "(files here)" in world.mb("dirs", "doc").stdout and "no files below 'none'" in world.mb("dirs", "none", status=1).stderr
    assert "cannot be a folder" in world.mb("dirs", "a/..", status=2).stderr


def test_mirrorlist(world):
    told = json.loads(world.mb("mirrorlist", "--format", "json").stdout)
    assert {mirror["mirror"]: mirror["percent"] for mirror in told["mirrors"]} == {"old": 75, "part": 50, "whole": 100}
    text = world.mb("mirrorlist", "doc/\u00e4", "--format=text").stdout.split()
    whole, old = world.hosts["whole"], world.hosts["old"]
    assert text == [old.http_url + "doc/%C3%A4/", whole.https_url + "doc/%C3%A4/"]
    assert world.mb("mirrorlist", "pub/a.iso", "--format=text").stdout.split()[-1] == whole.https_url + "pub/a.iso"
    world.mb("edit", "whole", "--operator-name=<b>&\"", "--operator-url=https://operator.example/?a&b")
    page = world.mb("mirrorlist", "--whole", "--title", "All <mirrors>").stdout
    assert page.startswith("<!DOCTYPE html>") and "<h1>All &lt;mirrors&gt;</h1>" in page and "<b>" not in page
    assert "&lt;b&gt;&amp;" in page and "<h2>Europe</h2>" in page and page.count("<li>") == 1 and "Germany" in page
    assert "no files at or below" in world.mb("mirrorlist", "none", status=1).stderr


def test_exports_for_other_programs(world, scratch):
    whole, dead = world.hosts["whole"], f"http://127.0.0.1:{rig.CLOSED_PORT}/"
    world.mb("edit", "whole", "--admin-email=a@example.org")
    lines = world.mb("export", "mirmon").stdout.splitlines()
    assert f"de {whole.https_url} a@example.org" in lines and f"fr {dead}" in lines and len(lines) == 9
    rsyncd = world.mb("export", "rsyncd").stdout.splitlines()
    assert rsyncd[-1] == "hosts allow = 127.0.0.1" and "# whole: 127.0.0.1" in rsyncd and len(rsyncd) == 5
    world.mb("prefix", "part", "add", "127.0.77.0/24")
    world.mb("edit", "old", "--weight=300")
    try:
        maps = world.mb("export", "nginx", "--variable", "country").stdout
    finally:
        world.mb("prefix", "part", "rm", "127.0.77.0/24")
        world.mb("edit", "old", "--weight=100")
    assert f'127.0.77.0/24 "{world.hosts["part"].http_url[:-1]}";' in maps and "DE $mirror_de;" in maps and "60.00%" in maps
    (scratch / "nginx.conf").write_text(
        f"pid {scratch}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\nmap $arg_cc $country {{ default $arg_cc; }}\n"
        f"{maps}\nserver {{ listen unix:{scratch}/socket; location / {{ return 302 $mirror$uri; }} }}\n}}\n")
    rig.run(["nginx", "-t", "-p", scratch, "-c", scratch / "nginx.conf"], env={"PATH": "/usr/sbin:/usr/bin:/bin"})
    # In PL nobody has a mirror; whole excludes it and DE. The mirror for everyone is in Germany's list too, over http while https is down.
    world.mb("edit", "whole", "--excluded-countries=PL,DE")
    world.mb("edit", "part", "--country=**")
    world.mb("edit", "old", "--https-url=https://old.example/")
    world.database.sql("INSERT INTO health (mirror_id, scheme, family, state) SELECT id, 'https', f, 'down'"
                       " FROM mirror, unnest('{ipv4,ipv6}'::text[]) f WHERE identifier = 'old'")
    try:
        maps = world.mb("export", "nginx").stdout
    finally:
        world.mb("edit", "whole", "--excluded-countries=")
        world.mb("edit", "part", "--country=DE")
        world.mb("edit", "old", "--https-url=")
        world.database.sql("DELETE FROM health")
    lists = {text.split(" ")[0]: text.split("}")[0] for text in maps.split('" $mirror_')[1:]}
    has = {country: {name for name, host in world.hosts.items() if host.http_url[:-1] in text or (host.https_url or "-")[:-1] in text}
           for country, text in lists.items()}
    assert "PL $mirror_pl;" in maps and "whole" not in has["pl"] | has["de"] and "whole" in has["anywhere"]
    assert "old.example" not in maps and "old" in has["de"]
    assert {"part"} <= has["de"] & has["fr"]
    assert "digits" in world.mb("export", "nginx", "--variable", "a b", status=2).stderr


def test_update_looks_places_up_anew(world):
    world.database.add_mirror("moved", enabled=False, http_url="http://127.0.11.9/", country="DE", latitude=1, longitude=2, ipv6=True)
    world.database.add_mirror("lost", enabled=False, http_url="http://nowhere.invalid/", country="DE")
    try:
        dry = world.json("update", "moved", "--dry-run")
        changes = {change["column"]: (change["from"], change["to"]) for change in dry[0]["changes"]}
        assert changes["country"] == ("DE", "JP") and changes["region"] == ("EU", "AS") and changes["ipv6"] == ("yes", "no")
        assert set(changes) >= {"latitude", "longitude"} and world.json("show", "moved")["country"] == "DE"
        assert "ipv6 yes \u2192 no" in world.mb("update", "moved", "--addresses").stdout
        shown = world.json("show", "moved")
        assert shown["ipv6"] is False and shown["country"] == "DE"
        assert "country DE \u2192 JP" in world.mb("update", "moved").stdout and world.json("show", "moved")["country"] == "JP"
        assert "nothing to change" in world.mb("update", "moved").stdout
        assert "cannot be resolved" in world.mb("update", "lost", status=1).stderr
        assert "name mirrors" in world.mb("update", status=2).stderr
    finally:
        world.mb("delete", "--yes", "moved", "lost")


OTHER_NAMES = "mount --bind hosts /etc/hosts && mount --bind resolv.conf /etc/resolv.conf && exec \"$@\""


@pytest.mark.skipif(not shutil.which("unshare"), reason="unshare is not installed")
def test_update_believes_no_lookup_that_failed(world, scratch):
    (scratch / "hosts").write_text("127.0.11.9 four.example\n")
    (scratch / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")  # nobody answers there
    inside = ["unshare", "-rm", "sh", "-c", OTHER_NAMES, "sh"]
    asks = "import socket\ntry: socket.getaddrinfo('four.example', 1, socket.AF_INET6)\nexcept socket.gaierror as e: print(e.errno == socket.EAI_AGAIN)"
    if subprocess.run([*inside, sys.executable, "-c", asks], cwd=scratch, capture_output=True, text=True).stdout != "True\n":
        pytest.skip("no other names can be had here")
    world.database.add_mirror("four", enabled=False, http_url="http://four.example/", country="DE", ipv4=False, ipv6=True)
    try:
        done = subprocess.run([*inside, world.database.build.program("mb"), "--config", world.config, "update", "four", "--addresses"],
                              cwd=scratch, env=world.database.environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "whether the host four.example has IPv6 is not known now" in done.stderr, done
        assert "ipv4 no \u2192 yes" in done.stdout and "ipv6" not in done.stdout
        shown = world.json("show", "four")
        assert shown["ipv4"] and shown["ipv6"]
    finally:
        world.mb("delete", "--yes", "four")


def test_geo_tells_who_comes_first(world):
    (told,) = world.json("geo", "127.0.13.1")
    assert told["country"] == "FR" and told["mirrors"][0]["mirror"] == "dead" and told["mirrors"][0]["tier"] == "country"
    assert len(told["mirrors"]) == 4 and "mirrors" not in world.json("iplookup", "127.0.13.1")[0]
    assert "country" in world.mb("geo", "127.0.13.1", "--mirrors=1").stdout


def test_weight_tells_where_it_changes_nothing(world):
    told = world.json("weight", "dead")
    country = next(row for row in told["audiences"] if row["clients"] == "country")
    assert country["alone"] and country["share"] == 1 and "--max-mbit" in told["advice"]
    text = world.mb("weight", "whole").stdout
    assert "mirror 'whole': weight 100" in text and "is one of 3 mirrors and gets 33 %" in text
    world.mb("edit", "dead", "--max-mbit=50")
    assert "its max_mbit is 50 Mbit/s" in world.mb("weight", "dead").stdout
    world.mb("edit", "dead", "--max-mbit=0")
    assert "serves nobody now: disabled" in world.mb("score", "off").stdout


def test_stamps_and_rules_by_their_old_names(world):
    assert "no stamp was read" in world.mb("timestamp").stderr
    world.database.sql("INSERT INTO source_stamp VALUES ('2026-05-05 12:00Z', 'stamp'); INSERT INTO stamp (mirror_id, path, at, fault)"
                       " SELECT id, 'stamp', timestamptz '2026-05-04 12:00Z', '' FROM mirror WHERE identifier = 'old'")
    told = world.json("timestamp")
    assert told["source"] == "2026-05-05T12:00:00Z" and [(m["mirror"], m["behind_s"]) for m in told["mirrors"]] == [("old", 86400)]
    assert "1 day " in world.mb("timestamp", "old").stdout
    assert world.json("markers")["groups"] == []


LOG = "".join(
    f'{client} - - [{when}] "GET /{path} HTTP/1.1" {status} 199 "-" "agent \\" mirror=evil" mirror={mirror} country={country} size={size}\n'
    for client, when, path, status, mirror, country, size, count in (
        ("127.0.10.1", "29/Nov/2026:12:00:00 +0000", "pub/a.iso?x=1", 302, "whole", "DE", 4000, 5),
        ("127.0.11.1", "30/Nov/2026:12:00:00 +0100", "pub/b%20c.iso", 302, "part", "-", 3000, 3),
        ("127.0.12.1", "28/Nov/2026:12:00:00 +0000", "doc/x", 200, "whole", "-", 4000, 1),
        ("127.0.12.1", "28/Nov/2026:12:00:00 +0000", "doc/none", 404, "-", "-", "-", 9)) for _ in range(count)) + "no such line\n"


def test_top_reads_logs(world, scratch):
    told = json.loads(world.mb("top", "--json", input=LOG).stdout)
    assert (told["requests"], told["lines_not_understood"]) == (9, 1) and told["last"] == "2026-11-30T11:00:00Z"
    assert [(row["path"], row["requests"]) for row in told["paths"]] == [("pub/a.iso", 5), ("pub/b c.iso", 3), ("doc/x", 1)]
    assert [(row["folder"], row["requests"]) for row in told["folders"]] == [("pub/", 8), ("doc/", 1)]
    assert [(row["mirror"], row["requests"], row["bytes"]) for row in told["mirrors"]] == [("whole", 5, 20000), ("part", 3, 9000)]
    assert [row["bytes"] for row in told["paths"]] == [20000, 9000, 199], "httpd sent doc/x itself"
    assert [(row["country"], row["requests"]) for row in told["countries"]] == [("DE", 5), ("JP", 3), ("US", 1)]
    log = scratch / "access.log"
    log.write_text(LOG)
    rig.run(["gzip", "-k", log])
    since = json.loads(world.mb("top", log, f"{log}.gz", "--since", "2026-11-29", "--count", "1", "--json").stdout)
    assert since["requests"] == 16 and [row["requests"] for row in since["paths"]] == [10]
    text = world.mb("top", "-", input=LOG)
    assert "9 downloads from 2026-11-28 12:00 UTC" in text.stdout and "pub/b c.iso" in text.stdout and "1 line is not" in text.stderr
    assert "no downloads" in world.mb("top", "--since", "2099-01-01", input=LOG, status=1).stderr
    assert "No such file" in world.mb("top", scratch / "none", status=1).stderr
    (scratch / "bad.gz").write_bytes(b"\x1f\x8b no gzip")
    assert "gzip" in world.mb("top", scratch / "bad.gz", status=1).stderr
