"""Requests that no mirror takes: httpd itself answers in a local tree, the origin in a database tree, and the log says why."""

import email.utils

import pytest

from answers import COUNTRY, SIZE, File, escaped
from rig.tree import DEFAULT_MTIME

MIRRORS = {
    "tokyo": {"http_url": "http://tokyo.example/", "country": "JP", "region": "AS"},
    "lyon": {"http_url": "http://lyon.example/", "country": "FR", "region": "EU", "country_only": True},
}
HERE, NO_MIRROR = File(("tokyo",)), File()
FILES = {
    "f": HERE, "big": HERE, "small": File(("tokyo",), size=4095), "edge": File(("tokyo",), size=4096),
    "empty": File(("tokyo",), size=0),
    "tune/small": File(("tokyo",), size=1), "mime/a.html": HERE, "mime/a.PNG": HERE, "mime/a.tar.xz": HERE, "mime/none": HERE,
    "agent/f": HERE, "net/f": HERE, "mask/a.sig": HERE, "mask/a.sig.txt": HERE, "mask/new\nline.sig": HERE, "masks/x": HERE,
    "head/f": HERE, "nowhere": NO_MIRROR, "french": File(("lyon",)), "fallback/f": NO_MIRROR,
    "fallback/french": File(("lyon",)),
    "pending": File(("tokyo",), pending=True), "touched": HERE, "grown": HERE, "index/index.html": HERE,
    "error/page.html": HERE, "status": HERE, "dir-in-table/f": HERE, "index/page.de.gz": HERE,
}
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
AddEncoding x-gzip .gz
AddLanguage de .de
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.0/8
Header always set X-Declined "%{MB_DECLINED}e"
Header always set X-No-Mirror "%{MB_NOMIRROR}e"
Header always set X-Size "%{MB_FILESIZE}e"
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
<Location /local>
  MirrorEngine On
</Location>
<LocationMatch ^/(db|local)/tune>
  MirrorMinSize 1
</LocationMatch>
<LocationMatch ^/(db|local)/mime>
  MirrorExcludeMimeType text/* image/p?g
</LocationMatch>
<LocationMatch ^/(db|local)/agent>
  MirrorExcludeUserAgent *libwww* "Bad ?ot/*"
</LocationMatch>
<LocationMatch ^/(db|local)/net>
  MirrorExcludeNetwork 127.0.11.0/24 192.0.2.7
  MirrorExcludeNetwork 2001:db8:de::/48
</LocationMatch>
MirrorExcludeFileMask "\\.sig$" ^masks/
<LocationMatch ^/(db|local)/head>
  MirrorHandleHeadLocally On
</LocationMatch>
<LocationMatch ^/(db|local)/fallback>
  MirrorFallback - - http://any.example
  MirrorFallback EU - http://eu.example/x/
  MirrorFallback - DE https://de.example/
</LocationMatch>
<LocationMatch ^/(local|db/error)/>
  ErrorDocument 404 /local/error/page.html
</LocationMatch>
<Location /local/status>
  SetHandler server-status
</Location>
"""


@pytest.fixture(scope="module")
def site(make_site):
    tree = {f"local/{name}": file.size for name, file in FILES.items()}
    tree |= {"local/touched": (SIZE, DEFAULT_MTIME + 1), "local/grown": SIZE + 1, "local/not-in-table": SIZE,
             "local/dir-in-table": SIZE, "db/not-in-table": SIZE}
    del tree["local/dir-in-table/f"]
    return make_site(CONFIG, MIRRORS, FILES, tree=tree)


DECLINED = [
    ("min-size", "small", {}),
    ("min-size", "empty", {}),
    ("mime-type", "mime/a.html", {}),
    ("mime-type", "mime/a.PNG", {}),
    ("user-agent", "agent/f", {"headers": {"User-Agent": "perl LIBWWW/5"}}),
    ("user-agent", "agent/f", {"headers": {"User-Agent": "bad Bot/1.0"}}),
    ("network", "net/f", {"client": COUNTRY["jp"]}),
    ("network", "net/f", {"headers": {"X-Client": "192.0.2.7"}}),
    ("network", "net/f", {"headers": {"X-Client": "2001:db8:de::1"}}),
    ("network", "net/f", {"headers": {"X-Client": "::ffff:192.0.2.7"}}),
    ("network", "net/f", {"headers": {"X-Client": "64:ff9b::192.0.2.7"}}),
    ("network", "net/f", {"headers": {"X-Client": "2002:c000:207::1"}}),
    ("file-mask", "mask/a.sig", {}),
    ("file-mask", "mask/new\nline.sig", {}),
    ("file-mask", "masks/x", {}),
    ("no-mirror", "nowhere", {}),
    ("no-mirror", "french", {"client": COUNTRY["de"]}),
    ("pending", "pending", {}),
]


@pytest.mark.parametrize("reason, path, options", DECLINED)
def test_what_is_declined_comes_from_the_origin(site, reason, path, options):
    answer = site.ask(f"/db/{escaped(path)}", **options)
    assert (answer.status, answer.location) == (302, f"http://origin.example/{escaped(path)}")
    assert answer.get("X-Declined") == reason
    assert answer.get("X-No-Mirror") == ("1" if reason == "no-mirror" else "(null)")


@pytest.mark.parametrize("reason, path, options", [
    *DECLINED, ("version-differs", "touched", {}), ("version-differs", "grown", {}), ("not-in-table", "not-in-table", {}),
    ("directory", "dir-in-table", {})])
def test_what_is_declined_is_served_by_httpd(site, reason, path, options):
    answer = site.ask(f"/local/{escaped(path)}", **options)
    assert answer.status == 200 and answer.get("X-Declined") == reason
    content = (site.httpd.docroot / "local" / path).read_bytes()
    assert answer.body == content
    assert answer.get("X-Size") == str(len(content))
    assert answer.get("X-No-Mirror") == ("1" if reason == "no-mirror" else "(null)")


@pytest.mark.parametrize("tree", ["db", "local"])
@pytest.mark.parametrize("path, options", [
    ("f", {}), ("edge", {}), ("tune/small", {}), ("mime/a.tar.xz", {}), ("mime/none", {}), ("mask/a.sig.txt", {}),
    ("agent/f", {"headers": {"User-Agent": "bad robot/1.0"}}), ("agent/f", {}),
    ("net/f", {"client": "127.0.12.1"}), ("net/f", {"headers": {"X-Client": "192.0.2.8"}}),
    ("net/f", {"headers": {"X-Client": "2001:db8:fa::1"}}), ("head/f", {}),
])
def test_the_rest_is_redirected(site, tree, path, options):
    answer = site.ask(f"/{tree}/{path}", **options)
    assert (answer.status, answer.location) == (302, f"http://tokyo.example/{path}")
    assert answer.get("X-Declined") == "(null)"


def test_head_is_answered_without_a_mirror_where_configured(site):
    served = site.ask("/local/head/f", method="HEAD")
    assert (served.status, served.get("Content-Length"), served.get("X-Declined")) == (200, str(SIZE), "head")
    sent_on = site.ask("/db/head/f", method="HEAD")
    assert (sent_on.status, sent_on.location) == (302, "http://origin.example/head/f")


@pytest.mark.parametrize("tree", ["db", "local"])
@pytest.mark.parametrize("path, client, base", [
    ("fallback/f", "de", "https://de.example/"), ("fallback/f", "fr", "http://eu.example/x/"),
    ("fallback/f", "us", "http://any.example/"), ("fallback/french", "jp", "http://any.example/"),
])
def test_files_without_a_mirror_go_to_the_fallback_that_fits_best(site, tree, path, client, base):
    answer = site.ask(f"/{tree}/{path}?x=1", client=COUNTRY[client])
    assert (answer.status, answer.location) == (302, base + path)
    assert answer.get("X-No-Mirror") == "1"
    assert answer.get("Cache-Control") == "private, no-cache"


@pytest.mark.parametrize("country, base", [
    ("de", "https://de.example/"), ("FR", "http://eu.example/x/"), ("jp", "http://any.example/")])
def test_country_argument_chooses_the_fallback_too(site, country, base):
    assert site.ask(f"/db/fallback/f?country={country}").location == base + "fallback/f"


def test_fallback_is_for_files_without_a_mirror_only(site):
    answer = site.ask("/local/fallback/french", client=COUNTRY["fr"])
    assert answer.location == "http://lyon.example/fallback/french"
    assert answer.get("X-No-Mirror") == "(null)"


def test_404_comes_only_for_what_the_table_has_not(site):
    answer = site.ask("/db/not-in-table")
    assert answer.status == 404 and answer.get("X-Declined") == "not-in-table"
    assert site.ask("/local/none-such").status == 404


def test_a_local_tree_s_files_keep_ranges_and_conditions(site):
    part = site.ask("/local/nowhere", headers={"Range": "bytes=10-19"})
    assert part.status == 206 and part.body == (site.httpd.docroot / "local/nowhere").read_bytes()[10:20]
    whole = site.ask("/local/nowhere")
    assert whole.get("Accept-Ranges") == "bytes"
    for condition in ({"If-None-Match": whole.get("ETag")}, {"If-Modified-Since": whole.get("Last-Modified")}):
        unchanged = site.ask("/local/nowhere", headers=condition)
        assert unchanged.status == 304 and unchanged.get("ETag") == whole.get("ETag")
    assert site.ask("/local/nowhere", headers={"If-Match": '"other"'}).status == 412
    old = email.utils.formatdate(DEFAULT_MTIME - 1, usegmt=True)
    assert site.ask("/local/nowhere", headers={"If-Unmodified-Since": old}).status == 412


@pytest.mark.parametrize("target", ["/local", "/local/index", "/local/", "/local/f/more", "/local/none"])
def test_httpd_answers_for_a_local_tree_s_folders_and_absent_files(site, target):
    answer = site.ask(target)
    assert answer.status in (301, 403, 404)
    assert "tokyo" not in str(answer.headers)


def test_a_folder_s_index_is_served_and_its_own_url_is_redirected(site):
    assert site.ask("/local/index/").status == 200
    assert site.ask("/local/index/index.html").location == "http://tokyo.example/index/index.html"


def test_error_pages_are_never_redirected(site):
    answer = site.ask("/local/none-such")
    assert answer.status == 404 and b"error/page.html" in answer.body and answer.location is None
    assert site.ask("/db/error/none-such").body == answer.body


def test_other_handlers_keep_their_requests(site):
    answer = site.ask("/local/status?auto")
    assert answer.status == 200 and b"Uptime" in answer.body


def test_httpd_answers_other_methods_in_a_local_tree(site):
    posted = site.ask("/local/f", method="POST", headers={"Content-Length": "0"})
    assert posted.body == (site.httpd.docroot / "local/f").read_bytes()
    assert site.ask("/local/f", method="DELETE").status == 405
    assert "GET" in site.ask("/local/f", method="OPTIONS").get("Allow")


REPRESENTATIONS = ["meta4", "metalink", "mirrorlist", "torrent", "magnet", "zsync", "md5", "sha1", "sha256", "sha512", "btih",
                   "json"]


@pytest.mark.parametrize("tree", ["db", "local"])
@pytest.mark.parametrize("path", ["f", "small", "nowhere", "pending", "mask/a.sig", "mime/a.html", "fallback/f"])
def test_a_wish_for_a_representation_is_never_answered_by_the_file(site, tree, path):
    for number, word in enumerate(REPRESENTATIONS):
        query = word if number % 2 else f"x=1&{word}=1"
        answer = site.ask(f"/{tree}/{path}?{query}", method="HEAD" if number % 3 == 2 else "GET")
        assert answer.status in (200, 404) and answer.location is None, (word, answer)
        assert answer.get("Content-Length") != str(SIZE), (word, answer)
        assert b"\n" * 3 not in answer.body, (word, answer)


@pytest.mark.parametrize("path", ["not-in-table", "touched", "grown", "dir-in-table", "head/f"])
def test_nor_is_it_where_the_table_differs_from_the_disk(site, path):
    for method in ("GET", "HEAD", "POST"):
        answer = site.ask(f"/local/{path}?meta4", method=method, headers={"Content-Length": "0"})
        assert answer.status == (200 if path == "head/f" and method != "POST" else 404) and path.encode() * 2 not in answer.body
        assert site.ask(f"/local/{path}?json&country=1", method=method, headers={"Content-Length": "0"}).status == 400


@pytest.mark.parametrize("tree", ["db", "local"])
def test_an_answer_in_words_is_not_labelled_as_the_file(site, tree):
    answer = site.ask(f"/{tree}/index/page.de.gz?torrent")
    assert answer.status == 404 and answer.get("Content-Type") == "text/plain; charset=utf-8"
    assert answer.get("Content-Encoding") is None and answer.get("Content-Language") is None


@pytest.mark.parametrize("suffix", REPRESENTATIONS)
def test_a_representation_s_suffix_names_no_file_of_the_tree_s_own(site, suffix):
    for tree in ("db", "local"):
        assert site.ask(f"/{tree}/f.{suffix}").status == (200 if suffix in ("meta4", "metalink", "mirrorlist") else 404)
        assert site.ask(f"/{tree}/none.{suffix}").status == 404
