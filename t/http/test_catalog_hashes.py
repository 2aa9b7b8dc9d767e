"""MirrorCatalogHashes: with all hashes in the catalog every representation outlives the database; without, those that need more
than the catalog keeps are asked of it, and answered 503 while it is down. Redirects go on in either case."""

import base64
import hashlib

import pytest

import rig
from answers import ask
from catalogs import CONFIG, current_file, database, every_child_maps, logged, make_redirector, postgres  # noqa: F401
from clients import noise
from hashing import World
from outages import OUTAGE

CONTENT = noise(600_000, 1)
MIRROR = "http://mirror.example/"
ENDINGS = (".meta4", ".metalink", ".torrent", ".magnet", ".zsync", ".md5", ".sha1", ".sha256", ".sha512", ".btih", ".mirrorlist")
QUERIES = ("?json", "?mirrorlist=text")
DIGEST = hashlib.sha256(CONTENT)


@pytest.fixture
def make_served(postgres, database, scratch, cleanup, make_redirector):
    """make_served("On") -> a redirector to a file of which everything is known, with a complete catalog."""

    def make(kept):
        database.sql("DELETE FROM file; DELETE FROM mirror; DELETE FROM cohort")
        world = World(database, scratch, cleanup)
        world.configure(more="[instance.main.hash]\nzsync = true\n")
        rig.make_tree(world.source, {"f": CONTENT, "f.asc": "-----BEGIN PGP SIGNATURE-----\n"})
        world.scan_source()
        world.mirror("m")
        world.mb_scan("m", check=True)
        world.mb_hash()
        redirector = make_redirector(f"MirrorCatalogHashes {kept}\n{CONFIG}")
        rig.wait_for("a catalog in every child", lambda: all(from_catalog(redirector) for _ in range(12)) and
                     every_child_maps(redirector), 15)
        return redirector

    return make


def from_catalog(redirector):
    assert redirector.ask("/db/f").answer.location == MIRROR + "f"
    return logged(redirector)[-1].age != "-"


def redirect(redirector):
    """What a redirect says, and that is all right."""
    answer = ask(redirector.httpd, "/db/f", headers={"Want-Digest": "sha-256", "Want-Repr-Digest": "sha-256=1"})
    assert (answer.status, answer.location) == (302, MIRROR + "f")
    assert answer.get("Digest") == "SHA-256=" + base64.b64encode(DIGEST.digest()).decode()
    assert answer.get("Repr-Digest") == f"sha-256=:{base64.b64encode(DIGEST.digest()).decode()}:"
    return stable(answer)


def stable(answer):
    """All of an answer but when it was given."""
    return answer.status, [pair for pair in answer.headers if pair[0] != "Date"], answer.body


def representations(redirector):
    return {ending: stable(ask(redirector.httpd, "/db/f" + ending)) for ending in (*ENDINGS, *QUERIES)}


def test_all_hashes_outlive_the_database(make_served, postgres):
    redirector = make_served("On")
    before = representations(redirector)
    link = redirect(redirector)
    assert {ending: answer[0] for ending, answer in before.items()} == dict.fromkeys(before, 200)
    assert b'<pieces type="sha-1" length="' in before[".meta4"][2] and MIRROR.encode() in before[".meta4"][2]
    assert b"6:pieces" in before[".torrent"][2] and b"12:piece layers" in before[".torrent"][2]
    assert before[".sha256"][2].startswith(DIGEST.hexdigest().encode())
    postgres.stop()
    for _ in range(4):
        assert representations(redirector) == before and redirect(redirector) == link
    redirector.httpd.stop()
    redirector.httpd.start()
    assert representations(redirector) == before, "httpd restarted, the database still down"


def test_without_them_only_redirects_do(make_served, postgres):
    redirector = make_served("Off")
    before = representations(redirector)
    link = redirect(redirector)
    assert {ending: answer[0] for ending, answer in before.items()} == dict.fromkeys(before, 200), "the database has them"
    postgres.stop()
    for _ in range(8):
        assert redirect(redirector) == link
    both = "*/*, application/metalink+xml, application/metalink4+xml"
    for _ in range(4):
        wish = ask(redirector.httpd, "/db/f", headers={"Accept": both})
        assert (wish.status, wish.location) == (302, MIRROR + "f"), "a wish by Accept that cannot be met is a redirect"
    after = representations(redirector)
    kept = {".sha256", "?mirrorlist=text"}
    assert {ending: answer[0] for ending, answer in after.items()} == {e: 200 if e in kept else 503 for e in after}
    assert all(after[ending] == before[ending] for ending in kept)
    assert all(dict(after[ending][1])["Retry-After"] for ending in set(after) - kept)
    torrents = [request for request in logged(redirector) if request.path == "/db/f.torrent"]
    assert [request.declined for request in torrents] == ["-", "database-down"]
    assert redirector.log_lines(OUTAGE)
