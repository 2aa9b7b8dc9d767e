"""A client that has the present version gets 304; every other one is redirected, and what is declined keeps httpd's own rules."""

import email.utils
import os

import pytest

import rig
from answers import SIZE, File, ask

WHEN = 1_700_000_000  # Tue, 14 Nov 2023 22:13:20 GMT
HTTPD_TAG, NGINX_TAG = f'"{SIZE:x}-{WHEN * 1_000_000:x}"', f'"{WHEN:x}-{SIZE:x}"'
MIRRORS = {"tokyo": {"http_url": "http://tokyo.example/"}}
FILES = {"f": File(("tokyo",), mtime=WHEN), "nowhere": File(mtime=WHEN), "staged": File(staged=True, mtime=WHEN),
         "fraction": File(("tokyo",), mtime=WHEN), "touched": File(("tokyo",), mtime=WHEN),
         "future": File(("tokyo",), mtime=9 * WHEN)}
CONFIG = """
MirrorDatabase {database}
Header always set X-Declined "%{MB_DECLINED}e"
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
<Location /local>
  MirrorEngine On
</Location>
"""
on_both_trees = pytest.mark.parametrize("tree", ["db", "local"])


@pytest.fixture(scope="module")
def site(make_site):
    tree = {f"local/{name}": (file.size, min(file.mtime, 2 * WHEN)) for name, file in FILES.items() if name != "touched"}
    site = make_site(CONFIG, MIRRORS, FILES, tree={**tree, "local/touched": (SIZE, WHEN + 60)})
    os.utime(site.httpd.docroot / "local/fraction", ns=(WHEN * 10**9 + 123456789,) * 2)
    return site


HAS_IT = [
    {"If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT"},
    {"If-Modified-Since": "Tue, 14 Nov 2023 22:13:21 GMT"},
    {"If-Modified-Since": "Tuesday, 14-Nov-23 22:13:20 GMT"},
    {"If-Modified-Since": "Tue Nov 14 22:13:20 2023"},
    {"If-None-Match": HTTPD_TAG},
    {"If-None-Match": "W/" + HTTPD_TAG},
    {"If-None-Match": NGINX_TAG},
    {"If-None-Match": f'"other", W/"x,y" ,{NGINX_TAG}'},
    {"If-None-Match": "*"},
    {"If-None-Match": HTTPD_TAG, "If-Modified-Since": "Mon, 13 Nov 2023 22:13:20 GMT"},
    {"If-None-Match": NGINX_TAG, "Range": "bytes=0-9"},
]
HAS_IT_NOT = [
    {},
    {"If-Modified-Since": "Tue, 14 Nov 2023 22:13:19 GMT"},
    {"If-Modified-Since": "yesterday"},
    {"If-Modified-Since": "Tue, 32 Nov 2023 22:13:20 GMT"},
    {"If-Modified-Since": "1700000000"},
    {"If-Modified-Since": "9" * 4000},
    {"If-None-Match": '"other"', "If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT"},
    {"If-None-Match": HTTPD_TAG.strip('"')},
    {"If-None-Match": f'"{SIZE + 1:x}-{WHEN * 1_000_000:x}"'},
    {"If-None-Match": f'"{SIZE:x}-{(WHEN - 1) * 1_000_000:x}"'},
    {"If-None-Match": f'"{WHEN:x}-{SIZE + 1:x}"'},
    {"If-None-Match": ",".join(['"'] * 2000)},
    {"If-None-Match": '"--", "-1", "1-", "ffffffffffffffffffff-1", "-f-f"'},
    {"If-Match": '"other"'},
    {"If-Unmodified-Since": "Tue, 14 Nov 2000 22:13:19 GMT"},
    {"If-Range": HTTPD_TAG, "Range": "bytes=0-9"},
]


@on_both_trees
@pytest.mark.parametrize("headers", HAS_IT)
def test_who_has_the_version_gets_304(site, tree, headers):
    for method in ("GET", "HEAD"):
        answer = site.ask(f"/{tree}/f", method=method, headers=headers)
        assert (answer.status, answer.body, answer.location) == (304, b"", None)
        assert answer.get("ETag") == HTTPD_TAG
        assert answer.get("Last-Modified") == "Tue, 14 Nov 2023 22:13:20 GMT"
        assert answer.get("Cache-Control") == "private, no-cache"
        assert answer.get("Content-Length") is None and answer.links == []


@on_both_trees
@pytest.mark.parametrize("headers", HAS_IT_NOT, ids=lambda headers: str(headers)[:40])
def test_who_has_it_not_is_redirected(site, tree, headers):
    answer = site.ask(f"/{tree}/f", headers=headers)
    assert (answer.status, answer.location) == (302, "http://tokyo.example/f")


@on_both_trees
def test_the_tag_of_a_real_mirror_is_known(site, tree, scratch, build):
    with rig.WebServer(rig.make_tree(scratch / "tree", {"f": (SIZE, WHEN)}), build=build) as mirror:
        served = ask(mirror, "/f")
    for headers in ({"If-None-Match": served.get("ETag")}, {"If-Modified-Since": served.get("Last-Modified")}):
        assert site.ask(f"/{tree}/f", headers=headers).status == 304


@on_both_trees
@pytest.mark.parametrize("headers", [{"If-None-Match": f'"{SIZE:x}-{WHEN * 1_000_000 + 123456:x}"'},
                                     {"If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT"}])
def test_fractions_of_a_second_do_not_matter(site, tree, headers):
    assert site.ask(f"/{tree}/fraction", headers=headers).status == 304


def test_who_has_a_file_without_mirrors_gets_304_too(site):
    assert site.ask("/db/nowhere", headers={"If-None-Match": HTTPD_TAG}).status == 304


def test_no_condition_tells_that_a_staged_file_exists(site):
    for headers in HAS_IT:
        assert site.ask("/db/staged", headers=headers).status == 404


def test_a_declined_file_has_httpd_s_own_version(site):
    answer = site.ask("/local/touched", headers={"If-None-Match": HTTPD_TAG})
    assert answer.status == 200 and answer.get("X-Declined") == "version-differs"
    own = answer.get("ETag")
    assert site.ask("/local/touched", headers={"If-None-Match": own}).status == 304


def test_a_representation_is_not_unchanged_because_the_file_is(site):
    for tree in ("db", "local"):
        assert site.ask(f"/{tree}/f?meta4", headers={"If-None-Match": HTTPD_TAG}).status == 200


def test_dates_beyond_four_digit_years_are_written_all_the_same(site):
    assert site.ask("/db/future", headers={"If-None-Match": "*"}).get("Last-Modified") > ""
    assert site.ask("/db/future", headers={"If-Modified-Since": email.utils.formatdate(usegmt=True)}).status == 302
