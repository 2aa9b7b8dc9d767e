"""Hostile requests: httpd survives each with the same processes, answers 4xx, and reveals nothing."""

import os
import re
import threading
import urllib.parse

import pytest

from answers import SIZE, Answer, File, ask, exchange
from rig.httpd import faults

MIRRORS = {"tokyo": {"http_url": "http://tokyo.example/"}}
LONG = "/".join(["d" * 255] * 7) + "/" + "x" * 256
FILES = {"f": File(("tokyo",)), "dir/f": File(("tokyo",)), LONG: File(("tokyo",)), "secret": File(staged=True),
         "quote'f": File(("tokyo",)), "back\\slash": File(("tokyo",)), "%2e%2e": File(("tokyo",)), "a%2fb": File(("tokyo",))}
CONFIG = """
MirrorDatabase {database}
MirrorExcludeFileMask "^(a|a|aa)+$" "(x+x+)+y"
LimitRequestLine 80000
LimitRequestFieldSize 80000
LogLevel mirror:debug
ServerLimit 1
StartServers 1
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
<Location /local>
  MirrorEngine On
</Location>
<VirtualHost *:{port}>
  ServerName plain.example
</VirtualHost>
<VirtualHost *:{port}>
  ServerName slashes.example
  AllowEncodedSlashes On
  MergeSlashes Off
</VirtualHost>
<VirtualHost *:{port}>
  ServerName nodecode.example
  AllowEncodedSlashes NoDecode
</VirtualHost>
<VirtualHost *:{port}>
  ServerName unsafe.example
  HttpProtocolOptions Unsafe
</VirtualHost>
"""
HOSTS = ["plain.example", "slashes.example", "nodecode.example", "unsafe.example"]
both_trees = pytest.mark.parametrize("tree", ["db", "local"])


@pytest.fixture(scope="module")
def site(make_site):
    files = {"local/f": SIZE, "local/dir/f": SIZE, "secret.txt": "nobody may see this\n" * 600, "local/quote'f": SIZE}
    site = make_site(CONFIG, MIRRORS, FILES, tree=files)
    assert site.ask("/db/f").status == 302
    return site


@pytest.fixture(autouse=True)
def _survives(site):
    children = site.httpd.children()
    yield
    assert site.httpd.children() == children
    assert faults(site.httpd.log()) == ""
    assert "mod_mirror failed" not in site.httpd.log() and "unprintable" not in site.httpd.log()
    assert site.ask("/db/f").location == "http://tokyo.example/f"


def assert_harmless(answer):
    """A 4xx, or a redirect whose headers are printable ASCII and whose path has no dot segments."""
    assert answer.status in (301, 302, 307, 400, 403, 404, 405, 413, 414, 431, 501), answer
    assert b"nobody may see this" not in answer.raw
    for name, value in answer.headers:
        assert re.fullmatch(r"[\x20-\x7e]*", value), (name, value)
    assert answer.all("Set-Cookie") == [] and answer.all("X-Evil") == []
    if answer.location:
        path = answer.location.split("?")[0].lower()
        assert not any(segment.replace("%2e", ".") in (".", "..") for segment in path.split("/"))


UP = ["..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..%2f", "..%5c", "..\\", "%c0%ae%c0%ae", "..;", "..%00", "%u002e%u002e",
      "%uff0e.", "..%09", ".%0a.", "%2e%2e%2f"]


@both_trees
@pytest.mark.parametrize("host", HOSTS)
def test_nobody_climbs_out_of_the_tree(site, tree, host):
    for up in UP:
        for path in (f"{up}/secret.txt", f"dir/{up}/{up}/{up}/secret.txt", up, f"dir/{up}/"):
            target = f"/{tree}/{path}"
            answer = site.ask(target, host=host)
            if answer.status == 200:  # httpd has resolved `..` before anybody saw the URL, which may name that file
                assert os.path.normpath(urllib.parse.unquote(target)) == "/secret.txt"
            else:
                assert_harmless(answer)


@both_trees
@pytest.mark.parametrize("path", ["f%00", "%00", "f%00.html", "dir%00/f", "f%", "f%4", "f%zz", "f%%", "%2", "f%00%0d%0a"])
def test_broken_escapes_and_nul_are_bad_requests(site, tree, path):
    for host in HOSTS:
        answer = site.ask(f"/{tree}/{path}", host=host)
        assert answer.status in (400, 404), answer
        assert answer.location is None


@both_trees
@pytest.mark.parametrize("length", [2048, 2049, 4096, 8000, 65536])
def test_long_paths_are_just_not_found(site, tree, length):
    for path in ("x" * length, "x/" * (length // 2), "%ff" * (length // 3), "/" * length, "../" * (length // 3)):
        assert_harmless(site.ask(f"/{tree}/{path}"))


def test_the_longest_path_is_redirected_and_a_longer_one_is_none(site):
    assert site.ask("/db/" + LONG).location == "http://tokyo.example/" + LONG
    assert site.ask("/db/" + LONG + "x").status == 404


@pytest.mark.parametrize("line", [b"GET /db/f" + b"A" * 100_000 + b" HTTP/1.1", b"GET /db/f?" + b"a=b&" * 30_000 + b" HTTP/1.1"])
def test_longer_lines_than_httpd_takes_are_414(site, line):
    assert Answer(exchange(site.httpd, line + b"\r\nHost: x\r\n\r\n")).status == 414


@both_trees
def test_every_byte_may_stand_in_a_path(site, tree):
    for value in range(1, 256):
        for target in (b"/%s/b%%%02x" % (tree.encode(), value), b"/%s/%c" % (tree.encode(), value)):
            answer = ask(site.httpd, target)
            assert_harmless(answer)


@both_trees
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", [
    "f%0d%0aX-Evil:%201", "%0d%0a%0d%0a<html>", "f?x=%0d%0aX-Evil:1", "dir/%0aX-Evil: 1/?a=\r\nX-Evil: 1",
    "dir/?\tX-Evil\x7f\x01", "dir/?\x0bX\x0c\"<>", "%E2%80%AE/", "f\x00\r\nX-Evil: 1", "nowhere/?a=\rX-Evil: 1"])
def test_no_header_can_be_smuggled_in(site, tree, host, path):
    for method in ("GET", "POST"):
        head = f"{method} /{tree}/{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        answer = Answer(exchange(site.httpd, head.encode()))
        assert answer.status == 200 or assert_harmless(answer) is None
        assert answer.all("X-Evil") == []


SQL = ["'", "''", "\\'", "f'; DROP TABLE file; --", "f' OR '1'='1", "%27%20UNION%20SELECT%20*--", "$1", "$$", "\\x66", "f\\", "%",
       "_", "{f}", "NULL", "\"f\"", "f/**/", "%EF%BC%87", "%bf%27"]


def test_sql_means_nothing(site):
    before = site.database.sql("SELECT count(*), sum(size) FROM file")
    for path in SQL:
        target = path.replace(" ", "%20")
        for where in (f"/db/{target}", f"/db/f?country={target}", f"/db/f?as={target}", f"/db/f?x={target}", f"/local/{target}"):
            assert_harmless(site.ask(where, headers={"User-Agent": path, "Referer": path}))
    assert site.ask("/db/quote'f").location == "http://tokyo.example/quote%27f"
    assert site.database.sql("SELECT count(*), sum(size) FROM file") == before


@both_trees
@pytest.mark.parametrize("query", [
    "country=", "country=d", "country=deu", "country=%64", "country=d%00", "country=**", "country=xx", "country=d'", "country",
    "as=", "as=0", "as=-1", "as=4294967296", "as=1.5", "as=0x10", "as=1e3", "as=" + "9" * 5000, "as=1%00", "as=AS1", "as",
    "country=de&country=1", "as=1;as=x", "country=de&as=%ff", "country=de%0d%0aX-Evil:1", "COUNTRY=%C3%A4"])
def test_malformed_overrides_are_400_in_lists_and_ignored_in_downloads(site, tree, query):
    answer = site.ask(f"/{tree}/f?{query}")
    assert_harmless(answer)
    assert answer.status == 302
    answer = site.ask(f"/{tree}/f?mirrorlist&{query}")
    ignored = query in ("country", "as", "country=xx") or query.startswith("COUNTRY")
    assert answer.status == (200 if ignored else 400)
    if not ignored:
        assert_harmless(answer)
        assert answer.get("Content-Type") == "text/plain; charset=utf-8"
        assert answer.body == b"country= takes two-letter country codes or global, as= an AS number from 1 to 4294967295.\n"


@both_trees
@pytest.mark.parametrize("query", [
    "&" * 60_000, "a" * 60_000, "a=b&" * 15_000, "country=de&" * 5000, "%" * 20_000, "%ff" * 20_000, "=" * 60_000, ";=&" * 20_000,
    "?" * 1000, "a[]" * 1000, "\x01\x02".encode().hex() * 100])
def test_absurd_queries_change_nothing(site, tree, query):
    answer = site.ask(f"/{tree}/f?{query}")
    assert (answer.status, answer.location) == (302, "http://tokyo.example/f")
    folder = site.ask(f"/db/dir/?{query}")
    assert folder.status == 302 and folder.location.startswith("http://origin.example/dir/")


@both_trees
def test_regular_expressions_that_explode_do_not(site, tree):
    for path in ("a" * 2000 + "!", "x" * 2000):
        assert_harmless(site.ask(f"/{tree}/{path}"))


@both_trees
@pytest.mark.parametrize("headers", [
    {"User-Agent": "a" * 70_000}, {"User-Agent": b"\x80\xff\xc0\xaf"}, {"If-None-Match": '"' * 70_000},
    {"If-None-Match": "W/" * 30_000},
    {"If-Modified-Since": "Tue, 99999999999 Nov 2023 22:13:20 GMT"}, {"X-Forwarded-For": "' OR 1=1"},
    {"Range": "bytes=" + "0-1," * 10_000},
    {"Accept": "application/metalink4+xml;q=" + "9" * 5000}])
def test_absurd_headers_change_nothing(site, tree, headers):
    assert site.ask(f"/{tree}/f", headers=headers).location == "http://tokyo.example/f"


@pytest.mark.parametrize("request_bytes", [
    b"GET http://evil.example/db/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET //evil.example/db/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /db/f HTTP/1.0\r\n\r\n",
    b"GET /db/f\r\n",
    b"GET db/f HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET \\db\\f HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"CONNECT /db/f:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"TRACE /db/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GE\0T /db/f HTTP/1.1\r\nHost: x\r\n\r\n",
    b"FROBNICATE /db/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /db/f HTTP/1.1\r\n\r\n",
    b"GET /db/f HTTP/9.9\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PUT /db/f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
    b"POST /db/f HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\nabc",
])
def test_odd_requests_are_answered_as_httpd_would(site, request_bytes):
    raw = exchange(site.httpd, request_bytes)
    if raw.startswith(b"HTTP/"):
        assert int(raw.split()[1]) in (200, 302, 307, 400, 404, 405, 413, 501, 505), raw[:300]
    # What describes the file is at this server by the name that the client gave it, as in httpd's own redirects.
    head = [line for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n") if b"rel=describedby" not in line]
    assert b"evil.example" not in b"".join(head) or raw.split()[1] == b"400"


@pytest.mark.parametrize("path", ["secret", "secret/", "secret/x", "secret?meta4", "secret.meta4"])
def test_staged_files_look_like_absent_ones(site, path):
    for method in ("GET", "HEAD"):
        staged, absent = (site.ask(f"/db/{path.replace('secret', name)}", method=method) for name in ("secret", "absent"))
        assert staged.status == absent.status
        assert staged.body.replace(b"secret", b"absent") == absent.body
        names = [name for name, value in staged.headers]
        assert names == [name for name, value in absent.headers]


def test_many_clients_that_break_off_do_no_harm(site):
    def break_off():
        for _ in range(20):
            exchange(site.httpd, b"GET /db/f HTTP/1.1\r\nHost: x\r\n")
            exchange(site.httpd, b"GET /db/f HT")
    threads = [threading.Thread(target=break_off) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
