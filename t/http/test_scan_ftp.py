"""mb-scan over FTP and FTPS: of real servers, and of servers that break, lie, refuse or never end."""

import os
import shutil
import time

import pytest
import rig
from scanning import World, objects

NAMES = [b"plain", b"with space", b" leading", b"two  blanks", b"a&b;type=a", b"100%25#?.txt", "caf\u00e9".encode(), b"back\\slash",
         b"-dash", b"-R", b"[a]*", b"empty", b".hidden", b"sub/file", b"sub dir/file", b" sub/x", b"-l/y", b"s?b/x",
         "s\u00fcb/x/y".encode(), b"sub/sub/sub/deep", b"x" * 120]
DAY_S = 86400
PLAIN = {f"d{n}/f{m}": b"12345" for n in range(4) for m in range(10)}


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def recent(number):
    """A time of which LIST shows the minute."""
    return int(time.time()) - 20 * DAY_S - 1234 * number


@pytest.fixture
def copy_of_source(world):
    tree = world.scratch / "ftp-tree"

    def copy():
        rig.copy_tree(world.source, tree)
        return tree

    return copy


def scan(world, *options, name="ftp", **how):
    done = world.mb_scan("--json", *options, name, **how)
    found = objects(done)[0]
    found["stderr"] = done.stderr
    return found


def fails(world, *words, name="ftp"):
    before = world.tables()
    done = world.mb_scan(name)
    assert done.returncode == 2 and world.tables() == before, done.stdout + done.stderr
    for text in words:
        assert text in done.stderr, done.stderr
    return done


SERVERS = {
    "pyftpdlib": rig.pyftpdlib,
    "pyftpdlib without MLSD": lambda tree: rig.pyftpdlib(tree, without="MLSD,MLST"),
    "pyftpdlib without times": lambda tree: rig.pyftpdlib(tree, without="MLSD,MLST,MDTM"),
    "vsftpd": rig.vsftpd,
    "vsftpd in Tokyo": lambda tree: rig.vsftpd(tree, local_time=True, env={"TZ": "Asia/Tokyo"}),
}


@pytest.mark.parametrize("server", SERVERS)
def test_every_server_gives_the_files_that_rsync_gives(world, copy_of_source, cleanup, server):
    files = {name: b"12345" for name in NAMES}
    files[b"empty"] = b""
    files.update({f"new/{n}": (b"1", recent(n)) for n in range(10)})
    # The mirror keeps these elsewhere, behind links of its own.
    files.update({"links/one": b"1", "links/two": b"22", "links/linked": b"22", "links/below/three": b"1"})
    world.fill_source({**files, "old": (b"1", recent(0)), "older": (b"1", 1_500_000_000), "size": 2000, "missing": b"1", "dangling/f": b"1"})
    tree = copy_of_source()
    (tree / "missing").unlink()
    rig.make_tree(tree, {"size": b"1234", "old": (b"1", recent(0) - 3 * DAY_S - 17), "older": (b"1", 1_400_000_000), "more/x": b"1"})
    rig.copy_tree(tree, world.scratch / "same")
    (world.scratch / "same" / "dangling" / "f").unlink()
    daemon = cleanup(rig.RsyncDaemon([rig.Module("pub", world.scratch / "same")])).start()
    world.register("rsync", rsync_url=daemon.module_url("pub"))
    world.mb_scan("rsync", check=True)
    (tree / "links" / "linked").unlink()
    (tree / "links").rename(tree / "store")
    shutil.rmtree(tree / "dangling")
    for name, target in (("links", "store"), ("store/linked", "two"), ("dangling", "nowhere"), ("links/loop", "."), ("more/back", "..")):
        (tree / name).symlink_to(target)
    ftp = cleanup(SERVERS[server](tree)).start()
    world.register("ftp", ftp_scan_url=ftp.url)
    first = scan(world)
    assert first["outcome"] == "merged" and first["method"] == "ftp", first
    assert len(world.files_of("rsync")) == len(files)
    untold = {"links/linked"} if server == "pyftpdlib without times" else set()  # of a link's file only MDTM tells the time
    assert set(world.files_of("ftp")) == set(world.files_of("rsync")) - untold
    before = world.tables()
    again = scan(world)
    assert again["outcome"] == "unchanged" and world.tables() == before, again


def test_a_part_of_the_tree_and_a_url_inside_the_server_are_listed(world, cleanup):
    world.fill_source(PLAIN)
    tree = world.scratch / "server"
    rig.copy_tree(world.source, tree / "pub" / "my tree")
    server = cleanup(rig.pyftpdlib(tree)).start()
    world.register("ftp", ftp_scan_url=server.url + "pub/my%20tree/")
    assert scan(world, "-d", "d1")["gained"] == 10
    assert scan(world)["gained"] == 30
    assert scan(world, "-d", "d9")["outcome"] == "unchanged"


def test_a_mirror_without_a_url_to_scan_is_listed_at_its_ftp_url_after_its_web_server(world, copy_of_source, cleanup):
    world.fill_source(PLAIN)
    server = cleanup(rig.pyftpdlib(copy_of_source())).start()
    world.database.add_mirror("ftp", http_url=f"http://127.0.0.1:{rig.CLOSED_PORT}/", ftp_url=server.url)
    found = scan(world)
    assert found["method"] == "ftp" and found["gained"] == 40 and "http" in found["stderr"], found
    world.database.tool("mb", "edit", "ftp", "--ftp-options=off", check=True)
    assert world.mb_scan("ftp").returncode == 2


def test_ftps_and_explicit_tls_are_verified(world, copy_of_source, cleanup):
    world.fill_source(PLAIN)
    tree = copy_of_source()
    authority = rig.Authority(world.scratch / "authority")
    certificate = authority.certificate("127.0.0.1")
    for name, implicit, options in (("explicit", False, ["tls=require"]), ("implicit", True, [])):
        server = cleanup(rig.vsftpd(tree, certificate=certificate, implicit=implicit)).start()
        world.register(name, ftp_scan_url=server.url, **({"ftp_options": options[0]} if options else {}))
        world.configure()
        fails(world, "its certificate cannot be trusted", name=name)
        world.configure(more=f'probe_ca = "{authority.ca_file}"\n')
        found = scan(world, name=name)
        assert found["gained"] == 40, found
    plain = cleanup(rig.pyftpdlib(tree)).start()
    world.register("none", ftp_scan_url=plain.url, ftp_options="tls=require")
    fails(world, "the server refuses TLS", name="none")


def test_a_user_logs_in_with_a_password_from_a_file_which_nothing_shows(world, copy_of_source, cleanup):
    world.fill_source(PLAIN)
    server = cleanup(rig.pyftpdlib(copy_of_source(), user="joe", password="hush hush")).start()
    url = server.url.replace("ftp://", "ftp://joe@")
    world.register("ftp", ftp_scan_url=url)
    fails(world, "the server answers 530")
    secret = world.scratch / "secret"
    secret.write_text("hush hush\n")
    secret.chmod(0o600)
    world.configure(more=f'[instance.main.mirror.ftp]\nftp_password_file = "{secret}"\n')
    found = scan(world, "-v")
    assert found["gained"] == 40 and "hush" not in found["stderr"]
    for column in ("--ftp-scan-url", "--ftp-url"):
        done = world.database.tool("mb", "edit", "ftp", column, url.replace("joe@", "joe:secret9@"), check=False)
        assert done.returncode != 0 and "secret9" not in done.stdout + done.stderr, done.stderr


def test_anonymous_logins_tell_the_contact(world):
    world.fill_source(PLAIN)
    world.configure(more='contact = "admin@example.org"\n')
    with rig.FaultyFtp(dict(PLAIN)) as site:
        world.register("ftp", ftp_scan_url=site.url)
        assert scan(world)["gained"] == 40 and set(site.passwords) == {"admin@example.org"}


@pytest.fixture(params=[True, False], ids=["MLSD", "LIST"])
def site(world, request):
    """A complete mirror, scanned once."""
    world.fill_source(PLAIN)
    with rig.FaultyFtp(dict(PLAIN), features=request.param) as site:
        world.register("ftp", ftp_scan_url=site.url)
        world.mb_scan("ftp", check=True)
        assert len(world.files_of("ftp")) == len(PLAIN)
        site.listed.clear()
        yield site


def endless(session, lines):
    session.say("150 here it comes")
    data, _ = session.passive.accept()
    while True:
        data.sendall(b"type=file;size=5;modify=20231114221320; f\r\n" * 1000)


FAULTS = {
    "no end": (lambda session, lines: session.send(lines, end=None, cut=100), "d1"),
    "aborted": (lambda session, lines: session.send(lines, end="426 connection closed", cut=100), "426 connection closed"),
    "cut line": (lambda session, lines: session.send(lines, cut=100), "ends in the middle of a line"),
    "refused": (lambda session, lines: session.say("550 what?"), "the server answers 550 what?"),
    "nonsense": (lambda session, lines: session.send(["<html>"]), "line 1 of its listing is not as"),
    "climbing": (lambda session, lines: session.send([lines[0].replace("f0", "../../etc")]), "line 1 of its listing is not as"),
    "closed": (lambda session, lines: False, "d1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_partial_is_merged(world, site, fault):
    site.faults["/d1"] = FAULTS[fault][0]
    fails(world, f"{site.url}d1", FAULTS[fault][1])
    assert "/d1" in site.listed


def test_a_version_that_the_source_gets_while_a_mirror_without_times_is_listed_is_not_confirmed(world):
    """Its listing may be of a moment before: only the next one counts."""
    world.fill_source(PLAIN)
    with rig.FaultyFtp(dict(PLAIN), mtime=1_700_000_000 + 30 * DAY_S) as site:
        world.register("ftp", ftp_scan_url=site.url)
        assert scan(world)["gained"] == len(PLAIN)

        def listed(session, lines):
            del site.faults["/d1"]
            rig.make_tree(world.source, {"d1/f0": b"123456"})
            world.mb_scan("--source", check=True)
            site.files["d1/f0"] = b"123456"
            session.send(site.lines("/d1", True))

        site.faults["/d1"] = listed
        scan(world)
        assert not site.faults and set(PLAIN) - set(world.files_of("ftp")) == {"d1/f0"}
        scan(world)
        assert world.files_of("ftp") == sorted(PLAIN)


def test_a_listing_without_end_is_given_up(world, site):
    site.faults["/d1"] = endless
    fails(world, "its listing is too long")


def test_a_folder_that_may_not_be_read_is_absent(world, site):
    site.faults["/d1"] = lambda session, lines: session.say("550 Permission denied.")
    assert scan(world)["lost"] == 10


def test_a_folder_of_no_interest_breaks_nothing_and_trees_without_end_are_not_followed(world, site):
    site.files.update({"/".join(["loop"] * depth) + "/f": b"1" for depth in range(1, 200)})
    site.files["strange/x"] = b"1"
    site.faults["/strange"] = lambda session, lines: session.say("550 what?")
    found = scan(world)
    assert found["outcome"] in ("merged", "unchanged") and found["lost"] == 0 and len(site.listed) < 70, found


@pytest.mark.parametrize("busy", ["421 too many users", "530 Sorry, the maximum number of allowed clients are already connected"])
def test_a_server_with_too_many_users_is_asked_again_later(world, site, busy):
    left, tries = [2], []

    def greeting(session):
        tries.append(time.monotonic())
        left[0] -= 1
        if left[0] < 0:
            return session.say("220 ready")
        if busy.startswith("421"):
            session.say(busy)
            return False
        session.say("220 ready")
        session.rfile.readline()
        session.say(busy)
        return False

    site.greeting = greeting
    assert scan(world)["outcome"] == "unchanged" and tries[1] - tries[0] > 1.5 and tries[2] - tries[1] > 3


# A second's budget is there from the beginning.
@pytest.mark.parametrize("options, least_s", [("rate=2", (6 - 2) / 2), ("connections=1,bandwidth=4", (3 * 2500 - 4096) / 4096)])
def test_a_server_is_asked_as_gently_as_is_wanted(world, site, options, least_s):
    site.files.update({f"{folder}/{n:0200}": b"1" for folder in ("d0", "d1", "d2", "d3") for n in range(10)})
    world.database.tool("mb", "edit", "ftp", f"--ftp-options={options}", check=True)
    begin = time.monotonic()
    assert scan(world)["outcome"] == "unchanged"
    assert time.monotonic() - begin >= least_s


def test_folders_where_the_source_has_links_are_not_read(world, site):
    """More of them than the folders that are read though the source does not have them."""
    world.fill_source({f"link{n}": rig.Link("d0") for n in range(60)})
    site.files.update({f"link{n}/f{m}": b"12345" for n in range(60) for m in range(10)})
    site.files["unknown/f"] = b"1"
    assert scan(world)["outcome"] == "unchanged"
    assert sorted(site.listed) == ["/", "/d0", "/d1", "/d2", "/d3", "/unknown"]


def test_a_server_that_takes_one_connection_is_listed_over_one(world, copy_of_source, cleanup):
    world.fill_source(PLAIN)
    server = cleanup(rig.pyftpdlib(copy_of_source(), most=1)).start()
    world.register("ftp", ftp_scan_url=server.url, ftp_options="connections=4")
    assert scan(world)["gained"] == 40


def test_unknown_names_and_refused_logins_are_told(world, site):
    world.register("name", ftp_scan_url="ftp://no-such-host.invalid/")
    fails(world, "its name has no address", name="name")
    site.greeting = lambda session: (session.say("220 ready"), session.rfile.readline(), session.say("530 go away"), False)[-1]
    fails(world, "the server answers 530 go away")


def test_names_of_any_bytes_harm_nothing(world):
    world.fill_source({b"a\x01b/x": b"1", b"\xff\xfe/y": b"1", b"\xff": b"1", "ok": b"1"})
    files = {"a\x01b/x": b"1", os.fsdecode(b"\xff\xfe/y"): b"1", os.fsdecode(b"\xff"): b"1", "ok": b"1"}
    with rig.FaultyFtp(files) as site:
        world.register("ftp", ftp_scan_url=site.url)
        assert scan(world)["gained"] == 3
