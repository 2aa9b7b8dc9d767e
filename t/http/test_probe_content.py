"""mb-probe and the content of files: other bytes than the source's, names that cannot exist, and what lies beyond 2 GiB."""

import email.utils
import hashlib
import re
import time

import pytest

import rig
from answers import File, fill
from probing import World, answer, reset

SMALL, LARGE = "pool/small.deb", "pool/large.iso"
CONTENT = {SMALL: b"small" * 200, LARGE: bytes(range(256)) * 6000}
PIECE = 262144
OLD = email.utils.formatdate(rig.tree.DEFAULT_MTIME, usegmt=True)


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.configure("probe_content_s = 1\n")
    return world


class Files:
    """The talk() of a server that has these files, ranges too. `sizes` are those that it only seems to have."""

    def __init__(self, content, *, modified=None, any_name=False, limit=None):
        self.content, self.modified, self.any_name, self.limit = dict(content), modified, any_name, limit
        self.sizes = {}

    def __call__(self, request):
        method, path = request.split()[:2]
        content = self.content.get(path[1:])
        size = self.sizes.get(path[1:]) if content is None else len(content)
        if size is None:
            return answer(404)(request).replace(b" 404 ", b" 200 " if self.any_name else b" 404 ")
        headers = {"Last_Modified": self.modified} if self.modified else {}
        wanted = re.search(r"\r\nRange: bytes=(\d+)-(\d+)\r\n", request)
        if not wanted:
            return answer(Content_Length=size, **headers)("HEAD") + (content if method == "GET" else b"")
        first, last = map(int, wanted.groups())
        if self.limit and last >= self.limit:
            return answer(416, Content_Range=f"bytes */{size}")(request)
        body = content[first:last + 1] if content else b"x" * (last + 1 - first)
        return answer(206, Content_Length=len(body), Content_Range=f"bytes {first}-{last}/{size}", **headers)("HEAD") + body


def pieces(content):
    return b"".join(hashlib.sha1(content[i:i + PIECE]).digest() for i in range(0, len(content), PIECE)).hex()


def have(world, talk, content=CONTENT):
    """A mirror that has these files, and what mb-hash found of them."""
    server = world.talker(talk)
    fill(world.database, {"a": {"http_url": server.url()}}, {path: File(("a",), size=len(data)) for path, data in content.items()})
    for path, data in content.items():
        world.database.sql("INSERT INTO hash (file_id, version_rev, mtimes, sha256, piece_bytes, sha1_pieces)"
                           f" SELECT id, version_rev, ARRAY[mtime], '\\x{hashlib.sha256(data).hexdigest()}', {PIECE},"
                           f" '\\x{pieces(data)}' FROM file WHERE path = '{path}'")
    return server


def standing(world):
    return world.database.sql("SELECT standing, standing_reason FROM mirror").strip().split("|")


def wait_for_standing(world, expected, within_s=40):
    rig.wait_for(f"the mirror to be {expected}", lambda: standing(world)[0] == expected, within_s)
    return standing(world)[1]


def held(world):
    return sorted(world.database.sql("SELECT path FROM file JOIN cohort ON cohort.id = cohort_id WHERE mirrors <> '{}'"
                                     ).replace("\\x", "").split())


def test_a_mirror_that_breaks_off_what_it_sends_is_wrong_with_the_second_file(world):
    """Its answers to HEAD are right, and so is the length that it promises."""
    world.configure("probe_content_s = 60\n")
    files = {**CONTENT, **{f"pool/f{n}.deb": b"%d" % n * 3000 for n in range(8)}}
    whole = Files(files)

    def talk(request):
        said = whole(request)
        return said[:-100] if request.startswith("GET ") and len(said) > 1000 else said

    have(world, talk, files)
    world.database.sql("INSERT INTO health (mirror_id, scheme, family, state) SELECT id, 'http', 'ipv4', 'up' FROM mirror")
    world.start()
    reason = wait_for_standing(world, "wrong", 120)
    assert "breaks off after" in reason and world.health() == {"a http/ipv4": ["up", ""]}


def test_right_content_is_read_and_believed(world):
    server = have(world, Files(CONTENT))
    loop = world.start("--verbose")
    gets = lambda path: [r for r in server.requests if r.startswith(f"GET /{path} ")]  # noqa: E731
    rig.wait_for("both files to be read", lambda: gets(SMALL) and gets(LARGE), 30)
    time.sleep(2)
    assert standing(world) == ["good", ""] and len(held(world)) == 2
    assert all("\r\nRange: bytes=" in request for request in gets(LARGE))
    assert any("no-such-file" in request for request in server.requests)
    assert loop.stop()[3] == ""


@pytest.mark.parametrize("path, reason", [
    (SMALL, f"'{SMALL}': sends other content than the source has"),
    (LARGE, f"'{LARGE}': sends other content than the source has, from byte "),
])
def test_other_content_makes_a_mirror_wrong_at_once(world, path, reason):
    content = {path: CONTENT[path]}
    server = have(world, Files({path: CONTENT[path][::-1]}, modified=OLD), content)
    world.start()
    assert wait_for_standing(world, "wrong").startswith(reason)
    assert not held(world) and world.health() == {"a http/ipv4": ["up", ""]}
    reads = [request for request in server.requests if request.startswith("GET ")]
    assert len(reads) == 2 and reads[0] == reads[1]  # from two connections


def test_a_file_with_other_content_is_not_confirmed_by_what_head_says_of_it(world):
    have(world, Files({SMALL: CONTENT[SMALL][::-1]}, modified=OLD), {SMALL: CONTENT[SMALL]})
    world.start()
    wait_for_standing(world, "wrong")
    end = time.monotonic() + 25  # new files are looked for every 20 s
    while time.monotonic() < end:
        assert not held(world)
        time.sleep(0.2)


def test_other_content_without_a_time_makes_a_mirror_wrong_with_the_second_file(world):
    have(world, Files({path: data[::-1] for path, data in CONTENT.items()}))
    world.start()
    assert "sends other content than the source has" in wait_for_standing(world, "wrong") and not held(world)


def test_a_newer_file_of_the_same_size_is_only_withdrawn(world):
    newer = Files({SMALL: CONTENT[SMALL][::-1]}, modified=email.utils.formatdate(usegmt=True))
    have(world, newer, {SMALL: CONTENT[SMALL]})
    loop = world.start()
    rig.wait_for("the file to be withdrawn", lambda: not held(world), 20)
    assert standing(world) == ["good", ""]
    assert "is withdrawn: sends other content than the source has" in loop.stop()[3]


def test_a_mirror_that_dies_after_a_wrong_piece_is_down(world):
    """What was to be asked for once more must not take the place of the checks that find out."""
    well, seen = Files({SMALL: CONTENT[SMALL][::-1]}), []

    def talk(request):
        if seen:
            reset(request)
        if request.startswith("GET "):
            seen.append(request)
        return well(request)

    have(world, talk, {SMALL: CONTENT[SMALL]})
    world.start()
    rig.wait_for("a piece to be read", lambda: seen, 20)
    world.wait_for_state("a http/ipv4", "down", 20)


def test_a_mirror_that_has_any_name_is_wrong_until_it_was_seen_not_to(world):
    world.configure("probe_content_s = 4\n")
    talk = Files(CONTENT, any_name=True)
    have(world, talk)
    world.start()
    assert wait_for_standing(world, "wrong") == "answers 200 for a file that cannot exist: it has any name"
    world.database.sql("INSERT INTO scan (mirror_id, method, started, ended, outcome) SELECT id, 'rsync',"
                       " now() + interval '1 s', now() + interval '1 s', 'unchanged' FROM mirror")
    time.sleep(25)
    assert standing(world)[0] == "wrong"
    talk.any_name = False
    wait_for_standing(world, "good")


def test_what_lies_beyond_2_gib_is_withdrawn_where_it_is_not_sent(world):
    talk = Files({}, limit=2 << 30)
    talk.sizes = {"dvd1.iso": 3 << 30, "dvd2.iso": 4 << 30, "small.iso": 1 << 30}
    server = world.talker(talk)
    fill(world.database, {"a": {"http_url": server.url()}}, {path: File(("a",), size=size) for path, size in talk.sizes.items()})
    loop = world.start()
    rig.wait_for("the large files to be withdrawn", lambda: len(held(world)) == 1, 60)
    assert standing(world) == ["good", ""]
    assert "mirror 'a': 2 files larger than 2 GiB are withdrawn" in loop.stop()[3]


def test_large_files_that_are_sent_stay(world):
    talk = Files({})
    talk.sizes = {"dvd1.iso": 3 << 30}
    server = world.talker(talk)
    fill(world.database, {"a": {"http_url": server.url()}}, {path: File(("a",), size=size) for path, size in talk.sizes.items()})
    loop = world.start()
    rig.wait_for("a range beyond 2 GiB", lambda: any("Range: bytes=2" in r or "Range: bytes=3" in r for r in server.requests), 60)
    time.sleep(2)
    assert len(held(world)) == 1 and loop.stop()[3] == ""
