"""Every representation of files with hard names, read by a real parser: each names the file, and its URLs fetch it."""

import contextlib
import hashlib
import html.parser
import json
import os
import re
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import libtorrent
import pytest
import rig
from clients import noise

META4 = "{urn:ietf:params:xml:ns:metalink}"
METALINK3 = "{http://www.metalinker.org/}"
NAMES = [
    b"a & b < c > d \" e ' f.iso", b" two  spaces ", "größe 日本語 🚀.iso".encode(), b"tab\there", b"new\nline", b"carriage\rreturn",
    b"\x01\x1b\x7f", "next\u0085line".encode(), "\ufffe\ufdd0".encode(), "turned \u202eround".encode(), b"latin \xe9\xff.iso",
    b"\xed\xa0\x80 surrogate", b"100% #1 %41%zz", b"what?q=1&amp;r=2", b"a;b,c=d+e@f:g~", b"[x]{y}|\\^`$!*()", b"-dash", b"...",
    b"<b>&lt;title&gt;<title>", b"]]><!-- -->", b"x" * 240 + b".iso",
]
FOLDER = b"d & <e>/%2e\xe9#"
SIZE = 20_000
everywhere = pytest.mark.parametrize("name", [pytest.param(FOLDER + b"/" + name, id=ascii(name)[2:42]) for name in NAMES])


@pytest.fixture(scope="module")
def downloads(make_downloads, keep):
    def mirrors(source):
        webs.append(keep(rig.WebServer(source)))
        return {"m": {"http_url": webs[0].url, "operator_name": "A & <B> \"'", "operator_url": "http://o.example/?a=1&b=2",
                      "country": "DE"}}
    webs = []
    files = {FOLDER + b"/" + name: noise(SIZE, name) for name in NAMES}
    made = make_downloads(files, mirrors, 'MirrorMetalinkMagnets On\nMirrorPublisher "P & <Q> \'" "http://p.example/a&b/"\n'
                          "MirrorTracker http://t.example/announce?a=1&b=2\n")
    [made.web] = webs
    return made


def target(path, more=b""):
    return urllib.parse.quote_from_bytes(path + more, safe="/")


def body(downloads, path, word):
    answer = downloads.ask(f"{target(path)}.{word}")
    assert answer.status == 200, answer
    return answer.body


def is_carried(character):
    """Whether XML and HTML can say it at all."""
    point = ord(character)
    is_control = point < 32 or 127 <= point < 160
    return character in "\t\n\r" or not (is_control or point & 0xfffe == 0xfffe or 0xfdd0 <= point <= 0xfdef)


def shown(name, but=""):
    """A name as XML and HTML have it: bytes that they cannot contain, and the characters of `but`, as %XX."""
    text = os.fsencode(name).decode(errors="surrogateescape")
    return "".join(c if is_carried(c) and c not in but and not "\ud800" <= c <= "\udfff" else
                   "".join("%%%02X" % byte for byte in c.encode(errors="surrogateescape")) for c in text)


def last(path):
    return path.rpartition(b"/")[2]


def is_url_of(downloads, url, path):
    return url.startswith(downloads.web.url) and urllib.parse.unquote_to_bytes(url[len(downloads.web.url):]) == path


@everywhere
def test_the_redirect_leads_to_the_file(downloads, name):
    answer = downloads.ask(target(name))
    assert answer.status == 302 and is_url_of(downloads, answer.location, name)
    with urllib.request.urlopen(answer.location) as got:
        assert got.read() == noise(SIZE, last(name))


@everywhere
def test_metalinks(downloads, name):
    for word, space in (("meta4", META4), ("metalink", METALINK3)):
        root = ElementTree.fromstring(body(downloads, name, word))
        [file] = root.iter(f"{space}file")
        assert file.get("name") == shown(last(name))
        urls = [url.text for url in file.iter(f"{space}url")]
        http = [url for url in urls if url.startswith(downloads.web.url)]
        assert http and all(is_url_of(downloads, url, name) for url in http)
        [magnet] = [url for url in urls if url.startswith("magnet:")]
        assert magnet.encode() == body(downloads, name, "magnet").rstrip(b"\n")
        assert file.find(f"{space}size").text == str(SIZE)
        [publisher] = root.iter(f"{space}publisher")
        assert (publisher.get("name") or publisher.find(f"{space}name").text) == "P & <Q> '"


@everywhere
def test_the_torrent(downloads, name):
    torrent = libtorrent.bdecode(body(downloads, name, "torrent"))
    info = torrent[b"info"]
    assert info[b"name"] == last(name) and list(info[b"file tree"]) == [last(name)]
    assert all(is_url_of(downloads, url.decode(), name) for url in torrent[b"url-list"])
    read = libtorrent.torrent_info(torrent)
    assert read.total_size() == SIZE and read.info_hashes().has_v1() and read.info_hashes().has_v2()


@everywhere
def test_the_magnet(downloads, name):
    magnet = body(downloads, name, "magnet").decode("ascii").rstrip("\n")
    said = urllib.parse.parse_qs(magnet.partition("?")[2], encoding="utf-8", errors="surrogateescape")
    assert [os.fsencode(value) for value in said["dn"]] == [last(name)] and said["xl"] == [str(SIZE)]
    assert all(is_url_of(downloads, url, name) for url in said["ws"]) and said["tr"] == ["http://t.example/announce?a=1&b=2"]
    with urllib.request.urlopen(said["xs"][0]) as got:
        assert libtorrent.bdecode(got.read())[b"info"][b"name"] == last(name)
    assert libtorrent.parse_magnet_uri(magnet).info_hashes.has_v2()


@everywhere
def test_zsync_s_control_file(downloads, name):
    head = body(downloads, name, "zsync").partition(b"\n\n")[0]
    fields = dict(line.split(b": ", 1) for line in head.split(b"\n"))
    assert is_url_of(downloads, fields[b"URL"].decode("ascii"), name) and fields[b"Length"] == str(SIZE).encode()
    assert fields[b"Filename"].decode() == shown(last(name), but="\t\n\r")


@everywhere
def test_md5sum_checks_the_file_by_its_checksum(downloads, name):
    for word in ("md5", "sha1", "sha256", "sha512"):
        (downloads.scratch / "sums").write_bytes(body(downloads, name, word))
        said = rig.run([f"{word}sum", "--check", downloads.scratch / "sums"],
                       cwd=os.path.join(os.fsencode(downloads.source), FOLDER))
        assert said.stdout.rstrip("\n").endswith(": OK")


@everywhere
def test_json_and_the_plain_list(downloads, name):
    data = json.loads(downloads.ask(f"{target(name)}?json").body)
    as_text = name.decode(errors="surrogateescape")
    expected = "".join(c if not "\ud800" <= c <= "\udfff" else "%%%02X" % (ord(c) & 0xff) for c in as_text)
    assert data["file"]["path"] == expected and data["file"]["name"] == expected.rpartition("/")[2]
    [mirror] = data["mirrors"]
    assert is_url_of(downloads, mirror["url"], name) and mirror["operator"] == "A & <B> \"'"
    assert data["file"]["hashes"]["sha256"] == hashlib.sha256(noise(SIZE, last(name))).hexdigest()
    for word, url in data["representations"].items():
        with urllib.request.urlopen(url) as got:
            assert got.status == 200, word
    line, last_resort = downloads.ask(f"{target(name)}?mirrorlist=text").body.splitlines()
    assert is_url_of(downloads, line.decode("ascii"), name)
    assert b"/origin/" in last_resort


class Page(html.parser.HTMLParser):
    """The texts of elements by name, and all links."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.links, self._open = {}, [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self._open.append(tag)
        self.texts.setdefault(tag, []).append("")
        self.links += [value for name, value in attributes if name == "href"]

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if self._open:
            self.texts[self._open[-1]][-1] += data


@everywhere
def test_the_page(downloads, name):
    page = Page(body(downloads, name, "mirrorlist").decode())
    assert page.texts["bdi"] == [shown(last(name), but="\r")]
    assert page.texts["title"] == ["Mirrors of " + shown(last(name), but="\r")]
    assert "script" not in page.texts and "b" not in page.texts
    mirrors = [url for url in page.links if url.startswith(downloads.web.url)]
    assert len(mirrors) == 2 and all(is_url_of(downloads, url, name) for url in mirrors)
    for url in page.links:
        if url.startswith(downloads.site.httpd.url):
            with contextlib.closing(urllib.request.urlopen(url)) as got:
                assert got.status == 200
    assert [url for url in page.links if url.startswith("magnet:")] == [body(downloads, name, "magnet").decode().rstrip("\n")]


@everywhere
def test_the_headers(downloads, name):
    answer = downloads.ask(f"{target(name)}.meta4")
    plain = re.search('filename="([^"]*)"', answer.get("Content-Disposition"))[1]
    assert plain.isascii() and plain.isprintable() and not set(plain) & set("\\/%")
    try:
        utf8 = last(name).decode()
    except UnicodeDecodeError:
        assert "filename*" not in answer.get("Content-Disposition")
    else:
        extended = re.search(r"filename\*=UTF-8''(\S+)$", answer.get("Content-Disposition"))
        assert (urllib.parse.unquote(extended[1]) if extended else plain) == utf8 + ".meta4"
    links = [re.fullmatch(r"<([^>]*)>; rel=(\w+).*", link) for link in downloads.ask(target(name)).all("Link")]
    described = [link[1] for link in links if link[2] == "describedby"]
    assert described and all(urllib.parse.unquote_to_bytes(url).startswith(
        f"{downloads.site.httpd.url}files/".encode() + name + b".") for url in described)
