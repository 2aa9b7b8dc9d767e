"""Representations as httpd sends them: how to ask for them, their headers, and the answer if there is none."""

import hashlib
import json
import xml.etree.ElementTree as ElementTree
import zlib

import pytest

import rig
from answers import COUNTRY, File

META4 = "{urn:ietf:params:xml:ns:metalink}"
CONTENT = b"content\n" * 1250
MTIME = rig.tree.DEFAULT_MTIME
SHA256 = hashlib.sha256(CONTENT).digest()
MIRRORS = {
    "tokyo": {"http_url": "http://tokyo.example/", "https_url": "https://tokyo.example/", "country": "JP", "region": "AS",
              "operator_name": "A & <B>"},
    "berlin": {"http_url": "http://berlin.example/pub/", "country": "DE", "region": "EU"},
}
ODD = "odd/a & <b> \"c\" 'd' grüße\x1b.iso"
FILES = {name: File(("tokyo", "berlin")) for name in ("f", "real", "real.meta4", "small.iso", "denied", ODD)}
FILES["nowhere"] = File()
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
MirrorExcludeUserAgent excluded*
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  SetOutputFilter DEFLATE
</Location>
<Location /local>
  MirrorEngine On
</Location>
<Files denied>
  Require all denied
</Files>
"""
LAST_RESORT = {"db": "http://origin.example/%s", "local": "http://redirector.example/local/%s?direct"}
both_trees = pytest.mark.parametrize("tree", ["db", "local"])


@pytest.fixture(scope="module")
def site(make_site):
    tree = {f"local/{name}": CONTENT for name in FILES}
    made = make_site(CONFIG, MIRRORS, FILES, tree=tree, modules=("deflate", "filter"))
    made.database.sql("INSERT INTO hash (file_id, version_rev, sha256, md5, mtimes) SELECT id, version_rev, "
                      f"'\\x{SHA256.hex()}', '\\x{hashlib.md5(CONTENT).hexdigest()}', ARRAY[mtime] "
                      f"FROM file WHERE path <> 'nowhere'")
    return made


@both_trees
def test_a_metalink_lists_the_mirrors_nearest_first(site, tree):
    for target in (f"/{tree}/f.meta4", f"/{tree}/f?meta4"):
        answer = site.ask(target, client=COUNTRY["jp"])
        assert (answer.status, answer.get("Content-Type")) == (200, "application/metalink4+xml")
        assert answer.get("Content-Disposition") == 'attachment; filename="f.meta4"'
        file = ElementTree.fromstring(answer.body).find(f"{META4}file")
        assert [url.text for url in file.findall(f"{META4}url")] == [
            "http://tokyo.example/f", "https://tokyo.example/f", "http://berlin.example/pub/f", LAST_RESORT[tree] % "f"]
        assert file.find(f"{META4}hash[@type='sha-256']").text == SHA256.hex()
        assert ElementTree.fromstring(answer.body).find(f"{META4}origin").text == f"http://redirector.example/{tree}/f.meta4"


@both_trees
def test_accept_negotiates_a_metalink(site, tree):
    for accept, kind in (("application/metalink4+xml, */*", "application/metalink4+xml"),
                         ("application/metalink+xml", "application/metalink+xml")):
        answer = site.ask(f"/{tree}/f", headers={"Accept": accept})
        assert answer.status == 200 and answer.get("Content-Type") == kind and "Accept" in answer.get("Vary")
    plain = site.ask(f"/{tree}/f", headers={"Accept": "*/*"})
    assert plain.status == 302 and "Accept" in plain.get("Vary")


@both_trees
def test_redirects_carry_digests_and_descriptions(site, tree):
    answer = site.ask(f"/{tree}/f", headers={"Want-Digest": "md5;q=0.3, sha-256;q=1"})
    assert answer.get("Digest").startswith("SHA-256=") and ", MD5=" in answer.get("Digest")
    assert answer.get("Repr-Digest").startswith("sha-256=:")
    assert f'<http://redirector.example/{tree}/f.meta4>; rel=describedby; type="application/metalink4+xml"' in answer.all("Link")


@both_trees
def test_checksums_are_md5sum_s(site, tree):
    assert site.ask(f"/{tree}/f.sha256").body == f"{SHA256.hex()}  f\n".encode()
    assert site.ask(f"/{tree}/f?md5").body == f"{hashlib.md5(CONTENT).hexdigest()}  f\n".encode()


@both_trees
@pytest.mark.parametrize("word", ["torrent", "magnet", "zsync", "sha1", "btih"])
def test_what_is_missing_is_said(site, tree, word):
    for target in (f"/{tree}/f.{word}", f"/{tree}/f?{word}"):
        answer = site.ask(target)
        assert answer.status == 404 and word.encode() in answer.body


@both_trees
def test_a_real_file_goes_before_a_representation(site, tree):
    answer = site.ask(f"/{tree}/real.meta4")
    assert answer.status == 302 and answer.location.endswith("/real.meta4")


@both_trees
def test_exclusions_and_sizes_do_not_apply(site, tree):
    agent = {"User-Agent": "excluded 1"}
    assert site.ask(f"/{tree}/f.meta4", headers=agent).status == 200
    assert site.ask(f"/{tree}/f?sha256", headers=agent).status == 200
    negotiated = site.ask(f"/{tree}/f", headers={**agent, "Accept": "application/metalink4+xml"})
    assert negotiated.get("Content-Type") != "application/metalink4+xml"


@both_trees
def test_without_a_mirror_lists_have_the_last_resort(site, tree):
    for word in ("meta4", "metalink", "mirrorlist=text"):
        answer = site.ask(f"/{tree}/nowhere?{word}")
        assert answer.status == 200 and answer.body.decode().count(LAST_RESORT[tree] % "nowhere") == 1
    assert json.loads(site.ask(f"/{tree}/nowhere?json").body)["mirrors"] == []


@both_trees
@pytest.mark.parametrize("word", ["meta4", "metalink", "sha256", "mirrorlist", "json", "mirrorlist=text"])
def test_conditional_requests_and_head(site, tree, word):
    first = site.ask(f"/{tree}/f?{word}")
    again = site.ask(f"/{tree}/f?{word}", headers={"If-None-Match": first.get("ETag")})
    assert (again.status, again.body, again.get("ETag")) == (304, b"", first.get("ETag"))
    since = site.ask(f"/{tree}/f?{word}", headers={"If-Modified-Since": first.get("Last-Modified")})
    assert since.status == 304
    head = site.ask(f"/{tree}/f?{word}", method="HEAD")
    assert head.status == 200 and head.body == b"" and head.get("ETag") == first.get("ETag")
    assert head.get("Content-Length") == str(len(first.body))


def test_compression_works_with_conditional_requests(site):
    packed = site.ask("/db/f?json", headers={"Accept-Encoding": "gzip"})
    assert packed.get("Content-Encoding") == "gzip" and "Accept-Encoding" in ",".join(packed.all("Vary"))
    body = packed.body if packed.get("Transfer-Encoding") is None else packed.body.partition(b"\r\n")[2]
    assert b'"version":1' in zlib.decompressobj(31).decompress(body)
    again = site.ask("/db/f?json", headers={"Accept-Encoding": "gzip", "If-None-Match": packed.get("ETag")})
    assert again.status == 304


@both_trees
def test_any_name_comes_through_a_real_parser(site, tree):
    target = f"/{tree}/odd/a%20&%20%3Cb%3E%20%22c%22%20'd'%20gr%C3%BC%C3%9Fe%1B.iso"
    for word, path in (("meta4", f"{META4}file"), ("metalink", ".//{http://www.metalinker.org/}file")):
        root = ElementTree.fromstring(site.ask(f"{target}?{word}").body)
        assert root.find(path).get("name") == ODD.partition("/")[2].replace("\x1b", "%1B")
    assert json.loads(site.ask(f"{target}?json").body)["file"]["path"] == ODD
    assert site.ask(f"{target}?mirrorlist=text", client=COUNTRY["jp"]).body.split(b"\n")[0] == \
        b"http://tokyo.example/odd/a%20%26%20%3Cb%3E%20%22c%22%20%27d%27%20gr%C3%BC%C3%9Fe%1B.iso"


@both_trees
def test_the_page_escapes_what_it_shows(site, tree):
    page = site.ask(f"/{tree}/f.mirrorlist", client=COUNTRY["jp"])
    assert page.get("Content-Type") == "text/html; charset=utf-8"
    assert b"A &amp; &lt;B&gt;" in page.body and b"In Japan" in page.body and b"<script" not in page.body


def test_access_control_of_the_file_holds_for_its_representations(site):
    assert site.ask("/local/denied").status == 403
    assert site.ask("/local/denied.meta4").status in (403, 404)
    assert site.ask("/local/denied?meta4").status == 403
