"""Clients only get hashes of the file's present content."""

import base64
import hashlib
import os

import pytest
import rig
from answers import ask
from hashing import REDIRECTOR, World

MIB = 1 << 20
CONFIG = REDIRECTOR + """\
Alias /local {source}
<Directory {source}>
  Require all granted
</Directory>
<Location /local>
  MirrorEngine On
</Location>
"""
OLD, NEW, LONGER = b"old " * 5000, b"new " * 5000, b"new " * 5001


class Served(World):
    def start(self, make_httpd):
        text = CONFIG.replace("{database}", self.database.conninfo()).replace("{source}", str(self.source))
        self.httpd = make_httpd(text)

    def write(self, content, when):
        """As rsync replaces a file: another inode takes the name."""
        fresh = self.scratch / "fresh"
        fresh.write_bytes(content)
        os.utime(fresh, (when, when))
        fresh.rename(self.source / "f")

    def ask(self, tree, suffix=""):
        return ask(self.httpd, f"/{tree}/f{suffix}", headers={"Want-Digest": "sha-256", "Want-Repr-Digest": "sha-256=1"})

    def told(self, content):
        """How often, in all that clients can ask for, this content's digest is told."""
        digest = hashlib.sha256(content)
        forms = [digest.hexdigest().encode(), base64.b64encode(digest.digest())]
        words = ("", ".sha256", ".meta4", ".metalink", ".mirrorlist", "?json", ".torrent", ".magnet")
        answers = [self.ask(tree, word).raw for tree in ("db", "local") for word in words]
        return sum(form in answer for answer in answers for form in forms)

    def redirected(self):
        return {tree for tree in ("db", "local") if (self.ask(tree).location or "").startswith("http://mirror.example/")}


@pytest.fixture
def world(database, scratch, cleanup, make_httpd):
    world = Served(database, scratch, cleanup)
    world.write(OLD, 1_700_000_000)
    world.scan_source()
    world.daemon = world.mirror("m")
    world.mb_scan("m", check=True)
    world.mb_hash()
    world.start(make_httpd)
    assert world.told(OLD) >= 10 and world.redirected() == {"db", "local"}
    return world


@pytest.mark.parametrize("content", [NEW, LONGER])
def test_a_changed_file_has_no_hashes_until_it_is_hashed(world, content):
    world.write(content, 1_700_000_500)
    world.scan_source()
    assert world.told(OLD) == world.told(content) == 0 and world.redirected() == set()
    assert all(world.ask(tree, word).status == 404 for tree in ("db", "local") for word in (".sha256", ".torrent", ".magnet"))
    world.mb_hash()
    assert world.told(OLD) == 0 and world.told(content) >= 6 and world.redirected() == set()
    (world.daemon.tree / "f").write_bytes(content)
    os.utime(world.daemon.tree / "f", (1_700_000_500, 1_700_000_500))
    world.mb_scan("m", check=True)
    assert world.told(OLD) == 0 and world.told(content) >= 10 and world.redirected() == {"db", "local"}


def test_a_file_that_was_only_touched_returns_to_its_mirrors(world):
    world.write(OLD, 1_700_000_500)
    world.scan_source()
    assert world.told(OLD) == 0 and world.redirected() == set()
    world.mb_hash()
    assert world.told(OLD) >= 10 and world.redirected() == {"db", "local"}  # though no mirror was scanned


def test_what_is_replaced_while_it_is_read_never_lends_its_hashes(world):
    old, new = bytes(6 * MIB), b"1" * (6 * MIB)
    world.write(old, 1_700_001_000)
    world.scan_source()
    process = world.start_hash("--max-rate", "6M")
    folder = f"/proc/{process.pid}/fd"
    rig.wait_for("reading", lambda: any(os.path.realpath(f"{folder}/{fd}") == str((world.source / "f").resolve())
                                        for fd in os.listdir(folder)))
    world.write(new, 1_700_002_000)
    world.scan_source()
    while process.poll() is None:
        assert world.told(old) == 0
    process.communicate()
    world.mb_hash()
    assert world.told(old) == 0 and world.told(new) >= 6
