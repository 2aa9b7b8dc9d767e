"""mb log: who changed what of the mirrors, through mb and by plain SQL."""

import getpass
import json
import platform

import pytest


@pytest.fixture
def log(mb):
    """log(…) -> what `mb log … --json` prints"""
    return lambda *args: json.loads(mb("log", *args, "--json").stdout)


def told(entries):
    return [(entry["mirror"], entry["setting"], entry["from"], entry["to"]) for entry in entries]


def test_each_change_is_told_with_who_made_it(database, mb, log):
    mb("new", "--no-geo", "a.example", "--http-url=http://a.example/", "--country=DE", "--rsync-url=rsync://a.example/m/")
    mb("edit", "a.example", "--weight=50", "--no-ipv4", "--other-countries=AT,CH", "--rsync-options=-4", "--latitude=1.5",
       "--longitude=2", "--complete", "--index-options=off")
    mb("edit", "a.example", "--weight=50")
    mb("enable", "a.example", check=False)
    mb("prefix", "a.example", "add", "192.0.2.0/24", "AS64496")
    mb("prefix", "a.example", "rm", "AS64496")
    mb("rename", "a.example", "b.example")
    mb("edit", "b.example", "--rsync-url=", "--rsync-options=", "--weight=0")
    mb("delete", "--yes", "b.example")
    entries = log()
    assert told(entries) == [
        ("a.example", "added", "", "country=DE http_url=http://a.example/ region=EU"),
        ("a.example", "rsync_url", "", "rsync://a.example/m/"),
        ("a.example", "ipv4", "yes", "no"), ("a.example", "latitude", "", "1.5"), ("a.example", "longitude", "", "2"),
        ("a.example", "other_countries", "", "AT,CH"), ("a.example", "weight", "100", "50"),
        ("a.example", "rsync_options", "", "-4"), ("a.example", "index_options", "", "off"),
        ("a.example", "head_options", "", "complete"),
        ("a.example", "enabled", "no", "yes"),
        ("a.example", "prefix", "", "192.0.2.0/24"), ("a.example", "prefix", "", "AS64496"),
        ("a.example", "prefix", "AS64496", ""),
        ("b.example", "identifier", "a.example", "b.example"), ("b.example", "weight", "50", "0"),
        ("b.example", "rsync_url", "rsync://a.example/m/", ""), ("b.example", "rsync_options", "-4", ""),
        ("b.example", "deleted", "country=DE enabled=yes endpoint head options=complete endpoint http options=off "
         "http_url=http://a.example/ ipv4=no latitude=1.5 longitude=2 other_countries=AT,CH prefix=192.0.2.0/24 region=EU weight=0", "")]
    who = f"{getpass.getuser()}@{platform.node()}"
    assert {entry["operator"] for entry in entries} == {who} and {entry["program"] for entry in entries} == {"mb"}
    assert log("b.example") == [entry for entry in entries if entry["mirror"] == "b.example"]
    assert log("--by", getpass.getuser(), "--since", "1h") == log("--by", who) == log("--since", "2026-01-01 00:00") == entries
    assert log("--by", "nobody") == log("--since", "9999-01-01") == [] and len(log("--setting", "weight")) == 2
    assert f"{who} (" in mb("log").stdout and "nothing was changed since" in mb("log", "--by", "x").stderr
    assert mb("log", "--since", "soon", check=False).returncode == 2
    assert "there is no mirror 'x'" in mb("log", "x", check=False).stderr


def test_plain_sql_counts_and_what_programs_find_out_does_not(database, mb, log):
    database.sql("INSERT INTO mirror (identifier, http_url) VALUES ('a', 'http://a.example/'), ('b', 'http://b.example/')")
    database.sql("""
        UPDATE mirror SET last_scan = now(), keeps_times = true, standing = 'stale', standing_reason = 'old', time_offset_s = 900;
        INSERT INTO health (mirror_id, scheme, family, state, reason) SELECT id, 'http', 'ipv4', 'down', 'x' FROM mirror;
        SET application_name = 'by hand';
        UPDATE mirror SET weight = 7, private_comment = 'see https://jane:secret@x.example/ and ftp://u:p@ss@y.example/,'
          ' https://token@z.example/x?a=secret, rsync://joe@z.example/m/ s3://b/?region=x'
          WHERE identifier = 'a';
        INSERT INTO endpoint (mirror_id, method, url, priority) SELECT id, 'ftp', 'ftp://jane:secret@a.example/', 3 FROM mirror
          WHERE identifier = 'a';
        UPDATE endpoint SET url = 'ftp://jane:other@a.example/';
        UPDATE endpoint SET mirror_id = (SELECT id FROM mirror WHERE identifier = 'b');
        INSERT INTO path_rule (position, kind, glob) VALUES (1, 'immutable', 'pool/**');
        UPDATE path_rule SET position = 2;
        DELETE FROM path_rule;""")
    entries = [entry for entry in log() if entry["program"] == "by hand"]
    hidden = "ftp://jane:***@a.example/"
    assert told(entries) == [
        ("a", "private_comment", "", "see https://jane:***@x.example/ and ftp://u:***@y.example/,"
         " https://***@z.example/x?*** rsync://joe@z.example/m/ s3://b/?region=x"),
        ("a", "weight", "100", "7"),
        ("a", "endpoint ftp priority", "", "3"), ("a", "ftp_scan_url", "", hidden), ("a", "ftp_scan_url", hidden, hidden),
        ("b", "endpoint ftp priority", "", "3"), ("a", "endpoint ftp priority", "3", ""),
        ("b", "ftp_scan_url", "", hidden), ("a", "ftp_scan_url", hidden, ""),
        ("", "rule", "", "immutable pool/**"), ("", "rule", "immutable pool/**", "")]
    assert {(entry["role"], entry["operator"], entry["address"]) for entry in entries} == {(entries[0]["role"], "", "")}
    assert f"{entries[0]['role']} (by hand)" in mb("log").stdout and len(log()) == len(entries) + 2
    database.sql("TRUNCATE mirror CASCADE")
    assert told(log())[-1] == ("", "deleted", "all mirrors", "")


def test_nobody_writes_it_and_it_ends_after_400_days(database, mb):
    mb("new", "--no-geo", "a", "--http-url=http://a.example/")
    for role in ("mirror_admin", "mirror_scanner", "mirror_httpd"):
        for sql in ("INSERT INTO audit OVERRIDING SYSTEM VALUE SELECT * FROM audit", "UPDATE audit SET role = 'x'", "DELETE FROM audit",
                    "SELECT write_audit(1::smallint, 'a', 'b', 'c', 'd')") + (() if role == "mirror_admin" else ("SELECT * FROM audit",)):
            with pytest.raises(Exception, match="permission denied"):
                database.sql(f"SET ROLE {role}; {sql}")
    database.sql("SET ROLE mirror_admin; UPDATE mirror SET weight = 1; UPDATE mirror SET weight = 2")
    database.sql("UPDATE audit SET at = now() - interval '401 days' WHERE \"to\" = '1'")
    assert database.sql("SET ROLE mirror_scanner; SELECT prune_events()") == "1"
    assert database.sql("SELECT string_agg(setting || \"to\", ' ' ORDER BY id) FROM audit") == "addedhttp_url=http://a.example/ weight2"
