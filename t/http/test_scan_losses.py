"""A mirror whose listing lost its files: its web server says whether they are gone."""

import functools
import http.server
import shutil
import threading

import pytest
from scanning import World

FILES = {f"pool/f{n}": 100 + n for n in range(40)}


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_HEAD(self):
        if self.server.broken:
            return self.send_error(503)
        return super().do_HEAD()


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.fill_source(FILES)
    world.daemon = world.mirror("m")
    world.web_tree = scratch / "web"
    shutil.copytree(world.daemon.tree, world.web_tree)
    world.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                functools.partial(Handler, directory=world.web_tree))
    world.web.broken = False
    thread = threading.Thread(target=world.web.serve_forever)
    thread.start()
    database.sql(f"UPDATE mirror SET http_url = 'http://127.0.0.1:{world.web.server_port}/'")
    world.mb_scan("m", check=True)
    assert len(world.files_of("m")) == len(FILES)
    yield world
    world.web.shutdown()
    thread.join()
    world.web.server_close()


def lose(tree):
    shutil.rmtree(tree / "pool")


def events(world):
    return world.query("SELECT mirror, \"from\", \"to\" FROM event WHERE what = 'scan'")


def test_files_that_are_gone_from_the_web_server_too_are_lost(world):
    lose(world.daemon.tree)
    lose(world.web_tree)
    done = world.mb_scan("m")
    assert "40 lost" in done.stdout and "of 20 such files its web server has 0 and lacks 20" in done.stderr
    assert world.files_of("m") == [] and events(world) == [["m", "refused", "merged"]]


def test_a_broken_listing_alone_changes_nothing(world):
    lose(world.daemon.tree)
    done = world.mb_scan("m")
    assert done.returncode == 2 and "its web server has 20 and lacks 0" in done.stderr
    assert len(world.files_of("m")) == len(FILES) and events(world) == []


def test_a_web_server_that_fails_tells_nothing(world):
    lose(world.daemon.tree)
    lose(world.web_tree)
    world.web.broken = True
    done = world.mb_scan("m")
    assert done.returncode == 2 and "such files" not in done.stderr
    assert len(world.files_of("m")) == len(FILES) and events(world) == []


def test_a_mirror_without_rsync_and_without_files_has_none(world):
    world.daemon.stop()
    assert world.mb_scan("m").returncode == 2
    assert len(world.files_of("m")) == len(FILES)
    lose(world.web_tree)
    done = world.mb_scan("m")
    assert done.returncode == 2 and "so it has none of the 40 that it had" in done.stderr
    assert world.files_of("m") == [] and events(world) == [["m", "failed", "merged"]]
