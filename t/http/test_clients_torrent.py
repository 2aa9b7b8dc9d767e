"""libtorrent on torrents and magnets: it downloads from the mirrors as web seeds, and agrees on the info hashes."""

import contextlib
import urllib.parse
import urllib.request

import libtorrent
import pytest
import rig
from clients import body_bytes, noise

SIZES = {"small.iso": 100_000, "whole pieces.iso": 4 << 18, "d/größe & 100% #1.iso": (9 << 18) + 12_345}
LOOPBACK = {"listen_interfaces": "127.0.0.1:0", "outgoing_interfaces": "127.0.0.1", "enable_dht": False, "enable_lsd": False,
            "enable_upnp": False, "enable_natpmp": False, "alert_mask": libtorrent.alert.category_t.all_categories}
every_file = pytest.mark.parametrize("name", SIZES)


@pytest.fixture(scope="module", params=["hybrid", "v1"])
def downloads(make_downloads, keep, request):
    webs = []

    def mirrors(source):
        webs.extend(keep(rig.WebServer(source)) for _ in range(2))
        return {f"m{number}": {"http_url": web.url} for number, web in enumerate(webs)}

    files = {name: noise(size, name) for name, size in SIZES.items()}
    made = make_downloads(files, mirrors, f"MirrorTorrentForm {request.param}\n")
    made.is_hybrid, made.webs = request.param == "hybrid", webs
    return made


def torrent_of(downloads, name):
    answer = downloads.ask(urllib.parse.quote(f"{name}.torrent"))
    assert answer.status == 200 and answer.get("Content-Type") == "application/x-bittorrent"
    return answer.body


def magnet_of(downloads, name):
    return downloads.ask(urllib.parse.quote(f"{name}.magnet")).body.decode().rstrip("\n")


def info_hashes(found):
    """v1 and v2 in hex; v2 is None if there is none."""
    return str(found.v1), str(found.v2) if found.has_v2() else None


def made_by_libtorrent(downloads, name):
    """A torrent that libtorrent has made of the file itself."""
    path = downloads.source / name
    storage = libtorrent.file_storage()
    libtorrent.add_files(storage, str(path))
    piece = libtorrent.torrent_info(libtorrent.bdecode(torrent_of(downloads, name))).piece_length()
    flags = 0 if downloads.is_hybrid else libtorrent.create_torrent.v1_only
    torrent = libtorrent.create_torrent(storage, piece, flags)
    libtorrent.set_piece_hashes(torrent, str(path.parent))
    return libtorrent.bencode(torrent.generate())


def computed(downloads, name):
    return info_hashes(libtorrent.torrent_info(libtorrent.bdecode(made_by_libtorrent(downloads, name))).info_hashes())


def stored(downloads, name):
    columns = "encode(btih, 'hex'), encode(btmh, 'hex')" if downloads.is_hybrid else "encode(btih_v1, 'hex')"
    row = downloads.site.database.sql(f"SELECT {columns} FROM hash JOIN file ON id = file_id"
                                      f" WHERE path = '\\x{name.encode().hex()}'").strip().split("|")
    return row[0], row[1] if downloads.is_hybrid else None


@every_file
def test_torrent_magnet_database_and_libtorrent_have_the_same_info_hashes(downloads, name):
    expected = computed(downloads, name)
    torrent = torrent_of(downloads, name)
    assert info_hashes(libtorrent.torrent_info(libtorrent.bdecode(torrent)).info_hashes()) == expected
    magnet = libtorrent.parse_magnet_uri(magnet_of(downloads, name))
    assert info_hashes(magnet.info_hashes) == expected
    assert stored(downloads, name) == expected
    assert downloads.ask(urllib.parse.quote(f"{name}.btih")).body.decode().split()[0] == expected[0]
    [exact_source] = urllib.parse.parse_qs(magnet_of(downloads, name).partition("?")[2])["xs"]
    with urllib.request.urlopen(exact_source) as answer:
        assert answer.read() == torrent


class Peer:
    """A libtorrent session on loopback, without trackers, DHT and the like."""

    def __init__(self, folder):
        self.session = libtorrent.session(LOOPBACK)
        self.folder = folder

    def add(self, parameters, **more):
        parameters.save_path = str(self.folder)
        for name, value in more.items():
            setattr(parameters, name, value)
        self.torrent = self.session.add_torrent(parameters)
        return self

    def wait_until(self, what, condition):
        try:
            rig.wait_for(what, lambda: condition(self.torrent.status()), deadline_s=30)
        except rig.RigError as error:
            raise rig.RigError("\n".join([str(error), *(alert.message() for alert in self.session.pop_alerts())])) from None
        return self.torrent.status()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.session.pause()
        self.torrent = self.session = None  # its end waits until everything is on disk


def from_torrent(torrent):
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(libtorrent.bdecode(torrent))
    return parameters


@every_file
def test_libtorrent_downloads_from_web_seeds_alone(downloads, scratch, name):
    before = sum(map(body_bytes, downloads.webs))
    with Peer(scratch) as peer:
        status = peer.add(from_torrent(torrent_of(downloads, name))).wait_until("the download", lambda now: now.is_seeding)
    assert status.total_failed_bytes == 0
    [got] = [path for path in scratch.rglob("*") if path.is_file()]
    assert got.name == name.rpartition("/")[2] and got.read_bytes() == (downloads.source / name).read_bytes()
    rig.wait_for("the mirrors' logs", lambda: sum(map(body_bytes, downloads.webs)) >= before + SIZES[name])


@every_file
def test_a_magnet_downloads_from_its_web_seeds(downloads, scratch, name):
    """A peer that has nothing of the file tells what the torrent is made of; every byte comes from the mirrors."""
    with contextlib.ExitStack() as stack:
        teller = stack.enter_context(Peer(scratch / "teller"))
        known = from_torrent(torrent_of(downloads, name))
        teller.add(known, flags=libtorrent.torrent_flags.upload_mode, url_seeds=[])
        peer = stack.enter_context(Peer(scratch / "got"))
        magnet = libtorrent.parse_magnet_uri(magnet_of(downloads, name))
        assert sorted(magnet.url_seeds) == sorted(web.url + urllib.parse.quote(name) for web in downloads.webs)
        magnet.peers = [("127.0.0.1", teller.session.listen_port())]
        peer.add(magnet).wait_until("the download", lambda now: now.is_seeding)
        assert teller.torrent.status().total_payload_upload == 0
    assert (scratch / "got" / name.rpartition("/")[2]).read_bytes() == (downloads.source / name).read_bytes()


@every_file
def test_transmission_reads_the_torrent(downloads, scratch, name):
    """Transmission 3 cannot read any hybrid torrent; it must treat ours as it treats libtorrent's."""
    def show(torrent):
        (scratch / "torrent").write_bytes(torrent)
        return rig.run(["transmission-show", scratch / "torrent"], check=False)
    done, model = show(torrent_of(downloads, name)), show(made_by_libtorrent(downloads, name))
    assert done.returncode == model.returncode and (done.returncode == 0 or downloads.is_hybrid), done.stderr
    if done.returncode != 0:
        return
    shown = dict(line.strip().split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert shown["Name"] == name.rpartition("/")[2] and shown["Hash"] == computed(downloads, name)[0]
    assert shown["Piece Count"] == str(-(-SIZES[name] // (256 << 10)))
    assert all(web.url + urllib.parse.quote(name) in done.stdout for web in downloads.webs)
