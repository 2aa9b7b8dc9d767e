"""What directives make of representations: who publishes, which there are, what torrents name, what the page looks like."""

import hashlib
import json
import urllib.parse
import xml.etree.ElementTree as ElementTree

import pytest

import rig
from answers import File

META4 = "{urn:ietf:params:xml:ns:metalink}"
CONTENT = b"content\n" * 1250
MIRRORS = {"tokyo": {"http_url": "http://tokyo.example/", "country": "JP"},
           "berlin": {"http_url": "http://berlin.example/pub/", "country": "DE"}}
FILES = {"f": File(("tokyo", "berlin")), "sub/f": File(("tokyo",)), "bare/f": File(("tokyo",))}
HASHES = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "sha1": "11" * 20, "sha1_pieces": "22" * 20, "btih_v1": "33" * 20,
          "btih": "44" * 20, "btmh": "55" * 32, "pieces_root": "66" * 32}
TREES = """
MirrorDatabase {database}
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
<Location /local>
  MirrorEngine On
</Location>
"""
PUBLISHED = """
MirrorPublisher "P & Q" https://p.example/
MirrorTracker udp://t.example:1/announce http://t.example/a
MirrorTracker https://second.example/announce
MirrorDhtNode router.example:6881 [2001:db8::1]:6882
MirrorDhtNode 192.0.2.1:1
"""
both_trees = pytest.mark.parametrize("tree", ["db", "local"])


@pytest.fixture(scope="module")
def make_hashed_site(make_site):
    def make(config, files=None):
        tree = {f"local/{name}": CONTENT for name in FILES} | (files or {})
        site = make_site(config, MIRRORS, FILES, tree=tree)
        columns, values = ", ".join(HASHES), ", ".join(f"'\\x{digest}'::bytea" for digest in HASHES.values())
        site.database.sql(f"INSERT INTO hash (file_id, version_rev, piece_bytes, mtimes, {columns}) "
                          f"SELECT id, version_rev, 262144, ARRAY[mtime], {values} FROM file")
        return site
    return make


@both_trees
def test_metalinks_and_lists(make_hashed_site, tree):
    site = make_hashed_site(PUBLISHED + "MirrorListLimit 1\nMirrorTorrentForm v1\nMirrorHashesSuppressFilenames On\n"
                            "MirrorMetalinkMagnets On\nMirrorLastResort NoMirror\n" + TREES)
    root = ElementTree.fromstring(site.ask(f"/{tree}/f.meta4").body)
    assert root.find(f".//{META4}publisher").attrib == {"name": "P & Q", "url": "https://p.example/"}
    assert any(url.text.startswith("magnet:?xt=urn:btih:") for url in root.iter(f"{META4}url"))
    assert site.ask(f"/{tree}/f?mirrorlist=text").body.count(b"\n") == 1
    assert site.ask(f"/{tree}/f.btih").body == b"33" * 20 + b"\n"
    assert b"meta version" not in site.ask(f"/{tree}/f.torrent").body


@both_trees
def test_trackers_keep_their_tiers_and_nodes_their_ports(make_hashed_site, tree):
    site = make_hashed_site(PUBLISHED + TREES)
    torrent = site.ask(f"/{tree}/f.torrent").body
    assert (b"8:announce26:udp://t.example:1/announce13:announce-listll26:udp://t.example:1/announce18:http://t.example/ae"
            b"l31:https://second.example/announceee") in torrent
    assert b"5:nodesll14:router.examplei6881eel11:2001:db8::1i6882eel9:192.0.2.1i1eee" in torrent
    magnet = urllib.parse.parse_qs(site.ask(f"/{tree}/f.magnet").body.decode().strip().partition("?")[2])
    assert magnet["tr"] == ["udp://t.example:1/announce", "http://t.example/a", "https://second.example/announce"]


@both_trees
def test_what_is_turned_off_is_nowhere(make_hashed_site, tree):
    site = make_hashed_site("MirrorRepresentations -torrent\nMirrorRepresentations -meta4 -zsync\n" + TREES
                            + f"<Location /{tree}/sub>\nMirrorRepresentations sha256\n</Location>\n"
                            + f"<Location /{tree}/bare>\nMirrorRepresentations None\n</Location>\n")
    assert site.ask(f"/{tree}/f.metalink").status == 200
    for word in ("torrent", "meta4"):
        assert site.ask(f"/{tree}/f.{word}").status == 404
        answer = site.ask(f"/{tree}/f?{word}")
        assert answer.status == 404 and b"turned off" in answer.body
    assert not any("f.meta4" in link or "f.torrent" in link for link in site.ask(f"/{tree}/f").all("Link"))
    data = json.loads(site.ask(f"/{tree}/f?json").body)["representations"]
    assert "metalink" in data and "torrent" not in data and "meta4" not in data
    # An ending that is turned off is none: the file before it has representations of its own.
    accept = {"Accept": "application/metalink4+xml"}
    plain = site.ask(f"/{tree}/f", headers=accept)
    assert plain.status == 302 and plain.get("Vary") == "Accept"
    assert site.ask(f"/{tree}/f", headers={"Accept": "application/metalink+xml"}).status == 200
    assert [site.ask(f"/{tree}/sub/f.{word}").status for word in ("sha256", "metalink", "mirrorlist")] == [200, 404, 404]
    bare = site.ask(f"/{tree}/bare/f", headers=accept)
    assert bare.status == 302 and bare.get("Vary") is None and bare.all("Link") == []
    assert site.ask(f"/{tree}/bare/f?sha256").status == 404


@both_trees
def test_header_footer_and_style_of_the_page(make_hashed_site, tree, scratch):
    (scratch / "header.html").write_text('<nav class="ours">Zurück &amp; vor</nav>')
    (scratch / "empty.html").write_text("")
    (scratch / "footer.html").write_text("<footer>our footer</footer>")
    page = (f"MirrorListHeader {scratch}/header.html\nMirrorListFooter {scratch}/footer.html\n"
            "MirrorListStyleSheet '/our.css?a&b'\n")
    site = make_hashed_site(page + "MirrorPublisher Publisher\n" + TREES
                            + f"<Location /{tree}/sub>\nMirrorListHeader None\nMirrorListFooter None\n"
                            "MirrorListStyleSheet None\n</Location>\n"
                            + f"<Location /{tree}/bare>\nMirrorListHeader {scratch}/empty.html\n</Location>\n")
    body = site.ask(f"/{tree}/f.mirrorlist").body.decode()
    assert '<body>\n<nav class="ours">Zurück &amp; vor</nav>\n<main>' in body and "Publisher" not in body
    assert "</main>\n<footer>our footer</footer>\n</body>" in body
    assert '<link rel="stylesheet" href="/our.css?a&amp;b">' in body and "<style>" not in body
    built_in = site.ask(f"/{tree}/sub/f.mirrorlist").body.decode()
    assert "<style>" in built_in and "<header><p>Publisher</p></header>" in built_in and "our footer" not in built_in
    assert "<body>\n\n<main>" in site.ask(f"/{tree}/bare/f.mirrorlist").body.decode()


def test_a_changed_header_shows_after_a_graceful_restart(make_hashed_site, scratch):
    (scratch / "header.html").write_text("first")
    site = make_hashed_site(f"MirrorListHeader {scratch}/header.html\n" + TREES)
    assert b"<body>\nfirst\n" in site.ask("/db/f.mirrorlist").body
    (scratch / "header.html").write_text("second")
    assert b"<body>\nfirst\n" in site.ask("/db/f.mirrorlist").body
    site.httpd.graceful()
    rig.wait_for("the new header", lambda: b"<body>\nsecond\n" in site.ask("/db/f.mirrorlist").body)
