"""mb explain URL: the running httpd does what it says it would do, and explains only to who knows the key."""

import json
import os
import re
import socket
import subprocess
import threading

import pytest

import rig
from answers import COUNTRY, NOWHERE, SIZE, Answer, File, ask, exchange
from explaining import HOST, KEY, KEY_FILE, explain, mb, wish

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
    "two/f": File(ALL), "pub/1/m": File(ALL), "fb/tokyo-only": File(("tokyo",)), "small": File(ALL, size=100), "grace": File(ALL, gone_s=3600),
    "gone": File(ALL, gone_s=2 * 86400), "pending": File(ALL, pending=True), "nowhere": File(), "link": File(link="f"),
    "to-denied": File(link="denied/f"), "to-private": File(link="private/f"), "only-grace": File(("paris",), gone_s=60)}
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
MirrorExplain On {key}
MirrorStickiness 0
RemoteIPHeader X-Told-By-Balancer
RequestHeader set X-Added-By-Httpd 1 early
CustomLog {dir}/notes.log "%U %{MB_EXPLAINED}e %{MB_MIRROR}e"
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
  MirrorRepositoryList pub/{x} m x=[0-9]+
  MirrorRepositoryNear 1
</Location>
<Location /db/two>
  MirrorListLimit 1
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
""".replace("{key}", KEY_FILE)
TREE = {f"local/{name}": SIZE for name in ("f", "odd name 100%.iso", "secret.key", "denied/f", "private/f", "fb/tokyo-only",
                                             "off/f", "nowhere", "pending", "unknown")} | {
    "local/small": 100, "local/differs": SIZE + 1, "local/folder/f": SIZE}
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


LISTS = {"/db/f?mirrorlist=text": {}, "/db/f?mirrorlist=text&country=fr,jp": {}, "/db/f?mirrorlist=text&country=jp": {},
         "/db/f?mirrorlist=text&protocol=https": {"paris": "no https for an https client"},
         "/db/f?mirrorlist=text&protocol=http": {}, "/db/two/f?mirrorlist=text": {"paris": "beyond MirrorListLimit"},
         "/db/two/f?mirrorlist=text&country=fr,de": {"berlin": "beyond MirrorListLimit"}, "/db/f.meta4": {}, "/db/f?json": {},
         "/db/mirrorlist?x=1": {}, "/db/mirrorlist?x=1&country=br": {}, "/db/metalink?x=1": {}}


@pytest.mark.parametrize("target", LISTS)
def test_a_list_is_explained_as_it_is(site, target):
    body = site.ask(target, client=COUNTRY["de"]).body.decode()
    said = explain(site, target, "--ip", COUNTRY["de"])
    hosts = re.findall(r"https?://(\w+)[.]example/", body.replace("redirector.example/local/", "self.example/"))
    hosts = [host for host in dict.fromkeys(hosts) if host in MIRRORS]
    assert [c["mirror"] for c in said["candidates"]] == hosts != []
    assert all(c["url"].startswith("https:") == ("protocol=https" in target) for c in said["candidates"])
    reasons = {r["mirror"]: r["reason"] for r in said["rejected"]}
    assert set(reasons) == set(MIRRORS) - set(hosts)
    for mirror, reason in LISTS[target].items():
        assert reasons[mirror] == reason or reason is None


def test_a_repositorys_list_is_named_as_one(site):
    assert explain(site, "/db/mirrorlist?x=1")["answer"]["text"].startswith("the list of the repository's mirrors, ")
    assert explain(site, "/db/f?mirrorlist=text")["answer"]["text"].startswith("the list of the file's mirrors, ")


def test_the_access_log_tells_an_explanation_from_a_download(site):
    for target in ("/db/two/f", "/local/folder/", "/local/off/f"):
        site.ask(target, headers=wish())
        site.ask(target)
        rig.wait_for("the log", lambda: f"{target} - " in [line[:len(target) + 3] for line in site.logged("notes.log")])
        assert f"{target} 1 -" in site.logged("notes.log")


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
    target = ("--connect", f"127.0.0.1:{site.httpd.tls_port}", "--key", KEY_FILE)
    trusted = ("--cacert", authority.ca_file)

    def over_tls(host, *args):
        return site.database.tool("mb", "explain", f"https://{host}/db/f", *target, "--json", *args, check=False)

    assert json.loads(over_tls("redirector.example", *trusted).stdout)["answer"]["url"] == "https://berlin.example/f"
    for host, args in (("redirector.example", ()), ("another.example", trusted)):
        done = over_tls(host, *args)
        assert done.returncode == 1 and "certificate" in done.stderr and done.stdout == ""
    done = over_tls("redirector.example", "--cacert", "/nonexistent/ca.pem")
    assert (done.returncode, done.stdout) == (2, "") and "--cacert '/nonexistent/ca.pem' cannot be used" in done.stderr


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


PROXIED = [{"X-Forwarded-For": "127.0.0.1"}, {"x-forwarded-for": ""}, {"Forwarded": "for=127.0.0.1"}, {"Via": "1.1 proxy"},
           {"X-Told-By-Balancer": "192.0.2.1"}, {"X-Told-By-Balancer": "127.0.0.1"}, {"Cookie": "a=b"}]


@pytest.mark.parametrize("key", [{}, *({"X-Mirror-Explain-Key": key} for key in (
    "", KEY[:-1], KEY + "0", KEY[:-1] + "8", KEY.swapcase(), f"{KEY}, {KEY}", f'"{KEY}"', b"\xff" + KEY[1:].encode(), "0" * 8000))])
def test_nobody_is_told_without_the_key(site, key):
    asks = {"X-Mirror-Explain": "text", "X-Mirror-Explain-Client": "127.0.0.1", **key}
    for target in ("/db/f", "/local/secret.key", "/local/folder/"):
        assert site.ask(target, headers=wish()).get("X-Mirror-Explain") == "text"
        for header in ({}, *PROXIED):
            assert is_plain(site, target, asks | header)


def test_nobody_is_told_through_a_proxy_that_adds_nothing(site):
    """nginx asks by HTTP/1.0 and adds no header by default."""
    plain = "GET /db/f HTTP/1.0\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\nUser-Agent: curl/8\r\nAccept: */*\r\n"
    answers = [Answer(exchange(site.httpd, f"{plain}{more}\r\n".encode())) for more in ("", "X-Mirror-Explain: text\r\n")]
    assert told(answers[0]) == told(answers[1]) and answers[0].status == 302


@pytest.mark.parametrize("header", PROXIED)
def test_the_key_is_enough_and_no_other_header_names_the_client(site, header):
    answer = site.ask("/db/f", headers=wish("json") | header)
    assert json.loads(answer.body)["client"]["address"] == NOWHERE


def test_a_wrong_key_file_is_said(site, tmp_path):
    other = tmp_path / "other"
    other.write_text("0" * 64)
    done = mb(site, "/db/f", key=other)
    assert (done.returncode, done.stdout) == (1, "") and "names another FILE (--key FILE)" in done.stderr
    for text, words in ((None, "httpd makes this file when it starts with `MirrorExplain On`"), ("0" * 63, "not 64 hexadecimal")):
        other.unlink() if text is None else other.write_text(text)
        done = mb(site, "/db/f", key=other)
        assert (done.returncode, done.stdout) == (2, "") and words in done.stderr and str(other) in done.stderr


def test_mb_says_who_may_read_the_key(build, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    hidden = tmp_path / "key"
    hidden.write_text(KEY)
    hidden.chmod(0o600)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", build.program("mb"), "explain", HOST + "/",
               "--key", hidden]
    for folder in hidden.parents:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o711)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "Run mb as root, or give your group the right to read this file" in done.stderr, done


def test_httpd_makes_the_key_once(build, database):
    config = f"MirrorDatabase {database.conninfo()}\nMirrorEngine On\nMirrorExplain On new/key\n"
    with rig.Httpd(config, build=build) as httpd:
        file = httpd.dir / "new" / "key"
        key = file.read_text()
        assert re.fullmatch("[0-9a-f]{64}\n", key) and file.stat().st_mode & 0o7777 == 0o600
        for _ in range(2):
            assert ask(httpd, "/x", headers=wish(**{"X-Mirror-Explain-Key": key.strip()})).get("X-Mirror-Explain") == "text"
            httpd.graceful()
        assert file.read_text() == key and sorted(path.name for path in file.parent.iterdir()) == ["key"]


def test_each_section_has_its_own_key(build, database):
    config = f"""MirrorDatabase {database.conninfo()}
MirrorEngine On
MirrorExplain On one
<Location /two>
  MirrorExplain On two
</Location>
"""
    with rig.Httpd(config, build=build) as httpd:
        keys = {name: (httpd.dir / name).read_text().strip() for name in ("one", "two")}
        assert keys["one"] != keys["two"]
        for name, target in (("one", "/x"), ("two", "/two/x")):
            for other, key in keys.items():
                answer = ask(httpd, target, headers=wish(**{"X-Mirror-Explain-Key": key}))
                assert answer.get("X-Mirror-Explain") == ("text" if name == other else None)


def test_a_group_may_be_given_the_key(build, database):
    with rig.Httpd(f"MirrorDatabase {database.conninfo()}\nMirrorEngine On\nMirrorExplain On key\n", build=build) as httpd:
        httpd.stop()
        (httpd.dir / "key").chmod(0o640)
        httpd.start()
        assert (httpd.dir / "key").stat().st_mode & 0o7777 == 0o640


@pytest.mark.parametrize("spoil, words", [
    (lambda file: (file.write_text("0" * 63), file.chmod(0o600)), "it is not 64 hexadecimal digits; remove it"),
    (lambda file: (file.write_text("0" * 64), file.chmod(0o644)), "others have rights to it; take these away: chmod o="),
    (lambda file: file.mkdir(), "it is not a regular file"), (lambda file: file.symlink_to("/etc/passwd"), "it is a symbolic link"),
    (lambda file: os.mkfifo(file), "it is not a regular file")])
def test_a_bad_key_file_is_refused_at_the_start_and_left_alone(build, spoil, words):
    httpd = rig.Httpd("MirrorExplain On key\n", build=build)
    try:
        file = httpd.dir / "key"
        ok, said = httpd.configtest()
        assert ok and not file.exists()  # a test writes nothing
        spoil(file)
        def state():  # not when it was read
            found = file.lstat()
            return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns
        before = state()
        for _ in range(2):
            ok, said = httpd.configtest()
            assert not ok and f"{httpd.config}:" in said and f"MirrorExplain: {file}: {words}" in said, said
        assert state() == before
    finally:
        httpd.close()


def test_a_key_that_cannot_be_made_stops_the_start(build):
    httpd = rig.Httpd("MirrorExplain On no/such/folder/key\n", build=build)
    try:
        with pytest.raises(rig.RigError):
            httpd.start()
        said = httpd.error_log.read_text()
        assert f"MirrorExplain: {httpd.dir}/no/such/folder/key: No such file or directory; correct the rights" in said
    finally:
        httpd.close()


def test_without_connect_httpd_is_asked_at_the_urls_port(site, build):
    addresses = ["127.0.0.1"] + ["::1"] * rig.has_ipv6()
    for address in addresses:
        with rig.Httpd(config_of(site), build=build, address=address) as httpd:
            done = site.database.tool("mb", "explain", f"{HOST}:{httpd.port}/db/f", "--country", "de", "--key", KEY_FILE, check=False)
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


def test_a_proxys_protocol_names_no_client_of_an_explanation(site, build):
    config = config_of(site) + "RemoteIPProxyProtocol On\n"
    with rig.Httpd(config, build=build) as httpd:
        for key, status in ((KEY, 200), ("0" * 64, 302)):
            answer = Answer(exchange(httpd, f"PROXY TCP4 192.0.2.1 127.0.0.1 1000 80\r\nGET /db/f HTTP/1.1\r\nHost: a\r\n"
                                            f"X-Mirror-Explain: json\r\nX-Mirror-Explain-Key: {key}\r\n"
                                            "Connection: close\r\n\r\n".encode()))
            assert answer.status == status
            assert status != 200 or json.loads(answer.body)["client"]["address"] == NOWHERE


@pytest.mark.parametrize("headers", [
    wish("TEXT"), wish("html"), wish(""), wish("text, json"), wish("x" * 4000), wish(b"text\x80"), wish("text\tjson"),
    *(wish(**{"X-Mirror-Explain-Client": value}) for value in (
        "127.0.0", "127.0.0.1, 127.0.0.2", "::1%lo", "", "localhost", "127.0.0.1/8", "a" * 4000, "%31", b"127.0.0.1\x80"))])
def test_a_wish_is_read_strictly(site, headers):
    assert is_plain(site, "/db/f", headers)


def test_a_wish_that_comes_twice_is_none(site):
    pairs = [*wish().items(), ("X-Mirror-Explain", "text")]
    assert site.ask("/db/f", headers=pairs).status == 302


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS"])
def test_only_a_get_is_explained(site, method):
    assert is_plain(site, "/db/f", wish(), method=method)


def test_where_it_is_off_nobody_is_told(site):
    assert is_plain(site, "/db/silent/f", wish(**{"X-Mirror-Explain-Client": "127.0.0.1"}))
    done = mb(site, "/db/silent/f")
    assert done.returncode == 1 and "`MirrorExplain On` is not set for this URL" in done.stderr


def test_it_is_off_unless_it_is_set(site, build):
    config = config_of(site)
    with rig.Httpd(config.replace(f"MirrorExplain On {KEY_FILE}\n", ""), build=build) as httpd:
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
            done = site.database.tool("mb", "explain", HOST + target, "--connect", f"127.0.0.1:{httpd.port}", "--key", KEY_FILE,
                                      "--json")
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
    (("http://redirector.example/", "--country", "x"), 2, "--country 'x': expected a country code"),
    (("http://redirector.example/", "--country", "de&direct"), 2, "--country 'de&direct': expected a country code"),
    (("http://redirector.example/", "--country", "de#"), 2, "--country 'de#': expected a country code"),
    (("http://redirector.example/", "--as", "5&mirrorlist=text"), 2, "--as '5&mirrorlist=text': expected the number of an AS"),
    (("http://redirector.example/", "--as", "x"), 2, "--as 'x': expected the number of an AS"),
    (("f", "--ip", "127.0.0.1", "--country", "de&direct"), 2, "--country 'de&direct': expected a country code"),
    (("http://redirector.example/", "--user-agent", "a\r\nX-Mirror-Explain-Client: 8.8.8.8"), 2,
     "the user agent has a control character"),
    (("http://redirector.example/", "--user-agent", "a\nb"), 2, "the user agent has a control character"),
    (("HTTP://redirector.example/", "--at", "@1"), 2, "--at is for a PATH"),
    (("HttpS://redirector.example/", "--connect", "127.0.0.1:1"), 1, "--connect HOST:PORT says where else httpd listens"),
    (("http://redirector.example/", "--https"), 2, "--https is for a PATH"),
    (("http://redirector.example/", "--at", "@1"), 2, "--at is for a PATH"),
    (("http://redirector.example/", "--stickiness", "1"), 2, "--stickiness is for a PATH"),
    (("f", "--ip", "127.0.0.1", "--connect", "127.0.0.1:1"), 2, "--connect is for a URL")])
def test_what_cannot_be_asked_is_said(mb, args, status, words):
    """No database is needed to ask httpd."""
    key = ("--key", KEY_FILE) if "://" in args[0] else ()
    done = mb("explain", *args, *key, check=False, env={"PGPORT": "1"})
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
        done = mb("explain", "http://redirector.example/f", "--key", KEY_FILE, "--connect", f"127.0.0.1:{server.port}", check=False, timeout_s=15,
                  env={"http_proxy": "http://127.0.0.1:1/", "ALL_PROXY": "http://127.0.0.1:1/"})
        assert (done.returncode, done.stdout) == (1, "") and words in done.stderr, done
        assert len(server.requests) == 1 and b"\r\nHost: redirector.example\r\n" in server.requests[0]


def test_json_is_bounded_in_depth(mb):
    body = b'{"a": ' + b"[" * 2_000_000 + b"]" * 2_000_000 + b"}"
    head = HEAD.replace(b"text", b"json") + b"Content-Length: %d\r\n\r\n" % len(body)
    with Answering(head + body) as server:
        done = mb("explain", "http://redirector.example/f", "--key", KEY_FILE, "--connect", f"127.0.0.1:{server.port}", "--json", check=False)
        assert done.returncode in (0, 1) and len(done.stdout) < 1000


def test_what_it_answers_does_nothing_to_the_terminal(mb):
    body = b"client\x1b[31m \xff\n\x07"
    with Answering(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) as server:
        done = mb("explain", "http://redirector.example/f", "--key", KEY_FILE, "--connect", f"127.0.0.1:{server.port}")
        assert done.stdout == f"as httpd at 127.0.0.1:{server.port} sees it\nclient\\x1B[31m \\xFF\n\\x07"
