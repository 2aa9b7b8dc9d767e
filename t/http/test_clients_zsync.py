"""zsync fetches the new parts of a file from a mirror, and takes the rest from an old version."""

import pytest
import rig
from clients import body_bytes, noise

NAME = "größe & 100% #1.iso"
TARGET = "d/gr%C3%B6%C3%9Fe%20&%20100%25%20%231.iso"
OLD = noise(4 << 20, 1)
CHANGED = 100_000
NEW = OLD[:1 << 20] + noise(CHANGED, 2) + OLD[1 << 20:3 << 20] + OLD[(3 << 20) + 1000:]  # the rest moves twice


@pytest.fixture(scope="module")
def downloads(make_downloads, keep):
    def mirrors(source):
        made.append(keep(rig.WebServer(source)))
        return {"good": {"http_url": made[0].url}, "dead": {"http_url": f"http://127.0.0.1:{rig.CLOSED_PORT}/"}}
    made = []
    downloads = make_downloads({f"d/{NAME}": NEW}, mirrors)
    [downloads.web] = made
    return downloads


def zsync(downloads, scratch, *args):
    done = rig.run(["zsync", *args, downloads.url(f"{TARGET}.zsync")], cwd=scratch)
    assert (scratch / NAME).read_bytes() == NEW and "checksum matches OK" in done.stdout
    return done


def test_only_what_has_changed_is_fetched(downloads, scratch):
    (scratch / "old").write_bytes(OLD)
    before = body_bytes(downloads.web)
    zsync(downloads, scratch, "-i", "old")
    rig.wait_for("the mirror's log", lambda: body_bytes(downloads.web) >= before + CHANGED)
    assert body_bytes(downloads.web) - before < 2 * CHANGED < len(NEW) / 10


def test_the_file_of_the_same_name_is_the_old_one(downloads, scratch):
    (scratch / NAME).write_bytes(OLD)
    zsync(downloads, scratch)
    assert (scratch / f"{NAME}.zs-old").read_bytes() == OLD


def test_without_an_old_version_all_is_fetched(downloads, scratch):
    before = body_bytes(downloads.web)
    zsync(downloads, scratch)
    rig.wait_for("the mirror's log", lambda: body_bytes(downloads.web) >= before + len(NEW))
