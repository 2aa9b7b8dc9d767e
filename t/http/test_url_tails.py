"""A tree of which the web server's own tree is a part: the URL's tail is not the table's path."""

import pytest

from answers import File

SIZE = 10_000
HERE = "http://redirector.example"
MIRRORS = {"tokyo": {"http_url": "http://tokyo.example/", "country": "JP", "region": "AS"}}
REPOMD = "repodata/repomd.xml"
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
Alias /get {docroot}/pub/releases
<Directory {docroot}>
  MirrorEngine On
  MirrorRepositoryList pub/releases/{{repo}} repodata/repomd.xml repo=[a-z]+
</Directory>
"""
PUB = "pub/releases"
FILES = {f"{PUB}/f": File(("tokyo",), size=SIZE), f"{PUB}/link": File(link="f"), f"{PUB}/os/{REPOMD}": File(("tokyo",), size=SIZE)}


@pytest.fixture(scope="module")
def site(make_site):
    return make_site(CONFIG.replace("{{", "{").replace("}}", "}"), MIRRORS, FILES,
                     tree={f"{PUB}/f": b"x" * SIZE, f"{PUB}/os/{REPOMD}": b"x" * SIZE})


@pytest.mark.parametrize("url", ["/get/f", "/pub/releases/f"])
def test_representations_and_links_have_the_url_that_was_asked(site, url):
    answer = site.ask(url)
    assert answer.location == "http://tokyo.example/pub/releases/f"
    assert f"<{HERE}{url}.meta4>; rel=describedby" in ", ".join(value for name, value in answer.headers if name == "Link")
    meta4 = site.ask(f"{url}.meta4")
    assert meta4.status == 200 and f">{HERE}{url}.meta4</origin>".encode() in meta4.body
    assert b">http://tokyo.example/pub/releases/f</url>" in meta4.body
    assert f">{HERE}{url}?direct</url>".encode() in meta4.body
    assert site.ask(f"{url}?json").status == 200 and site.ask(f"{url}.torrent").status == 404


def test_so_have_repositories(site):
    assert site.ask("/get/mirrorlist?repo=os").body.decode().splitlines() == [
        "http://tokyo.example/pub/releases/os/", f"{HERE}/get/os/"]
    assert f">{HERE}/get/os/{REPOMD}</url>".encode() in site.ask("/get/metalink?repo=os").body
