"""What clients of representations rely on besides the bodies: torrents that stay the same, what refers to what, and headers."""

import base64
import hashlib
import re
import urllib.parse
import zlib

import pytest

import rig
from answers import COUNTRY, File

CONTENT = b"content\n" * 1250
MIRRORS = {name: {"http_url": f"http://{name}.example/", "country": country} for name, country in (
    ("tokyo", "JP"), ("berlin", "DE"), ("paris", "FR"), ("boston", "US"), ("rio", "BR"), ("osaka", "JP"), ("bonn", "DE"))}
MIRRORS["tokyo"]["https_url"] = "https://tokyo.example/"
ALL = tuple(MIRRORS)
FILES = {"f": File(ALL), "f.gz": File(ALL), "signed": File(ALL), "bare": File(ALL), "touched": File(ALL, pending=True),
         "nowhere": File(), "real.torrent": File(ALL), "page.html.de": File(ALL)}
DIGESTS = {"md5": hashlib.md5(CONTENT).hexdigest(), "sha1": hashlib.sha1(CONTENT).hexdigest(),
           "sha256": hashlib.sha256(CONTENT).hexdigest(), "sha512": hashlib.sha512(CONTENT).hexdigest()}
HASHES = DIGESTS | {"sha1_pieces": DIGESTS["sha1"], "btih_v1": "33" * 20, "btih": "44" * 20, "btmh": "55" * 32,
                    "pieces_root": "66" * 32, "zsync_sums": "77" * 5 * 12}
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
LogLevel mirror:info
MirrorLastResort Off
LogFormat "%U%q %s %{MB_DECLINED}e %{MB_REPRESENTATION}e %{MB_NOMIRROR}e" mirror
CustomLog {dir}/mirror.log mirror
AddEncoding x-gzip .gz
AddLanguage de .de
SetEnvIf X-Https on HTTPS=on
SetOutputFilter DEFLATE
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
<Location /local>
  MirrorEngine On
</Location>
"""
WORDS = ("meta4", "metalink", "torrent", "magnet", "zsync", "md5", "sha1", "sha256", "sha512", "btih", "mirrorlist", "json",
         "mirrorlist=text")
DEFLATE_FROM_BYTES = 100  # mod_deflate leaves shorter bodies alone, since they would grow
SAME_FOR_ALL = ("md5", "sha1", "sha256", "sha512", "btih")
both_trees = pytest.mark.parametrize("tree", ["db", "local"])
every_word = pytest.mark.parametrize("word", WORDS)


@pytest.fixture(scope="module")
def site(make_site):
    made = make_site(CONFIG, MIRRORS, FILES, tree={f"local/{name}": CONTENT for name in FILES}, modules=("deflate", "filter"))
    columns, values = ", ".join(HASHES), ", ".join(f"'\\x{digest}'::bytea" for digest in HASHES.values())
    made.database.sql(
        "INSERT INTO hash (file_id, version_rev, piece_bytes, zsync_block_bytes, zsync_seq_matches, zsync_rsum_bytes, "
        f"zsync_md4_bytes, mtimes, {columns}) SELECT id, version_rev, 262144, 2048, 1, 4, 8, ARRAY[mtime], {values} FROM file "
        "WHERE path NOT IN ('bare', 'touched');"
        "UPDATE hash SET signature_kind = 'a', signature = '-----BEGIN PGP SIGNATURE-----' WHERE file_id = "
        "(SELECT id FROM file WHERE path = 'signed')")
    return made


def decode(data):
    """A bencoded value (BEP 3) and what follows it."""
    if data[:1] == b"i":
        number, _, rest = data[1:].partition(b"e")
        return int(number), rest
    if data[:1] in (b"l", b"d"):
        items, rest = [], data[1:]
        while rest[:1] != b"e":
            item, rest = decode(rest)
            items.append(item)
        return (items if data[:1] == b"l" else dict(zip(items[::2], items[1::2]))), rest[1:]
    size, _, rest = data.partition(b":")
    return rest[:int(size)], rest[int(size):]


@both_trees
def test_a_torrent_is_the_same_for_all_but_its_web_seeds(site, tree):
    seen = []
    for client, first in (("jp", ("tokyo", "osaka")), ("de", ("berlin", "bonn")), ("br", ("rio",))):
        torrent, rest = decode(site.ask(f"/{tree}/f.torrent", client=COUNTRY[client]).body)
        seeds = [url.decode() for url in torrent.pop(b"url-list")]
        assert rest == b"" and len(seeds) == len(MIRRORS)
        assert urllib.parse.urlsplit(seeds[0]).hostname.removesuffix(".example") in first
        assert torrent[b"creation date"] == rig.tree.DEFAULT_MTIME
        seen.append(torrent)
    assert seen[0] == seen[1] == seen[2] and list(seen[0]) == sorted(seen[0])


@both_trees
def test_a_magnet_names_the_best_mirrors_and_the_torrent(site, tree):
    answer = site.ask(f"/{tree}/f.magnet", client=COUNTRY["jp"])
    magnet = urllib.parse.parse_qs(answer.body.decode().strip().partition("?")[2])
    listed = site.ask(f"/{tree}/f?mirrorlist=text", client=COUNTRY["jp"]).body.decode().split()
    assert magnet["ws"] == listed[:5] and magnet["xs"] == [f"http://redirector.example/{tree}/f.torrent"]
    assert magnet["xt"] == ["urn:btih:" + "44" * 20, "urn:btmh:1220" + "55" * 32]
    assert magnet["dn"] == ["f"] and magnet["xl"] == [str(len(CONTENT))]


@both_trees
def test_a_redirect_names_what_describes_the_file(site, tree):
    def described(name):
        return {re.match(f"<http://redirector.example/{tree}/(.*)>; rel=describedby; type=\"(.*)\"", link).groups()
                for link in site.ask(f"/{tree}/{name}").all("Link") if "describedby" in link}
    both = {("f.meta4", "application/metalink4+xml"), ("f.torrent", "application/x-bittorrent")}
    assert described("f") == both
    assert described("signed") == {(name.replace("f.", "signed."), kind) for name, kind in both} | {
        ("signed.asc", "application/pgp-signature")}
    assert described("bare") == {("bare.meta4", "application/metalink4+xml")}


def b64(name):
    return base64.b64encode(bytes.fromhex(DIGESTS[name])).decode()


@both_trees
@pytest.mark.parametrize("wish, digest, repr_digest", [
    ({}, ["SHA-256", "SHA-512", "SHA", "MD5"], ["sha-256", "sha-512"]),
    ({"Want-Digest": "SHA-512, md5;q=0.3", "Want-Repr-Digest": "sha-512=3, sha-256=10"}, ["SHA-512", "MD5"],
     ["sha-256", "sha-512"]),
    ({"Want-Digest": "sha;q=0, sha-256;q=0.001", "Want-Repr-Digest": "sha-512=1, sha-256=0"}, ["SHA-256"], ["sha-512"]),
    ({"Want-Digest": "unixsum", "Want-Repr-Digest": "adler=5"}, [], []),
    ({"Want-Repr-Digest": "sha-512=11"}, ["SHA-256", "SHA-512", "SHA", "MD5"], ["sha-256", "sha-512"]),
])
def test_digests_are_those_that_are_wished_for(site, tree, wish, digest, repr_digest):
    answer = site.ask(f"/{tree}/f", headers=wish)
    assert answer.status == 302
    of = {"SHA-256": "sha256", "SHA-512": "sha512", "SHA": "sha1", "MD5": "md5"}
    got = (answer.get("Digest") or "").split(", ") if answer.get("Digest") else []
    assert sorted(got) == sorted(f"{name}={b64(of[name])}" for name in digest)
    got = (answer.get("Repr-Digest") or "").split(", ") if answer.get("Repr-Digest") else []
    assert sorted(got) == sorted(f"{name}=:{b64(name.replace('-', ''))}:" for name in repr_digest)


@both_trees
@every_word
def test_each_is_conditional_cached_rightly_and_has_a_head(site, tree, word):
    target = f"/{tree}/f?{word}"
    first = site.ask(target)
    assert first.status == 200 and first.get("Last-Modified") and first.get("ETag").startswith('"')
    assert first.get("Cache-Control") == ("no-cache" if word in SAME_FOR_ALL else "private, no-cache")
    for headers in ({"If-None-Match": first.get("ETag")}, {"If-None-Match": f'"x", W/{first.get("ETag")}'},
                    {"If-None-Match": "*"}, {"If-Modified-Since": first.get("Last-Modified")}):
        again = site.ask(target, headers=headers)
        assert (again.status, again.body) == (304, b"") and again.get("ETag") == first.get("ETag")
        assert again.get("Cache-Control") == first.get("Cache-Control")
    for headers in ({"If-None-Match": '"x"'}, {"If-None-Match": '"x"', "If-Modified-Since": first.get("Last-Modified")},
                    {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:01 GMT"}):
        assert site.ask(target, headers=headers).body == first.body
    head = site.ask(target, method="HEAD")
    assert (head.status, head.body, head.get("Content-Length")) == (200, b"", str(len(first.body)))
    assert head.get("ETag") == first.get("ETag") and head.get("Content-Type") == first.get("Content-Type")


@both_trees
@every_word
def test_each_can_be_compressed_and_fetched_in_parts(site, tree, word):
    target = f"/{tree}/f?{word}"
    plain = site.ask(target)
    packed = site.ask(target, headers={"Accept-Encoding": "gzip"})
    if len(plain.body) < DEFLATE_FROM_BYTES:
        assert packed.get("Content-Encoding") is None and packed.body == plain.body
    else:
        assert packed.get("Content-Encoding") == "gzip" and "Accept-Encoding" in ",".join(packed.all("Vary"))
        body = packed.body if packed.get("Transfer-Encoding") is None else packed.body.partition(b"\r\n")[2]
        assert zlib.decompressobj(31).decompress(body) == plain.body
    again = site.ask(target, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.get("ETag")})
    assert (again.status, again.body) == (304, b"")
    part = site.ask(target, headers={"Range": "bytes=5-9", "If-Range": plain.get("ETag")})
    assert (part.status, part.body) == (206, plain.body[5:10])


@both_trees
@every_word
def test_what_httpd_knows_of_the_file_is_not_told_of_its_representation(site, tree, word):
    for name in ("f.gz", "page.html.de"):
        answer = site.ask(f"/{tree}/{name}?{word}")
        assert answer.status == 200 and answer.get("Content-Encoding") is None and answer.get("Content-Language") is None


@both_trees
@every_word
def test_https_clients_get_https_urls_only(site, tree, word):
    body = site.ask(f"/{tree}/f?{word}", headers={"X-Https": "on"}).body
    unescaped = urllib.parse.unquote_to_bytes(body)
    names = [name.encode() for name in MIRRORS if name != "tokyo"]
    assert b"http://tokyo" not in unescaped and not any(name + b".example" in unescaped for name in names)
    assert (b"https://tokyo.example/f" in unescaped) == (word not in SAME_FOR_ALL)


@both_trees
@pytest.mark.parametrize("name, word, declined, nomirror", [
    *(("bare", word, "no-hashes", "-") for word in ("torrent", "magnet", "zsync", "md5", "sha512", "btih")),
    ("touched", "meta4", "pending", "-"), ("nowhere", "meta4", "no-mirror", "1"), ("nowhere", "zsync", "no-mirror", "1")])
def test_what_cannot_be_had_is_404_with_the_reason_in_the_log(site, tree, name, word, declined, nomirror):
    for target in (f"/{tree}/{name}.{word}", f"/{tree}/{name}?{word}"):
        answer = site.ask(target)
        assert answer.status == 404 and b": " in answer.body
        assert f"{target} 404 {declined} - {nomirror}" in rig.wait_for(
            "the request in the log", lambda: [line for line in site.logged("mirror.log") if line.startswith(f"{target} ")])
        assert "no representation: " in site.httpd.log()


@both_trees
def test_a_real_file_has_representations_of_its_own(site, tree):
    assert site.ask(f"/{tree}/real.torrent").status == 302
    assert site.ask(f"/{tree}/real.torrent.torrent").get("Content-Type") == "application/x-bittorrent"
    assert site.ask(f"/{tree}/real.torrent.sha256").body.endswith(b"  real.torrent\n")


@both_trees
def test_only_hash_leaves_out_the_name(site, tree):
    for target in (f"/{tree}/f.sha256?only_hash", f"/{tree}/f?sha256&only_hash"):
        assert site.ask(target).body == DIGESTS["sha256"].encode() + b"\n"


@both_trees
def test_the_lists_as_another_client_would_get_them(site, tree):
    for country, first in (("fr", b"http://paris.example/"), ("us", b"http://boston.example/")):
        assert site.ask(f"/{tree}/f?mirrorlist=text&country={country}").body.startswith(first)
    for query in ("country=xyz", "as=0", "country=", "as=x"):
        for word in WORDS:
            assert site.ask(f"/{tree}/f?{word}&{query}").status == 400


@both_trees
def test_other_methods_get_no_representation(site, tree):
    for method in ("POST", "PUT", "DELETE"):
        for target in (f"/{tree}/f.meta4", f"/{tree}/f?meta4"):
            answer = site.ask(target, method=method, headers={"Content-Length": "0"})
            assert answer.status in (307, 404, 405) and b"<metalink" not in answer.body
