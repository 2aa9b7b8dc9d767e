"""Files that no listing can tell from an earlier version: mb-probe compares their content, and mirrors that have the present one get
redirects."""

import email.utils
import json
import time

import pytest
import rig
from answers import ask
from clients import noise
from hashing import World
from probing import Loop, Talker, answer
from test_probe_content import Files
from test_scan_truth import NAMES, WHEN, replace, shift

CONFIG = """
MirrorDatabase {database}
<Location /files>
  MirrorEngine On
  MirrorTree database
  MirrorMinSize 0
  MirrorOrigin http://origin.example/
</Location>
"""
MUTABLE, LARGE = "dists/Release", "images/disk.img"
LARGE_BYTES = 3_000_000


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.cleanup = cleanup
    world.configure(more="probe_interval_s = 1\nprobe_timeout_s = 5\nprobe_content_s = 2\n")
    world.fill_source({name: (100 + n, WHEN + 1000 * n) for n, name in enumerate(NAMES)} | {MUTABLE: (500, WHEN)})
    return world


def mirrors(world, *names):
    """Mirrors behind rsync and a real httpd each, as they are after a scan: {name: the daemon, with its tree and its httpd}."""
    found = {}
    for name in names:
        found[name] = world.mirror(name)
        found[name].web = world.cleanup(rig.WebServer(found[name].tree)).start()
        world.database.sql(f"UPDATE mirror SET http_url = '{found[name].web.url}' WHERE identifier = '{name}'")
    return found


def rebuild(world, path=MUTABLE, content=b"!" * 500, when=WHEN):
    """Other bytes under the same size and time, unless `when` says otherwise."""
    replace(world.source / path, content, when)
    world.mb_scan("--source", check=True)
    world.mb_hash()
    assert world.has()[path] == []


def prober(world, *args):
    return world.cleanup(Loop([world.database.build.program("mb-probe"), "--config", world.config, "--loop", *args],
                              world.database.environment()))


def probe(world, *args):
    done = world.database.tool("mb-probe", "--config", world.config, "--json", *args)
    return [json.loads(line) for line in done.stdout.splitlines()], done


def wait_for(world, mirrors, path=MUTABLE, within_s=20):
    rig.wait_for(f"{path} on {mirrors}", lambda: world.has()[path] == mirrors, within_s)


def test_a_file_that_was_built_anew_is_redirected_to_the_mirror_that_has_the_new_bytes(world, build):
    world.mb_hash()
    found = mirrors(world, "old", "new")
    world.mb_scan("--all", check=True)
    httpd = world.cleanup(rig.Httpd(CONFIG.replace("{database}", world.database.conninfo()), build=build, catalog=True)).start()

    def location():
        return ask(httpd, "/files/" + MUTABLE).location or ""
    rig.wait_for("a redirect to a mirror", lambda: location().startswith("http://127.0.0.1:"), 15)
    rebuild(world)
    rig.wait_for("redirects to the origin", lambda: location().startswith("http://origin.example/"))
    replace(found["new"].tree / MUTABLE, b"!" * 500, WHEN)
    world.mb_scan("--all", "--force", check=True)
    assert world.has()[MUTABLE] == []
    loop = prober(world)
    rig.wait_for("redirects to the one with the new bytes", lambda: location().startswith(found["new"].web.url), 20)
    wait_for(world, ["new"])
    world.mb_scan("--all", "--force", check=True)
    assert world.has()[MUTABLE] == ["new"]
    assert world.database.sql("SELECT count(*) FROM mirror WHERE standing <> 'good'") == "0"
    replace(found["old"].tree / MUTABLE, b"!" * 500, WHEN)
    wait_for(world, ["new", "old"])
    assert loop.stop()[3] == ""


def test_a_mirror_without_times_gets_its_mutable_files_by_content(world):
    world.mb_hash()
    mirror = mirrors(world, "m")["m"]
    shift(mirror.tree)
    world.mb_scan("m", check=True)
    rebuild(world, when=WHEN + 900)
    world.mb_scan("m", "--force", check=True)
    checks, done = probe(world, "m")
    assert world.has()[MUTABLE] == [] and done.returncode == 0 and done.stderr == ""
    assert [(c["file"], c["ok"], c["reason"]) for c in checks if c["check"] == "content"] == [
        (MUTABLE, False, "sends other content than the source has")]
    replace(mirror.tree / MUTABLE, b"!" * 500, WHEN + 700_000)
    world.mb_scan("m", check=True)  # which shows that the mirror has changed
    checks, done = probe(world, "m")
    assert [(c["file"], c["ok"]) for c in checks if c["check"] == "content"] == [(MUTABLE, True)] and done.returncode == 0
    assert world.has()[MUTABLE] == ["m"]


def test_a_program_that_is_started_again_does_not_ask_for_the_same_again(world):
    world.configure(more="probe_interval_s = 1\nprobe_timeout_s = 5\n")
    world.mb_hash()
    mirror = mirrors(world, "m")["m"]
    world.mb_scan("m", check=True)
    rebuild(world)

    def compared():
        return [c for c in probe(world, "m")[0] if c["check"] == "content"]
    assert len(compared()) == 1 and compared() == []
    world.mb_scan("m", "--force", check=True)  # the listing is the same
    assert compared() == []
    replace(mirror.tree / NAMES[0], b"!" * 100, WHEN + 3600)
    world.mb_scan("m", check=True)
    assert len(compared()) == 1
    rebuild(world, NAMES[3], b"?" * 103, WHEN + 3000)
    assert [c["file"] for c in compared()] == [NAMES[3]]


def test_lines_say_what_was_compared_and_a_dry_run_confirms_nothing(world):
    world.mb_hash()
    mirrors(world, "m")
    world.mb_scan("m", check=True)
    replace(world.scratch / "m" / MUTABLE, b"!" * 500, WHEN)
    rebuild(world)
    done = world.database.tool("mb-probe", "--config", world.config, "-n", "m", check=True)
    assert f"  {MUTABLE} (content)\n" in done.stdout and world.has()[MUTABLE] == []
    world.database.tool("mb-probe", "--config", world.config, "m", check=True)
    assert world.has()[MUTABLE] == ["m"]


@pytest.mark.parametrize("damaged, expected", [(None, ["m"]), (0, None), (-1, [])])
def test_large_files_are_compared_by_pieces(world, damaged, expected):
    """One that differs nearly everywhere, or in its last piece, is never taken."""
    rig.make_tree(world.source, {LARGE: (LARGE_BYTES, WHEN)})
    world.mb_scan("--source", check=True)
    world.mb_hash()
    mirror = mirrors(world, "m")["m"]
    world.mb_scan("m", check=True)
    content = noise(LARGE_BYTES, 1)
    rebuild(world, LARGE, content)
    if damaged is None:
        replace(mirror.tree / LARGE, content, WHEN)
    elif damaged == -1:
        replace(mirror.tree / LARGE, content[:-1] + bytes([content[-1] ^ 1]), WHEN)
    checks, _ = probe(world, "m")
    assert [c["ok"] for c in checks if c["check"] == "content"] == [damaged is None]
    assert world.has()[LARGE] == (expected or [])


def test_a_large_file_whose_pieces_are_alike_is_not_believed(world):
    """An image of zeros but for some bytes: a few pieces tell nothing."""
    rig.make_tree(world.source, {LARGE: (LARGE_BYTES, WHEN)})
    world.mb_scan("--source", check=True)
    world.mb_hash()
    mirror = mirrors(world, "m")["m"]
    world.mb_scan("m", check=True)
    content = bytes(LARGE_BYTES)
    rebuild(world, LARGE, content[:1_000_000] + b"new" + content[1_000_003:])
    replace(mirror.tree / LARGE, content, WHEN)
    for _ in range(3):
        probe(world, "m")
        assert world.has()[LARGE] == []


def test_a_version_that_is_hashed_later_is_compared_then(world):
    world.configure(more="probe_interval_s = 1\nprobe_timeout_s = 5\n")
    mirror = mirrors(world, "m")["m"]
    shift(mirror.tree)
    world.mb_scan("m", check=True)
    replace(world.source / MUTABLE, b"!" * 500, WHEN + 900)
    world.mb_scan("--source", check=True)
    replace(mirror.tree / MUTABLE, b"!" * 500, WHEN + 700_000)
    world.mb_scan("m", check=True)
    prober(world)
    rig.wait_for("the walk to pass by", lambda: world.database.sql(
        "SELECT cardinality(walk) = 1 FROM probe_memory WHERE walk_began IS NOT NULL") == "t", 30)
    assert world.has()[MUTABLE] == []
    world.mb_hash()
    wait_for(world, ["m"])


def test_one_run_asks_for_no_more_than_a_minutes_budget_and_the_next_one_goes_on(world):
    world.configure(more="probe_interval_s = 1\nprobe_timeout_s = 5\n")
    names = [f"many/f{n}" for n in range(100)]
    rig.make_tree(world.source, {name: (100, WHEN) for name in names})
    world.mb_scan("--source", "--force", check=True)
    world.mb_hash()
    mirror = mirrors(world, "m")["m"]
    world.mb_scan("m", check=True)
    for number, name in enumerate(names):
        for tree in (world.source, mirror.tree):
            replace(tree / name, f"{number:0100}".encode(), WHEN)
    world.mb_scan("--source", "--force", check=True)
    assert not any(world.has()[name] for name in names)
    for expected in (60, 40, 0):
        checks = [c for c in probe(world, "m")[0] if c["check"] == "content"]
        assert len(checks) == expected and all(c["ok"] for c in checks)
    assert all(world.has()[name] == ["m"] for name in names)
    assert len({rev for (rev,) in world.query("SELECT rev FROM file WHERE path LIKE 'many/%'")}) == 2  # a merge for each run


def talking(world, talk):
    """A mirror behind rsync whose web server says what `talk` says."""
    mirror = world.mirror("m")
    server = world.cleanup(Talker(talk))
    world.database.sql(f"UPDATE mirror SET http_url = '{server.url()}' WHERE identifier = 'm'")
    world.mb_hash()
    world.mb_scan("m", check=True)
    rebuild(world)
    world.mb_scan("m", "--force", check=True)
    return mirror, server


def serves(world, changed):
    content = {str(path.relative_to(world.source)): path.read_bytes() for path in world.source.rglob("*") if path.is_file()}
    return Files({**content, **changed})


@pytest.mark.parametrize("as_date", [False, True])
@pytest.mark.parametrize("status", [429, 503])
def test_a_mirror_that_asks_for_time_is_asked_again_when_it_said(world, status, as_date):
    files, asked = serves(world, {MUTABLE: b"!" * 500}), []

    def talk(request):
        if request.startswith(f"GET /{MUTABLE} ") and "mb-probe" in request:
            asked.append(time.time())
            if len(asked) == 1:
                return answer(status, Retry_After=email.utils.formatdate(time.time() + 8, usegmt=True) if as_date else 7)(request)
        return files(request)
    talking(world, talk)
    prober(world)
    wait_for(world, ["m"], within_s=35)
    assert asked[1] - asked[0] > 6


def test_a_file_that_a_mirror_never_had_is_asked_for_again_after_its_next_change(world):
    files = serves(world, {})
    del files.content[MUTABLE]
    mirror, server = talking(world, files)

    def asked():
        return sum(request.startswith(f"GET /{MUTABLE} ") and "mb-probe" in request for request in server.requests)
    loop = prober(world)
    rig.wait_for("the first time", asked, 20)
    time.sleep(9)  # it is compared again every two seconds
    assert asked() == 1
    replace(mirror.tree / NAMES[0], b"!" * 100, WHEN + 3600)
    files.content[MUTABLE] = b"!" * 500
    world.mb_scan("m", "--force", check=True)
    wait_for(world, ["m"], within_s=90)  # the prober reads each minute which mirrors were scanned
    assert loop.stop()[0] == 0
