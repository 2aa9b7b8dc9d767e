"""While the database is down, no answer says that a file does not exist, and no representation becomes the file."""

import pytest

import rig
from answers import COUNTRY, SIZE, ask

CONFIG = """
MirrorDatabase host=127.0.0.1 port={closed} dbname=none user=none
MirrorGeoDatabase {geo}/city.mmdb
MirrorExcludeFileMask excluded
Header always set X-Declined "%{MB_DECLINED}e"
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  MirrorFallback EU - http://eu.example/
</Location>
<Location /db/serve>
  MirrorDatabaseDown Serve
</Location>
<Location /db/fallback>
  MirrorDatabaseDown Fallback
</Location>
<Location /local>
  MirrorEngine On
  MirrorFallback EU - http://eu.example/
</Location>
<Location /local/unavailable>
  MirrorDatabaseDown Unavailable
</Location>
<Location /local/fallback>
  MirrorDatabaseDown Fallback
</Location>
"""
UNKNOWN = (503, None)


@pytest.fixture(scope="module")
def server(build, geo):
    config = CONFIG.replace("{closed}", str(rig.CLOSED_PORT)).replace("{geo}", str(geo))
    httpd = rig.Httpd(config, build=build)
    rig.make_tree(httpd.docroot, {f"local/{name}": SIZE for name in ("f", "excluded", "unavailable/f", "fallback/f", "f f")})
    with httpd:
        yield httpd


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target, client, expected", [
    ("/db/f", "de", UNKNOWN),
    ("/db/serve/f%20f", "de", (302, "http://origin.example/serve/f%20f")),
    ("/db/fallback/f%20f", "de", (302, "http://eu.example/fallback/f%20f")),
    ("/db/fallback/f?country=fr", "jp", (302, "http://eu.example/fallback/f")),
    ("/db/fallback/f", "jp", UNKNOWN),
    ("/db/fallback/f?country=jp", "de", UNKNOWN),
    ("/local/f", "de", (200, None)),
    ("/local/unavailable/f", "de", UNKNOWN),
    ("/local/fallback/f", "de", (302, "http://eu.example/fallback/f")),
    ("/local/fallback/f", "jp", UNKNOWN),
    ("/local/none", "de", (404, None)),
])
def test_what_is_not_known_is_answered_as_configured(server, target, client, expected, method):
    answer = ask(server, target, client=COUNTRY[client], method=method)
    assert (answer.status, answer.location) == expected
    assert answer.get("Retry-After") == ("5" if answer.status == 503 else None)
    if answer.status != 404:
        assert answer.get("X-Declined") == "database-down"


@pytest.mark.parametrize("target, expected", [
    ("/db/excluded", (302, "http://origin.example/excluded")), ("/db/", (302, "http://origin.example/")),
    ("/local/excluded", (200, None)),
    ("/db/a%2e%2e/%2e./b", UNKNOWN), ("/db/" + "x" * 3000, (404, None)), ("/db/f?json&country=1", (400, None))])
def test_what_needs_no_database_is_answered_all_the_same(server, target, expected):
    answer = ask(server, target)
    assert (answer.status, answer.location) == expected


@pytest.mark.parametrize("tree", ["/db", "/db/serve", "/db/fallback", "/local", "/local/unavailable", "/local/fallback"])
@pytest.mark.parametrize("query", ["meta4", "torrent=1", "x=1&sha256"])
def test_a_wish_for_a_representation_is_not_answered_by_the_file(server, tree, query):
    for method in ("GET", "HEAD", "POST"):
        answer = ask(server, f"{tree}/f?{query}", method=method, client=COUNTRY["de"], headers={"Content-Length": "0"})
        assert (answer.status, answer.location) in (UNKNOWN, (404, None)) or method == "POST" and answer.status == 307
    assert ask(server, f"{tree}/excluded?{query}").status in (404, 503)
