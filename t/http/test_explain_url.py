"""mb explain URL: the running httpd does what it says it would do, and explains to nobody else."""

import json
import socket
import subprocess
import threading

import pytest

import rig
from answers import COUNTRY, NOWHERE, SIZE, Answer, File, ask, exchange

MIRRORS = {
    "berlin": {"http_url": "http://berlin.example/pub/", "https_url": "https://berlin.example/", "country": "DE", "region": "EU"},
    "paris": {"http_url": "http://paris.example/", "country": "FR", "region": "EU"},
    "tokyo": {"http_url": "http://tokyo.example/", "country": "JP", "region": "AS", "country_only": True},
    "off": {"http_url": "http://off.example/", "country": "DE", "enabled": False},
    "self": {"http_url": "http://redirector.example/local/", "country": "DE"},
    "empty": {"http_url": "http://empty.example/", "country": "DE"},
}
ALL = ("berlin", "paris", "tokyo", "off", "self")
NAMES = ("f", "odd name 100%.iso", "secret.key", "cut/f", "denied/f", "private/f", "fb/tokyo-only", "differs", "off/f")
FILES = {name: File(ALL) for name in NAMES} | {
    "fb/tokyo-only": File(("tokyo",)), "small": File(ALL, size=100), "grace": File(ALL, gone_s=3600),
    "gone": File(ALL, gone_s=2 * 86400), "pending": File(ALL, pending=True), "nowhere": File(), "link": File(link="f"),
    "to-denied": File(link="denied/f"), "to-private": File(link="private/f"), "only-grace": File(("paris",), gone_s=60)}
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
MirrorExplain Loopback
MirrorStickiness 0
RemoteIPHeader X-Told-By-Balancer
<LocationMatch ^/(db|local)>
  MirrorEngine On
  MirrorExcludeFileMask \\.nothing$ \\.key$
  MirrorExcludeNetwork 127.0.14.0/24
  MirrorExcludeUserAgent "nobody" "old/*"
</LocationMatch>
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/o/
</Location>
<Location /local>
  MirrorEngine On
  MirrorDatabase {database}
</Location>
<LocationMatch ^/(db|local)/fb/>
  MirrorFallback EU - http://eu.example/
  MirrorFallback - - http://all.example/
</LocationMatch>
<LocationMatch ^/(db|local)/denied/>
  Require all denied
</LocationMatch>
<LocationMatch ^/(db|local)/private/>
  Require ip 127.0.11.0/24
</LocationMatch>
<Location /local/off>
  MirrorEngine Off
</Location>
<Location /db/silent>
  MirrorExplain Off
</Location>
<Location /status>
  SetHandler server-status
</Location>
"""
TREE = {f"local/{name}": SIZE for name in ("f", "odd name 100%.iso", "secret.key", "denied/f", "private/f", "fb/tokyo-only",
                                             "off/f", "nowhere", "pending", "unknown")} | {
    "local/small": 100, "local/differs": SIZE + 1, "local/folder/f": SIZE}
HOST = "http://redirector.example"
SAME = ("Date", "Age")


@pytest.fixture(scope="module", params=["database", "catalog"])
def site(request, make_site, authority):
    catalog = request.param == "catalog"
    config = CONFIG if catalog else CONFIG + "MirrorCatalog Off\n"
    names = ("redirector.example",)
    site = make_site(config, MIRRORS, FILES, tree=TREE, tls=authority, names=names, catalog=catalog)
    site.source = request.param
    if catalog:
        rig.wait_for("the catalog", lambda: "catalog" in (explain(site, "/db/f").get("known_from") or ""))
    return site


def config_of(site):
    return CONFIG.replace("{database}", site.database.conninfo()).replace("{geo}", str(site.geo))


def mb(site, target, *args, host=HOST):
    return site.database.tool("mb", "explain", host + target, "--connect", f"127.0.0.1:{site.httpd.port}", *args, check=False)


def explain(site, target, *args):
    done = mb(site, target, "--json", *args)
    assert (done.returncode, done.stderr) == (0, ""), done
    return json.loads(done.stdout)


def wish(form="text", **more):
    return {"X-Mirror-Explain": form, **more}


def told(answer):
    """All that a client can see but the clock."""
    return answer.status, [header for header in answer.headers if header[0] not in SAME], answer.body


def is_plain(site, target, headers, **options):
    plain = {name: value for name, value in headers.items() if not name.startswith("X-Mirror-Explain")}
    return told(site.ask(target, headers=headers, **options)) == told(site.ask(target, headers=plain, **options))


@pytest.mark.parametrize("client", [COUNTRY["de"], COUNTRY["fr"], COUNTRY["jp"], COUNTRY["br"], NOWHERE])
@pytest.mark.parametrize("target", [
    *(f"/{tree}/{name}" for tree in ("db", "local") for name in (
        "f", "odd%20name%20100%25.iso", "secret.key", "small", "grace", "gone", "pending", "nowhere", "fb/tokyo-only", "unknown",
        "none", "link", "f?country=jp", "f?country=fr&as=64496", "only-grace")),
    "/local/differs", "/local/f?direct", "/local/off/f", "/db/f?nonsense"])
def test_it_does_what_it_says(site, target, client):
    answer = site.ask(target, client=client, headers={"User-Agent": "curl/8"})
    said = explain(site, target, "--ip", client, "--user-agent", "curl/8")["answer"]
    if answer.status == 302:
        assert (said["status"], said["url"]) == (302, answer.location)
    elif answer.status == 200:
        words = "httpd answers without mod_mirror" if "/off/" in target else "httpd sends the file itself"
        assert (said["status"], said["url"]) == (None, None) and words in said["text"]
    else:
        assert answer.status == 404 and (said["status"] == 404 or "no such file on its disk" in said["text"])


@pytest.mark.parametrize("target, words", [
    ("/db/f.meta4", "the file's meta4,"), ("/db/f?mirrorlist", "the file's mirrorlist,"), ("/local/f.mirrorlist", "the file's mirrorlist,"),
    ("/db/f.zsync", "no mirror: 404, There is no zsync of this file"), ("/db/f?mirrorlist&country=xxx", "no mirror: 400, country=")])
def test_representations_are_told(site, target, words):
    answer, said = site.ask(target), explain(site, target)["answer"]
    assert said["status"] == answer.status and said["text"].startswith(words)
    if answer.status == 200:
        assert f"{len(answer.body):,} bytes" in said["text"]


@pytest.mark.parametrize("target, args, declined, because", [
    ("/db/secret.key", (), "file-mask", "MirrorExcludeFileMask excludes it by its pattern number 2"),
    ("/local/secret.key", (), "file-mask", "MirrorExcludeFileMask excludes it by its pattern number 2"),
    ("/db/small", (), "min-size", "the file is smaller than MirrorMinSize, 4,096 bytes"),
    ("/local/small", (), "min-size", "the file is smaller than MirrorMinSize, 4,096 bytes"),
    ("/db/f", ("--ip", COUNTRY["br"]), "network", "MirrorExcludeNetwork 127.0.14.0/24 excludes the client"),
    ("/db/f", ("--user-agent", "old/1"), "user-agent", "MirrorExcludeUserAgent excludes it by its pattern number 2"),
    ("/local/differs", (), "version-differs", "the file on disk is missing, or is not the version that the table has"),
    ("/local/grace", (), None, None), ("/local/gone", (), "not-in-table", "the table has no such file"),
    ("/db/pending", (), "pending", "the file was touched at the source and is not yet hashed again"),
    ("/db/nowhere", (), "no-mirror", "no mirror that has the file may serve this client, and no MirrorFallback fits"),
    ("/db/fb/tokyo-only", (), None, "no mirror that has the file may serve this client: MirrorFallback"),
    ("/local/f?direct", (), "direct", "the query asks for this server's own file"),
    ("/local/folder/", (), None, "it is a directory, or another module's"), ("/db/x/", (), "directory", "it is a directory"),
    ("/local/off/f", (), None, "MirrorEngine is Off"), ("/status", (), None, "MirrorEngine is Off")])
def test_the_reason_names_the_directive(site, target, args, declined, because):
    said = explain(site, target, *args)["answer"]
    assert (said["declined"], said["because"]) == (declined, because)


def test_every_mirror_is_told_of(site):
    said = explain(site, "/local/f", "--ip", COUNTRY["de"])
    assert [c["mirror"] for c in said["candidates"]] == ["berlin", "paris"]
    assert said["candidates"][0]["url"] == "http://berlin.example/pub/f"
    assert {r["mirror"]: r["reason"] for r in said["rejected"]} == {
        "tokyo": "only its country", "off": "disabled", "self": "its URL is this server's own",
        "empty": "does not have this version of the file"}
    assert said["client"]["address"] == COUNTRY["de"] and said["client"]["country"] == "DE"
    assert said["file"]["size"] == SIZE and said["file"]["path"] == "f" and said["not_looked_at"] is None
    assert said["seen_by"] == f"127.0.0.1:{site.httpd.port}"
    assert said["known_from"].startswith(f"the {site.source} ")


def test_what_is_excluded_is_ranked_all_the_same(site):
    said = explain(site, "/db/secret.key", "--ip", COUNTRY["de"])
    assert [c["mirror"] for c in said["candidates"]] == ["self", "berlin", "paris"] and said["file"]["path"] == "secret.key"


def test_a_catalog_knows_when_the_grace_ends(site):
    file = explain(site, "/db/grace")["file"]
    assert file["is_gone"] is True
    assert (file["grace_ends"] is not None) == (site.source == "catalog")
    words = "redirected until" if site.source == "catalog" else "within its grace time"
    assert words in mb(site, "/db/grace").stdout


def test_it_is_readable(site):
    lines = mb(site, "/db/odd%20name%20100%25.iso", "--ip", COUNTRY["fr"]).stdout.splitlines()
    assert lines[0] == f"as httpd at 127.0.0.1:{site.httpd.port} sees it"
    assert lines[1].startswith("client ") and "FR France" in lines[1]
    assert any(line.split(None, 2)[:2] == ["goes", "to"] and line.endswith("http://paris.example/odd%20name%20100%25.iso (302)")
               for line in lines)
    assert any(line.split()[:3] == ["1", "paris", "country"] for line in lines)
    assert any(line.split() == ["off", "disabled"] for line in lines)
    assert "  http://origin.example/o/nowhere (302, MirrorOrigin)\n" in mb(site, "/db/nowhere").stdout


def test_a_country_goes_into_the_query(site):
    said = explain(site, "/db/f", "--country", "jp")
    assert said["answer"]["url"] == site.ask("/db/f?country=jp").location == "http://tokyo.example/f"
    assert explain(site, "/db/f?x=1#fragment", "--country", "jp", "--as", "64496")["answer"]["url"] == "http://tokyo.example/f"


def test_https_is_asked_with_its_certificate_checked(site, authority):
    target = ("--connect", f"127.0.0.1:{site.httpd.tls_port}")
    trusted = ("--cacert", authority.ca_file)

    def over_tls(host, *args):
        return site.database.tool("mb", "explain", f"https://{host}/db/f", *target, "--json", *args, check=False)

    assert json.loads(over_tls("redirector.example", *trusted).stdout)["answer"]["url"] == "https://berlin.example/f"
    for host, args in (("redirector.example", ()), ("another.example", trusted)):
        done = over_tls(host, *args)
        assert done.returncode == 1 and "certificate" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("target", ["/db/denied/f", "/local/denied/f", "/db/private/f", "/db/to-denied", "/db/to-private"])
@pytest.mark.parametrize("args", [(), ("--ip", COUNTRY["jp"])])
def test_what_is_refused_is_not_explained(site, target, args):
    """By the rules for this machine's own request: to claim to be somebody else helps nobody."""
    done = mb(site, target, *args)
    assert done.returncode == 1 and done.stdout == "" and "access rules" in done.stderr and "berlin" not in done.stderr
    assert is_plain(site, target, wish())


def test_an_excluded_link_tells_nothing_of_what_it_may_not_lead_to(site):
    said = explain(site, "/db/to-denied", "--ip", COUNTRY["br"])
    assert said["answer"]["declined"] == "network" and said["file"] is None and said["candidates"] == said["rejected"] == []


def test_an_explanation_is_never_cached(site):
    answer = site.ask("/db/f", headers=wish())
    assert (answer.status, answer.get("Cache-Control"), answer.get("X-Mirror-Explain")) == (200, "no-store", "text")
    assert answer.get("Content-Type").startswith("text/plain") and answer.location is None and answer.get("X-Mirror") is None
    assert site.ask("/db/f", headers=wish("json")).get("Content-Type") == "application/json"
    assert site.ask("/db/f", method="HEAD", headers=wish()).body == b""


@pytest.mark.parametrize("header", [
    {"X-Forwarded-For": "127.0.0.1"}, {"x-forwarded-for": ""}, {"X-Forwarded-Proto": "https"}, {"Forwarded": "for=127.0.0.1"},
    {"Via": "1.1 proxy"}, {"X-Real-IP": "127.0.0.1"}, {"X-Told-By-Balancer": "192.0.2.1"}, {"X-Told-By-Balancer": "127.0.0.1"}, {"X-Some-New-Proxy": "1"}, {"Cookie": "a=b"}])
def test_nobody_behind_a_proxy_is_told(site, header):
    for target in ("/db/f", "/local/secret.key", "/local/folder/"):
        assert site.ask(target, headers=wish()).get("X-Mirror-Explain") == "text"
        assert is_plain(site, target, wish() | header)


def test_without_connect_httpd_is_asked_at_the_urls_port(site, build):
    addresses = ["127.0.0.1"] + ["::1"] * rig.has_ipv6()
    for address in addresses:
        with rig.Httpd(config_of(site), build=build, address=address) as httpd:
            done = site.database.tool("mb", "explain", f"{HOST}:{httpd.port}/db/f", "--country", "de", check=False)
            shown = f"[{address}]" if ":" in address else address
            assert done.stdout.startswith(f"as httpd at {shown}:{httpd.port} sees it\n"), done


def test_nobody_is_told_over_another_address(site, build):
    own = [word for word in subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split() if "." in word]
    if not own:
        pytest.skip("this machine has no address but loopback")
    config = config_of(site)
    with rig.Httpd(config, build=build, address=own[0]) as httpd:
        headers = wish(**{"X-Mirror-Explain-Client": "127.0.0.1"})
        answer = ask(httpd, "/db/f", headers=headers, client=own[0])
        assert answer.status == 302 and answer.all("X-Mirror-Explain") == []


def test_nobody_is_told_by_a_proxys_protocol(site, build):
    """mod_remoteip believes what the proxy says before the request, also that the client is at a loopback address."""
    config = config_of(site) + "RemoteIPProxyProtocol On\n"
    with rig.Httpd(config, build=build) as httpd:
        for client in ("192.0.2.1", "127.0.0.1"):
            answer = Answer(exchange(httpd, f"PROXY TCP4 {client} 127.0.0.1 1000 80\r\nGET /db/f HTTP/1.1\r\nHost: a\r\n"
                                            "X-Mirror-Explain: text\r\nConnection: close\r\n\r\n".encode()))
            assert answer.status == 302 and answer.all("X-Mirror-Explain") == []


@pytest.mark.parametrize("headers", [
    wish("TEXT"), wish("html"), wish(""), wish("text, json"), wish("x" * 4000), wish(b"text\x80"), wish("text\tjson"),
    *(wish(**{"X-Mirror-Explain-Client": value}) for value in (
        "127.0.0", "127.0.0.1, 127.0.0.2", "::1%lo", "", "localhost", "127.0.0.1/8", "a" * 4000, "%31", b"127.0.0.1\x80"))])
def test_a_wish_is_read_strictly(site, headers):
    assert is_plain(site, "/db/f", headers)


def test_a_wish_that_comes_twice_is_none(site):
    pairs = [("X-Mirror-Explain", "text"), ("X-Mirror-Explain", "text")]
    assert site.ask("/db/f", headers=pairs).status == 302


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS"])
def test_only_a_get_is_explained(site, method):
    assert is_plain(site, "/db/f", wish(), method=method)


def test_where_it_is_off_nobody_is_told(site):
    assert is_plain(site, "/db/silent/f", wish(**{"X-Mirror-Explain-Client": "127.0.0.1"}))
    done = mb(site, "/db/silent/f")
    assert done.returncode == 1 and "`MirrorExplain Loopback` is not set for this URL" in done.stderr


def test_it_is_off_unless_it_is_set(site, build):
    config = config_of(site)
    with rig.Httpd(config.replace("MirrorExplain Loopback\n", ""), build=build) as httpd:
        for target in ("/db/f", "/local/off/f", "/none"):
            assert ask(httpd, target, headers=wish()).all("X-Mirror-Explain") == []


def test_an_error_page_is_no_way_around_a_refusal(site, build):
    config = config_of(site)
    with rig.Httpd(config + "ErrorDocument 403 /db/f\n", build=build) as httpd:
        assert ask(httpd, "/db/denied/f", headers=wish()).all("X-Mirror-Explain") == []


def test_a_database_that_is_down_is_told(site, build):
    config = CONFIG.replace("{database}", "host=127.0.0.1 port=1 dbname=none").replace("{geo}", str(site.geo))
    with rig.Httpd(config + "MirrorCatalog Off\n", build=build) as httpd:
        rig.make_tree(httpd.docroot, {"local/f": SIZE})
        for target, status in (("/db/f", 503), ("/local/f", None)):
            done = site.database.tool("mb", "explain", HOST + target, "--connect", f"127.0.0.1:{httpd.port}", "--json")
            said = json.loads(done.stdout)
            assert (said["answer"]["status"], said["answer"]["declined"]) == (status, "database-down")
            assert said["file"] is None and said["candidates"] == []


@pytest.mark.parametrize("args, status, words", [
    (("http://redirector.example/", "--connect", "192.0.2.1:80"), 2, "expected a loopback address"),
    (("http://redirector.example/", "--connect", "localhost:80"), 2, "expected a loopback address"),
    (("http://redirector.example/", "--connect", "127.0.0.1"), 2, "expected a loopback address"),
    (("http://redirector.example/", "--connect", "127.0.0.1:0"), 2, "expected a loopback address"),
    (("http://redirector.example/", "--connect", "::1:80"), 2, "expected a loopback address"),
    (("http://redirector.example/", "--connect", "127.0.0.1:1"), 1, "--connect HOST:PORT says where else httpd listens"),
    (("http://redirector.example/", "--connect", "[::1]:1"), 1, "--connect HOST:PORT says where else httpd listens"),
    (("http://redirector.example:1/",), 1, "nothing that could be asked listens"),
    (("http://anna:secret@redirector.example/",), 2, "'http://anna:secret@redirector.example/'"),
    (("http://redirector.example:x/",), 2, "'http://redirector.example:x/'"), (("http:///",), 2, "'http:///'"),
    (("http://redirector.example/a b",), 2, "'http://redirector.example/a b'"),
    (("http://redirector.example/", "--ip", "127.0.0"), 2, "expected an IPv4 or IPv6 address"),
    (("http://redirector.example/", "--country", "x"), 2, "expected a country code"),
    (("http://redirector.example/", "--https"), 2, "--https is for a PATH"),
    (("http://redirector.example/", "--at", "@1"), 2, "--at is for a PATH"),
    (("http://redirector.example/", "--stickiness", "1"), 2, "--stickiness is for a PATH"),
    (("f", "--ip", "127.0.0.1", "--connect", "127.0.0.1:1"), 2, "--connect is for a URL")])
def test_what_cannot_be_asked_is_said(mb, args, status, words):
    """No database is needed to ask httpd."""
    done = mb("explain", *args, check=False, env={"PGPORT": "1"})
    assert (done.returncode, done.stdout) == (status, "") and words in done.stderr, done


class Answering:
    """A server that answers every connection with the same bytes: those it has, then more and more of `endless`; or is silent."""

    def __init__(self, answer=b"", endless=b"", closes=True):
        self.answer, self.endless, self.closes, self.requests = answer, endless, closes, []

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self._socket.close()

    def _serve(self):
        kept = []
        while True:
            try:
                connection, _ = self._socket.accept()
                self.requests.append(connection.recv(65536))
                connection.sendall(self.answer)
                while self.endless:
                    connection.sendall(self.endless)
            except OSError:
                if self._socket.fileno() < 0:
                    return
                continue
            kept.append(connection) if not self.closes else connection.close()


HEAD = b"HTTP/1.1 200 OK\r\nX-Mirror-Explain: text\r\n"


@pytest.mark.parametrize("server, words", [
    (Answering(HEAD + b"\r\n", b"x" * 65536), "larger than 4194304 bytes"),
    (Answering(HEAD, b"X-A: " + b"x" * 1000 + b"\r\n"), "headers"),
    (Answering(HEAD + b"Content-Length: 10\r\n\r\nabc"), "no explanation from"), (Answering(), "no explanation from"),
    (Answering(b"hello\n"), "no explanation from"), (Answering(closes=False), "in time"),
    (Answering(HEAD + b"Content-Length: 10\r\n\r\nabc", closes=False), "in time"),
    (Answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nX-Mirror-Explain: text\r\nContent-Length: 0\r\n\r\n"),
     "answered 302, and not with an explanation"),
    (Answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), "answered 200, and not with an explanation")])
def test_a_server_that_is_no_such_httpd_harms_nobody(mb, server, words):
    with server:
        done = mb("explain", "http://redirector.example/f", "--connect", f"127.0.0.1:{server.port}", check=False, timeout_s=15,
                  env={"http_proxy": "http://127.0.0.1:1/", "ALL_PROXY": "http://127.0.0.1:1/"})
        assert (done.returncode, done.stdout) == (1, "") and words in done.stderr, done
        assert len(server.requests) == 1 and b"\r\nHost: redirector.example\r\n" in server.requests[0]


def test_json_is_bounded_in_depth(mb):
    body = b'{"a": ' + b"[" * 2_000_000 + b"]" * 2_000_000 + b"}"
    head = HEAD.replace(b"text", b"json") + b"Content-Length: %d\r\n\r\n" % len(body)
    with Answering(head + body) as server:
        done = mb("explain", "http://redirector.example/f", "--connect", f"127.0.0.1:{server.port}", "--json", check=False)
        assert done.returncode in (0, 1) and len(done.stdout) < 1000


def test_what_it_answers_does_nothing_to_the_terminal(mb):
    body = b"client\x1b[31m \xff\n\x07"
    with Answering(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) as server:
        done = mb("explain", "http://redirector.example/f", "--connect", f"127.0.0.1:{server.port}")
        assert done.stdout == f"as httpd at 127.0.0.1:{server.port} sees it\nclient\\x1B[31m \\xFF\n\\x07"
