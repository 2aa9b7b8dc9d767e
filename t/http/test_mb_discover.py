"""mb new URL: finds out by real servers what a mirror offers, and adds it."""

import json

import pytest
import rig
from buckets import raises
from scanning import World, objects

FILES = {**{f"pool/p{n}": f"{n}".encode() * (n + 1) for n in range(1, 9)}, "dists/Release": b"release", "ls-lR.gz": b"list",
         "doc/readme": b"read me"}


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.fill_source(FILES)
    return world


@pytest.fixture
def tree(world):
    """A mirror's whole disk, with the source's tree in pub/proj."""
    disk = world.scratch / "disk"
    rig.copy_tree(world.source, disk / "pub/proj")
    rig.make_tree(disk, {"pub/other/file": b"x", "index": b"y"})
    return disk


@pytest.fixture
def mb_new(world):
    def run(*args):
        return world.database.tool("mb", "--config", world.config, "new", "--no-geo", *args, "--within=300", check=False)

    return run


def shown(world, name="127.0.0.1"):
    return json.loads(world.database.tool("mb", "show", name, "--json").stdout)


def rsync(cleanup, *modules):
    daemon = cleanup(rig.RsyncDaemon([rig.Module(name, path) for name, path in modules])).start()
    return daemon, f"127.0.0.1:{daemon.port}"


CLOSED = f"--rsync-host=127.0.0.1:{rig.CLOSED_PORT}"
NO_FTP = f"--ftp-host=127.0.0.1:{rig.CLOSED_PORT}"


def test_https_http2_and_an_rsync_module_are_found(world, tree, mb_new, cleanup, authority):
    world.configure(more=f'probe_ca = "{authority.ca_file}"\n')
    config = "Protocols h2 http/1.1\n<Directory {docroot}>\n  Options Indexes\n</Directory>\n"
    web = cleanup(rig.Httpd(config, docroot=tree, tls=authority, mirror=False, modules=("http2", "autoindex"))).start()
    daemon, host = rsync(cleanup, ("private", tree / "pub/other"), ("pub", tree / "pub"))
    url = web.tls_url + "pub/proj/"
    done = mb_new(url, "--rsync-host", host)
    assert done.returncode == 0, done.stderr
    assert "https: yes; HTTP/2: yes" in done.stdout and "IPv4: yes" in done.stdout
    assert "6 of 6 random files" in done.stdout and "mirror '127.0.0.1' added, disabled" in done.stdout
    found = shown(world)
    assert found["https_url"] == url and found["http_url"] == "", "the port of http is not known"
    assert found["rsync_url"] == daemon.module_url("pub", None) + "proj/"
    assert found["index_url"] == url and found["ipv4"] is True and found["head_url"] == ""
    assert objects(world.mb_scan("--json", "127.0.0.1"))[0]["gained"] == len(FILES)


@pytest.mark.parametrize("module, path, place", [("anything", "", "anything/pub/proj/"), ("proj", "pub/proj", "proj/"),
                                                 ("mirrors", "pub", "mirrors/proj/")])
def test_the_module_with_the_sources_folders_is_taken(world, tree, mb_new, cleanup, module, path, place):
    web = cleanup(rig.WebServer(tree)).start()
    daemon, host = rsync(cleanup, ("aaa", tree / "pub/other"), (module, tree / path))
    done = mb_new(web.url + "pub/proj/", "--rsync-host", host)
    assert done.returncode == 0, done.stderr
    assert shown(world)["rsync_url"] == f"rsync://{host}/{place}", done.stdout


def test_a_bucket_that_everybody_may_list_is_found(world, mb_new, cleanup):
    store = cleanup(rig.S3Server()).start()
    for name, content in FILES.items():
        store.bucket("disk", public=True).put(f"pub/a proj/{name}", content)
    url = store.endpoint + "/disk/pub/a%20proj/"
    done = mb_new(url, CLOSED, NO_FTP)
    assert done.returncode == 0 and "bucket: s3://disk/pub/a%20proj/?" in done.stdout, done.stdout + done.stderr
    found = shown(world)
    assert found["s3_url"] == f"s3://disk/pub/a%20proj/?endpoint={store.endpoint}&anonymous=yes" and found["index_url"] == found["head_url"] == ""
    assert objects(world.mb_scan("--json", "127.0.0.1"))[0]["gained"] == len(FILES)
    world.database.tool("mb", "delete", "--yes", "127.0.0.1")
    # A bucket of which everybody may read the objects, but not the list.
    store.fault = lambda handler: raises(403, "AccessDenied", "Access Denied")(handler) if "list-type" in handler.path else False
    done = mb_new(url, CLOSED, NO_FTP)
    assert done.returncode == 0 and "bucket" not in done.stdout, done.stdout + done.stderr
    assert shown(world)["s3_url"] == "" and shown(world)["head_url"] == url


def test_without_rsync_the_index_is_read(world, tree, mb_new, cleanup):
    web = cleanup(rig.WebServer(tree)).start()
    done = mb_new(web.url + "pub/proj", CLOSED)
    assert done.returncode == 0 and "directory indexes: as Apache" in done.stdout, done.stderr
    found = shown(world)
    assert found["index_url"] == found["http_url"] == web.url + "pub/proj/" and found["rsync_url"] == "" == found["head_url"]


@pytest.mark.parametrize("name", ["*", "mod_mirror"])
def test_an_index_that_robots_txt_forbids_is_not_read(world, tree, mb_new, cleanup, name):
    (tree / "robots.txt").write_text(f"User-agent: {name}\nDisallow: /pub/\n")
    web = cleanup(rig.WebServer(tree)).start()
    done = mb_new(web.url + "pub/proj/", CLOSED, NO_FTP)
    assert done.returncode == 0 and "robots.txt forbids" in done.stdout, done.stderr
    assert shown(world)["index_url"] == "" and shown(world)["head_url"] == web.url + "pub/proj/"


def test_ftp_is_found_where_there_is_neither(world, tree, mb_new, cleanup, scratch):
    web = cleanup(rig.Httpd("<Directory {docroot}>\n</Directory>\n", docroot=tree, mirror=False)).start()
    server = cleanup(rig.pyftpdlib(tree)).start()
    host = server.url.removeprefix("ftp://").rstrip("/")
    done = mb_new(web.url + "pub/proj/", CLOSED, "--ftp-host", host)
    assert done.returncode == 0, done.stderr
    assert shown(world)["ftp_scan_url"] == f"ftp://{host}/pub/proj/" and shown(world)["head_url"] == ""
    world.database.tool("mb", "delete", "--yes", "127.0.0.1")
    assert mb_new(web.url + "pub/proj/", CLOSED, NO_FTP).returncode == 0
    assert shown(world)["ftp_scan_url"] == "" and shown(world)["head_url"] == web.url + "pub/proj/"


def test_another_tree_is_refused(world, tree, mb_new, cleanup):
    web = cleanup(rig.WebServer(tree)).start()
    _, host = rsync(cleanup, ("other", tree / "pub/other"))
    done = mb_new(web.url + "pub/other/", "--rsync-host", host, NO_FTP)
    assert done.returncode == 1 and "none of 6 random files of the source" in done.stderr and "--force" in done.stderr
    assert world.query("SELECT identifier FROM mirror") == []
    forced = mb_new(web.url + "pub/other/", "--rsync-host", host, NO_FTP, "--force")
    assert forced.returncode == 0 and shown(world)["rsync_url"] == "" == shown(world)["index_url"], forced.stderr


def test_a_mirror_that_lacks_files_is_warned_about(world, tree, mb_new, cleanup):
    for n in range(1, 9):
        (tree / f"pub/proj/pool/p{n}").unlink()
    web = cleanup(rig.WebServer(tree)).start()
    done = mb_new(web.url + "pub/proj/", CLOSED)
    # Of the eleven files three are left, and six are asked for.
    assert "random files of the source" in done.stderr and "answers 404" in done.stderr


def test_a_dead_server_is_refused(world, mb_new):
    done = mb_new(f"http://127.0.0.1:{rig.CLOSED_PORT}/pub/")
    assert done.returncode == 1 and "does not answer: http over IPv4: connection refused" in done.stderr, done.stderr
    assert world.query("SELECT identifier FROM mirror") == []
    forced = mb_new(f"http://127.0.0.1:{rig.CLOSED_PORT}/pub/", "--force", "--name", "dead")
    assert forced.returncode == 0 and shown(world, "dead")["http_url"] == f"http://127.0.0.1:{rig.CLOSED_PORT}/pub/"


def test_a_certificate_that_nobody_signed_is_not_used(world, tree, mb_new, cleanup, authority):
    web = cleanup(rig.Httpd("", docroot=tree, tls=authority, mirror=False)).start()
    done = mb_new(web.tls_url + "pub/proj/")
    assert done.returncode == 1 and "certificate" in done.stderr, done.stderr


def test_dry_run_and_options(world, tree, mb_new, cleanup):
    web = cleanup(rig.WebServer(tree)).start()
    url = web.url + "pub/proj/"
    done = mb_new(url, CLOSED, "--dry-run", "--weight=7")
    assert done.returncode == 0 and "'127.0.0.1' would be added: weight 7, " in done.stdout, done.stderr
    assert world.query("SELECT identifier FROM mirror") == []
    mine = ("--index-url=http://mine.example/", "--no-ipv4", "--name=mine")
    assert mb_new(url, CLOSED, *mine).returncode == 0
    found = shown(world, "mine")
    assert found["index_url"] == "http://mine.example/" and found["ipv4"] is False and found["http_url"] == url
    again = mb_new(url, CLOSED, *mine)
    assert again.returncode == 1 and "there is a mirror 'mine' already" in again.stderr


def test_no_discover_asks_nothing(world, mb_new):
    done = mb_new("https://mirror.invalid/pub", "--no-discover")
    assert done.returncode == 0, done.stderr
    found = shown(world, "mirror.invalid")
    assert found["https_url"] == "https://mirror.invalid/pub/" and found["http_url"] == ""


@pytest.mark.parametrize("url", ["ftp://a.example/", "https://a b/", "https://user:secret@a.example/"])
def test_another_url_is_refused(world, mb_new, url):
    done = mb_new(url)
    assert done.returncode == 2 and "cannot be used" in done.stderr and "secret" not in done.stderr


def test_a_source_without_files_is_told(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    web = cleanup(rig.WebServer(scratch)).start()
    done = world.mb_scan("--discover", web.url, CLOSED, "--within=300")
    assert done.returncode == 0 and "the source has no files yet" in done.stderr, done.stdout


def test_discovery_is_about_a_url_alone(world):
    for words, said in ((("--discover", "http://a.example/", "name"), "takes no names"),
                        (("--rsync-host", "a.example", "name"), "go with --discover"),
                        (("--discover", "http://a.example/", "--rsync-host", "a b"), "no HOST or HOST:PORT")):
        done = world.mb_scan(*words)
        assert done.returncode == 2 and said in done.stderr, done.stderr
