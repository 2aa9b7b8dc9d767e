"""Which of the mirrors that have a file a redirect names: for who asks again, who avoids one, where a mirror has enough traffic,
while few have a new file, and where one mirror has several places."""

import json
import re

import pytest
import rig
from answers import File

MIB = 1024 * 1024
MIRRORS = {name: {"http_url": f"http://{name}.example/", "country": country}
           for name, country in (("a", "DE"), ("b", "DE"), ("c", "DE"), ("d", "FR"))}
FILES = {"f": File(tuple(MIRRORS)), "one": File(("a",)), "big": File(("a", "b"), size=100 * MIB), "large": File(("d",), size=20 * MIB)}
CONFIG = """
MirrorDatabase {database}
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.0/8
<Location /files>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  MirrorRepeatWindow 60
  MirrorFirstArrivalFactor Off
</Location>
<Location /new>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  MirrorFirstArrivalFactor 1 20M
  MirrorFirstArrivalRest Unavailable
</Location>
<Location /server-status>
  SetHandler server-status
</Location>
"""


@pytest.fixture(scope="module")
def site(make_site):
    site = make_site(CONFIG, MIRRORS, FILES, modules=("status",), catalog=True)
    rig.wait_for("the catalog", lambda: "State: in use" in status(site), 20)
    return site


def status(site):
    return site.ask("/server-status?auto").body.decode()


clients = iter(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in range(1, 1 << 20))


def mirror_of(site, path, client, method="GET", **headers):
    answer = site.ask(path, method=method, headers={"X-Client": client, **headers})
    return re.match("http://([a-z]+)[.]example/", answer.location or "").group(1) if answer.status == 302 else answer.status


def test_who_asks_again_is_sent_round_the_best_mirrors(site):
    client = next(clients)
    names = [mirror_of(site, "/files/f", client) for _ in range(9)]
    assert len(set(names[:4])) == 4 and set(names[4:]) == {names[0]}


def test_ranges_and_heads_and_other_clients_do_not_count(site):
    client = next(clients)
    first = mirror_of(site, "/files/f", client)
    assert {mirror_of(site, "/files/f", client, Range="bytes=10-") for _ in range(3)} == {first}
    assert {mirror_of(site, "/files/f", client, method="HEAD") for _ in range(3)} == {first}
    assert mirror_of(site, "/files/f", client) != first
    assert mirror_of(site, "/files/f", client, **{"User-Agent": "another"}) == first


def test_what_named_no_mirror_does_not_count(site):
    client = next(clients)
    assert [mirror_of(site, "/files/f?avoid=a,b,c,d", client) for _ in range(3)] == 3 * ["origin"]
    first = mirror_of(site, "/files/f", client, method="HEAD")
    assert site.ask("/files/f", headers={"X-Client": client, "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}).status == 304
    assert mirror_of(site, "/files/f", client) == first


def test_one_mirror_alone_is_named_again(site):
    client = next(clients)
    assert {mirror_of(site, "/files/one", client) for _ in range(3)} == {"a"}


def test_a_client_may_avoid_mirrors(site):
    for _ in range(5):
        assert mirror_of(site, "/files/f?avoid=a,c", next(clients)) in ("b", "d")
    assert mirror_of(site, "/files/f?avoid=a,b,c,d", next(clients)) == "origin"
    for form in ("mirrorlist", "meta4", "json"):
        body = site.ask(f"/files/f?{form}&avoid=a,c").body
        assert b"//b.example" in body and b"//a.example" not in body
    assert json.loads(site.ask("/files/f?json&avoid=a,%22%3C").body)["avoided"] == ["a", '"<']
    assert b"Left out, as this address asks: a, &lt;b&gt;<" in site.ask("/files/f?mirrorlist&avoid=a,%3Cb%3E").body


def test_no_mirror_gets_more_than_it_allows(site):
    site.database.sql("UPDATE mirror SET max_mbit = 100 WHERE identifier = 'a'")
    try:
        rig.wait_for("the cap", lambda: re.search(r"Traffic: a [0-9.]+ Mbit/s of 100$", status(site), re.M), 10)
        # 50 Mbit/s each while it lasts: the third download at a time is one too many.
        names = [mirror_of(site, "/files/big", next(clients)) for _ in range(60)]
        assert 1 <= names.count("a") <= 8 and "a" not in names[30:]
        assert names.count("b") == 60 - names.count("a")
        site.database.sql("UPDATE mirror SET max_mbit = 1 WHERE identifier = 'b'")

        def all_are_full():
            return mirror_of(site, "/files/big", next(clients)) == "origin"
        rig.wait_for("both to be full", all_are_full, 10)
        rig.wait_for("traffic", lambda: re.search(r"Traffic: b [1-9][0-9.]+ Mbit/s of 1$", status(site), re.M), 20)
        shown = site.ask("/server-status").body
        page = f"http://127.0.0.1:{site.httpd.port}/server-status"
        listed = site.database.tool("mb", "list", "--traffic", page).stdout
        assert re.search(r"^b +enabled +[1-9][0-9.]* +1$", listed, re.M) and re.search(r"^c .* 0[.][0-9] +no limit$", listed, re.M)
        assert json.loads(site.database.tool("mb", "list", "--json", f"--traffic={page}").stdout)[1]["mbit"] > 1
        missing = site.database.tool("mb", "list", "--traffic", page + "x", check=False)
        assert missing.returncode == 1 and "answered 404: load mod_status" in missing.stderr
        assert b"redirected traffic" in shown
    finally:
        site.database.sql("UPDATE mirror SET max_mbit = 0")


def test_a_new_large_file_is_redirected_as_far_as_its_mirrors_can_bear(site):
    def answers():
        return [mirror_of(site, "/new/large", next(clients)) for _ in range(200)]
    assert set(answers()) == {"d"}  # it came with the whole tree
    site.database.sql("""
        INSERT INTO revision (rev, at) VALUES (nextval('revision_seq'), now() - interval '2 days');
        INSERT INTO revision (rev) VALUES (nextval('revision_seq'));
        UPDATE file SET version_rev = currval('revision_seq'), rev = currval('revision_seq') WHERE path = 'large'""")
    rig.wait_for("the new version", lambda: 503 in answers(), 20)
    names = answers()
    assert set(names) == {"d", 503} and 20 <= names.count("d") <= 80  # one of four mirrors has it
    refused = next(answer for answer in iter(lambda: site.ask("/new/large", headers={"X-Client": next(clients)}), None)
                   if answer.status == 503)
    assert 1 <= int(refused.get("Retry-After")) <= 60
    assert mirror_of(site, "/files/large", next(clients)) == "d"


def test_the_nearest_of_several_places_counts(site):
    tool = site.database.tool
    tool("mb", "edit", "d", "--places=35.7/139.7/jp,50.1/8.7/DE")
    assert "35.7/139.7/JP" in tool("mb", "show", "d").stdout
    try:
        assert "d" in site.ask("/files/f?country=jp&avoid=a,b,c").location
        rig.wait_for("the place", lambda: b"Japan" in site.ask("/files/f?mirrorlist&country=jp").body, 10)
    finally:
        tool("mb", "edit", "d", "--places=")
    bad = tool("mb", "edit", "d", "--places=1/2", check=False)
    assert bad.returncode != 0 and "LATITUDE/LONGITUDE/COUNTRY" in bad.stderr
