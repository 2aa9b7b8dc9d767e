"""What a redirect says: the URL, the mirror, and which other mirrors have the file. Both kinds of tree, from one table."""

import http.client
import json
import os
import re
import urllib.parse

import pytest

import rig
from answers import COUNTRY, SIZE, File, escaped

HTTP = {name: f"http://{name}.example/pub/" for name in ("berlin", "munich", "paris", "tokyo", "newyork", "chicago", "vienna")}
MIRRORS = {
    "berlin": {"http_url": HTTP["berlin"], "https_url": "https://berlin.example/pub/", "country": "DE", "region": "EU"},
    "munich": {"http_url": HTTP["munich"], "country": "DE", "region": "EU"},
    "paris": {"http_url": HTTP["paris"], "https_url": "https://paris.example/", "country": "FR", "region": "EU"},
    "tokyo": {"http_url": HTTP["tokyo"], "country": "JP", "region": "AS"},
    "newyork": {"http_url": HTTP["newyork"], "country": "US", "region": "NA"},
    "chicago": {"http_url": HTTP["chicago"], "country": "US", "region": "NA"},
    "vienna": {"http_url": HTTP["vienna"], "country": "AT", "region": "EU"},
    "rio": {"https_url": "https://rio.example/", "country": "BR", "region": "SA"},
    "six": {"http_url": "http://six.example/", "country": "US", "region": "NA", "ipv4": False, "ipv6": True},
}
ODD_NAMES = [
    "plain/name-1.0_2~3.tar.gz",
    "with space/a file.txt",
    "percent/100%.txt",
    "percent/%41%00%2e%2e",
    "hash/#1.txt",
    "question/what?.txt",
    "utf8/grüße/日本.txt",
    b"raw/\x80\xfe\xff-latin\xe9.bin",
    "quotes/\"double\" 'single' `back`",
    "control/tab\tline\nfeed\rescape\x1b[31m\x7f",
    "header/x\r\nSet-Cookie: a=b",
    "html/<b>&amp;\">.txt",
    "plus/c++_1.0+dfsg-1.deb",
    "sub-delims/!$&'()*+,;=:@.txt",
    "brackets/[1]{2}|3^4.txt",
    "back\\slash\\..\\file.txt",
    "dots/...",
    "dots/.hidden",
    "dots/..a",
    "a:b@c/d=e.txt",
    "long/" + "x" * 250,
    "link target/rea%l dir/f.bin",
]
FILES = {
    **{name: File(("tokyo",)) for name in ODD_NAMES},
    "everywhere": File(tuple(MIRRORS)),
    "tls/f": File(tuple(MIRRORS)),
    "de-only": File(("berlin", "munich")),
    "us-only": File(("newyork", "six")),
    "rio-only": File(("rio",)),
    "six-only": File(("six",)),
    "nowhere": File(),
    "staged": File(staged=True),
    "pending": File(("tokyo",), pending=True),
    "grace": File(("tokyo",), gone_s=3600),
    "gone": File(("tokyo",), gone_s=2 * 86400),
    "dists/bookworm/Release": File(("tokyo",)),
    "dists/bookworm/main/stable-link/x": File(("tokyo",)),
    "dists/stable": File(link="dists/bookworm"),
    "dists/current": File(link="dists/stable"),
    "latest.iso": File(link="link target/rea%l dir/f.bin"),
    "dir-link": File(link="link target"),
    "loop-a": File(link="loop-b"),
    "loop-b": File(link="loop-a"),
    "dangling": File(link="not/there"),
    "root": File(link=""),
}
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
MirrorGeoDatabase {geo}/asn.mmdb
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin https://origin.example/all/
</Location>
<Location /local>
  MirrorEngine On
</Location>
<Location /local/ask>
  MirrorPassQuery On
  MirrorMaxLinks 1
</Location>
Header always set X-Always here
<LocationMatch ^/(db|local)/tls>
  SetEnv HTTPS On
</LocationMatch>
SetEnvIf X-Forwarded-Proto ^https$ HTTPS=on
SetEnvIf X-Forwarded-Proto ^http$ HTTPS=off
"""
on_both_trees = pytest.mark.parametrize("tree", ["db", "local"])


def on_disk():
    files = {os.path.join(b"local", os.fsencode(name)): file.size for name, file in FILES.items()
             if file.link is None and file.gone_s is None}
    files |= {b"local/" + link.encode(): rig.Link(to) for link, to in (
        ("dists/stable", "bookworm"), ("dists/current", "stable"), ("latest.iso", "link target/rea%l dir/f.bin"))}
    return {**files, b"local/ask/everywhere": SIZE}


@pytest.fixture(scope="module")
def site(make_site, authority):
    return make_site(CONFIG, MIRRORS, {**FILES, "ask/everywhere": File(tuple(MIRRORS))}, tree=on_disk(), tls=authority)


def targets(answer):
    """The URLs of the Link headers, whose form and numbering are checked."""
    found = []
    for number, link in enumerate(answer.links, 1):
        match = re.fullmatch(r"<(\S+)>; rel=duplicate; pri=(\d+)(; geo=[a-z]{2})?", link)
        assert match and int(match[2]) == number, link
        found.append(match[1])
    return found


def explained(site):
    """The URLs that mb explain gives for `everywhere` and an American client, best first."""
    config = site.httpd.dir / "mb.toml"
    config.write_text(f'[instance.main]\ngeo_databases = ["{site.geo}/city.mmdb", "{site.geo}/asn.mmdb"]\n')
    done = site.database.tool("mb", "--config", config, "explain", "everywhere", "--ip", COUNTRY["us"], "--json")
    return [candidate["url"] for candidate in json.loads(done.stdout)["candidates"]]


@on_both_trees
@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: os.fsdecode(name).split("/")[0])
def test_location_names_any_path_exactly(site, tree, name):
    answer = site.ask(f"/{tree}/{escaped(name)}")
    assert answer.status == 302
    assert re.fullmatch(r"[A-Za-z0-9%/:.@=_~-]+", answer.location)
    assert urllib.parse.unquote_to_bytes(answer.location.removeprefix(HTTP["tokyo"])) == os.fsencode(name)


@on_both_trees
def test_redirect_says_who_and_why_and_is_not_cached(site, tree):
    answer = site.ask(f"/{tree}/de-only", client=COUNTRY["de"])
    assert answer.status == 302
    assert answer.location in (HTTP["berlin"] + "de-only", HTTP["munich"] + "de-only")
    assert answer.get("X-Mirror") in ("berlin", "munich")
    assert answer.get("X-Mirror-Tier") == "country"
    assert answer.get("Cache-Control") == "private, no-cache"


@on_both_trees
def test_redirect_has_no_page_and_the_connection_goes_on(site, tree):
    connection = http.client.HTTPConnection(site.httpd.address, site.httpd.port, timeout=20)
    for method, body in (("GET", None), ("GET", b"nobody asked for this"), ("HEAD", None), ("GET", None)):
        connection.request(method, f"/{tree}/everywhere", body=body)
        answer = connection.getresponse()
        assert answer.status == 302 and answer.read() == b""
        assert answer.headers["Content-Length"] == "0" or method == "HEAD"
        assert answer.headers["Content-Type"] is None
        assert answer.headers["X-Always"] == "here"  # mod_headers, as for httpd's own redirects
    connection.close()


@on_both_trees
def test_up_to_five_more_mirrors_are_linked_best_first(site, tree):
    before = explained(site)
    answer = site.ask(f"/{tree}/everywhere", client=COUNTRY["us"])
    urls = [answer.location, *targets(answer)]
    assert urls in (before[:6], explained(site)[:6])  # a time slot may end between
    assert len(urls) == 6 and len(set(urls)) == 6
    assert all(url.endswith("/everywhere") for url in urls)
    assert {url.split("/")[2] for url in urls[:2]} == {"newyork.example", "chicago.example"}
    assert not any("six.example" in url for url in urls)


@on_both_trees
def test_link_headers_tell_the_mirrors_country(site, tree):
    answer = site.ask(f"/{tree}/de-only", client=COUNTRY["jp"])
    assert [link.rpartition("; ")[2] for link in answer.links] == ["geo=de"]


@on_both_trees
def test_head_is_answered_as_get(site, tree):
    for target in (f"/{tree}/everywhere", f"/{tree}/nowhere", f"/{tree}/none-such", f"/{tree}/everywhere?country=xyz"):
        get, head = site.ask(target), site.ask(target, method="HEAD")
        assert head.body == b""
        assert head.status == get.status
        ignored = ("date", "content-length")
        assert [h for h in head.headers if h[0].lower() not in ignored] == [h for h in get.headers if h[0].lower() not in ignored]


@on_both_trees
def test_query_stays_here(site, tree):
    answer = site.ask(f"/{tree}/everywhere?secret=1&country=jp&x=%0d%0a")
    assert answer.location == HTTP["tokyo"] + "everywhere"
    assert not any("secret" in link for link in answer.links)


def test_query_is_passed_where_it_is_wanted(site):
    answer = site.ask(b"/local/ask/everywhere?a=1&b=%20\"<>\xff\x80&country=jp", client=COUNTRY["us"])
    assert answer.location == HTTP["tokyo"] + "ask/everywhere?a=1&b=%20%22%3C%3E%FF%80&country=jp"
    assert len(answer.links) == 1 and "?" not in answer.links[0]


@on_both_trees
@pytest.mark.parametrize("header", ["X-Forwarded-Proto", None], ids=["behind a TLS terminator", "by TLS itself"])
def test_https_clients_are_sent_to_https_mirrors_only(site, tree, header, authority):
    if header:
        def ask(path):
            return site.ask(f"/{tree}/{path}", headers={header: "https"}, client=COUNTRY["de"])
        answer = ask("everywhere")
        urls = [answer.location, *targets(answer)]
        assert {url.split("/")[2] for url in urls} == {"berlin.example", "paris.example", "rio.example"}
        assert urls[0].startswith("https://berlin.example/") and all(url.startswith("https://") for url in urls)
        assert "tokyo" not in str(ask("dists/bookworm/Release").headers)
        return
    done = rig.run(["curl", "-sSI", "--cacert", authority.ca_file, f"{site.httpd.tls_url}{tree}/everywhere"]).stdout
    urls = re.findall(r"https?://[^\s>]+", re.sub(r"(?m)^.*rel=describedby.*$", "", done))
    assert len(urls) == 3 and all(url.startswith("https://") for url in urls)


@on_both_trees
def test_the_environment_may_say_that_all_clients_speak_https(site, tree):
    answer = site.ask(f"/{tree}/tls/f")
    assert all(url.startswith("https://") for url in [answer.location, *targets(answer)])


@on_both_trees
def test_an_environment_that_denies_https_changes_nothing(site, tree):
    assert site.ask(f"/{tree}/de-only", headers={"X-Forwarded-Proto": "http"}).location.startswith("http://")


@on_both_trees
def test_http_clients_may_be_sent_to_https_only_mirrors(site, tree):
    assert site.ask(f"/{tree}/rio-only").location == "https://rio.example/rio-only"


@on_both_trees
def test_ipv4_clients_are_never_sent_to_an_ipv6_only_mirror(site, tree):
    assert site.ask(f"/{tree}/us-only", client=COUNTRY["us"]).location == HTTP["newyork"] + "us-only"
    assert site.ask(f"/{tree}/us-only", client=COUNTRY["us"]).links == []
    assert "six.example" not in str(site.ask(f"/{tree}/six-only", client=COUNTRY["us"]).headers)


@on_both_trees
@pytest.mark.parametrize("asked, real", [
    ("dists/stable/Release", "dists/bookworm/Release"),
    ("dists/current/Release", "dists/bookworm/Release"),
    ("dists/current/main/stable-link/x", "dists/bookworm/main/stable-link/x"),
    ("latest.iso", "link%20target/rea%25l%20dir/f.bin"),
])
def test_redirects_name_the_real_path_of_links(site, tree, asked, real):
    assert site.ask(f"/{tree}/{asked}").location == HTTP["tokyo"] + real


@pytest.mark.parametrize("name", ["staged", "gone", "loop-a", "dangling", "none-such", "dists/bookworm/none", "everywhere/below"])
def test_what_the_table_has_not_is_not_found(site, name):
    answer = site.ask(f"/db/{name}")
    assert answer.status == 404 and answer.location is None


@pytest.mark.parametrize("name", ["", "dists", "dists/", "dists/stable", "dists/stable/", "dir-link", "root", "everywhere/"])
def test_folders_are_the_origins(site, name):
    answer = site.ask(f"/db/{name}?C=M;O=A")
    assert answer.status == 302
    assert answer.location == f"https://origin.example/all/{name}?C=M;O=A"


def test_the_location_itself_is_the_tree_s_root(site):
    assert site.ask("/db").location == "https://origin.example/all/"


def test_gone_files_are_redirected_for_the_grace_time(site):
    assert site.ask("/db/grace").location == HTTP["tokyo"] + "grace"


@pytest.mark.parametrize("name", ["pending", "nowhere", "six-only"])
def test_files_without_a_mirror_for_this_client_come_from_the_origin(site, name):
    answer = site.ask(f"/db/{name}")
    assert (answer.status, answer.location) == (302, f"https://origin.example/all/{name}")
    assert answer.get("Cache-Control") == "private, no-cache"
    assert answer.all("X-Mirror") == []
    served = site.ask(f"/local/{name}")
    assert served.status == 200 and len(served.body) == SIZE


def test_origin_s_location_is_escaped_too(site):
    target = b"/db/no\xff%0d%0aX: y/?q=\xff\x80<\">"
    assert site.ask(target.replace(b" ", b"%20")).location == \
        "https://origin.example/all/no%FF%0D%0AX:%20y/?q=%FF%80%3C%22%3E"


def test_other_methods_keep_their_method_on_the_way_to_the_origin(site):
    for method in ("POST", "PUT", "DELETE", "PROPFIND", "OPTIONS"):
        answer = site.ask("/db/everywhere", method=method, headers={"Content-Length": "0"})
        assert (answer.status, answer.location) == (307, "https://origin.example/all/everywhere")


def test_a_mirror_that_is_switched_off_takes_no_further_request(site):
    target = "/db/dists/bookworm/Release"
    assert site.ask(target).get("X-Mirror") == "tokyo"
    site.database.tool("mb", "disable", "tokyo")
    try:
        assert site.ask(target).location == "https://origin.example/all/dists/bookworm/Release"
    finally:
        site.database.tool("mb", "enable", "tokyo")
    assert site.ask(target).get("X-Mirror") == "tokyo"
