"""Moving over from MirrorBrain: an engine that only decides and logs, MirrorBrain's directives, its headers and variables."""

import itertools
import re

import pytest

import rig
from answers import COUNTRY, SIZE, File
from explaining import KEY, KEY_FILE, explain, wish

MIRRORS = {"tokyo": {"http_url": "http://tokyo.example/", "country": "JP", "region": "AS"},
           "berlin": {"http_url": "http://berlin.example/", "country": "DE", "region": "EU", "asn": 64496}}
FILES = {"f": File(("tokyo", "berlin")), "small": File(("tokyo",), size=10), "nowhere": File(), "f.asc": File(("tokyo",)), "masked/f": File(("tokyo",))}
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
MirrorExplain On {key}
MirrorFallback - DE http://fallback.example/
LogFormat "%{X-Number}i %>s would=%{MB_SHADOW}e mirror=%{MB_MIRROR}e realm=%{MB_REALM}e no=%{MB_DECLINED}e to=%{MB_SHADOW_URL}e" shadow
CustomLog {dir}/shadow.log shadow
Alias /off {docroot}/local
<Location /local>
  MirrorEngine Shadow
</Location>
<Location /proxied>
  MirrorEngine Shadow
  MirrorTree database
  MirrorOrigin http://origin.example/
  ProxyPass {upstream}proxied
</Location>
<Location /compat>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  MirrorCompat mirrorbrain
</Location>
CustomLog {dir}/compat.log "%{WANT}e %{GIVE}e %{MB_REALM}e %{MB_REDIRECTED}e %{MIRRORBRAIN_REDIRECTED}e" "expr=%{REQUEST_URI} =~ m#^/compat/#"
"""


@pytest.fixture(scope="module")
def site(make_site, build, keep):
    upstream = rig.Httpd('CustomLog {dir}/keys.log "%U %{X-Mirror-Explain}i %{X-Mirror-Explain-Key}i"', build=build, mirror=False)
    rig.make_tree(upstream.docroot, {"proxied/f": SIZE + 1, "proxied/nowhere": SIZE})
    keep(upstream)
    tree = {f"local/{name}": file.size for name, file in FILES.items()}
    site = make_site(CONFIG.replace("{upstream}", upstream.url).replace("{key}", KEY_FILE), MIRRORS, FILES, tree=tree, modules=("proxy", "proxy_http"))
    site.upstream = upstream
    return site


_numbers = itertools.count(1)


def logged(site, target, **options):
    """The answer to a request from Japan, and what the log says that it would have been."""
    number = str(next(_numbers))
    options["headers"] = {**options.get("headers", {}), "X-Number": number}
    answer = site.ask(target, client=COUNTRY["jp"], **options)
    line, = rig.wait_for("the log's line", lambda: [line for line in site.logged("shadow.log") if line.split()[0] == number], 60)
    assert line.split()[1] == str(answer.status)
    return answer, dict(word.split("=", 1) for word in line.split()[2:])


TOKYO = {"would": "302", "mirror": "tokyo", "realm": "country", "no": "-", "to": "http://tokyo.example/f"}
NONE = {"mirror": "-", "realm": "-", "to": "-"}


@pytest.mark.parametrize("target, options, status, size, would", [
    ("/local/f", {}, 200, SIZE, TOKYO),
    ("/local/f", {"method": "HEAD"}, 200, 0, TOKYO),
    ("/local/small", {}, 200, 10, {**NONE, "would": "httpd", "no": "min-size"}),
    ("/local/nowhere", {}, 200, SIZE, {**NONE, "would": "httpd", "no": "no-mirror"}),
    ("/local/nowhere?country=DE", {}, 200, SIZE, {**NONE, "would": "302", "no": "-", "to": "http://fallback.example/nowhere"}),
    ("/local/f.mirrorlist", {}, 404, None, {**NONE, "would": "200", "no": "-"}),
    ("/local/f?torrent", {}, 200, SIZE, {**NONE, "would": "404", "no": "no-hashes"}),
    ("/proxied/f", {}, 200, SIZE + 1, TOKYO),
    ("/proxied/f", {"headers": {"If-None-Match": "*"}}, 304, 0, {**NONE, "would": "304", "no": "-"}),
    ("/proxied/none", {}, 404, None, {**NONE, "would": "404", "no": "not-in-table"}),
    ("/proxied/nowhere", {}, 200, SIZE, {**NONE, "would": "302", "no": "no-mirror", "to": "http://origin.example/nowhere"}),
    ("/proxied/f", {"method": "PUT"}, 405, None, {**NONE, "would": "307", "no": "method", "to": "http://origin.example/f"}),
    ("/off/f", {}, 200, SIZE, {**NONE, "would": "-", "no": "-"}),
])
def test_shadow_decides_and_httpd_answers(site, target, options, status, size, would):
    answer, found = logged(site, target, **options)
    assert (answer.status, found) == (status, would)
    assert size is None or len(answer.body) == size
    names = {name for name, _ in answer.headers}
    assert not names & {"Location", "Link", "X-Mirror", "X-Mirror-Tier", "Digest", "Repr-Digest", "Vary", "Cache-Control"}


def test_an_answer_in_shadow_is_the_one_without_the_engine(site):
    def told(answer):
        return [(name, value) for name, value in answer.headers if name not in ("Date",)], answer.body
    for options in ({}, {"headers": {"Range": "bytes=5-9", "Accept": "application/metalink4+xml", "Want-Digest": "sha-256"}}):
        assert told(site.ask("/local/f", **options)) == told(site.ask("/off/f", **options))


def test_an_explanation_says_that_it_is_only_logged(site):
    told = explain(site, "/local/f", "--ip", COUNTRY["jp"])["answer"]
    assert told["url"] == "http://tokyo.example/f" and "MirrorEngine is Shadow" in told["because"]


def test_the_key_does_not_go_to_the_old_redirector(site):
    def lines():
        return (site.upstream.dir / "keys.log").read_text().splitlines()
    for headers, line in ((wish(), "/proxied/f - -"), (wish("?"), f"/proxied/f ? {KEY}")):
        before = len(lines())
        assert site.ask("/proxied/f", headers=headers).status == 200
        assert rig.wait_for("the log", lambda: lines()[before:], 60) == [line]


def test_mirrorbrain_s_headers_and_variables_are_there_if_asked_for(site):
    def ask(target, logged_as, country=None):
        lines = len(site.logged("compat.log"))
        answer = site.ask(target, **({"client": COUNTRY[country]} if country else {}))
        assert rig.wait_for("the log", lambda: site.logged("compat.log")[lines:], 60) == [logged_as]
        return answer
    answer = ask("/compat/f", "redirect redirect country 1 1", "jp")
    assert (answer.get("X-MirrorBrain-Mirror"), answer.get("X-MirrorBrain-Realm")) == ("tokyo", "country")
    assert ask("/compat/f", "redirect redirect region 1 1", "fr").get("X-MirrorBrain-Realm") == "region"
    assert ask("/compat/f?country=BR", "redirect redirect other 1 1").get("X-MirrorBrain-Realm") == "other"
    listed = ask("/compat/f?mirrorstats", "mirrorlist mirrorlist - - -")  # mirrorbits' word
    assert listed.status == 200 and b"http://tokyo.example/f" in listed.body and listed.get("X-MirrorBrain-Mirror") is None
    assert ask("/compat/nowhere", "redirect file - - -").status == 302


SERVER = r"""
MirrorBrainMetalinkPublisher "An example" http://example.org/
MirrorBrainTorrentTrackerURL "http://tracker.example/announce"
MirrorBrainDHTNode router.example 6881
MirrorBrainMetalinkMagnetLinks On
MirrorBrainHashesSuppressFilenames Off
MirrorBrainMirrorlistStyleSheet "/style.css"
MirrorBrainMirrorlistHeader {docroot}/brain/small
MirrorBrainMirrorlistFooter {docroot}/brain/small
MirrorBrainYumDir release=(5\.5) repo=(os|updates) brain f
MirrorBrainDBDQuery "SELECT id FROM server WHERE path = %s"
MirrorBrainDBDQueryHash "SELECT 1"
MirrorBrainInstance main
MirrorBrainMemcached On
MirrorBrainMemcachedLifeTime 60
MirrorBrainMetalinkHashesPathPrefix /srv/hashes
MirrorBrainMetalinkBrokenTestMirrors /srv/broken
"""
SECTION = r"""
MirrorBrainEngine On
MirrorBrainDebug Off
MirrorBrainMinSize 11
MirrorBrainMinSize 12
MirrorBrainHandleHEADRequestLocally On
MirrorBrainHandleDirectoryIndexLocally On
MirrorBrainExcludeMimeType application/pgp-keys
MirrorBrainExcludeUserAgent *bot*
MirrorBrainExcludeNetwork 127.0.13.
MirrorBrainExcludeIP 127.0.12.1
MirrorBrainExcludeFileMask \.asc$
MirrorBrainMetalinkTorrentAddMask \.iso$
MirrorBrainRedirectStampKey s3cr3t
MirrorBrainFallback eu de http://fallback.example/
"""
BRAIN = f"""
MirrorDatabase {{database}}
MirrorGeoDatabase {{geo}}/city.mmdb
{SERVER}
<Directory {{docroot}}/brain>
{SECTION}
</Directory>
MirrorExplain On {KEY_FILE}
MirrorBrainExcludeUserAgent *spider*
MirrorBrainExcludeFileMask ^/brain/masked/
MirrorBrainFallback as jp http://fallback-jp.example/
"""
NAMES = set(re.findall(r"^MirrorBrain\w+", SERVER + SECTION, re.M))


def test_mirrorbrain_s_directives_work_with_one_warning_each(make_site, build):
    site = make_site(BRAIN, MIRRORS, FILES, tree={f"brain/{name}": file.size for name, file in FILES.items()})
    said = re.findall(r"MIR0107: \S+:\d+: (.*)", site.httpd.log())
    assert sorted(line.split()[0] for line in said) == sorted(NAMES)
    by_name = {line.split()[0]: line.partition(" ")[2] for line in said}
    table = (build.srcdir / "mod_mirror/mirrorbrain.cc").read_text()
    assert set(re.findall(r'{"(MirrorBrain\w+)"', table)) == NAMES
    manual = (build.srcdir / "doc/directives.md").read_text()
    assert [name for name in NAMES if name not in manual] == []
    assert by_name["MirrorBrainMinSize"] == "is MirrorBrain's name; write 'MirrorMinSize 11' instead"
    assert by_name["MirrorBrainExcludeNetwork"].endswith("write 'MirrorExcludeNetwork 127.0.13.0/24' instead; but that one's lines in "
                                                           "a section take the place of those around it")
    assert "is matched against the path in the tree" in by_name["MirrorBrainExcludeFileMask"]
    assert by_name["MirrorBrainDHTNode"].endswith("write 'MirrorDhtNode router.example:6881' instead")
    assert by_name["MirrorBrainYumDir"].endswith(
        r"write 'MirrorRepositoryList brain f release=(5\\.5) repo=(os|updates)' instead")  # httpd's log doubles a backslash
    assert by_name["MirrorBrainRedirectStampKey"].endswith("write 'MirrorRedirectStampKey KEY' instead")
    assert by_name["MirrorBrainMemcached"].startswith("has no meaning here and may be removed: ")

    def goes_to(target, country, **options):
        answer = site.ask(target, client=COUNTRY[country], **options)
        return (answer.location or "").partition("?")[0] or answer.status
    assert goes_to("/brain/f", "jp") == "http://tokyo.example/f"
    assert site.ask("/brain/f", client=COUNTRY["jp"]).location.partition("?")[2]
    assert goes_to("/brain/nowhere", "de") == "http://fallback.example/nowhere"
    assert goes_to("/brain/nowhere", "jp") == "http://fallback-jp.example/nowhere"
    for target, country, options in (("/brain/f", "fr", {}), ("/brain/f", "us", {}), ("/brain/f", "jp", {"method": "HEAD"}),
                                     ("/brain/f", "jp", {"headers": {"User-Agent": "a bot"}}), ("/brain/small", "jp", {}),
                                     ("/brain/f", "jp", {"headers": {"User-Agent": "a spider"}}), ("/brain/masked/f", "jp", {}),
                                     ("/brain/f.asc", "jp", {})):
        assert goes_to(target, country, **options) == 200, (target, country, options)
    assert explain(site, "/brain/masked/f", "--ip", COUNTRY["jp"])["answer"]["because"] == "MirrorBrainExcludeFileMask excludes its URL"


def test_configtest_prints_the_warnings_and_refuses_what_cannot_be_said(make_httpd):
    httpd = make_httpd(start=False)
    ok, said = httpd.configtest("MirrorBrainMinSize 4096\nMirrorBrainDebug On")
    assert ok and said.count("MIR0107") == 2 and "write 'MirrorMinSize 4096' instead" in said
    for line, reason in (("MirrorBrainExcludeNetwork 192.16", "'192.16' is no network here"), ("MirrorBrainDHTNode a", "takes a host"),
                         ("MirrorBrainMinSize x", "'x' is not a number"), ("MirrorBrainExcludeFileMask (", "MirrorBrainExcludeFileMask: ")):
        ok, said = httpd.configtest(line)
        assert not ok and reason in said, said
