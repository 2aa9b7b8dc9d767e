"""New files first: mirrors get redirects for a release soon after they have it, long before their next scan."""

import contextlib
import functools
import http.server
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest
import rig
from scanning import World

RELEASE = {f"release/f{n}": 100 + n for n in range(300)}


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.connections += 1

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.server.asked.append(self.path)
        return super().do_HEAD()


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.configure(more="probe_interval_s = 60\n")
    world.fill_source({"old/f": 100})
    with contextlib.ExitStack() as stack:
        world.mirrors = {name: start_mirror(world, name, stack) for name in ("one", "two", "three")}
        yield world


def start_mirror(world, name, stack):
    tree = world.scratch / name
    rig.copy_tree(world.source, tree)
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=tree))
    web.tree, web.asked, web.connections = tree, [], 0
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    stack.callback(web.server_close)
    stack.callback(thread.join)
    stack.callback(web.shutdown)
    world.database.add_mirror(name, enabled=True, http_url=f"http://127.0.0.1:{web.server_port}/")
    return web


@contextlib.contextmanager
def prober(world):
    argv = [world.database.build.program("mb-probe"), "--config", world.config, "--loop"]
    process = subprocess.Popen([os.fspath(a) for a in argv], env=world.database.environment(),
                               stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def served(world, name):
    return sum(1 for path in world.files_of(name) if path.startswith("release/"))


def test_a_release_is_redirected_to_each_mirror_within_a_minute_of_its_arrival(world):
    with prober(world):
        rig.make_tree(world.source, RELEASE)
        world.mb_scan("--source", "--force", check=True)
        time.sleep(3)
        for name, web in world.mirrors.items():
            arrived = time.monotonic()
            rig.copy_tree(world.source / "release", web.tree / "release")
            rig.wait_for(f"redirects to {name}", lambda: served(world, name) == len(RELEASE), 60)
            print(f"{name}: {time.monotonic() - arrived:.1f} s")
    for web in world.mirrors.values():
        assert sum(1 for path in web.asked if "release" in path) < len(RELEASE) + 60
        assert web.connections < 60  # they are kept


def test_the_rest_of_a_release_is_found_soon_though_it_is_old_by_then(world):
    """A mirror that synchronises hours later gets its files one after the other, and deletes others in the end."""
    files = {f"release/f{n}": 100 + n for n in range(40)}
    tree = world.mirrors["one"].tree
    rig.make_tree(world.source, {**files, "gone/f": 100})
    rig.copy_tree(world.source / "gone", tree / "gone")
    world.mb_scan("--source", "--force", check=True)
    with prober(world):
        rig.wait_for("what will be gone", lambda: "gone/f" in world.files_of("one"), 60)
    (world.source / "gone/f").unlink()
    world.mb_scan("--source", "--force", check=True)
    world.database.sql("UPDATE revision SET at = at - interval '12 hours'; UPDATE file SET gone_at = gone_at - interval '11 hours'")
    rig.make_tree(tree, dict(list(files.items())[:20]))
    with prober(world):
        rig.wait_for("redirects for the first half", lambda: served(world, "one") == 20, 60)
        rig.make_tree(tree, files)
        rig.wait_for("redirects for the rest", lambda: served(world, "one") == len(files), 60)
        (tree / "gone/f").unlink()
        rig.wait_for("the last one to be withdrawn", lambda: "gone/f" not in world.files_of("one"), 60)


def test_an_old_version_or_a_half_of_a_file_is_not_confirmed(world):
    with prober(world):
        rig.make_tree(world.source, {"release/f1": (100, 1_700_000_000), "release/f2": (100, 1_700_000_000),
                                     "release/f3": (100, 1_700_000_000)})
        tree = world.mirrors["one"].tree
        rig.make_tree(tree, {"release/f1": (100, 1_600_000_000), "release/f2": (99, 1_700_000_000),
                             "release/f3": (100, 1_700_000_000)})
        world.mb_scan("--source", "--force", check=True)
        rig.wait_for("the right one", lambda: "release/f3" in world.files_of("one"), 60)
        time.sleep(3)
        assert served(world, "one") == 1


def test_what_is_gone_at_the_source_is_withdrawn_from_each_mirror_that_deletes_it(world):
    """Clients still ask for it for a while, and other mirrors still have it."""
    files = {f"release/f{n}": 100 + n for n in range(40)}
    rig.make_tree(world.source, files)
    for web in world.mirrors.values():
        rig.copy_tree(world.source / "release", web.tree / "release")
    world.mb_scan("--source", "--force", check=True)
    with prober(world):
        rig.wait_for("redirects to all", lambda: all(served(world, name) == len(files) for name in world.mirrors), 60)
        for path in files:
            (world.source / path).unlink()
        world.mb_scan("--source", "--force", check=True)
        time.sleep(3)
        asked = len(world.mirrors["two"].asked)
        for path in files:
            (world.mirrors["one"].tree / path).unlink()
        rig.wait_for("no redirects to one", lambda: served(world, "one") == 0, 60)
        assert served(world, "two") == served(world, "three") == len(files)
        assert len(world.mirrors["two"].asked) - asked < len(files)


def test_a_web_server_that_has_all_old_files_and_no_new_ones_is_wrong(world, cleanup):
    """It serves another folder than rsync does."""
    world.configure(more="probe_interval_s = 1\n")
    web = world.mirrors["one"]
    old = {f"old/f{n}": 100 + n for n in range(300)}
    rig.make_tree(world.source, old)
    rig.copy_tree(world.source, web.tree)
    world.mb_scan("--source", "--force", check=True)
    world.database.sql("UPDATE revision SET at = at - interval '2 days'")
    rig.make_tree(world.source, {f"release/{n}/f": 100 + n for n in range(15)})
    daemon = cleanup(rig.RsyncDaemon([rig.Module("pub", world.source)])).start()
    world.database.tool("mb", "edit", "one", "--rsync-url", daemon.module_url("pub"))
    world.mb_scan("--source", "--force", check=True)
    rig.copy_tree(world.source, web.tree)
    world.mb_scan("one", check=True)
    assert served(world, "one") == 15
    shutil.rmtree(web.tree / "release")
    with prober(world):
        rig.wait_for("one to be wrong", lambda: standing(world, "one")[0] == "wrong", 90)
    assert "rsync lists what the web server does not serve" in standing(world, "one")[1]


def test_what_a_mirror_got_last_is_looked_at_as_soon_as_one_of_these_files_is_old(world):
    world.configure(more="probe_interval_s = 5\n")
    web = world.mirrors["one"]
    rig.make_tree(world.source, {f"old/f{n}": 100 + n for n in range(300)})
    rig.make_tree(world.source, {f"site/{n}": 100 + n for n in range(100)})
    rig.copy_tree(world.source, web.tree)
    world.mb_scan("--source", "--force", check=True)
    world.database.sql("UPDATE revision SET at = at - interval '2 days'")
    rig.make_tree(world.source, {f"site/{n}": 1000 + n for n in range(100)})
    world.mb_scan("--source", "--force", check=True)
    world.database.sql("INSERT INTO cohort (mirrors, n_files, rev) VALUES (ARRAY[(SELECT id FROM mirror WHERE identifier = 'one')], 0, 1);"
                       "UPDATE file SET cohort_id = (SELECT max(id) FROM cohort);"
                       "UPDATE cohort SET n_files = CASE WHEN mirrors = '{}' THEN 0 ELSE (SELECT count(*) FROM file) END;"
                       "DELETE FROM cohort WHERE n_files = 0")
    with prober(world):
        rig.wait_for("one to be wrong", lambda: standing(world, "one")[0] == "wrong", 40)  # by checks alone it takes 20 rounds
    # Single checks withdraw one or two of them meanwhile.
    assert re.search("9[0-9] of the 9[0-9] files that it got last are missing or old; the last one: sends 1", standing(world, "one")[1])
    assert not [path for path in world.files_of("one") if path.startswith("site/")] and "old/f7" in world.files_of("one")


def standing(world, name):
    return world.query(f"SELECT standing, standing_reason FROM mirror WHERE identifier = '{name}'")[0]


def test_files_that_may_change_go_before_those_that_do_not(world):
    world.configure(more='probe_interval_s = 60\nfresh_requests = 240\nimmutable = ["pool/**"]\n')
    release = {f"pool/f{n}": 100 for n in range(100)} | {f"zone/index{n}": 100 for n in range(5)}
    rig.make_tree(world.source, release)
    world.mb_scan("--source", "--force", check=True)
    web = world.mirrors["one"]
    rig.copy_tree(world.source, web.tree)
    with prober(world):
        rig.wait_for("the last one", lambda: "zone/index4" in world.files_of("one"), 60)
    asked = [path for path in web.asked if path[1:] in release]
    # In the order of names they would be the last five. Eight are asked for at a time, and may overtake each other.
    assert max(asked.index(f"/zone/index{n}") for n in range(5)) < 30, asked


def test_a_folder_with_more_new_files_than_can_be_asked_for_is_listed_by_a_worker(world):
    world.configure(more="probe_interval_s = 60\nfresh_requests = 20\n")
    rig.make_tree(world.source, RELEASE)
    world.mb_scan("--source", "--force", check=True)
    with prober(world):
        rig.copy_tree(world.source, world.mirrors["one"].tree)
        asked = "SELECT identifier FROM scan_queue JOIN mirror ON mirror.id = mirror_id WHERE subtree = 'release'"
        assert rig.wait_for("the folder in the queue", lambda: world.query(asked), 60) == [["one"]]
        world.mb_scan("--work", "--once")
        assert served(world, "one") == len(RELEASE) and world.query(asked) == []
