"""mb import and mb export: mirrors from other systems, and back from our own export."""

import csv
import hashlib
import io
import json
import os
import pathlib
import subprocess

import pytest
import rig
from answers import File, fill

SOURCE = pathlib.Path(os.environ.get("MIRROR_SRCDIR", pathlib.Path(__file__).resolve().parents[2]))

# The columns of MirrorBrain's table that are read, and one that is not.
BRAIN = """
CREATE TABLE server (id serial PRIMARY KEY, identifier varchar(64) NOT NULL UNIQUE, baseurl varchar(128) NOT NULL,
  baseurl_ftp varchar(128) NOT NULL, baseurl_rsync varchar(128) NOT NULL, enabled boolean NOT NULL, status_baseurl boolean NOT NULL,
  region varchar(2) NOT NULL, country varchar(2) NOT NULL, ipv6_only boolean NOT NULL DEFAULT 'f', score smallint NOT NULL,
  scan_fpm integer NOT NULL DEFAULT 0, last_scan timestamptz, comment text NOT NULL, operator_name varchar(128) NOT NULL,
  operator_url varchar(128) NOT NULL, public_notes varchar(512) NOT NULL, admin varchar(128) NOT NULL,
  admin_email varchar(128) NOT NULL, lat numeric(6, 3), lng numeric(6, 3), country_only boolean NOT NULL,
  region_only boolean NOT NULL, as_only boolean NOT NULL, prefix_only boolean NOT NULL, other_countries varchar(512) NOT NULL,
  file_maxsize integer NOT NULL DEFAULT 0{more});
INSERT INTO server (identifier, baseurl, baseurl_ftp, baseurl_rsync, enabled, status_baseurl, region, country, score, comment,
  operator_name, operator_url, public_notes, admin, admin_email, lat, lng, country_only, region_only, as_only, prefix_only,
  other_countries) VALUES
  ('ftp.example.org', 'http://ftp.example.org/pub/', 'ftp://ftp.example.org/pub/', 'rsync://ftp.example.org/pub/', 't', 't', 'eu', 'de',
   100, E'runs on\\ntwo disks', 'Exämple e.V.', 'https://example.org/', 'no ISOs', 'Jane', 'jane@example.org', 50.1, 8.6, 'f', 'f', 'f', 'f', 'ch, at'),
  ('Odd Name/2', 'https://odd.example.net/', '', '', 'f', 'f', 'na', 'us', 50, '', '', '', '', '', '', NULL, NULL, 't', 'f', 'f', 'f', ''),
  ('ftp-only', '', 'ftp://old.example.com/', '', 't', 't', 'eu', 'fr', 100, '', '', '', '', '', '', 0, 0, 'f', 'f', 'f', 'f', '');
"""
FILES = {
    "filearr": "CREATE TABLE filearr (id serial PRIMARY KEY, path varchar(512), mirrors smallint[]);"
               "INSERT INTO filearr (path, mirrors) VALUES ('a', '{1,2}'), ('b', '{}');"
               "CREATE TABLE serverpfx (pfxid serial, serverid integer NOT NULL, prefix cidr NOT NULL, asn integer NOT NULL);"
               "INSERT INTO serverpfx (serverid, prefix, asn) VALUES (1, '192.0.2.0/24', 64500), (1, '2001:db8::/32', 64500);"
               "CREATE TABLE marker (id serial, subtree_name text, markers text); INSERT INTO marker VALUES (1, 'x', 'y');",
    "files": "CREATE TABLE files (id bigint PRIMARY KEY, path text); INSERT INTO files VALUES (1, 'a'), (2, 'b');"
             "CREATE TABLE server_files (server_id smallint, file_id integer);",
    "old": "",
}


@pytest.fixture
def import_into(database, tmp_path):
    """import_into(*arguments, **options) -> the finished mb import. .foreign(sql) -> a conninfo of another database."""
    foreign = []

    def run(*args, check=True, **options):
        return database.tool("mb", "import", *args, check=check, **options)

    def other(sql):
        name = f"foreign{len(foreign)}_{database.name}"
        foreign.append(name)
        database.postgres.create_database(name)
        database.postgres.sql(sql, name)
        return database.postgres.conninfo(name)

    def file(text):
        path = tmp_path / "mirrors"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path
    run.foreign, run.file = other, file
    yield run
    for name in foreign:
        database.postgres.drop_database(name)


def mirrors(database):
    """identifier -> what is set of it and differs from nothing"""
    listed = json.loads(database.tool("mb", "export", "json").stdout)["mirrors"]
    return {mirror.pop("identifier"): {name: value for name, value in mirror.items() if value not in (None, "", [], False, 0)}
            for mirror in listed}


@pytest.mark.parametrize("layout", FILES)
def test_a_database_of_mirrorbrain(database, import_into, layout):
    more = ", asn integer, prefix varchar(18)" if layout == "old" else ""
    conninfo = import_into.foreign(BRAIN.replace("{more}", more) + FILES[layout] +
                                   ("UPDATE server SET asn = 64501, prefix = '198.51.100.0/24' WHERE id = 1;" if more else ""))
    done = import_into("mirrorbrain", conninfo, check=False)
    assert done.returncode == 1 and "mirror 'ftp-only' cannot be taken over" in done.stderr, done
    assert "3 mirrors: 2 added" in done.stdout and "http" in done.stderr
    assert ("2 files and who has them" in done.stdout) == (layout != "old") and ("1 markers" in done.stdout) == (layout == "filearr")
    found = mirrors(database)
    assert found["Odd-Name-2"] == {"https_url": "https://odd.example.net/", "country": "US", "region": "NA", "weight": 50,
                                   "country_only": True, "ipv4": True, "online": True}
    whole = found["ftp.example.org"]
    assert whole["http_url"] == "http://ftp.example.org/pub/" and whole["rsync_url"] == "rsync://ftp.example.org/pub/"
    assert whole["ftp_url"] == "ftp://ftp.example.org/pub/" and whole["enabled"] and whole["other_countries"] == ["CH", "AT"]
    assert (whole["latitude"], whole["longitude"], whole["country"], whole["region"]) == (50.1, 8.6, "DE", "EU")
    assert (whole["private_comment"], whole["public_note"]) == ("runs on\ntwo disks", "no ISOs")
    assert (whole["operator_name"], whole["admin_name"], whole["admin_email"]) == ("Exämple e.V.", "Jane", "jane@example.org")
    served = {"filearr": ["192.0.2.0/24", "2001:db8::/32"], "files": [], "old": ["198.51.100.0/24"]}[layout]
    assert whole.get("prefixes", []) == served and whole.get("asn") == (64501 if layout == "old" else None)


HASHES = {
    "old": "CREATE TABLE filearr (id serial PRIMARY KEY, path varchar(512) UNIQUE NOT NULL, mirrors smallint[]);"
           "CREATE TABLE hash (file_id integer PRIMARY KEY, mtime integer NOT NULL, size bigint NOT NULL, md5 bytea NOT NULL,"
           " sha1 bytea NOT NULL, sha256 bytea NOT NULL, sha1pieces bytea);"
           "INSERT INTO filearr (path) SELECT path FROM given; INSERT INTO hash SELECT filearr.id, mtime, size, md5, sha1, sha256"
           " FROM filearr JOIN given USING (path);",
    "new": "CREATE TABLE files (id bigint GENERATED ALWAYS AS IDENTITY, path varchar NOT NULL, mtime timestamptz, size bigint, md5 bytea,"
           " sha1 bytea, sha256 bytea); INSERT INTO files (path, mtime, size, md5, sha1, sha256)"
           " SELECT path, to_timestamp(mtime), size, md5, sha1, sha256 FROM given; INSERT INTO files (path) VALUES ('unread');",
}


@pytest.mark.parametrize("layout", HASHES)
def test_digests_come_over_where_the_file_is_the_same(database, import_into, layout):
    when, content = rig.tree.DEFAULT_MTIME, b"content"
    fill(database, {}, {name: File(size=7, mtime=when) for name in ("same", "s\u00e4me", "resized", "touched", "known", "unread")})
    database.sql("INSERT INTO hash (file_id, version_rev, mtimes, sha256) SELECT id, version_rev, ARRAY[mtime], sha256('mine') FROM file"
                 " WHERE path = 'known'")
    md5, sha256 = hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest()
    rows = {"same": (7, when), "s\u00e4me": (7, when), "resized": (8, when), "touched": (7, when + 1), "known": (7, when),
            "gone": (7, when), "../odd": (7, when)}
    values = ", ".join(f"('{path}', {size}, {mtime}, '\\x{md5}'::bytea, '\\x00'::bytea, '\\x{sha256}'::bytea)"
                       for path, (size, mtime) in rows.items())
    conninfo = import_into.foreign("CREATE TEMP TABLE given (path text, size bigint, mtime integer, md5 bytea, sha1 bytea, sha256 bytea);"
                                   f"INSERT INTO given VALUES {values};"
                                   "INSERT INTO given SELECT 'more/' || n, 7, 1, '\\x00', '\\x00', '\\x00' FROM generate_series(1, 2500) n;"
                                   + BRAIN.replace("{more}", "") + HASHES[layout])
    expected = {"taken": 2, "known_already": 1, "other_version": 2, "no_such_file": 2502}
    assert json.loads(import_into("mirrorbrain", conninfo, "--hashes", "--dry-run", "--json").stdout) == {"dry_run": True, **expected}
    assert database.sql("SELECT count(*) FROM hash").strip() == "1"
    assert "digests of 2 files taken over; 1 had some already, 2 are of another version" in import_into(
        "mirrorbrain", conninfo, "--hashes").stdout
    stored = database.sql("SELECT convert_from(path, 'UTF8'), encode(md5, 'hex'), encode(sha256, 'hex'), sha1 IS NULL FROM hash"
                          " JOIN file ON file.id = file_id WHERE path <> 'known' ORDER BY path").split()
    assert stored == [f"{path}|{md5}|{sha256}|t" for path in ("same", "s\u00e4me")]
    assert json.loads(import_into("mirrorbrain", conninfo, "--hashes", "--json").stdout)["known_already"] == 3
    assert "no hashes that are known here" in import_into(
        "mirrorbrain", import_into.foreign("CREATE TABLE x ()"), "--hashes", check=False).stderr


def test_a_dry_run_finds_what_is_wrong_and_changes_nothing(database, import_into):
    done = import_into("mirrorbrain", import_into.foreign(BRAIN.replace("{more}", "")), "--dry-run", "--json", check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 1 and report["dry_run"] and report["added"] == ["Odd-Name-2", "ftp.example.org"]
    assert list(report["refused"]) == ["ftp-only"] and mirrors(database) == {}


def test_another_database_is_told_from_mirrorbrains(import_into, database):
    done = import_into("mirrorbrain", import_into.foreign("CREATE TABLE x ()"), check=False)
    assert done.returncode == 1 and "this is not MirrorBrain's" in done.stderr
    done = import_into("mirrorbrain", "host=/nowhere dbname=x", check=False)
    assert done.returncode == 1 and "/nowhere" in done.stderr


CACHE = """
CREATE TABLE folder (id serial); CREATE TYPE capability AS ENUM ('http', 'https', 'ftp', 'ftps', 'rsync', 'ipv4', 'ipv6', 'country',
  'region', 'as_only', 'prefix', 'hasall');
CREATE TABLE server (id serial PRIMARY KEY, hostname varchar(128) NOT NULL UNIQUE, hostname_vpn varchar(128), urldir varchar(128) NOT NULL,
  enabled boolean NOT NULL, region varchar(2), country varchar(2) NOT NULL, score smallint, comment text, public_notes varchar(512),
  lat numeric(6, 3), lng numeric(6, 3), sponsor varchar(128), sponsor_url varchar(64));
CREATE TABLE server_capability_declaration (server_id int, capability capability, enabled boolean, extra varchar(256));
CREATE TABLE project (id serial, name varchar(64), path varchar(512));
INSERT INTO server (hostname, urldir, enabled, region, country, score, lat, lng, sponsor) VALUES
  ('a.example.org', '/suse', 't', 'eu', 'de', 100, 52.5, 13.4, 'A'), ('cdn.example.net', '', 't', '', 'us', NULL, NULL, NULL, NULL);
INSERT INTO server_capability_declaration VALUES (1, 'https', 'f', NULL), (1, 'rsync', 't', NULL), (1, 'country', 't', NULL),
  (2, 'hasall', 't', NULL), (2, 'ipv6', 't', NULL), (2, 'prefix', 't', '192.0.2.');
INSERT INTO project (name, path) VALUES ('Leap', '/distribution/leap');
"""


def test_a_database_of_mirrorcache(database, import_into):
    done = import_into("mirrorcache", import_into.foreign(CACHE))
    assert "left out: the project Leap at /distribution/leap" in done.stdout and "left out: prefix: 192.0.2." in done.stdout
    found = mirrors(database)
    assert found["a.example.org"] == {"http_url": "http://a.example.org/suse/", "rsync_url": "rsync://a.example.org/suse/", "enabled": True,
                                      "country": "DE", "region": "EU", "latitude": 52.5, "longitude": 13.4, "country_only": True,
                                      "operator_name": "A", "weight": 100, "ipv4": True, "online": True}
    assert "left out: score, of which the lowest comes first there: 100" in done.stdout
    cdn = found["cdn.example.net"]
    assert cdn["complete"] and cdn["ipv6"] and cdn["https_url"] == "https://cdn.example.net/" and cdn["region"] == "NA"


MASTERLIST = """\
# a comment
Site: ftp.de.example.org
Alias: www.example.org
Archive-architecture: amd64 arm64
Archive-http: /debian/
Archive-rsync: debian/
CDImage-http: /debian-cd/
IPv6: yes
Country: DE Germany
Maintainer: Jane Doe <jane@example.org>
Sponsor: Example Ltd https://example.org/about
Comment: synced four times
 a day

Site: rsync.example.net
Archive-rsync: debian

Site: cd.example.com
CDImage-https: /cd/
Country: US United States
"""


@pytest.mark.parametrize("section, names", [("Archive", ["ftp.de.example.org"]), ("CDImage", ["cd.example.com", "ftp.de.example.org"])])
def test_debians_masterlist(database, import_into, section, names):
    done = import_into("masterlist", import_into.file(MASTERLIST), *([] if section == "Archive" else ["--section", section]))
    found = mirrors(database)
    assert sorted(found) == names and f"left out: rsync.example.net: no {section} by http or https" in done.stdout
    whole = found["ftp.de.example.org"]
    assert whole["http_url"] == f"http://ftp.de.example.org/{'debian' if section == 'Archive' else 'debian-cd'}/"
    assert whole.get("rsync_url") == ("rsync://ftp.de.example.org/debian/" if section == "Archive" else None)
    assert (whole["admin_name"], whole["admin_email"], whole["ipv6"]) == ("Jane Doe", "jane@example.org", True)
    assert (whole["operator_name"], whole["operator_url"]) == ("Example Ltd", "https://example.org/about")
    assert whole["public_note"] == "synced four times\na day" and (whole["country"], whole["region"]) == ("DE", "EU")


GENTOO = """<?xml version="1.0" encoding="UTF-8"?>
<mirrors><mirrorgroup region="Europe" country="CH" countryname="Switzerland"><mirror><name>Schw\u00e4n &amp; Co</name>
<uri protocol="https" ipv4="y" ipv6="y" partial="n">https://mirror.example.ch/gentoo/</uri>
<uri protocol="rsync" ipv4="y" ipv6="n" partial="y">rsync://mirror.example.ch/gentoo/</uri></mirror>
<mirror><name>only ftp</name><uri protocol="ftp">ftp://x.example.ch/</uri></mirror></mirrorgroup></mirrors>"""


def test_gentoos_list(database, import_into):
    done = import_into("gentoo", import_into.file(GENTOO))
    assert "left out: only ftp: has no http or https URL" in done.stdout and "left out: partial: rsync://" in done.stdout
    assert mirrors(database) == {"mirror.example.ch": {
        "https_url": "https://mirror.example.ch/gentoo/", "rsync_url": "rsync://mirror.example.ch/gentoo/", "country": "CH", "region": "EU",
        "operator_name": "Schw\u00e4n & Co", "ipv4": True, "ipv6": True, "weight": 100, "online": True}}


BITS = {
    "show": "HttpURL: https://m.example.org/vlc/\nRsyncURL: rsync://m.example.org/vlc\nFtpURL: \"\"\nSponsorName: 'ACME: the firm'\n"
            "AdminEmail: a@example.org\nCountryOnly: true\nScore: 20\nLatitude: 48.8\nLongitude: 2.3\nContinentCode: EU\n"
            "CountryCodes: FR BE\nExcludedCountryCodes: \"\"\nASNum: 64500\nEnabled: true\nAllowRedirects: null\n",
    "redis": "ID\n1\nname\nm.example.org\nhttp\nhttps://m.example.org/vlc/\nrsync\nrsync://m.example.org/vlc\nftp\n\nsponsorLogo\n\n"
             "sponsorName\nACME: the firm\nadminEmail\na@example.org\ncountryOnly\n1\nscore\n20\nlatitude\n48.8\nlongitude\n2.3\n"
             "continentCode\nEU\ncountryCodes\nFR BE\nasnum\n64500\nenabled\n1\n",
}
BITS["two"] = BITS["redis"] + BITS["redis"].replace("m.example", "n.example")
BITS["terminal"] = "".join(f'{number}) "{line}"\n' for number, line in enumerate(BITS["redis"].splitlines(), 1))


@pytest.mark.parametrize("form", BITS)
def test_what_mirrorbits_and_its_redis_print(database, import_into, form):
    import_into("mirrorbits", import_into.file(BITS[form]))
    found = mirrors(database)
    assert ("n.example.org" in found) == (form == "two") and len(found) == 1 + (form == "two")
    assert {name: value for name, value in found.items() if name == "m.example.org"} == {"m.example.org": {
        "https_url": "https://m.example.org/vlc/", "rsync_url": "rsync://m.example.org/vlc/", "operator_name": "ACME: the firm",
        "admin_email": "a@example.org", "country_only": True, "weight": 120, "latitude": 48.8, "longitude": 2.3, "region": "EU",
        "country": "FR", "other_countries": ["BE"], "asn": 64500, "enabled": True, "ipv4": True, "online": True}}


def test_comments_and_urls_without_a_scheme(database, import_into):
    text = "Mirror: one\nHttpURL: one.example/vlc/\nScore: 0\nComment:\nsee http://status.example/\n\nand: more\nMirror: two\n" \
        "HttpURL: http://two.example/\nComment:\n"
    import_into("mirrorbits", import_into.file(text))
    found = mirrors(database)
    assert (found["one"]["http_url"], found["one"]["https_url"]) == ("http://one.example/vlc/", "https://one.example/vlc/")
    assert found["one"]["private_comment"] == "see http://status.example/\n\nand: more" and list(found) == ["one", "two"]


def test_a_terminals_escapes(database, import_into):
    import_into("mirrorbits", import_into.file('1) "http"\n2) "http://a.example/"\n3) "sponsorName"\n4) "Sch\\xc3\\xb6n \\"x\\""\n'))
    assert mirrors(database)["a.example"]["operator_name"] == 'Sch\u00f6n "x"'


def test_mirrorbits_exports(database, import_into):
    import_into("mirrorbits", import_into.file("fr\thttp://m.example.org/vlc/\ta@example.org\nfr\trsync://m.example.org/vlc/\n"))
    found = mirrors(database)["m.example.org"]
    assert (found["http_url"], found["rsync_url"], found["country"]) == ("http://m.example.org/vlc/", "rsync://m.example.org/vlc/", "FR")


# The tables of MirrorManager 2 with what the query reads, and what it must not.
MANAGER = """
CREATE TABLE site (id int PRIMARY KEY, name text, password text, org_url text, private bool, admin_active bool, user_active bool);
CREATE TABLE site_admin (id int, username text, site_id int);
CREATE TABLE host (id int PRIMARY KEY, name text, site_id int, robot_email text, admin_active bool, user_active bool, country text,
  bandwidth_int int, comment text, config bytea, private bool, internet2 bool, internet2_clients bool, asn int, asn_clients bool,
  max_connections int, disable_reason text, push_ssh_private_key text{more});
CREATE TABLE category (id int PRIMARY KEY, name text); CREATE TABLE directory (id int PRIMARY KEY, name text);
CREATE TABLE host_category (id int PRIMARY KEY, host_id int, category_id int, always_up2date bool);
CREATE TABLE host_category_url (id int, host_category_id int, url text, private bool);
CREATE TABLE host_netblock (host_id int, netblock text); CREATE TABLE host_peer_asn (host_id int, asn int);
CREATE TABLE host_country_allowed (host_id int, country text); CREATE TABLE host_acl_ip (host_id int, ip text);
CREATE TABLE location (id int PRIMARY KEY, name text); CREATE TABLE host_location (host_id int, location_id int);
CREATE TABLE directory_exclusive_host (host_id int, directory_id int);
INSERT INTO site VALUES (1, 'Ünï "Lab"', 'secret', 'https://lab.example.org/', 'f', 't', 't'), (2, 'Campus', 'secret', '', 't', 't', 't'),
  (3, 'Gone', 'secret', NULL, 'f', 't', 'f');
INSERT INTO site_admin VALUES (1, 'jane', 1), (2, 'joe', 1);
INSERT INTO host VALUES
  (1, 'mirror.lab.example.org', 1, 'robot@lab.example.org', 't', 't', 'de', 2500, E'two\\nlines', '\\x80', 'f', 't', 'f', 64500, 't', 4,
   NULL, 'KEY'),
  (2, 'mirror.campus.example.edu', 2, NULL, 't', 't', 'US', 1, NULL, NULL, 'f', 'f', 'f', NULL, 'f', 1, NULL, NULL),
  (3, 'mirror.campus.example.edu', 3, NULL, 't', 't', 'FR', 2000000, NULL, NULL, 't', 'f', 'f', 64502, 't', 1, 'crawls fail', NULL),
  (4, 'rsync.example.net', NULL, NULL, 't', 't', 'FR', NULL, NULL, NULL, 'f', 'f', 'f', NULL, 't', 1, NULL, NULL);
INSERT INTO category VALUES (1, 'Fedora Linux'), (2, 'Fedora EPEL');
INSERT INTO host_category VALUES (1, 1, 1, 'f'), (2, 1, 2, 't'), (3, 2, 1, 't'), (4, 3, 1, 'f'), (5, 4, 1, 'f');
INSERT INTO host_category_url VALUES (1, 1, 'https://mirror.lab.example.org/fedora', 'f'), (2, 1, 'rsync://mirror.lab.example.org/fedora/', 'f'),
  (3, 1, 'ftp://mirror.lab.example.org/fedora/', 'f'), (4, 1, 'rsync://u:hidden@mirror.lab.example.org/all/', 't'),
  (5, 2, 'http://mirror.lab.example.org/epel/', 'f'), (6, 3, 'http://mirror.campus.example.edu/', 'f'), (7, 4, 'http://gone.example/', 'f'),
  (8, 5, 'rsync://rsync.example.net/f/', 'f');
INSERT INTO host_netblock VALUES (1, '192.0.2.0/24'), (1, '2001:db8::/32'), (1, '198.51.100.1'), (1, '10.0.0.1/8'), (1, 'dyn.example.org'),
  (1, NULL), (2, '203.0.113.0/24');
INSERT INTO host_peer_asn VALUES (1, 64501), (2, 64503);
INSERT INTO host_country_allowed VALUES (1, 'DE'), (1, 'at'), (3, 'CH');
INSERT INTO host_acl_ip VALUES (1, '192.0.2.9');
INSERT INTO location VALUES (1, 'aws-1'); INSERT INTO host_location VALUES (1, 1);
INSERT INTO directory VALUES (1, 'pub/x'); INSERT INTO directory_exclusive_host VALUES (1, 1);
"""


@pytest.mark.parametrize("more", ["", ", latitude float, longitude float"])
def test_mirrormanagers_hosts(database, import_into, more):
    foreign = import_into.foreign(MANAGER.replace("{more}", more) + ("UPDATE host SET latitude = 50.25, longitude = -8;" if more else ""))
    query = SOURCE / "doc/examples/mirrormanager.sql"
    text = subprocess.run(["psql", "-XAtqf", query, foreign], check=True, capture_output=True, text=True).stdout
    assert "secret" not in text and "KEY" not in text
    assert "has several categories: --section takes one of Fedora EPEL, Fedora Linux" in import_into(
        "mirrormanager", import_into.file(text), check=False).stderr
    epel = import_into("mirrormanager", "-", "--section", "Fedora EPEL", "--dry-run", input=text)
    assert "1 added" in epel.stdout and "left out: rsync.example.net: no Fedora EPEL by http or https" in epel.stdout
    report = json.loads(import_into("mirrormanager", "-", "--section", "Fedora Linux", "--json", input=text).stdout)
    assert report["left_out_of_all"] == ["rsync.example.net: no Fedora Linux by http or https"]
    assert report["left_out"] == {
        "mirror.lab.example.org": [
            "a private URL: rsync://u:***@mirror.lab.example.org/all/", "a netblock that is no network here: 10.0.0.1/8",
            "a netblock that is no network here: dyn.example.org", "internet2: yes", "max_connections of a client: 4",
            "robot_email: robot@lab.example.org", "acl_ips: 192.0.2.9", "locations: aws-1", "directories that only it has: pub/x"],
        "mirror.campus.example.edu": ["always_up2date: yes", "asn_clients: no, so the peer ASes do not count"],
        "mirror.campus.example.edu-2": ["disable_reason: crawls fail"]}
    found = mirrors(database)
    place = {"latitude": 50.25, "longitude": -8} if more else {}
    assert found["mirror.lab.example.org"] == {
        "https_url": "https://mirror.lab.example.org/fedora/", "rsync_url": "rsync://mirror.lab.example.org/fedora/",
        "ftp_url": "ftp://mirror.lab.example.org/fedora/", "country": "DE", "region": "EU", "weight": 250, "enabled": True, "asn": 64500,
        "prefixes": ["192.0.2.0/24", "198.51.100.1/32", "2001:db8::/32"], "served_as": [64501], "country_only": True,
        "other_countries": ["AT"], "private_comment": "two\nlines", "operator_name": 'Ünï "Lab"', "operator_url": "https://lab.example.org/",
        "admin_name": "jane,joe", "ipv4": True, "online": True, **place}
    campus = found["mirror.campus.example.edu"]
    assert campus["prefix_only"] and campus["prefixes"] == ["203.0.113.0/24"] and campus["weight"] == 1 and campus["enabled"]
    gone = found["mirror.campus.example.edu-2"]
    assert gone["as_only"] and gone["weight"] == 10000 and "enabled" not in gone
    assert (gone["country_only"], gone["other_countries"], gone["excluded_countries"]) == (True, ["CH"], ["FR"])


@pytest.fixture
def odd_fleet(database):
    database.tool("mb", "new", "a", "--no-geo", "--http-url", "http://a.example/", "--rsync-url", "rsync://u@a.example/m/",
                  "--rsync-options=--bwlimit=100", "--private-comment", 'says "hi",\nand ; more', "--country", "de", "--enabled",
                  "--latitude=50.5", "--longitude=-8", "--other-countries", "fr,it", "--places", "1/2/US", "--operator-name", "Ünï")
    database.tool("mb", "new", "b", "--no-geo", "--https-url", "https://b.example/", "--no-ipv4", "--ipv6", "--complete",
                  "--file-maxsize", "1000", "--max-mbit", "5")
    database.tool("mb", "prefix", "a", "add", "192.0.2.0/24", "AS64500")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_an_export_comes_back_as_it_was(database, import_into, odd_fleet, form):
    text = database.tool("mb", "export", form).stdout
    before = database.tool("mb", "export", "json").stdout
    done = import_into(form, import_into.file(text))
    assert "0 added" in done.stdout and "2 there already" in done.stdout
    assert "2 as they were" in import_into(form, import_into.file(text), "--update").stdout
    database.tool("mb", "edit", "a", "--weight", "7", "--private-comment", "", "--no-enabled")
    assert "1 updated, 1 as they were" in import_into(form, import_into.file(text), "--update").stdout
    assert database.tool("mb", "export", "json").stdout == before
    database.tool("mb", "delete", "a", "b", "--yes")
    assert "2 added" in import_into(form, "-", input=text).stdout
    assert database.tool("mb", "export", "json").stdout == before
    only = json.loads(database.tool("mb", "export", "json", "b").stdout)["mirrors"]
    assert [mirror["identifier"] for mirror in only] == ["b"]


def test_the_table_is_one_that_spreadsheets_read(database, odd_fleet):
    rows = list(csv.DictReader(io.StringIO(database.tool("mb", "export", "csv").stdout)))
    assert [row["identifier"] for row in rows] == ["a", "b"] and rows[0]["private_comment"] == 'says "hi",\nand ; more'
    assert rows[0]["serves_first"] == "192.0.2.0/24,AS64500"


@pytest.mark.parametrize("form, text, words", [
    ("json", "{", "is not JSON"), ("json", "7", "no list of mirrors"), ("json", '[{"http_url": "x"}]', "mirror 1 has no identifier"),
    ("json", "[" * 100_000, "is not JSON"), ("csv", "name,http_url\na,b\n", "no column has the name identifier"),
    ("csv", "", "no column has the name identifier"), ("csv", 'identifier\n"a\n', "line 2: a quotation mark is not closed"),
    ("csv", "identifier\na,b\n", "line 2: 2 values for 1 columns"), ("csv", "identifier,x\n,1\n", "line 2: no identifier"),
    ("csv", 'identifier\n"a"b\n', "line 2: something follows"), ("csv", "identifier,weight,weight\n", "two columns have the name weight"), ("masterlist", "Site x\n", "line 1: is no field"),
    ("masterlist", " x\n", "line 1: continues a field"), ("gentoo", "<mirrors>", "is no XML"), ("gentoo", "<html/>", "not a list of <mirrors>"),
    ("gentoo", b"\xff", "is no XML"), ("mirrormanager", "{}", "has no list of hosts"), ("mirrormanager", "[" * 9, "is not JSON"),
    ("mirrormanager", '[7, {"name": "x", "categories": 7}]', "has no categories with URLs")])
def test_what_cannot_be_read_is_told(database, import_into, form, text, words):
    done = import_into(form, import_into.file(text), check=False)
    assert done.returncode == 1 and words in done.stderr and mirrors(database) == {}, done


def test_a_missing_file_is_told(import_into):
    done = import_into("json", "/nowhere/x", check=False)
    assert done.returncode == 1 and "/nowhere/x: No such file or directory" in done.stderr
    assert "standard input: is not JSON" in import_into("json", "-", input="x", check=False).stderr


def test_one_bad_mirror_keeps_none_of_the_others_out(database, import_into):
    """Nor what its own first statements did."""
    text = json.dumps([{"identifier": "good", "http_url": "http://a.example/", "cost": 3},
                       {"identifier": "bad", "http_url": "http://b.example/", "prefixes": ["192.0.2.1/24"]},
                       {"identifier": "worse", "http_url": "gopher://b.example/"}, {"identifier": "x y", "http_url": "http://c.example/"}])
    done = import_into("json", import_into.file(text), "--disabled", check=False)
    assert done.returncode == 1 and list(mirrors(database)) == ["good"]
    assert "mirror 'good': left out: cost: 3" in done.stdout and "without host bits" in done.stderr and "gopher" in done.stderr
    assert "1 of 4 mirrors: 1 added" in done.stdout and "3 refused" in done.stdout


def test_twice_in_a_file_and_a_prefix_twice(database, import_into):
    text = json.dumps([{"identifier": "a", "http_url": "http://a.example/", "prefixes": ["192.0.2.0/24", "192.0.2.0/24"]},
                       {"identifier": "a", "http_url": "http://b.example/"}])
    done = import_into("json", import_into.file(text), "--update", check=False)
    assert done.returncode == 1 and "mirror 'a' cannot be taken over: it is there twice" in done.stderr
    assert mirrors(database)["a"]["http_url"] == "http://a.example/"


def test_an_update_moves_the_region_with_the_country(database, import_into):
    database.tool("mb", "new", "a", "--no-geo", "--http-url", "http://a.example/", "--country", "de")
    import_into("json", import_into.file('[{"identifier": "a", "country": "US"}]'), "--update")
    assert mirrors(database)["a"]["region"] == "NA"


def test_where_mirrors_are_there_already(database, import_into):
    database.add_mirror("a", http_url="http://a.example/")
    text = import_into.file('{"mirrors": [{"identifier": "a", "http_url": "http://b.example/"}]}')
    assert "mirror 'a' is there already: --update changes it" in import_into("json", text).stdout
    assert mirrors(database)["a"]["http_url"] == "http://a.example/"
    assert "mirror 'a' updated" in import_into("json", text, "--update").stdout
    assert mirrors(database)["a"]["http_url"] == "http://b.example/"


EVERY_FIELD = {
    "http_url": "http://a.example/", "https_url": "https://a.example/", "rsync_url": "rsync://u@a.example/m/", "index_url": "http://i.example/",
    "ftp_scan_url": "ftp://f.example/", "head_url": "https://h.example/", "s3_url": "s3://bucket/x/", "ftp_url": "ftp://a.example/",
    "strip_prefix": "pub", "add_prefix": "more", "stamp_path": "time", "max_age": "5", "scan_interval": "2", "scan_hours": "22-6",
    "rsync_options": ["--bwlimit=9", "ssl"], "index_options": ["connections=2"], "ftp_options": ["connections=1"],
    "head_options": ["connections=3"], "complete": True, "s3_options": ["connections=4"], "enabled": True, "online": False, "weight": 7,
    "country": "DE", "region": "AS", "latitude": 50.125, "longitude": -8.5, "places": ["1/2/US", "3/4/DE"], "asn": 64500,
    "prefix_only": True, "as_only": True, "country_only": True, "region_only": True, "other_countries": ["FR", "XX"],
    "excluded_countries": ["US"], "ipv4": False, "ipv6": True, "file_maxsize": 5_000_000_000, "max_mbit": 9, "operator_name": "Ünï",
    "operator_url": "https://o.example/", "subdivision": "BY", "public_note": "a\n\tb", "admin_name": "J", "admin_email": "j@o.example",
    "private_comment": 'says "hi", \\ ; \r\n', "prefixes": ["192.0.2.0/24", "2001:db8::/32"], "served_as": [64501, 4294967295],
    "comments": [{"at": "2026-11-01T10:00:00Z", "by": "jane", "text": "moved\n\u00e4"}], "identifier": "every"}


def test_every_field_comes_back_from_an_export(database, make_database, import_into):
    """What is measured is not in it, and a mirror that lacks everything comes back lacking everything."""
    given = json.dumps({"mirrors": [EVERY_FIELD, {"identifier": "bare", "http_url": "http://b.example/"}]})
    import_into("json", "-", input=given)
    database.tool("mb", "pause", "--reason", "x")
    database.sql("UPDATE mirror SET standing = 'stale', standing_reason = 'old', keeps_times = true WHERE identifier = 'every'")
    text = database.tool("mb", "export", "json").stdout
    bare, every = json.loads(text)["mirrors"]
    assert every == EVERY_FIELD and every.keys() == bare.keys()
    other = make_database()
    assert "2 added" in other.tool("mb", "import", "json", "-", input=text).stdout
    assert other.tool("mb", "export", "json").stdout == text
    assert other.sql("SELECT standing, keeps_times FROM mirror WHERE identifier = 'every'").strip() == "good|f"
    # What it lacks is cleared again, networks too.
    swapped = {"mirrors": [{**every, "identifier": "bare"}, {**bare, "identifier": "every"}]}
    assert "2 updated" in other.tool("mb", "import", "json", "-", "--update", input=json.dumps(swapped)).stdout
    back = json.loads(other.tool("mb", "export", "json").stdout)["mirrors"]
    assert back == [{**every, "identifier": "bare"}, {**bare, "identifier": "every", "comments": every["comments"]}]
    assert "2 as they were" in other.tool("mb", "import", "json", "-", "--update", input=json.dumps({"mirrors": back})).stdout


def test_an_import_again_follows_the_other_system(database, import_into):
    """Switches are followed. What --disabled keeps disabled stays so. Codes of no country are named."""
    block = "Mirror: {}\nHttpURL: http://{}.example/\nCountryOnly: {}\nEnabled: true\nCountryCodes: {}\nContinentCode: {}\n\n"
    old = block.format("a", "a", "true", "uk xy FR", "EU") + block.format("b", "b", "false", "XX", "ZZ")
    report = json.loads(import_into("mirrorbits", "-", "--disabled", "--json", input=old).stdout)
    assert report["left_out"] == {"a": ["other_countries: no country has the code XY in ISO 3166-1"],
                                  "b": ["country: no country has the code XX in ISO 3166-1", "region: ZZ"]}
    found = mirrors(database)
    assert (found["a"]["country"], found["a"]["other_countries"], found["a"]["country_only"]) == ("GB", ["FR"], True)
    assert not {"country", "region"} & found["b"].keys()
    new = block.format("a", "a", "false", "GB", "EU") + block.format("b", "b", "true", "DE", "EU")
    assert json.loads(import_into("mirrorbits", "-", "--disabled", "--update", "--json", input=new).stdout)["updated"] == ["a", "b"]
    found = mirrors(database)
    assert "country_only" not in found["a"] and found["b"]["country_only"] and found["b"]["region"] == "EU"
    assert "enabled" not in found["a"] and "enabled" not in found["b"] and found["a"]["other_countries"] == ["FR"]
    # Another system enables none that is disabled here; it disables.
    assert "2 as they were" in import_into("mirrorbits", "-", "--update", input=new).stdout
    database.sql("UPDATE mirror SET enabled = true")
    assert "2 as they were" in import_into("mirrorbits", "-", "--update", input=new).stdout
    off = new.replace("Enabled: true", "Enabled: false", 1)
    assert "1 updated, 1 as they were" in import_into("mirrorbits", "-", "--update", input=off).stdout
    found = mirrors(database)
    assert "enabled" not in found["a"] and found["b"]["enabled"]
    assert "next: mb update --all looks up" in import_into("mirrorbits", "-", input=new.replace("a", "c", 1)).stdout


def test_hostile_texts_are_refused_one_by_one(database, import_into):
    odd = [{"identifier": "nul", "operator_name": "a\0b"}, {"identifier": "n\0ul"}, {"identifier": "escape", "operator_name": "a\x1b[31mb"},
           {"identifier": "long", "private_comment": "x" * 65_537}, {"identifier": "x" * 101}, {"identifier": "Up"}, {"identifier": "up"},
           {"identifier": "half", "weight": 12.5}, {"identifier": "maybe", "enabled": "maybe"}, {"identifier": "up"}]
    done = import_into("json", "-", "--json", input=json.dumps([{"http_url": "http://a.example/", **one} for one in odd]), check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 1 and report["added"] == ["Up", "up"] and len(report["refused"]) == 8
    assert report["refused"]["nul"] == "operator_name: has a NUL" and report["refused"]["up"] == "it is there twice"
    assert report["refused"]["long"] == "private_comment: has more than 65,536 bytes"
    assert report["refused"]["n\0ul"] == "identifier: has a NUL" and report["refused"]["half"] == "weight: '12.5' is not a whole number"
    done = import_into("csv", import_into.file(b"identifier,http_url,public_note\nq,http://q.example/,\xff\n"), check=False)
    assert done.returncode == 1 and "public_note: is not UTF-8" in done.stderr
