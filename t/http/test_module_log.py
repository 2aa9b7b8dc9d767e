"""What became of each request stands in the log, in the format of the sample configuration."""

import re
import subprocess

import pytest

import rig
from answers import COUNTRY, SIZE, File

MIRRORS = {"tokyo": {"http_url": "http://tokyo.example/", "country": "JP", "region": "AS"},
           "berlin": {"http_url": "http://berlin.example/", "country": "DE", "region": "EU", "asn": 64496}}
FILES = {"f": File(("tokyo", "berlin")), "small": File(("tokyo",), size=10), "nowhere": File(), "fallback/f": File(),
         "pending": File(("tokyo",), pending=True), "touched": File(("tokyo",), mtime=1)}
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
MirrorGeoDatabase {geo}/asn.mmdb
{format}
CustomLog {dir}/mirror.log mirror
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
<Location /errors>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  ErrorDocument 404 /outside
</Location>
CustomLog {dir}/original.log "%<{MB_DECLINED}e" "expr=%{THE_REQUEST} =~ /errors/"
<Location /db/fallback>
  MirrorFallback - - http://fallback.example/
</Location>
<Location /local>
  MirrorEngine On
  MirrorHandleHeadLocally On
  MirrorExcludeUserAgent *bot*
</Location>
"""


@pytest.fixture(scope="module")
def site(make_site, build):
    sample = (build.srcdir / "doc/examples/mirror.conf").read_text()
    log_format, = re.findall(r"^LogFormat .* mirror$", sample, re.M)
    tree = {f"local/{name}": file.size for name, file in FILES.items()} | {"outside": SIZE, "local/not-in-table": SIZE}
    return make_site(CONFIG.replace("{format}", log_format), MIRRORS, FILES, tree=tree)


def logged(site, target, **options):
    """The fields that one request leaves in the log, '-' ones left out, and httpd's status."""
    before = len(site.logged("mirror.log"))
    status = site.ask(target, **options).status
    lines = rig.wait_for("the log's line", lambda: site.logged("mirror.log")[before:])
    match = re.fullmatch(r'\S+ - \S+ \[.*?\] "(?:[^"\\]|\\.)*" (\d+) (?:\d+|-) "(?:[^"\\]|\\.)*" (.*)', lines[0])
    assert match and int(match[1]) == status, lines[0]
    fields = dict(field.split("=", 1) for field in match[2].split(" "))
    return status, {name: value for name, value in fields.items() if value != "-"}


TOKYO = {"country": "JP", "region": "AS"}


@pytest.mark.parametrize("target, options, status, fields", [
    ("/db/f", {}, 302, {"mirror": "tokyo", "tier": "country", "size": str(SIZE), **TOKYO}),
    ("/db/f?as=64496", {}, 302, {"mirror": "berlin", "tier": "as", "size": str(SIZE), **TOKYO}),
    ("/db/f?country=DE", {}, 302, {"mirror": "berlin", "tier": "country", "size": str(SIZE), "country": "DE", "region": "EU"}),
    ("/db/f?meta4&country=D", {}, 400, TOKYO),
    ("/db/f?meta4", {}, 200, {"size": str(SIZE), **TOKYO}),
    ("/db/f?torrent", {}, 404, {"declined": "no-hashes", "size": str(SIZE), **TOKYO}),
    ("/db/f", {"headers": {"If-None-Match": "*"}}, 304, {"size": str(SIZE), **TOKYO}),
    ("/db/small", {}, 302, {"declined": "min-size", "size": "10", **TOKYO}),
    ("/db/nowhere", {}, 302, {"declined": "no-mirror", "nomirror": "1", "size": str(SIZE), **TOKYO}),
    ("/db/fallback/f", {}, 302, {"nomirror": "1", "size": str(SIZE), **TOKYO}),
    ("/db/pending", {}, 302, {"declined": "pending", "size": str(SIZE), **TOKYO}),
    ("/db/none", {}, 404, {"declined": "not-in-table", **TOKYO}),
    ("/db/", {}, 302, {"declined": "directory"}),
    ("/db/f", {"method": "DELETE"}, 307, {"declined": "method"}),
    ("/db/" + "x" * 3000, {}, 404, {"declined": "bad-path"}),
    ("/local/f", {}, 302, {"mirror": "tokyo", "tier": "country", "size": str(SIZE), **TOKYO}),
    ("/local/f", {"method": "HEAD"}, 200, {"declined": "head", "size": str(SIZE), **TOKYO}),
    ("/local/f", {"headers": {"User-Agent": 'a "bot" declined=x'}}, 200, {"declined": "user-agent", "size": str(SIZE), **TOKYO}),
    ("/local/small", {}, 200, {"declined": "min-size", "size": "10", **TOKYO}),
    ("/local/nowhere", {}, 200, {"declined": "no-mirror", "nomirror": "1", "size": str(SIZE), **TOKYO}),
    ("/local/touched", {}, 200, {"declined": "version-differs", "size": str(SIZE), **TOKYO}),
    ("/local/not-in-table", {}, 200, {"declined": "not-in-table", "size": str(SIZE), **TOKYO}),
    ("/outside", {}, 200, {}),
])
def test_the_log_tells_what_became_of_a_request(site, target, options, status, fields):
    assert logged(site, target, client=COUNTRY["jp"], **options) == (status, fields)


def test_unknown_places_are_left_out(site):
    assert logged(site, "/db/small") == (302, {"declined": "min-size", "size": "10"})


def test_the_client_cannot_write_the_log_s_fields(site):
    status, fields = logged(site, "/db/none%0a127.0.0.1%20mirror=evil", headers={"User-Agent": '" mirror=evil "'})
    assert (status, fields) == (404, {"declined": "not-in-table"})
    for header in ("MB_REALM", "MB-Declined"):
        assert logged(site, "/outside", headers={header: "evil"}) == (200, {})


def test_fields_survive_an_error_page_where_the_format_asks_for_the_first_request(site):
    assert site.ask("/errors/none").status == 404
    assert rig.wait_for("the log's line", lambda: site.logged("original.log")) == ["not-in-table"]


def test_every_decline_reason_is_in_the_manual(build):
    texts = set(re.findall(r'return "([a-z-]+)";', (build.srcdir / "lib/answer/decide.cc").read_text()))
    manual = (build.srcdir / "doc/directives.md").read_text()
    assert len(texts) > 10
    assert [text for text in texts if f"`{text}`" not in manual] == []


def test_the_module_exports_its_record_and_nothing_else(build):
    done = subprocess.run(["nm", "-D", "--defined-only", build.module], capture_output=True, text=True, check=True)
    assert [line.split()[-1].partition("@")[0] for line in done.stdout.splitlines() if " A " not in line] == ["mirror_module"]
