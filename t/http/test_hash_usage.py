"""mb-hash's command line, its output, and lists to import."""

import hashlib
import os
import subprocess

import pytest
import rig
from hashing import World


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def fill(world, files):
    rig.make_tree(world.source, files)
    world.scan_source()


@pytest.mark.parametrize("args, words", [
    (["/x"], "/x"), (["a/../b"], "a/../b"), (["--verify", "--force"], "--verify"), (["-j", "0"], "--jobs"),
    (["--nonsense"], "--nonsense"),
    (["--import", "f", "a", "b"], "one SUBTREE"), (["--instance", "nosuch"], "nosuch"), (["--max-rate", "fast"], "--max-rate")])
def test_wrong_usage_is_explained(world, args, words):
    done = world.mb_hash(*args, check=False)
    assert done.returncode == (3 if args[0] == "--instance" else 2)
    assert done.stderr.startswith("mb-hash: ") and words in done.stderr and done.stdout == ""


@pytest.mark.parametrize("text, words", [
    ('digests = ["md5"]', "sha256 or sha512"), ('digests = ["crc"]', "expected some of"), ("zsync = 1", "true or false"),
    ("jobs = 1000", "0 to 256"), ("nonsense = 1", "unknown key 'nonsense'")])
def test_wrong_configuration_is_explained(world, text, words):
    world.configure(more=f"[instance.main.hash]\n{text}\n")
    done = world.mb_hash(check=False)
    assert done.returncode == 3 and words in done.stderr


def test_a_source_that_is_not_local_or_not_there(world):
    world.configure("rsync://host/module/")
    done = world.mb_hash(check=False)
    assert done.returncode == 3 and "no local source" in done.stderr
    world.configure("/nonexistent")
    done = world.mb_hash(check=False)
    assert done.returncode == 3 and "cannot open the source /nonexistent" in done.stderr


def test_the_manual_and_the_completion_know_every_option(world, build):
    manual = (build.srcdir / "doc" / "mb-hash.1").read_text().replace("\\-", "-")
    completion = (build.srcdir / "doc" / "completion" / "mb-hash").read_text()
    shown = world.mb_hash("--help").stdout
    assert "Exit status" in shown and world.mb_hash("--version").stdout.startswith("mb-hash (mod_mirror) 0.")
    for word in shown.replace(",", " ").split():
        if word.startswith("--"):
            assert word in manual and word in completion, word


def test_progress_is_one_line_on_a_terminal(world):
    fill(world, {"f": 4_000_000})
    argv = [world.database.build.program("mb-hash"), "--config", world.config, "--max-rate", "4M"]
    done, shown = rig.run_on_terminal(argv, world.database.environment())
    assert done.returncode == 0 and "of 4.0 MB" in shown and " left" in shown and "\n" not in shown and shown.endswith("\r\033[K")


def sums(algorithm, files, names=None):
    names = names or {}
    return "".join(f"{hashlib.new(algorithm, content).hexdigest()}  {names.get(name, name)}\n" for name, content in files.items())


FILES = {"d/a": b"1", "d/b c": b"2", "top": b"3", "d/new\nline\\": b"4"}


def test_lists_of_every_form_are_taken(world):
    fill(world, FILES)
    lists = world.scratch / "lists"
    lists.mkdir()
    for tool, flags in (("sha256sum", []), ("md5sum", ["-b"]), ("sha512sum", ["--tag"]), ("sha1sum", [])):
        argv = [tool, *flags, *[f"./{name}" for name in FILES]]
        text = subprocess.run(argv, cwd=world.source, capture_output=True, check=True).stdout
        (lists / tool).write_bytes(text)
        assert world.summary("--import", lists / tool)["hashed"] == len(FILES)
        algorithm = tool.removesuffix("sum")
        assert world.stored(algorithm) == world.real(algorithm)


def test_names_may_be_relative_to_a_subtree(world):
    fill(world, FILES)
    text = sums("sha256", {"a": b"1"}) + "# a remark\n\n"
    assert world.mb_hash("--import", "-", "d/", input=text).returncode == 0
    assert list(world.stored()) == ["d/a"]


def test_hostile_lists_harm_nobody(world):
    fill(world, FILES)
    good = hashlib.sha256(b"1").hexdigest()
    lines = [f"{good}  ../../etc/passwd", f"{good}  /etc/passwd", "x" * 40000, f"{good}  ", f"{good}", "zz" * 32 + "  d/a",
             f"SHA1 (d/a) = {good}", f"\\{good}  d\\a", f"{good}  no/such/file", f"{good}  d/a", "\x1b[31m  y",
             f"{good[:-2]}  top"]
    done = world.mb_hash("--import", "-", input="\n".join(lines), check=False)
    assert done.returncode == 1 and list(world.stored()) == ["d/a"] and "\x1b" not in done.stderr
    assert "-:3: is too long" in done.stderr and "no/such/file: the source has no such file" in done.stderr


def test_a_list_that_is_signed_in_the_clear_is_taken(world):
    fill(world, {"a": b"1", "- b": b"2", "c": b"3"})
    text = sums("sha256", {"a": b"1"}) + "- -----\n- # a remark\n" + "\n" + sums("sha256", {"c": b"3"})
    signed = ("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + text.replace("- -----\n", "") +
              "-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n")
    done = world.summary("--import", "-", input=signed)
    assert (done["hashed"], done["failed"], done["status"]) == (2, 0, 0) and sorted(world.stored()) == ["a", "c"]


def test_a_subtree_without_files_is_told(world):
    done = world.mb_hash(check=False)
    assert done.returncode == 1 and "the source has no files yet (mb-scan --source lists it)" in done.stderr
    fill(world, FILES)
    done = world.mb_hash("nosuch", "d", check=False)
    assert done.returncode == 1 and "the source has no file 'nosuch', and none below it" in done.stderr
    assert sorted(world.stored()) == ["d/a", "d/b c", "d/new\nline\\"]
    assert world.mb_hash("top").stderr == ""


def test_verifying_says_agree(world):
    fill(world, FILES)
    world.mb_hash()
    assert world.mb_hash("--verify").stdout.startswith("4 files agree, ")
    assert world.summary("--verify")["agree"] == 4


def test_a_list_does_not_overrule_what_was_read(world):
    fill(world, FILES)
    world.mb_hash()
    done = world.mb_hash("--import", "-", input=sums("sha256", {"top": b"other"}), check=False)
    assert done.returncode == 2 and "another digest is stored" in done.stderr and world.stored() == world.real()
    world.mb_hash("--force", "--import", "-", input=sums("sha256", {"top": b"other"}))
    assert world.stored()["top"] == hashlib.sha256(b"other").hexdigest()
    old = world.scratch / "old"
    old.write_text(sums("md5", {"d/a": b"1"}))
    os.utime(old, (1, 1))
    assert "newer than the list" in world.mb_hash("--import", old, check=False).stderr
