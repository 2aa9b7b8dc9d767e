"""mb-scan against real rsync daemons: names, modes, prefixes, subtrees, passwords, guards."""

import os
import stat

import pytest
import rig
from scanning import World, entry, listing, objects

NAMES = [b"plain", b"with space", b" lead", b"trail ", b"new\nline", b"tab\there", "caf\u00e9".encode(), b"latin\xe9",
         b"back\\#303slash", b"back\\slash", b"\\#012", b"a -> b", b"del\x7f", b"ctl\x01\x1b[2J", b"-dash", b"100%25#?&'\"<>;",
         b"x'; DROP TABLE file; --", "\u65e5\u672c/\u8a9e".encode(), b"{}*[x]?", b"~", b"dir with space/ file ", b"new\ndir/f"]


@pytest.fixture
def world(database, scratch, cleanup):
    return World(database, scratch, cleanup)


def test_every_name_survives_the_way(world):
    world.fill_source({name: b"12345" for name in NAMES})
    world.mirror("a")
    done = world.mb_scan("a", check=True)
    assert world.has() == {os.fsdecode(name): ["a"] for name in NAMES}
    for figure in (f" {len(NAMES)} seen", f" {len(NAMES)} gained", " 0 unknown to the source", " 0 outdated"):
        assert figure in done.stdout


# 26: rsync 2.5, 29: 2.6.4, 30: 3.0, 31: 3.1 and later, whose greeting also lists digests since 3.2.7.
@pytest.mark.parametrize("protocol", [26, 27, 28, 29, 30, 31])
def test_old_and_new_daemons_are_understood(world, protocol):
    world.fill_source({**{name: b"12345" for name in NAMES}, "sub/old": (b"1", 86400), "sub/big": b"x" * 70000,
                       "l": rig.Link("sub")})
    world.mirror("a", motd="Welcome\n", rsync_options=f"--protocol={protocol}")
    world.mb_scan("a", check=True)
    everything = {*map(os.fsdecode, NAMES), "sub/old", "sub/big"}
    assert set(world.files_of("a")) == everything
    # A part of it, and a part that is not there.
    world.mb_scan("-d", "sub", "a", check=True)
    assert "the source has no file below 'no/such'" in world.mb_scan("-d", "no/such", "a").stderr
    assert set(world.files_of("a")) == everything


def test_only_the_current_version_counts(world):
    world.fill_source({"same": b"12345", "size": b"12345", "older": b"12345", "missing": b"12345", "link": rig.Link("same")})
    world.mirror("a", {"same": b"12345", "size": b"1234", "older": (b"12345", rig.tree.DEFAULT_MTIME - 1), "extra": b"1",
                       "missing": rig.Link("same")})
    done = world.mb_scan("--json", "a", check=True)
    assert world.files_of("a") == ["same"]
    result, summary = objects(done)
    assert {k: result[k] for k in ("mirror", "outcome", "error", "seen", "gained", "lost", "unknown", "outdated")} == {
        "mirror": "a", "outcome": "merged", "error": None, "seen": 4, "gained": 1, "lost": 0, "unknown": 1, "outdated": 2}
    assert {"seconds", "held", "entries", "lock_seconds"} <= result.keys()
    assert summary["summary"]["worked"] == 1 and summary["summary"]["failed"] == 0


def test_what_others_may_not_read_is_absent(world):
    files = {f: b"1" for f in ("open", "hidden", "secret/x", "secret/deep/y", "listed/z", "sub/ok")}
    world.fill_source(files)
    daemon = world.mirror("a")  # as nobody, when this test is root
    (daemon.tree / "hidden").chmod(0o640)
    (daemon.tree / "secret").chmod(0o700)  # the daemon may not read it: rsync exits 23
    (daemon.tree / "listed").chmod(0o754)
    done = world.mb_scan("-v", "a", check=True)
    assert world.files_of("a") == ["open", "sub/ok"]
    if rig.process.is_root():
        assert "cannot be read on the mirror" in done.stderr
    # By a daemon that may read everything the modes still count.
    root = world.mirror("b", files, uid="root")
    (root.tree / "secret").chmod(0o700)
    world.mb_scan("b", check=True)
    assert world.files_of("b") == sorted(set(files) - {"secret/x", "secret/deep/y"})


def test_a_message_of_the_day_is_no_entry(world):
    world.fill_source({"a": b"12345", "b": b"12345"})
    motd = "Welcome\n-rw-r--r--              5 2023/11/14 22:13:20 b\n\n"
    world.mirror("a", {"a": b"12345"}, motd=motd)
    world.mb_scan("a", check=True)
    assert world.files_of("a") == ["a"]


def test_a_rescan_changes_nothing(world):
    world.fill_source({f"d{n % 7}/f{n}": b"12345" for n in range(50)})
    world.mirror("a")
    world.mirror("b")

    def writes():
        """Rows inserted, updated and deleted so far, by PostgreSQL's own count."""
        rows = world.query("SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY 1")
        return {name: tuple(map(int, counts)) for name, *counts in rows if name in ("file", "cohort", "revision")}

    new = writes()
    world.mb_scan("a", check=True)
    world.mb_scan("b", check=True)
    scanned = writes()
    assert new["file"] == scanned["file"] == (50, 0, 0)
    # A complete mirror is a change of the one cohort's row.
    assert scanned["cohort"] == (new["cohort"][0], new["cohort"][1] + 2, new["cohort"][2])
    before = world.tables()
    for scan in objects(world.mb_scan("--json", "a", "b", check=True))[:2]:
        assert scan["outcome"] == "unchanged"
    assert world.tables() == before and writes() == scanned


@pytest.mark.parametrize("columns, tree, path", [
    ({"strip_prefix": "pub/tree"}, "pub/tree/", ""),
    ({"add_prefix": "d"}, "", ""),
    ({}, "pub/tree/", "pub/tree/"),
], ids=["strip", "add", "url"])
def test_prefixes(world, columns, tree, path):
    world.fill_source({"top": b"12345", "d/x": b"12345", "d/e/y": b"12345"})
    part = ["x", "e/y"] if columns.get("add_prefix") else ["top", "d/x", "d/e/y"]
    files = {tree + name: b"12345" for name in part}
    if tree:
        files |= {"outside": b"12345", "top": b"12345"}
    world.mirror("a", files, path=path, **columns)
    expected = sorted(("d/" if columns.get("add_prefix") else "") + name for name in part)
    world.mb_scan("a", check=True)
    assert world.files_of("a") == expected
    # And a part of it, with the rest left alone.
    (world.scratch / "a" / tree / ("e/y" if columns.get("add_prefix") else "d/e/y")).unlink()
    world.mb_scan("-d", "d/e", "--force", "a", check=True)
    assert world.files_of("a") == sorted(set(expected) - {"d/e/y"})
    assert world.mb_scan("-d", "elsewhere", "a").returncode == 1
    assert world.files_of("a") == sorted(set(expected) - {"d/e/y"})


def test_subtrees_of_any_name(world):
    names = [b"sp ace", b"st*r", b"starr", b"qu?", b"br[a]c", b"brac", b"back\\slash", b"new\nline", b"latin\xe9", b"{a,b}",
             b"$x`y`", b"-dash", b"~tilde", b"co:l::on", b"'q\"", b"#hash%25", b"back\\[x"]
    world.fill_source({name + b"/f": b"12345" for name in names})
    world.mirror("a")
    for done, name in enumerate(names, 1):
        world.mb_scan("-d", os.fsdecode(name) + "/", "a", check=True)
        assert len(world.files_of("a")) == done, name
    assert world.has() == {os.fsdecode(name + b"/f"): ["a"] for name in names}


def test_a_missing_subtree_is_an_empty_listing_under_the_guard(world):
    world.fill_source({f"d/{n}": b"12345" for n in range(10)} | {"top": b"12345"})
    daemon = world.mirror("a")
    world.mb_scan("a", check=True)
    (daemon.tree / "d").rename(daemon.tree / "e")
    before = world.tables()
    done = world.mb_scan("-d", "d", "a")
    assert done.returncode == 2 and "--force" in done.stderr
    assert world.tables() == before
    world.mb_scan("-d", "d", "--force", "a", check=True)
    assert world.files_of("a") == ["top"]


def test_a_shrink_beyond_the_guard_is_refused(world):
    world.fill_source({str(n): b"12345" for n in range(10)})
    daemon = world.mirror("a")
    world.mb_scan("a", check=True)
    for n in range(6):
        (daemon.tree / str(n)).unlink()
    before = world.tables()
    [[day]] = world.query("SELECT to_char(last_scan AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM mirror")
    done = world.mb_scan("a")
    assert done.returncode == 2 and done.stderr == (
        "mb-scan: mirror 'a': the mirror would shrink from 10 to 4 files, more than 50% of them; nothing was merged, "
        "the last good "
        f"scan of {day} stands (--force merges it, --max-shrink sets the limit)\n")
    assert world.tables() == before and world.scans("a")[-1] == [
        "refused", "the mirror would shrink from 10 to 4 files, more than 50% of them"]
    assert objects(world.mb_scan("--json", "a"))[0]["outcome"] == "refused"
    world.mb_scan("--max-shrink", "60", "a", check=True)
    assert len(world.files_of("a")) == 4


def test_passwords_come_from_files(world):
    world.fill_source({"f": b"12345"})
    world.mirror("a", users={"joe": "hush"})
    good, bad = world.scratch / "good", world.scratch / "bad"
    good.write_text("hush\n")
    bad.write_text("no\n")
    for file in (good, bad):
        file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    done = world.mb_scan("a")
    assert done.returncode == 2 and "auth failed on module pub" in done.stderr
    assert world.mb_scan("--password-file", bad, "a").returncode == 2
    assert world.files_of("a") == []
    world.mb_scan("--password-file", good, "a", check=True)
    assert world.files_of("a") == ["f"]
    world.configure(more=f'[instance.main.mirror.a]\nrsync_password_file = "{good}"\n')
    world.mb_scan("a", check=True)
    if rig.is_root():
        os.chown(good, 65534, 65534)  # the timer's user
        world.mb_scan("a", check=True)
    good.chmod(0o644)
    done = world.mb_scan("a")
    assert done.returncode == 2 and f"the password file {good} must not be readable or writable for others" in done.stderr


def test_passwords_in_urls_are_refused_with_the_key_to_use(world):
    url = "rsync://joe:hush@127.0.0.1:1/pub/"
    made = world.database.tool("mb", "new", "p", "--no-geo", "--http-url", "http://m.example/", "--rsync-url", url, check=False)
    assert made.returncode == 1 and "rsync_password_file" in made.stderr
    world.register("p", rsync_url="rsync://127.0.0.1:1/pub/")
    world.database.sql("ALTER TABLE endpoint DROP CONSTRAINT endpoint_url_shape")  # as in a database from before it
    world.database.sql(f"UPDATE endpoint SET url = '{url}'")
    done = world.mb_scan("p")
    assert done.returncode == 2 and "rsync_password_file" in done.stderr


def test_enable_after_a_good_scan_only(world):
    world.fill_source({"f": b"12345"})
    world.mirror("good", enabled=False)
    world.register("bad", enabled=False, rsync_url="rsync://127.0.0.1:1/none/")
    done = world.mb_scan("--enable", "good", "bad")
    assert done.returncode == 1 and "now enabled" in done.stdout
    assert world.query("SELECT identifier, enabled FROM mirror ORDER BY 1") == [["bad", "f"], ["good", "t"]]


def test_all_means_the_enabled_ones(world):
    world.fill_source({"f": b"12345"})
    world.mirror("on")
    world.mirror("off", enabled=False)
    world.mb_scan("--all", check=True)
    assert world.has() == {"f": ["on"]}


def test_options_of_a_mirror_and_of_the_command_line(world):
    world.fill_source({"a.iso": b"12345", "a.tmp": b"12345", "b.bak": b"12345"})
    world.mirror("a")
    world.database.sql("UPDATE endpoint SET options = ARRAY['--exclude=*.tmp', '-4']")
    world.mb_scan("--rsync-option=--exclude=*.bak", "a", check=True)
    assert world.files_of("a") == ["a.iso"]


@pytest.mark.parametrize("option", ["-e touch {0}", "--rsh=touch {0}", "--rsync-path=x", "--log-file={0}",
                                    "--files-from=/etc/passwd", "--write-batch={0}", "--port"])
def test_options_from_the_database_are_not_trusted(world, option):
    canary = world.scratch / "canary"
    world.fill_source({"f": b"12345"})
    world.mirror("a")
    world.database.sql(f"UPDATE endpoint SET options = ARRAY['{option.format(canary)}']")
    done = world.mb_scan("a")
    assert done.returncode == 2 and "cannot be used" in done.stderr
    assert not list(world.scratch.glob("canary*")) and world.files_of("a") == []


def test_a_scanned_mirror_is_locked(world):
    world.fill_source({"f": b"12345"})
    world.mirror("slow")
    started = world.scratch / "started"
    scan = world.start_scan("slow", env=world.fake_rsync(f"touch {started}; exec sleep 60"))
    try:
        rig.wait_for("the first scan", started.exists)
        done = world.mb_scan("slow")
        assert done.returncode == 2 and "another scan of it is running" in done.stderr
    finally:
        scan.terminate()
        assert scan.wait(20) == 2
    world.mb_scan("slow", check=True)


@pytest.mark.parametrize("tree, columns, hint", [
    ("pub/tree/", {}, "--strip-prefix pub/tree"), ("", {"strip": True}, "--add-prefix d"),
    ("more/pub/", {"strip_prefix": "more"}, "--strip-prefix more/pub"), ("", {"add_prefix": "x"}, "--add-prefix \"\"")],
    ids=["strip", "add", "longer", "without"])
def test_a_wrong_prefix_is_told_with_the_one_that_fits(world, tree, columns, hint):
    world.fill_source({f"d/f{n}": b"x" * n for n in range(1, 9)})
    front = "" if columns.pop("strip", False) else "d/"
    world.mirror("a", {f"{tree}{front}f{n}": b"x" * n for n in range(1, 9)}, enabled=False, **columns)
    done = world.mb_scan("--enable", "a")
    assert done.returncode == 1 and "none of the 8 files listed is one of the source's" in done.stderr
    assert f"(mb edit a {hint})" in done.stderr and "not enabled" in done.stderr
    assert world.query("SELECT enabled FROM mirror") == [["f"]]


def test_a_mirror_that_nobody_may_read_is_of_no_use(world):
    world.fill_source({"f": b"12345"})
    daemon = world.mirror("a")
    (daemon.tree / "f").chmod(0o640)
    done = world.mb_scan("a")
    assert done.returncode == 1 and "no file that everybody may read" in done.stderr


def test_a_daemon_behind_tls_is_listed_by_rsync_ssl(world, authority, cleanup):
    """Which is a script of rsync's own, and verifies certificates."""
    files = {f"d{n}/f{m}": b"12345" for n in range(20) for m in range(100)}
    world.fill_source(files)
    daemon = world.mirror("plain")
    front = cleanup(rig.TlsFront(authority.certificate("localhost"), daemon.port)).start()
    url = f"rsync://localhost:{front.port}/pub/"
    world.register("tls", rsync_url=url, rsync_options="ssl,--bwlimit=5000,--contimeout=9")
    world.register("without", rsync_url=url)
    untrusted = world.mb_scan("tls")
    assert untrusted.returncode == 2 and "verify error" in untrusted.stderr, untrusted.stderr
    world.configure(more=f'probe_ca = "{authority.ca_file}"\n')
    world.mb_scan("tls", check=True)
    assert len(world.files_of("tls")) == len(files)
    assert world.mb_scan("without").returncode == 2


def test_options_of_the_configuration_come_before_the_mirrors_own(world):
    world.fill_source({"f": b"1"})
    lines = world.scratch / "lines"
    env = world.fake_rsync(f'echo "$*" >>{lines}\n' + listing(entry("f", 1)))
    world.register("a", rsync_url="rsync://127.0.0.1:1/pub/", rsync_options="--bwlimit=9")
    world.configure(more='[instance.main.options]\nrsync = ["--bwlimit=5", "--ipv4"]\nhttp = ["rate=1"]\n')
    world.mb_scan("a", env=env, check=True)
    used = [word for word in lines.read_text().splitlines()[-1].split() if word.startswith(("--bw", "--ipv4"))]
    assert used == ["--bwlimit=5", "--ipv4", "--bwlimit=9"]
    world.configure(more='[instance.main.options]\nrsync = ["--rsh=sh"]\n')
    done = world.mb_scan("a", env=env)
    assert done.returncode == 2 and "mb.toml's rsync option '--rsh=sh' cannot be used" in done.stderr
