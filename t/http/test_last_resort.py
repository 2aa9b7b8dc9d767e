"""MirrorLastResort: what lists name if no mirror helps. Also the arguments that MirrorManager's clients use."""

import xml.etree.ElementTree as ElementTree

import pytest

import rig

from answers import COUNTRY, File

META4 = "{urn:ietf:params:xml:ns:metalink}"
SIZE = 10_000
MIRRORS = {
    "tokyo": {"http_url": "http://tokyo.example/", "https_url": "https://tokyo.example/", "country": "JP", "region": "AS"},
    "berlin": {"http_url": "http://berlin.example/", "country": "DE", "region": "EU"},
    "paris": {"https_url": "https://paris.example/", "country": "FR", "region": "EU"},
}
ALL = tuple(MIRRORS)
REPOMD = "os/repodata/repomd.xml"
FILES = {"f": File(ALL, size=SIZE), "lonely": File(size=SIZE), REPOMD: File(size=SIZE),
         "touched/repodata/repomd.xml": File(ALL, size=SIZE, pending=True)}
TREES = """
  MirrorEngine On
  MirrorRepositoryList {repo} repodata/repomd.xml repo=[a-z]+
"""
CONFIG = f"""
MirrorDatabase {{database}}
MirrorGeoDatabase {{geo}}/city.mmdb
<Location /db>
  {TREES}
  MirrorTree database
  MirrorOrigin http://origin.example/o/
</Location>
<Location /local>
  {TREES}
</Location>
<Location /off>
  {TREES}
  MirrorLastResort Off
</Location>
<Location /fallback>
  {TREES}
  MirrorLastResort NoMirror
  MirrorFallback - - http://all.example/
  MirrorFallback - jp http://jp.example/
  MirrorFallback EU - http://eu.example/
</Location>
"""
HERE = "http://redirector.example"


@pytest.fixture(scope="module")
def site(make_site):
    files = {path: b"x" * SIZE for path in FILES}
    return make_site(CONFIG, MIRRORS, FILES, tree={f"{tree}/{path}": content for tree in ("local", "off", "fallback")
                                                   for path, content in files.items()})


def listed(answer):
    assert answer.status == 200, answer
    return answer.body.decode().splitlines()


def meta4_urls(answer):
    assert answer.status == 200, answer
    return [url.text for url in ElementTree.fromstring(answer.body).iter(f"{META4}url")]


@pytest.mark.parametrize("tree, last", [("db", "http://origin.example/o/{}"), ("local", HERE + "/local/{}?direct")])
def test_every_list_ends_with_it(site, tree, last):
    assert meta4_urls(site.ask(f"/{tree}/lonely.meta4")) == [last.format("lonely")]
    assert meta4_urls(site.ask(f"/{tree}/f.meta4"))[-1] == last.format("f")
    assert last.format("lonely").encode() in site.ask(f"/{tree}/lonely.metalink").body
    assert listed(site.ask(f"/{tree}/lonely?mirrorlist=text")) == [last.format("lonely")]
    assert listed(site.ask(f"/{tree}/f?mirrorlist=text"))[-1] == last.format("f") and last.format("f") in site.ask(
        f"/{tree}/f.mirrorlist").body.decode()
    assert site.ask(f"/{tree}/lonely?json").body.decode().count(last.format("lonely")) == 1


def test_our_own_url_is_served_and_not_redirected(site):
    assert site.ask("/local/f").status == 302
    answer = site.ask("/local/f?direct")
    assert (answer.status, answer.body) == (200, b"x" * SIZE)


@pytest.mark.parametrize("tree, base", [("db", "http://origin.example/o/"), ("local", HERE + "/local/")])
@pytest.mark.parametrize("repository", ["os", "touched"])
def test_a_repository_without_mirrors_is_had_from_it(site, tree, base, repository):
    assert listed(site.ask(f"/{tree}/mirrorlist?repo={repository}")) == [f"{base}{repository}/"]
    assert f">{base}{repository}/repodata/repomd.xml</url>".encode() in site.ask(f"/{tree}/metalink?repo={repository}").body


def test_a_directive_turns_it_off(site):
    for target in ("/off/lonely.meta4", "/off/lonely?mirrorlist=text", "/off/mirrorlist?repo=os", "/off/metalink?repo=touched"):
        assert site.ask(target).status == 404, target
    assert not any(url.startswith(HERE) for url in meta4_urls(site.ask("/off/f.meta4")))


def test_fallbacks_go_before_it(site):
    here = HERE + "/fallback/lonely?direct"
    for place, fallbacks in (("jp", ["jp", "all"]), ("de", ["eu", "all"]), ("us", ["all"])):
        urls = [f"http://{name}.example/lonely" for name in fallbacks] + [here]
        assert listed(site.ask("/fallback/lonely?mirrorlist=text", client=COUNTRY[place])) == urls
    assert len(listed(site.ask("/fallback/f?mirrorlist=text"))) == len(MIRRORS), "NoMirror: only where there is none"


def test_several_countries_and_none(site):
    hosts = [url.split("/")[2].split(".")[0] for url in listed(site.ask("/off/f?mirrorlist=text&country=fr,zz,jp"))]
    assert hosts == ["paris", "tokyo", "berlin"]
    assert site.ask("/off/f?country=jp,fr").location == "http://tokyo.example/f"
    assert b'"country":null,"country_name":null,"region":null' in site.ask("/off/f?json&country=global").body


def test_protocols(site):
    assert set(meta4_urls(site.ask("/off/f.meta4?protocol=https"))) == {"https://tokyo.example/f", "https://paris.example/f"}
    assert set(meta4_urls(site.ask("/off/f.meta4?protocol=http"))) == {"http://tokyo.example/f", "http://berlin.example/f"}
    assert len(meta4_urls(site.ask("/off/f.meta4?protocol=https,http"))) == 4


def test_another_address(site):
    for tree in ("db", "off"):
        answer = site.ask(f"/{tree}/f.mirrorlist?json&ip={COUNTRY['jp']}", client=COUNTRY["de"])
        assert b'"client":{"country":"JP"' in answer.body
        assert meta4_urls(site.ask(f"/{tree}/f.meta4?ip={COUNTRY['jp']}", client=COUNTRY["de"]))[0].endswith("tokyo.example/f")
    assert site.ask(f"/off/f?ip={COUNTRY['jp']}", client=COUNTRY["de"]).location == "http://berlin.example/f"


@pytest.mark.parametrize("query", ["country=Germany", "as=partner", "country=zz", "country="])
def test_downloads_ignore_what_they_cannot_read(site, query):
    assert site.ask(f"/local/f?{query}", client=COUNTRY["de"]).location == "http://berlin.example/f"


def test_uk_is_gb_and_el_is_gr(site):
    for word, code in (("uk", "GB"), ("el", "GR")):
        assert f'"client":{{"country":"{code}"'.encode() in site.ask(f"/off/f?json&country={word}").body


def test_a_mirror_that_is_this_server_is_left_out_and_said(site):
    site.database.sql(f"UPDATE mirror SET http_url = '{HERE}/local/' WHERE identifier = 'berlin'")
    try:
        def elsewhere():
            answers = [site.ask("/local/f?country=de") for _ in range(8)]
            return all(answer.location and not answer.location.startswith(HERE) for answer in answers)
        rig.wait_for("redirects to other mirrors", lambda: elsewhere() and "this server's own URL" in site.httpd.log())
    finally:
        site.database.sql("UPDATE mirror SET http_url = 'http://berlin.example/' WHERE identifier = 'berlin'")
