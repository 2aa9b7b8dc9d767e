"""Files that no mirror has yet: every client gets them by the last resort that its list names."""

import hashlib

import pytest
import rig
from clients import Downloads, noise
from test_clients_repositories import REPOSITORY, RULES, Dnf, Zypper, contents, make_repository
from test_clients_torrent import Peer, from_torrent

IMAGE = "image.iso"
CONTENT = noise(1 << 20, 3)
LOCAL = """
Alias /local @source@
<Location /local>
  MirrorEngine On
"""


@pytest.fixture(scope="module", params=["files", "local"])
def downloads(make_downloads, request):
    """Of a database tree, whose last resort is the origin, and of a local one, whose last resort is this server."""
    with rig.Scratch("mirror-repository") as folder:
        make_repository(folder)
        files = {**contents(folder), IMAGE: CONTENT}
    made = make_downloads(files, lambda source: {}, f"<Location /files>\n{RULES}</Location>\n{LOCAL}{RULES}</Location>\n")
    return Downloads(made.site, made.source, made.scratch, request.param)


def served_by_us(downloads, path, since):
    """Requests for the file itself that this server answered with its bytes."""
    return [line for line in downloads.site.httpd.access()[since:] if f"{path} " in line or f"{path}?" in line
            if " 200 " in line or " 206 " in line]


@pytest.mark.parametrize("kind", [Dnf, Zypper])
@pytest.mark.parametrize("word", ["metalink", "mirrorlist"])
def test_a_repository_that_no_mirror_has(downloads, scratch, kind, word):
    since = len(downloads.site.httpd.access())
    key = word if kind is Dnf else "mirrorlist"
    client = kind(scratch / "client", f"{key}={downloads.url(word)}?release=$releasever&repo=os")
    client.fetch()
    package = "packages/tool-1-1.noarch.rpm"
    assert client.package() == (downloads.source / REPOSITORY / package).read_bytes()
    assert served_by_us(downloads, package, since)


@pytest.mark.parametrize("word", ["meta4", "metalink"])
def test_aria2_by_a_metalink(downloads, scratch, word):
    metalink = downloads.save(f"{IMAGE}.{word}", f"image.{word}")
    rig.run(["aria2c", "--no-conf", "--quiet", f"--dir={scratch}", "--seed-time=0", "--disable-ipv6",
             "--enable-dht=false", f"--metalink-file={metalink}"])
    assert hashlib.sha256((scratch / IMAGE).read_bytes()).digest() == hashlib.sha256(CONTENT).digest()


def test_libtorrent_by_a_web_seed(downloads, scratch):
    answer = downloads.ask(f"{IMAGE}.torrent")
    with Peer(scratch) as peer:
        peer.add(from_torrent(answer.body)).wait_until("the download", lambda now: now.is_seeding)
    assert (scratch / IMAGE).read_bytes() == CONTENT


def test_zsync(downloads, scratch):
    zsync = downloads.save(f"{IMAGE}.zsync", "image.zsync")
    rig.run(["zsync", "-q", "-o", IMAGE, zsync], cwd=scratch)
    assert (scratch / IMAGE).read_bytes() == CONTENT
