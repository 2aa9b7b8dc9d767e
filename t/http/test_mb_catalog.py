"""mb catalog: what it says about a catalog, and catalogs that are copied to a host without a database."""

import fcntl
import json
import os
import re
import shutil
import subprocess

import pytest

import rig
from answers import File, ask, fill
from catalogs import expect_crashes, garble_within_pages, new_revision

MIRRORS = {
    "de": {"http_url": "http://de.example/", "country": "DE", "region": "EU"},
    "us": {"http_url": "http://us.example/", "country": "US", "region": "NA"},
    "jp": {"http_url": "http://jp.example/", "country": "JP", "region": "AS", "other_countries": "{FR}"},
    "all": {"http_url": "http://all.example/", "country": "**"},
}
LONG = "long/" + "x" * 250 + "/" + "y" * 250 + "/" + "z" * 250
FILES = {
    "f": File(("de", "us")),
    "far": File(("us",)),
    "dir/one": File(("de", "us", "jp", "all")),
    "dir/two": File(("de", "us", "jp", "all"), size=20_000),
    "dir/gone": File(("de",), gone_s=60),
    "link": File(link="f"),
    "staged": File(staged=True),
    b"odd\xff\n": File(("de",)),
    LONG: File(("de",)),
    LONG + "2": File(("de",)),
}
SECTION = """
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
"""


class Host:
    """A redirector with a catalog of its own; `database` may be None."""

    def __init__(self, httpd, database, build):
        self.httpd, self.database, self.build = httpd, database, build

    def mb(self, verb, *args, check=True):
        env = {**os.environ, **(self.database.environment() if self.database else {})}
        argv = [self.build.program("mb"), "catalog", verb, "--dir", self.httpd.catalog, *args]
        return rig.run(argv, env=env, check=check)

    def status(self):
        done = self.mb("status", "--json", check=False)
        return done.returncode, json.loads(done.stdout)

    def location(self, path):
        return ask(self.httpd, "/db/" + path).location


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def make_host(database, build, cleanup):
    """make_host(directives): httpd runs, and its catalog is complete."""
    fill(database, MIRRORS, FILES)
    database.sql(new_revision(1))

    def make(directives=""):
        config = f"MirrorDatabase {database.conninfo()}\n{directives}\n{SECTION}"
        httpd = cleanup(rig.Httpd(config, build=build, catalog=True)).start()
        rig.wait_for("a catalog", lambda: (httpd.catalog / "CURRENT").exists(), 10)
        return Host(httpd, database, build)

    return make


@pytest.fixture
def host(make_host):
    return make_host()


@pytest.fixture
def edge(build, cleanup):
    """httpd runs without a database; nothing has been imported yet."""
    return Host(cleanup(rig.Httpd(SECTION, build=build, catalog=True)).start(), None, build)


@pytest.fixture
def exported(host, scratch):
    file = scratch / "exported.catalog"
    host.mb("export", file)
    return file


def test_status_tells_what_is_there(host):
    code, status = host.status()
    assert code == 0 and status["state"] == "complete" and status["written"]
    assert (status["files"], status["links"], status["mirrors"]) == (8, 1, 4)
    assert status["directory"] == str(host.httpd.catalog) and 0 <= status["age_s"] < 60
    assert 0 < status["used_bytes"] < status["max_bytes"] == 16 << 30
    assert 0 < status["reader_slots_used"] <= status["reader_slots"]
    assert host.database.name in status["writer"]
    text = host.mb("status").stdout
    assert re.search(r"^files +8$", text, re.M) and re.search(r"^state +complete$", text, re.M), text
    host.httpd.stop()
    code, status = host.status()
    assert (code, status["state"], status["written"]) == (1, "complete", False), "nobody keeps it"


def test_status_of_none_and_of_a_damaged_one(host, edge):
    code, status = edge.status()
    assert (code, status["state"]) == (1, "none")
    host.httpd.stop()
    file = host.httpd.catalog / (host.httpd.catalog / "CURRENT").read_text().strip()
    os.truncate(file, file.stat().st_size - 4096)
    code, status = host.status()
    assert (code, status["state"]) == (1, "damaged") and "cut off" in status["fault"]
    file.unlink()
    code, status = host.status()
    assert (code, status["state"]) == (1, "damaged") and "No such file" in status["fault"]


@pytest.mark.parametrize("words", (["status"], ["verify", "--wait", "0"], ["dump"], ["export", "/dev/null/none"]))
def test_a_crash_on_a_file_names_it(host, build, words):
    expect_crashes(host.httpd, build)
    host.httpd.stop()
    file = host.httpd.catalog / (host.httpd.catalog / "CURRENT").read_text().strip()
    garble_within_pages(file)
    done = host.mb(*words, check=False)
    assert done.returncode == 1 and f"mb: crashed on {file}, which is most likely damaged" in done.stderr, done
    assert not file.with_name(file.name + "-crashes").exists(), "httpd alone counts"


def test_an_import_that_crashes_httpd_is_left_until_the_next(edge, exported, build):
    expect_crashes(edge.httpd, build)
    edge.mb("import", exported)
    rig.wait_for("redirects", lambda: edge.location("far") == "http://us.example/far")
    garble_within_pages(edge.httpd.catalog / "catalog.1.mdb")
    told = r"catalog\.1\.mdb: \d+ processes crashed while they used it: it counts as damaged; .*import a catalog again"
    rig.wait_for("what the log says", lambda: re.search(told, edge.httpd.log()), 30)
    rig.wait_for("answers of every process", lambda: all(ask(edge.httpd, "/db/far").status == 503 for _ in range(12)))
    code, status = edge.status()
    assert (code, status["state"]) == (1, "damaged") and "processes crashed" in status["fault"]
    edge.mb("import", exported)
    rig.wait_for("redirects again", lambda: all(edge.location("far") == "http://us.example/far" for _ in range(12)), 10)
    assert not list(edge.httpd.catalog.glob("*-crashes"))


def test_a_file_that_vanished_is_made_anew(host):
    host.httpd.stop()
    file = host.httpd.catalog / (host.httpd.catalog / "CURRENT").read_text().strip()
    file.unlink()
    host.httpd.start()
    rig.wait_for("a new catalog", lambda: host.status()[0] == 0, 20)


def test_no_directory_is_a_clear_failure(build):
    done = rig.run([build.program("mb"), "catalog", "status", "--dir", "/nowhere/at/all"], check=False)
    assert done.returncode == 1 and "there is no directory /nowhere/at/all" in done.stderr


def test_verify_finds_every_kind_of_difference(host):
    assert "8 files, 1 links" in host.mb("verify").stdout
    host.httpd.stop()
    # Behind the feed's back: without a new revision.
    sql = host.database.sql
    changes = {
        "UPDATE file SET size = 1 WHERE path = 'f'": r"file f: size 10000, not 1",
        "UPDATE file SET gone_at = NULL WHERE path = 'dir/gone'": r"file dir/gone: gone since \d+, not no",
        "UPDATE file SET link_target = 'far' WHERE path = 'link'": r"link link: target",
        f"UPDATE file SET path = '{LONG}3' WHERE path = '{LONG}'": r"file long/x+/y+/z+3: only in the database",
        "UPDATE file SET staged = true, cohort_id = NULL WHERE path = 'far'": r"file far: only in the catalog",
        "UPDATE cohort SET mirrors = mirrors[2:] WHERE array_length(mirrors, 1) = 4": r"cohort \d+: mirrors 1 2 3 4, not 2 3 4",
    }
    for statement in changes:
        sql(statement)
    done = host.mb("verify", "--wait", "0", check=False)
    assert done.returncode == 1
    for expected in [*changes.values(), r"file long/x+/y+/z+z: only in the catalog"]:
        assert re.search(f"^{expected}$", done.stdout, re.M), (expected, done.stdout)
    assert len(done.stdout.splitlines()) == len(changes) + 1
    assert "7 differences" in done.stderr


HASHES = {"sha256": "11" * 32, "md5": "22" * 16, "sha1_pieces": "33" * 20, "zsync_sums": "44" * 100}


@pytest.mark.parametrize("kept", ["On", "Off"])
def test_verify_and_dump_look_at_hashes(make_host, database, kept):
    values = ", ".join(f"'\\x{digits}'" for digits in HASHES.values())
    database.sql("INSERT INTO hash (file_id, version_rev, mtimes, piece_bytes, zsync_block_bytes, zsync_seq_matches, "
                 f"zsync_rsum_bytes, zsync_md4_bytes, {', '.join(HASHES)}) "
                 f"SELECT id, 1, ARRAY[mtime], 262144, 2048, 2, 4, 16, {values} FROM file WHERE path = 'f'")
    host = make_host(f"MirrorCatalogHashes {kept}")
    assert "the catalog equals the database" in host.mb("verify").stdout
    line = lines(host.mb("dump", "f"))[0]
    assert line["sha256"] == HASHES["sha256"] and line.get("md5") == (HASHES["md5"] if kept == "On" else None)
    host.httpd.stop()
    differences = {"md5": "md5", "sha1_pieces": "pieces", "zsync_sums": "zsync", "sha256": "sha256"}
    for column, told in differences.items():
        digits = HASHES[column]
        database.sql(f"UPDATE hash SET {column} = '\\x{digits[:-1]}0'")
        done = host.mb("verify", "--wait", "0", check=False)
        seen = kept == "On" or column == "sha256"
        assert done.returncode == (1 if seen else 0)
        assert done.stdout.startswith(f"file f: {told}\n" if seen else "the catalog equals"), done
        database.sql(f"UPDATE hash SET {column} = '\\x{digits}'")


def test_verify_waits_and_then_leaves_out_what_is_newer(host):
    host.database.sql("UPDATE mirror SET weight = 7 WHERE identifier = 'de'")
    assert "the catalog equals the database" in host.mb("verify").stdout
    host.httpd.stop()
    host.database.sql("UPDATE mirror SET weight = 8 WHERE identifier = 'de'")
    host.database.sql(new_revision(5) + "; UPDATE file SET size = 5, rev = 5 WHERE path = 'f'")
    done = host.mb("verify", "--wait", "0")
    assert "at revision 1, the database at 5" in done.stderr and "earlier revision" in done.stderr
    assert "7 files" in done.stdout


def test_verify_knows_another_database(host, make_database):
    other = make_database()
    host.database.sql(new_revision(5))
    rig.wait_for("the revision", lambda: host.status()[1]["rev"] == 5, 10)
    other.sql(new_revision(5))
    done = other.tool("mb", "catalog", "verify", "--dir", host.httpd.catalog, "--wait", "0", check=False)
    assert done.returncode == 1 and "this database does not have its revision" in done.stdout


def test_dump_writes_every_record(host):
    records = lines(host.mb("dump"))
    kinds = [record["kind"] for record in records]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"meta": 1, "mirror": 4, "cohort": 5, "link": 1, "file": 8}
    files = {record.get("path", record.get("path_hex")): record for record in records if record["kind"] == "file"}
    assert files["dir/two"]["size"] == 20_000 and files["dir/gone"]["gone_at"] and b"odd\xff\n".hex() in files
    cohorts = {record["id"]: record for record in records if record["kind"] == "cohort"}
    assert cohorts[files["f"]["cohort"]] == {"kind": "cohort", "id": files["f"]["cohort"], "files": 1, "mirrors": [1, 2]}
    assert [record["path"] for record in lines(host.mb("dump", "/dir/"))] == ["dir/gone", "dir/one", "dir/two"]
    assert [record["path"] for record in lines(host.mb("dump", "?ir*o*e"))] == ["dir/gone", "dir/one"]
    assert [record["target"] for record in lines(host.mb("dump", "--only", "links"))] == ["f"]
    assert {record["kind"] for record in lines(host.mb("dump", "--only", "meta,mirrors"))} == {"meta", "mirror"}
    done = host.mb("dump", "nothing*", check=False)
    assert done.returncode == 1 and "no 'nothing*' in the catalog" in done.stderr


def test_a_host_without_a_database_serves_an_import(host, edge, exported):
    assert ask(edge.httpd, "/db/f").status == 503
    edge.mb("import", exported)
    rig.wait_for("redirects of every process", lambda: all(edge.location("far") == "http://us.example/far" for _ in range(12)))
    assert edge.location("link") in ("http://de.example/f", "http://us.example/f")
    assert ask(edge.httpd, "/db/none").status == 404 and ask(edge.httpd, "/db/staged").status == 404
    code, status = edge.status()
    assert code == 0 and not status["written"] and status["writer"] is None and status["files"] == 8
    # A newer one, without a restart.
    host.database.sql("UPDATE mirror SET http_url = 'http://new.example/' WHERE identifier = 'us'")
    rig.wait_for("the change", lambda: host.location("far") == "http://new.example/far")
    newer = exported.with_name("newer.catalog")
    host.mb("export", newer)
    edge.mb("import", newer)
    rig.wait_for("the second import", lambda: edge.location("far") == "http://new.example/far")
    assert sorted(path.name for path in edge.httpd.catalog.iterdir() if path.name.endswith(".mdb")) == ["catalog.2.mdb"]
    assert newer.parent == exported.parent and not list(newer.parent.glob(".*")), "nothing is left beside the export"


def test_an_older_import_needs_force(host, edge, exported):
    then = host.status()[1]["as_of"]
    rig.wait_for("a later word from the database", lambda: host.status()[1]["as_of"] > then, 20)
    newer = exported.with_name("newer.catalog")
    host.mb("export", newer)
    edge.mb("import", newer)
    as_of = edge.status()[1]["as_of"]
    done = edge.mb("import", exported, check=False)
    assert done.returncode == 1 and "--force" in done.stderr and edge.status()[1]["as_of"] == as_of
    edge.mb("import", exported, "--force")
    assert edge.status()[1]["as_of"] < as_of


def broken_files(exported, scratch):
    whole = exported.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    yield "garbage", os.urandom(200), "is not a catalog"
    yield "empty", b"", "is not a catalog"
    yield "text", b"<html>404</html>\n" * 10_000, "is not a catalog"
    yield "cut", whole[:-4096], "is cut off"
    yield "cut-by-a-byte", whole[:-1], "is cut off"
    yield "half", whole[:len(whole) // 2], "is cut off"
    yield "longer", whole + b"\n", "is cut off"
    yield "flipped", bytes(flipped), "is damaged"


def test_what_is_no_whole_export_is_refused(edge, exported, scratch):
    edge.mb("import", exported)
    before = sorted(path.name for path in edge.httpd.catalog.iterdir())
    for name, content, expected in broken_files(exported, scratch):
        file = scratch / name
        file.write_bytes(content)
        done = edge.mb("import", "--force", file, check=False)
        assert done.returncode == 1 and expected in done.stderr and str(file) in done.stderr, (name, done)
        assert sorted(path.name for path in edge.httpd.catalog.iterdir()) == before, name
    done = edge.mb("import", scratch / "missing", check=False)
    assert done.returncode == 1 and "No such file" in done.stderr
    rig.wait_for("redirects of every process", lambda: all(edge.location("far") == "http://us.example/far" for _ in range(12)))


def test_a_running_feed_is_not_disturbed(host, exported):
    done = host.mb("import", "--force", exported, check=False)
    assert done.returncode == 1 and host.database.name in done.stderr and "stop httpd first" in done.stderr
    host.httpd.stop()
    host.mb("import", "--force", exported)
    host.database.sql("UPDATE mirror SET http_url = 'http://new.example/' WHERE identifier = 'us'")
    host.httpd.start()
    rig.wait_for("the feed's own state", lambda: host.location("far") == "http://new.example/far", 10)
    assert "the catalog equals the database" in host.mb("verify").stdout


def test_a_region_gets_what_is_of_use_there(host, edge, scratch):
    file = scratch / "eu.catalog"
    assert "mirrors for EU" in host.mb("export", file, "--region", "EU").stdout
    edge.mb("import", file)
    records = lines(edge.mb("dump"))
    assert [r["identifier"] for r in records if r["kind"] == "mirror"] == ["de", "jp", "all"]
    assert sorted(r["mirrors"] for r in records if r["kind"] == "cohort") == [[], [], [1], [1], [1, 3, 4]]
    assert edge.status()[1]["region"] == "EU"
    rig.wait_for("redirects of every process", lambda: all(edge.location("f") == "http://de.example/f" for _ in range(12)))
    assert edge.location("far") == "http://origin.example/far", "its only mirror is elsewhere"
    done = host.database.tool("mb", "catalog", "verify", "--dir", edge.httpd.catalog)
    assert "3 mirrors" in done.stdout
    assert host.mb("export", file, "--region", "XX", check=False).returncode == 2
    done = edge.mb("export", file, "--region", "NA", check=False)
    assert done.returncode == 1 and "only the mirrors for EU" in done.stderr


def test_a_regional_catalog_is_no_start_for_a_feed(host, scratch):
    file = scratch / "eu.catalog"
    host.mb("export", file, "--region", "EU")
    host.httpd.stop()
    host.mb("import", "--force", file)
    host.httpd.start()
    rig.wait_for("a catalog of all regions", lambda: host.status()[1]["region"] is None, 10)
    rig.wait_for("all mirrors", lambda: host.location("far") == "http://us.example/far", 10)


def test_export_replaces_whole_files_only(host, scratch):
    file = scratch / "kept"
    file.write_text("old")
    assert host.mb("export", scratch / "no" / "such" / "folder", check=False).returncode == 1
    host.mb("export", file)
    assert file.stat().st_size > 4096 and [path.name for path in scratch.iterdir()] == ["kept"]


def hidden(folder):
    return [entry.path for entry in os.scandir(folder) if entry.name.startswith(".")]


def kill_in_the_middle(export, folder):
    """Returns what an export that was killed has left."""
    for _ in range(50):
        process = export()
        while not hidden(folder) and process.poll() is None:
            pass
        process.kill()
        process.wait()
        if hidden(folder):
            return hidden(folder)
    pytest.fail("the exports were always over by then")


def test_what_a_killed_export_leaves_is_removed(host, scratch):
    target = scratch / "out" / "catalog"
    target.parent.mkdir()
    argv = [str(host.build.program("mb")), "catalog", "export", "--dir", str(host.httpd.catalog), str(target)]

    def export():
        return subprocess.Popen(argv, env=host.database.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    left = kill_in_the_middle(export, target.parent)
    host.mb("export", target.with_name("another"))
    assert hidden(target.parent) == left, "it belongs to another file"
    host.mb("export", target)
    assert hidden(target.parent) == [] and target.stat().st_size > 4096


def test_an_export_leaves_alone_what_is_not_a_dead_one_s(host, scratch):
    alive, somebodys, link = scratch / ".catalog.aaaaaa", scratch / ".catalog.bbbbbb", scratch / ".catalog.cccccc"
    for folder in (alive, somebodys):
        folder.mkdir()
        (folder / "copy").write_text("x")
    (somebodys / "notes").write_text("x")
    link.symlink_to(alive)
    lock = os.open(alive, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    host.mb("export", scratch / "catalog")
    assert (alive / "copy").exists() and (somebodys / "copy").exists() and (somebodys / "notes").exists()
    os.close(lock)
    host.mb("export", scratch / "catalog")
    assert not alive.exists() and (somebodys / "copy").exists() and link.is_symlink()


@pytest.mark.skipif(not rig.process.is_root(), reason="only root can make files that are not its own")
def test_root_leaves_everything_to_the_owner(host, edge, exported):
    shutil.copy(exported, exported.with_name("secret"))
    exported.with_name("secret").chmod(0o600)
    edge.mb("import", exported.with_name("secret"))
    for one in (host, edge):
        one.httpd.stop()
        for lock in one.httpd.catalog.glob("*-lock"):
            lock.unlink()
        one.mb("status", check=False)  # 1: nobody keeps it
        one.mb("dump")
        assert {path.owner() for path in one.httpd.catalog.iterdir()} == {"www-data"}
        assert {path.stat().st_mode & 0o777 for path in one.httpd.catalog.iterdir()} == {0o640}


def test_the_instance_names_the_directory(host, scratch, build):
    config = scratch / "mb.toml"
    config.write_text(f'[instance.main]\ndatabase = "{host.database.conninfo()}"\ncatalog = "{host.httpd.catalog}"\n')
    done = rig.run([build.program("mb"), "--config", config, "catalog", "status", "--json"])
    assert json.loads(done.stdout)["files"] == 8
