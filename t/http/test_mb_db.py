"""mb db: backups and their rehearsal, migrations that others need not wait for, versions side by side, rooms, and the shell."""

import fcntl
import json
import os
import re
import subprocess

import psycopg2
import pytest
import rig
from answers import ask
from catalogs import database, make_redirector, merge, postgres, redirector  # noqa: F401
from outages import DATABASE, MIRROR

LATER = "http://later.example/"


@pytest.fixture
def make_empty(postgres, build):  # noqa: F811
    made = []

    def make(name):
        postgres.drop_database(name)
        postgres.create_database(name)
        made.append(name)
        return rig.Database(postgres, name, build)

    yield make
    for name in made:
        postgres.drop_database(name)


def location(redirector, target):  # noqa: F811
    return ask(redirector.httpd, target).location


def everything(database):  # noqa: F811
    return {what: json.loads(database.tool("mb", *what.split(), "--json").stdout)
            for what in ("list -a", "show m", "file ls *", "rules")}


def test_a_backup_brings_back_what_was_there_and_redirectors_follow(database, redirector, make_empty, postgres,  # noqa: F811
                                                                    scratch):
    file = scratch / "mirrors.dump"
    database.tool("mb", "edit", "m", "--private-comment", "call Joe first")
    database.tool("mb", "prefix", "m", "add", "192.0.2.0/24", "AS64496")
    before = everything(database)
    said = database.tool("mb", "db", "backup", file).stdout
    assert re.fullmatch(rf"{file}: schema \d+, [\d.]+ KiB\n", said) and file.stat().st_mode & 0o777 == 0o600

    # What came after the backup is gone with it, also for those who knew it.
    merge(database, 900, "UPDATE file SET path = 'g', rev = 900")
    database.tool("mb", "edit", "m", "--http-url", LATER)
    rig.wait_for("the later state", lambda: location(redirector, "/db/g") == LATER + "g")
    restored = make_empty(DATABASE)
    restored.tool("mb", "db", "restore", file)
    assert everything(restored) == before
    rig.wait_for("the former state", lambda: ask(redirector.httpd, "/db/g").status == 404
                 and location(redirector, "/db/f") == MIRROR + "f")
    merge(restored, 800, "UPDATE file SET path = 'n', rev = 800")
    restored.tool("mb", "edit", "m", "--http-url", LATER)
    rig.wait_for("what follows", lambda: location(redirector, "/db/n") == LATER + "n")
    for role in ("mirror_httpd", "mirror_scanner", "mirror_admin"):
        env = postgres.environment(DATABASE, user=role)
        assert restored.tool("mb", "db", "check", env=env).returncode == 0
    assert restored.tool("mb", "db", "check").stderr == ""
    # Functions with the owner's rights are nobody's who was not given them.
    with psycopg2.connect(postgres.conninfo(DATABASE, user="mirror_httpd")) as httpd, httpd.cursor() as cursor:
        cursor.execute("SELECT p.proname FROM pg_proc p WHERE pronamespace = 'mirror'::regnamespace AND prosecdef "
                       "AND has_function_privilege(p.oid, 'EXECUTE')")
        assert cursor.fetchall() == [("note_redirector",)]

    # Through pipes, and never over what is there.
    env = restored.environment()
    dump = subprocess.run([restored.build.program("mb"), "db", "backup", "-"], env=env, capture_output=True, check=True, timeout=60)
    done = restored.tool("mb", "db", "restore", file, check=False)
    assert done.returncode == 1 and "has tables of mod_mirror already" in done.stderr
    other = make_empty("rehearsal")
    other.sql("CREATE SCHEMA mirror")
    subprocess.run([other.build.program("mb"), "db", "restore", "-"], env=other.environment(), input=dump.stdout, check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    assert other.tool("mb", "list", "-a", "--json").stdout == restored.tool("mb", "list", "-a", "--json").stdout


def test_a_backup_that_fails_leaves_the_one_before(database, make_empty, postgres, scratch, tmp_path):  # noqa: F811
    file = scratch / "mirrors.dump"
    file.write_bytes(b"the one before")
    done = database.tool("mb", "db", "backup", file, check=False, env=postgres.environment(DATABASE, user="mirror_httpd"))
    assert done.returncode == 1 and "only role postgres may do this" in done.stderr
    folder = scratch / "bin"
    folder.mkdir()
    (folder / "pg_dump").write_text("#!/bin/sh\necho half >\"${7#--file=}\"\nexit 1\n")
    (folder / "pg_dump").chmod(0o755)
    done = database.tool("mb", "db", "backup", file, check=False, env={"PATH": f"{folder}:{os.environ['PATH']}"})
    assert done.returncode == 1 and "pg_dump failed with exit status 1: there is no new backup" in done.stderr
    bare = {"PATH": os.fspath(tmp_path)}
    done = database.tool("mb", "db", "backup", file, check=False, env=bare)
    assert done.returncode == 1 and "cannot run pg_dump: No such file" in done.stderr and "postgresql-client" in done.stderr
    assert file.read_bytes() == b"the one before" and [p.name for p in scratch.iterdir() if "mirrors.dump" in p.name] == [file.name]
    part = scratch / "mirrors.dump.part"
    part.write_bytes(b"of one that was killed" * 100_000)
    with open(part, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = database.tool("mb", "db", "backup", file, check=False)
        assert done.returncode == 1 and "another backup is writing" in done.stderr
    database.tool("mb", "db", "backup", scratch / "mirrors.dump")
    assert not part.exists() and file.read_bytes().startswith(b"PGDMP") and file.stat().st_size < 1_000_000
    file.write_bytes(b"the one before")
    done = database.tool("mb", "db", "backup", scratch / "none" / "x", check=False)
    assert done.returncode == 1 and "No such file or directory" in done.stderr

    empty = make_empty("rehearsal")
    done = empty.tool("mb", "db", "restore", file, check=False)
    assert done.returncode == 1 and "pg_restore failed" in done.stderr and "has no tables, as before" in done.stderr
    assert empty.tool("mb", "db", "version", check=False).stdout.startswith("no schema;")
    done = empty.tool("mb", "db", "restore", scratch / "none", check=False)
    assert done.returncode == 1 and "cannot read" in done.stderr


def test_a_migration_keeps_nobody_waiting(make_empty, build, postgres):  # noqa: F811
    old = make_empty("older")
    old.sql((build.srcdir / "t" / "data" / "schema-1.sql").read_text())
    would = old.tool("mb", "db", "migrate", "--dry-run").stdout.splitlines()
    assert would[0].startswith("would apply migration 0002-hashes: ") and len(would) > 28
    assert old.tool("mb", "db", "version").stdout.startswith("schema 1;")
    postgres.sql("DROP ROLE IF EXISTS somebody; CREATE ROLE somebody LOGIN")
    for arguments in (["--dry-run"], []):
        done = old.tool("mb", "db", "migrate", *arguments, check=False, env=postgres.environment("older", user="somebody"))
        assert done.returncode == 1 and "only role postgres may do this" in done.stderr and "this is role somebody" in done.stderr
    postgres.sql("DROP ROLE somebody")

    reader = psycopg2.connect(old.conninfo())
    reader.cursor().execute("SELECT FROM mirror, file")  # a transaction that stays open
    migrating = subprocess.Popen([build.program("mb"), "db", "migrate"], env=old.environment(), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
    try:
        assert "holds a lock that is needed here" in migrating.stderr.readline()
        with psycopg2.connect(old.conninfo(), options="-c statement_timeout=15s") as other:
            for _ in range(3):
                other.cursor().execute("SELECT FROM mirror, file")
                other.rollback()
        assert migrating.poll() is None
    finally:
        reader.close()
    output, errors = migrating.communicate(timeout=60)
    assert migrating.returncode == 0 and output.count("applied migration") == len(would), errors
    assert old.tool("mb", "db", "migrate", "--dry-run").stdout == "the tables are up to date\n"


def test_a_newer_schema_says_whether_this_program_works_with_it(database, redirector, make_redirector):  # noqa: F811
    known = int(database.sql("SELECT max(version) FROM schema_version"))
    database.sql(f"""
        ALTER TABLE mirror ADD COLUMN later text NOT NULL DEFAULT 'x';
        INSERT INTO schema_version (version, oldest_program) VALUES ({known + 1}, {known})""")
    database.tool("mb", "edit", "m", "--weight", "50")
    database.tool("mb", "edit", "m", "--http-url", LATER)
    rig.wait_for("what follows", lambda: location(redirector, "/db/f") == LATER + "f")
    fresh = make_redirector(catalog=False)
    assert location(fresh, "/db/f") == LATER + "f"
    database.sql("UPDATE schema_version SET oldest_program = NULL")
    done = database.tool("mb", "list", check=False)
    assert done.returncode == 1 and f"schema version {known + 1}, this program knows {known}" in done.stderr


def test_rooms_and_the_shell(database, postgres):  # noqa: F811
    shown = database.tool("mb", "db", "sizes").stdout
    assert re.search(r"(?m)^TABLE +ROWS +DEAD +SIZE +INDEXES$", shown) and re.search(r"(?m)^mirror +", shown)
    told = json.loads(database.tool("mb", "db", "sizes", "--json").stdout)
    assert told["database_bytes"] > 1_000_000
    assert {"name", "rows", "dead_rows", "bytes", "index_bytes"} == set(told["tables"][0])
    assert sorted(t["name"] for t in told["tables"]) == database.sql(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'mirror'::regnamespace ORDER BY 1").splitlines()
    database.sql("DELETE FROM file")
    assert database.tool("mb", "db", "vacuum").stdout.startswith("the database: ")
    assert database.tool("mb", "db", "vacuum", "--full").returncode == 0
    tables = {t["name"]: t for t in json.loads(database.tool("mb", "db", "sizes", "--json").stdout)["tables"]}
    assert tables["file"]["rows"] == 0
    done = database.tool("mb", "db", "vacuum", check=False, env=postgres.environment(DATABASE, user="mirror_admin"))
    assert done.returncode == 1 and "only role postgres may do this" in done.stderr
    done = database.tool("mb", "db", "shell", "-XAtc", "SELECT identifier FROM mirror", env={"PGOPTIONS": "-c work_mem=1MB"})
    assert done.stdout == "m\n"
    assert database.tool("mb", "db", "shell", "-c", "SELECT 1/0", check=False).returncode == 1


def test_db_password(database, postgres):  # noqa: F811
    word = r'''it's \ a "$word'''
    logged = {"PGOPTIONS": "-c log_statement=all"}
    database.sql('CREATE ROLE "odd ""one"')
    try:
        for role in ("mirror_admin", 'odd "one'):
            done = database.tool("mb", "db", "password", role, input=word + "\nmore\n", env=logged)
            assert done.stdout == f"{role} has a new password\n"
            assert database.sql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'").startswith("SCRAM-SHA-256$")
        scanner = postgres.environment(DATABASE, user="mirror_scanner")
        for role, env, text, message in (("mirror_httpd", scanner, word, "permission denied"), ("nobody", logged, word, "does not exist"),
                                         ("mirror_httpd", {}, "", "no password"), ("mirror_httpd", {}, word + "\r\n", "control character")):
            done = database.tool("mb", "db", "password", role, input=text, env=env, check=False)
            assert done.returncode == 1 and message in done.stderr, done.stderr
            assert word not in done.stdout + done.stderr
        log = postgres.log.read_text()
        assert "SCRAM-SHA-256$" in log and "it's" not in log and "it''s" not in log
    finally:
        database.sql('DROP ROLE "odd ""one"; ALTER ROLE mirror_admin PASSWORD NULL')


def test_a_password_of_the_configuration_is_on_no_command_line(database, scratch):  # noqa: F811
    config, seen = scratch / "mb.toml", scratch / "seen"
    folder = scratch / "bin"
    folder.mkdir()
    for program in ("pg_dump", "psql"):
        (folder / program).write_text(f'#!/bin/sh\necho "$*" >> {seen}\nenv | grep ^PG >> {seen}\n')
        (folder / program).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "PGOPTIONS": "-c work_mem=2MB"}
    conninfo = database.conninfo() + " password=hush options='-c work_mem=1MB' application_name=x"
    config.write_text(f'[instance.main]\ndatabase = "{conninfo}"\n')
    database.tool("mb", "--config", config, "db", "backup", scratch / "x", env=environment)
    database.tool("mb", "--config", config, "db", "shell", "-c", "SELECT 1", env=environment)
    lines = seen.read_text().splitlines()
    assert [line for line in lines if "hush" in line] == ["PGPASSWORD=hush"] * 2
    assert [line for line in lines if line.startswith("PGOPTIONS=")] == [
        "PGOPTIONS=-c work_mem=1MB", "PGOPTIONS=-c work_mem=1MB -csearch_path=mirror"]
    assert "PGAPPNAME=x" in lines and f"PGDATABASE={DATABASE}" in lines and lines.count("-c SELECT 1") == 1
