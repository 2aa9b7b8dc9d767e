"""Metalinks against the grammar, pages against an HTML validator, as settings, places and missing hashes shape them."""

import html
import itertools
import re

import pytest
import rig
from answers import COUNTRY, NOWHERE
from clients import noise

HARD = "a & b <c> \"d\" 'e' größe\x1b\ufffe.iso"
SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\niQ==\n=AAAA\n-----END PGP SIGNATURE-----\n"
FILES = {"plain.iso": noise(600_000, 1), "signed.iso": noise(5000, 2), "signed.iso.asc": SIGNATURE, f"d/{HARD}": noise(5000, 3),
         "empty": b"", "unhashed.iso": noise(5000, 4), "nowhere.iso": noise(5000, 5)}
RICH = ('MirrorPublisher "P & <Q>" http://p.example/a&b/\nMirrorTracker udp://t.example:1\nMirrorMetalinkMagnets On\n'
        "MirrorGeoDatabase {geo}/asn.mmdb\n")
CLIENTS = [*COUNTRY.values(), NOWHERE]
URL = '<url priority="1">http://m.example/f</url>'


@pytest.fixture(scope="module", params=["", RICH], ids=["bare", "rich"])
def downloads(make_downloads, request):
    def mirrors(source):
        return {"none": {"http_url": "http://none.example/"},
                "berlin": {"http_url": "http://berlin.example/a&b/", "https_url": "https://berlin.example/", "country": "DE",
                           "region": "EU", "latitude": 52.5, "longitude": 13.4, "operator_name": "A & <B>",
                           "operator_url": "http://o.example/?a=1&b=2"},
                "tokyo": {"https_url": "https://tokyo.example/", "country": "JP", "region": "AS",
                          "operator_url": "http://o.example/"},
                "world": {"http_url": "http://world.example/", "country": "**", "operator_name": "World"}}
    made = make_downloads(FILES, mirrors, request.param)
    made.site.database.sql("DELETE FROM hash WHERE file_id = (SELECT id FROM file WHERE path = 'unhashed.iso');"
                           "INSERT INTO cohort (mirrors, n_files, rev) VALUES ('{}', 1, 2);"
                           "UPDATE file SET cohort_id = (SELECT id FROM cohort WHERE rev = 2) WHERE path = 'nowhere.iso'")
    return made


def answers_in(downloads, folder, word):
    """Files of this representation of every file, for clients everywhere."""
    folder.mkdir()
    numbers = itertools.count()
    for path in FILES:
        target = "".join(f"%{byte:02X}" for byte in path.encode())
        for client in CLIENTS:
            answer = downloads.ask(f"{target.replace('%2F', '/')}?{word}", client=client)
            if path != "nowhere.iso" or word == "mirrorlist":
                assert answer.status == 200
                (folder / f"{next(numbers)}.{word}").write_bytes(answer.body)
    return sorted(folder.iterdir())


def jing(build, *paths):
    return rig.run(["jing", "-c", build.data("metalink4.rnc"), *paths], check=False)


def test_metalinks_follow_the_grammar(downloads, build, scratch):
    paths = answers_in(downloads, scratch / "meta4", "meta4")
    done = jing(build, *paths)
    assert done.returncode == 0 and done.stdout == "", done.stdout + done.stderr
    every = "".join(path.read_text() for path in paths)
    wanted = ["<pieces", "<signature", "<hash", "<url"] + (["<metaurl", "<publisher", "magnet:"] if "P &amp;" in every else [])
    assert all(word in every for word in wanted)


def test_the_grammar_is_strict(build, scratch):
    odd = ["", "<url>not a URL</url>", '<url priority="0">http://m.example/f</url>',
           '<url location="DE">http://m.example/f</url>', "<url>http://m.example/a b</url>",
           "<url>http://m.example/100%</url>", f"{URL}<size>-1</size>", f"{URL}<size>1</size><size>1</size>",
           f'{URL}<hash type="sha-256">00</hash>', f"{URL}<hash>{'0' * 32}</hash>",
           f'{URL}<pieces length="1" type="sha-1"></pieces>', f'{URL}<publisher url="http://p.example/"/>',
           f"{URL}<metaurl>http://m.example/f.torrent</metaurl>", f"{URL}<odd/>"]
    frame = '<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="%s">%s</file></metalink>'
    contents = [frame % ("f", content) for content in odd] + [frame % (name, URL) for name in ("", "/f", "../f", "d/../f")]
    paths = [scratch / f"{number}.meta4" for number in range(len(contents) + 1)]
    for path, content in zip(paths, [frame % ("d/f", URL), *contents]):
        path.write_text(content)
    done = jing(build, *paths)
    assert [path for path in paths if f"{path}:" not in done.stdout] == paths[:1]


def test_pages_are_valid_html(downloads, scratch):
    paths = answers_in(downloads, scratch / "pages", "mirrorlist")
    done = rig.run(["tidy", "-quiet", "-errors", "-utf8", *paths], check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    everything = "".join(path.read_text() for path in paths)
    for shown in ("A &amp; &lt;B&gt;", "Worldwide", "In Japan", "Elsewhere", "Checksums", "At present no mirror"):
        assert shown in everything
    for page in (path.read_text() for path in paths):
        assert len(re.findall("<h1", page)) == 1 and html.unescape(page).count("</html>") == 1
