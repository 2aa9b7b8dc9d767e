"""A mirror whose listing lost its files, or got some: its web server says whether that is so."""

import functools
import http.server
import json
import os
import shutil
import threading

import pytest
import rig
from scanning import World

FILES = {f"pool/f{n}": 100 + n for n in range(40)}


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, how):
        self.server.asked.append(self.path)
        status = self.server.odd(self.path)
        if not status:
            return how()
        self.send_response(status)
        self.send_header("Content-Length", "0")
        for name, value in self.server.headers:
            self.send_header(name, value)
        self.end_headers()

    def do_HEAD(self):
        if self.server.broken:
            return self.send_error(self.server.broken)
        self.answer(super().do_HEAD)

    def do_GET(self):
        self.answer(super().do_GET)


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.fill_source(FILES)
    world.daemon = world.mirror("m")
    world.web_tree = scratch / "web"
    shutil.copytree(world.daemon.tree, world.web_tree)
    world.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                functools.partial(Handler, directory=world.web_tree))
    world.web.broken, world.web.asked, world.web.odd, world.web.headers = None, [], lambda path: None, []  # broken: the status of all answers to HEAD
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
    world.web.broken = 503
    done = world.mb_scan("m")
    assert done.returncode == 2 and "such files" not in done.stderr
    assert len(world.files_of("m")) == len(FILES) and events(world) == []


@pytest.mark.parametrize("status", [403, 405, 501])
def test_a_web_server_that_refuses_head_is_asked_by_get(world, status):
    world.web.broken = status
    lose(world.daemon.tree)
    assert "of 20 such files its web server has 20 and lacks 0" in world.mb_scan("m").stderr
    lose(world.web_tree)
    done = world.mb_scan("m")
    assert "40 lost" in done.stdout and "of 20 such files its web server has 0 and lacks 20" in done.stderr
    assert world.files_of("m") == []


def test_a_mirror_without_rsync_and_without_files_has_none(world):
    world.daemon.stop()
    assert world.mb_scan("m").returncode == 2
    assert len(world.files_of("m")) == len(FILES)
    lose(world.web_tree)
    done = world.mb_scan("m")
    assert done.returncode == 2 and "so it has none of the 40 that it had" in done.stderr
    assert world.files_of("m") == [] and events(world) == [["m", "failed", "merged"]]


NEW = {f"pool/f{n}": 1000 + n for n in range(30)} | {f"new/f{n}": 100 + n for n in range(10)}
OLD = [f"pool/f{n}" for n in range(30, 40)]


def get_new_files(world):
    """The source and what the mirror lists, but not what its web server shows."""
    for tree in (world.source, world.daemon.tree):
        rig.make_tree(tree, NEW)
    world.mb_scan("--source", "--force", check=True)


def show_new_files(world):
    rig.make_tree(world.web_tree, NEW)


def test_files_that_the_web_server_does_not_have_so_are_not_given_to_the_mirror(world):
    get_new_files(world)
    done = world.mb_scan("m", check=True)
    assert "mirror 'm': 40 of 50 files asked for are not counted: its web server lacks them, or has another version; '" in done.stderr
    assert world.files_of("m") == sorted(OLD)


def test_they_are_as_soon_as_it_has_them_though_the_listing_is_the_same(world):
    get_new_files(world)
    world.mb_scan("m", check=True)
    show_new_files(world)
    done = world.mb_scan("m", check=True)
    assert "not counted" not in done.stderr and len(world.files_of("m")) == 50


def test_a_web_server_that_fell_back_is_found_though_nothing_has_changed(world):
    get_new_files(world)
    show_new_files(world)
    world.mb_scan("m", check=True)
    assert len(world.files_of("m")) == 50
    shutil.rmtree(world.web_tree / "new")
    done = world.mb_scan("m", check=True)
    assert "10 of 50 files asked for are not counted" in done.stderr and "answers 404" in done.stderr
    assert len(world.files_of("m")) == 40


def test_what_one_scan_leaves_out_does_not_make_the_next_one_refuse(world):
    """The mirror loses most of what it had, but not by its listing."""
    get_new_files(world)
    show_new_files(world)
    world.mb_scan("m", check=True)
    for path in NEW:
        (world.web_tree / path).unlink()
    assert world.mb_scan("m", check=True).stderr.count("40 of 50 files") == 1
    assert world.files_of("m") == sorted(OLD)


def test_a_web_server_that_cannot_be_asked_speaks_against_nothing(world):
    get_new_files(world)
    world.web.broken = 503
    assert "not counted" not in world.mb_scan("m", check=True).stderr
    assert len(world.files_of("m")) == 50


def test_a_part_of_the_tree_is_asked_for_too(world):
    get_new_files(world)
    assert "10 of 10 files" in world.mb_scan("-d", "new", "m", check=True).stderr
    assert [path for path in world.files_of("m") if path.startswith("new/")] == []
    show_new_files(world)
    assert "not counted" not in world.mb_scan("-d", "new", "m", check=True).stderr
    assert len([path for path in world.files_of("m") if path.startswith("new/")]) == 10


def test_a_web_server_has_some_seconds_to_get_a_file(world):
    """As one that is being synchronised right now."""
    get_new_files(world)
    later = threading.Timer(2, show_new_files, [world])
    later.start()
    assert "not counted" not in world.mb_scan("m", check=True).stderr
    later.join()
    assert len(world.files_of("m")) == 50


def test_json_says_which_files_do_not_count(world):
    get_new_files(world)
    assert json.loads(world.mb_scan("--json", "m", check=True).stdout.splitlines()[0])["unserved"].startswith("40 of 50 files")


def touch_all(world, seconds):
    """The mirror's files get other times, and its web server shows them."""
    for tree in (world.daemon.tree, world.web_tree):
        for file in (file for file in tree.rglob("*") if file.is_file()):
            os.utime(file, (file.stat().st_mtime + seconds,) * 2)


@pytest.mark.parametrize("seconds", [7200, 5 * 86400 + 77])
def test_a_mirror_whose_times_change_loses_nothing(world, seconds):
    """Its clock or zone is another one, or it is synchronised without them now."""
    touch_all(world, seconds)
    done = world.mb_scan("m", check=True)
    assert "not counted" not in done.stderr and len(world.files_of("m")) == len(FILES)


def test_a_mirror_that_serves_next_to_nothing_gets_nothing_and_is_not_enabled(world):
    world.database.sql("UPDATE mirror SET enabled = false; DELETE FROM endpoint WHERE false")
    more = {f"more/f{n}": 10 for n in range(600)}
    for tree in (world.source, world.daemon.tree):
        rig.make_tree(tree, more)
    world.mb_scan("--source", "--force", check=True)
    done = world.mb_scan("m", "--enable")
    assert "files asked for are not counted" in done.stderr and "it is not enabled" in done.stderr
    assert not [path for path in world.files_of("m") if path.startswith("more/")]
    assert world.database.sql("SELECT enabled FROM mirror") == "f"
    rig.make_tree(world.web_tree, more)
    assert "now enabled" in world.mb_scan("m", "--enable", check=True).stdout


def test_old_files_that_are_new_to_the_mirror_are_asked_for_among_newer_ones(world):
    archive = {f"archive/f{n}": 10 for n in range(300)}
    rig.make_tree(world.source, archive)
    world.mb_scan("--source", "--force", check=True)
    get_new_files(world)
    show_new_files(world)
    world.mb_scan("m", check=True)
    rig.make_tree(world.daemon.tree, archive)
    assert "files asked for are not counted" in world.mb_scan("m", check=True).stderr
    assert not [path for path in world.files_of("m") if path.startswith("archive/")]


def test_files_that_are_served_do_not_speak_for_those_that_are_new_to_the_mirror(world):
    young, archive = {f"young/f{n}": 10 for n in range(250)}, {f"archive/f{n}": 10 for n in range(600)}
    for tree in (world.source, world.daemon.tree, world.web_tree):
        rig.make_tree(tree, young)
    world.mb_scan("--source", "--force", check=True)
    world.mb_scan("m", check=True)
    for tree in (world.source, world.daemon.tree):
        rig.make_tree(tree, archive)
    world.mb_scan("--source", "--force", check=True)
    assert "200 of 400 files asked for are not counted" in world.mb_scan("m", check=True).stderr
    assert len(world.files_of("m")) == 290 and not [path for path in world.files_of("m") if path.startswith("archive/")]


def test_each_file_is_asked_for_twice_before_it_does_not_count(world):
    get_new_files(world)
    show_new_files(world)
    seen = set()

    def odd(path):
        first = path not in seen
        seen.add(path)
        return 404 if first else None
    world.web.odd = odd
    assert "not counted" not in world.mb_scan("m", check=True).stderr
    assert len(world.files_of("m")) == 50


@pytest.mark.parametrize("status, headers", [(403, []), (500, []), (302, [("Location", "/404.html")])])
def test_files_that_are_refused_while_others_are_not_do_not_count(world, status, headers):
    get_new_files(world)
    show_new_files(world)
    refused = {f"/{folder}/f{n}" for folder in ("new", "pool") for n in range(10)}
    world.web.odd, world.web.headers = lambda path: status if path in refused else None, headers
    assert "20 of 50 files asked for are not counted" in world.mb_scan("m", check=True).stderr
    assert len(world.files_of("m")) == 30


def test_a_server_that_asks_for_time_is_left_alone(world):
    get_new_files(world)
    world.web.odd, world.web.headers = lambda path: 429 if len(world.web.asked) > 5 else None, [("Retry-After", "600")]
    world.web.asked.clear()
    assert "not counted" not in world.mb_scan("m", check=True).stderr
    assert len(world.files_of("m")) == 50 and len(world.web.asked) < 20


def test_files_that_are_too_large_for_the_mirror_are_not_asked_for(world):
    world.database.tool("mb", "edit", "m", "--file-maxsize", "500")
    get_new_files(world)
    world.web.asked.clear()
    assert "10 of 20 files asked for" in world.mb_scan("m", check=True).stderr
    assert all("/pool/f1" not in path for path in world.web.asked)


def test_many_mirrors_that_seem_to_have_nothing_are_believed(world):
    """A portal of this machine's network answers in their place."""
    for name in "abcd":
        world.mirror(name)
        world.database.sql(f"UPDATE mirror SET http_url = (SELECT http_url FROM mirror WHERE identifier = 'm') WHERE identifier = '{name}'")
    world.web.odd = lambda path: 404
    done = world.mb_scan("-j", "1", *"abcd", check=True)
    assert done.stderr.count("files asked for are not counted") == 4 and done.stderr.count("seem to serve nothing") == 2, done.stderr
    assert [len(world.files_of(name)) for name in "abcd"] == [0, 0, 40, 40]
