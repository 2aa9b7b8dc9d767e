"""MirrorRepositoryList: the mirrors of a repository, by its marker file, as a plain list and as a Metalink."""

import hashlib
import xml.etree.ElementTree as ElementTree

import pytest

import rig
from answers import COUNTRY, File

METALINK = "{http://www.metalinker.org/}"
MIRRORS = {
    "tokyo": {"http_url": "http://tokyo.example/", "https_url": "https://tokyo.example/", "country": "JP", "region": "AS"},
    "berlin": {"http_url": "http://berlin.example/a%20b/", "country": "DE", "region": "EU"},
    "paris": {"http_url": "http://paris.example/", "country": "FR", "region": "EU"},
}
MARKER = b"<repomd/>"
SHA256 = hashlib.sha256(MARKER).hexdigest()
REPOMD = "repodata/repomd.xml"
ALL = tuple(MIRRORS)
FILES = {f"pub/9/os/x86_64/{REPOMD}": File(ALL, size=len(MARKER)), f"pub/9/a b/x86_64/{REPOMD}": File(("tokyo",)),
         f"pub/9/lonely/x86_64/{REPOMD}": File(), f"pub/9/hidden/x86_64/{REPOMD}": File(ALL, staged=True),
         f"pub/9/touched/x86_64/{REPOMD}": File(ALL, pending=True), "pub/9/empty/x86_64/f": File(ALL),
         "pub/latest": File(link="pub/9"), "whole/marker": File(("paris",)), "etc/passwd": File(ALL)}
RULES = """
  MirrorRepositoryList pub/{release}/{repo}/{arch} repodata/repomd.xml release=.+ "repo=[a-z ]+" arch=x86_64|aarch64
  MirrorRepositoryList whole marker whole=1
"""
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
MirrorLastResort Off
LogFormat "%U%q %s %{MB_DECLINED}e %{MB_REPRESENTATION}e" declined
CustomLog {dir}/declined.log declined
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  <RULES>
</Location>
<Location /local>
  MirrorEngine On
  <RULES>
</Location>
<Location /near>
  MirrorEngine On
  MirrorRepositoryNear 2
  <RULES>
</Location>
<Location /db/none>
  MirrorRepositoryList None
</Location>
<Location /off>
  MirrorRepositoryList whole marker
</Location>
""".replace("<RULES>", RULES)
OS = "release=9&repo=os&arch=x86_64"
both_trees = pytest.mark.parametrize("tree", ["db", "local"])


@pytest.fixture(scope="module")
def site(make_site):
    made = make_site(CONFIG, MIRRORS, FILES)
    made.database.sql("INSERT INTO hash (file_id, version_rev, sha256, piece_bytes, sha1_pieces, btih, btih_v1, btmh, "
                      "pieces_root, mtimes) "
                      f"SELECT id, version_rev, '\\x{SHA256}', 262144, '\\x{'22' * 20}', '\\x{'33' * 20}', '\\x{'44' * 20}', "
                      f"'\\x{'55' * 32}', '\\x{'66' * 32}', ARRAY[mtime] FROM file WHERE path = 'pub/9/os/x86_64/{REPOMD}'")
    return made


def urls(answer):
    assert answer.status == 200, answer
    assert answer.get("Content-Type") == "text/plain; charset=utf-8"
    return answer.body.decode().splitlines()


@both_trees
def test_the_list_has_the_directory_s_urls_best_first(site, tree):
    listed = urls(site.ask(f"/{tree}/mirrorlist?{OS}", client=COUNTRY["jp"]))
    assert listed[0] == "http://tokyo.example/pub/9/os/x86_64/"
    assert set(listed[1:]) == {"http://berlin.example/a%20b/pub/9/os/x86_64/", "http://paris.example/pub/9/os/x86_64/"}
    assert urls(site.ask(f"/{tree}/mirrorlist?{OS}&country=fr"))[0].startswith("http://paris.example/")
    assert urls(site.ask(f"/{tree}/mirrorlist?release=9&repo=a%20b&arch=x86_64")) == ["http://tokyo.example/pub/9/a%20b/x86_64/"]
    assert urls(site.ask(f"/{tree}/mirrorlist?release=latest&repo=os&arch=x86_64&country=jp"))[0] == listed[0]
    assert urls(site.ask(f"/{tree}/mirrorlist?whole=1")) == ["http://paris.example/whole/"]


@both_trees
def test_the_metalink_is_the_marker_s(site, tree):
    answer = site.ask(f"/{tree}/metalink?{OS}&x=<\"", client=COUNTRY["jp"])
    assert (answer.status, answer.get("Content-Type")) == (200, "application/metalink+xml")
    root = ElementTree.fromstring(answer.body)
    assert root.get("origin") == f"http://redirector.example/{tree}/metalink?{OS}&x=%3C%22"
    [file] = root.iter(f"{METALINK}file")
    assert file.get("name") == "repomd.xml" and file.find(f"{METALINK}size").text == str(len(MARKER))
    assert file.find(f".//{METALINK}hash[@type='sha256']").text == SHA256
    listed = [(url.get("type"), url.text) for url in file.iter(f"{METALINK}url")]
    assert listed[:2] == [(scheme, f"{scheme}://tokyo.example/pub/9/os/x86_64/{REPOMD}") for scheme in ("http", "https")]
    assert all(kind in ("http", "https") and url.endswith(REPOMD) for kind, url in listed) and len(listed) == 4


@both_trees
@pytest.mark.parametrize("word", ["mirrorlist", "metalink"])
@pytest.mark.parametrize("query, status, declined", [
    ("", 404, "no-repository"), ("release=9&repo=os", 404, "no-repository"), (f"{OS}&repo=os", 404, "no-repository"),
    ("release=9&repo=os&arch=riscv64", 404, "no-repository"), ("release=9&repo=OS&arch=x86_64", 404, "no-repository"),
    ("release=9&repo=os&arch=x86_64%0A", 404, "no-repository"), ("release=9&repo=os&arch=xx86_64", 404, "no-repository"),
    ("release=..&repo=os&arch=x86_64", 404, "no-repository"), ("release=../../etc&repo=os&arch=x86_64", 404, "no-repository"),
    ("release=%2e%2e%2f%2e%2e&repo=os&arch=x86_64", 404, "no-repository"),
    ("release=/9&repo=os&arch=x86_64", 404, "no-repository"),
    ("release=%00&repo=os&arch=x86_64", 404, "no-repository"), ("release=%zz&repo=os&arch=x86_64", 404, "no-repository"),
    (f"release={'x' * 3000}&repo=os&arch=x86_64", 404, "no-repository"),
    ("release=8&repo=os&arch=x86_64", 404, "not-in-table"), ("release=9&repo=empty&arch=x86_64", 404, "not-in-table"),
    ("release=9&repo=hidden&arch=x86_64", 404, "not-in-table"), ("release=9&repo=lonely&arch=x86_64", 404, "no-mirror"),
    ("release=9&repo=touched&arch=x86_64", 404, "pending"), (f"{OS}&country=nowhere", 400, "-"),
])
def test_what_is_no_repository_is_said(site, tree, word, query, status, declined):
    target = f"/{tree}/{word}?{query}".rstrip("?")
    answer = site.ask(target)
    assert answer.status == status and answer.get("Content-Type") == "text/plain; charset=utf-8" and answer.body
    line = f"{target} {status} {declined} -"
    rig.wait_for(f"'{line}' in the log", lambda: line in site.logged("declined.log"))


def test_far_mirrors_are_left_out_where_enough_are_near(site):
    assert set(urls(site.ask(f"/near/mirrorlist?{OS}&country=de"))) == {
        "http://berlin.example/a%20b/pub/9/os/x86_64/", "http://paris.example/pub/9/os/x86_64/"}
    assert len(urls(site.ask(f"/near/mirrorlist?{OS}&country=jp"))) == 3
    assert b"tokyo" not in site.ask(f"/near/metalink?{OS}&country=it").body


@both_trees
@pytest.mark.parametrize("word", ["mirrorlist", "metalink"])
def test_conditional_requests_head_and_other_methods(site, tree, word):
    target = f"/{tree}/{word}?{OS}"
    first = site.ask(target)
    assert first.get("Cache-Control") == "private, no-cache"
    again = site.ask(target, headers={"If-None-Match": first.get("ETag")})
    assert (again.status, again.body) == (304, b"")
    head = site.ask(target, method="HEAD")
    assert (head.status, head.body, head.get("Content-Length")) == (200, b"", str(len(first.body)))
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert site.ask(target, method=method, headers={"Content-Length": "0"}).status == 405


@both_trees
def test_only_these_names_right_below_the_section_are_lists(site, tree):
    for target in (f"/{tree}/sub/mirrorlist?{OS}", f"/{tree}/mirrorlist/?{OS}", f"/{tree}?{OS}", f"/{tree}/mirrorlistx?{OS}",
                   f"/{tree}/meta4?{OS}", f"/{tree}/none/mirrorlist?{OS}"):
        answer = site.ask(target)
        assert answer.status in (301, 302, 404) and b"tokyo" not in answer.body, target
    assert site.ask("/off/mirrorlist").status == 404


def test_without_the_database_it_is_503(make_site, build):
    site = make_site("MirrorDatabase host=/nonexistent dbname=x\n<Location /r>\nMirrorEngine On\n"
                     "MirrorDatabaseDown Serve\nMirrorRepositoryList whole marker\n</Location>", MIRRORS, FILES)
    answer = site.ask("/r/mirrorlist")
    assert answer.status == 503 and answer.get("Retry-After")


def test_a_real_file_of_the_name_goes_before_in_a_local_tree(make_site):
    site = make_site(CONFIG, MIRRORS, FILES, tree={"local/mirrorlist": b"mine"})
    assert site.ask(f"/local/mirrorlist?{OS}").body == b"mine"
    assert site.ask(f"/local/metalink?{OS}").status == 200
