"""aria2 on Metalinks and redirects, with mirrors of which only some are good."""

import hashlib
import urllib.parse

import pytest
import rig
from answers import COUNTRY
from clients import noise

# aria2 reads &amp; in an attribute as &#38;, so no ampersand here.
NAME = "odd <'name'> größe 100%.iso"
TARGET = "d/" + urllib.parse.quote(NAME)
CONTENT = noise(6 << 20, 1)
BAD = ("dead", "slow", "corrupt")
NO_METALINK = "--header=Accept: */*"
CORRUPT_PIECE, CORRUPT_FILE = "Chunk checksum validation failed", 32  # what aria2 logs, and its exit status


class Mirrors(dict):
    """name -> its server, each on a host of its own. The bad ones are in the client's country, so that they stand first in every
    list."""

    def __init__(self, keep):
        super().__init__()
        self.keep = keep

    def __call__(self, source):
        self["slow"] = self.keep(rig.OddWeb(source, address="127.0.2.1", rate=1_000_000))
        self["corrupt"] = self.keep(rig.OddWeb(source, address="127.0.2.2", corrupt=True))
        self["good"] = self.keep(rig.WebServer(source, address="127.0.2.3"))
        self["other"] = self.keep(rig.WebServer(source, address="127.0.2.4"))
        self.urls = {name: server.url for name, server in self.items()}
        self.urls["dead"] = f"http://127.0.2.5:{rig.free_port('127.0.2.5')}/"
        return {name: {"http_url": url, "country": "DE" if name in BAD else "JP", "region": "EU" if name in BAD else "AS"}
                for name, url in self.urls.items()}


@pytest.fixture(scope="module")
def mirrors(keep):
    return Mirrors(keep)


@pytest.fixture(scope="module")
def downloads(make_downloads, mirrors):
    """Without torrents: aria2 would go by these, and ask the mirrors as their web seeds only."""
    return make_downloads({f"d/{NAME}": CONTENT}, mirrors, kinds='digests = ["md5", "sha256", "pieces"]')


@pytest.fixture
def aria2(scratch):
    """aria2("https://…", …) -> CompletedProcess, with what it logged as `log`; files go into scratch / "got". From a German
    client, with all mirrors at once."""
    def run(*args, client=COUNTRY["de"], check=True):
        log = scratch / "aria2.log"
        done = rig.run(["aria2c", "--no-conf", "--quiet", f"--log={log}", "--log-level=info", f"--dir={scratch}/got",
                        f"--interface={client}", "--disable-ipv6", "--no-netrc", "--file-allocation=none", "--retry-wait=0",
                        "--max-tries=2", "--split=5", "--min-split-size=1M", "--max-connection-per-server=1",
                        "--uri-selector=inorder", "--enable-dht=false", "--enable-peer-exchange=false", "--seed-time=0", *args],
                       check=check)
        done.log = log.read_text()
        return done
    return run


def is_whole(scratch):
    return hashlib.sha256((scratch / "got" / NAME).read_bytes()).digest() == hashlib.sha256(CONTENT).digest()


def all_are_asked(done, mirrors):
    """By what aria2 says: a slow mirror's answer may come after the last byte from the others."""
    return all(f"Connecting to {urllib.parse.urlsplit(url).hostname}:" in done.log for url in mirrors.urls.values())


@pytest.mark.parametrize("word", ["meta4", "metalink"])
def test_a_metalink_brings_the_file_past_bad_mirrors(downloads, aria2, scratch, word, mirrors):
    metalink = downloads.save(f"{TARGET}.{word}", f"f.{word}", client=COUNTRY["de"])
    done = aria2(f"--metalink-file={metalink}")
    assert is_whole(scratch) and CORRUPT_PIECE in done.log and all_are_asked(done, mirrors)


def test_a_plain_url_negotiates_a_metalink(downloads, aria2, scratch, mirrors):
    done = aria2(downloads.url(TARGET))
    assert is_whole(scratch) and CORRUPT_PIECE in done.log and all_are_asked(done, mirrors)


@pytest.fixture
def without_corrupt(downloads):
    downloads.site.database.tool("mb", "disable", "corrupt")
    yield
    downloads.site.database.tool("mb", "enable", "corrupt")


def client_of(downloads, mirror_url):
    """A German address whose redirect goes to this mirror."""
    for number in range(1, 250):
        address = f"127.0.10.{number}"
        if downloads.ask(TARGET, client=address).location.startswith(mirror_url):
            return address
    raise AssertionError(f"nobody is sent to {mirror_url}")


@pytest.mark.parametrize("first", ["dead", "slow"])
def test_a_redirect_s_links_do_without_a_metalink(downloads, mirrors, aria2, scratch, without_corrupt, first):
    done = aria2(NO_METALINK, downloads.url(TARGET), client=client_of(downloads, mirrors.urls[first]))
    assert is_whole(scratch) and done.log.count("Connecting to 127.0.2.") >= 4  # the redirect names one


def test_a_redirect_s_digest_tells_of_corrupt_bytes(downloads, aria2):
    done = aria2(NO_METALINK, downloads.url(TARGET), check=False)
    assert done.returncode == CORRUPT_FILE


def test_a_metalink_s_torrent_brings_the_file(make_downloads, keep, aria2, scratch):
    downloads = make_downloads({f"d/{NAME}": CONTENT}, Mirrors(keep))
    done = aria2(f"--metalink-file={downloads.save(f'{TARGET}.meta4', 'f.meta4', client=COUNTRY['de'])}")
    assert is_whole(scratch) and "IPv4 BitTorrent: listening" in done.log
