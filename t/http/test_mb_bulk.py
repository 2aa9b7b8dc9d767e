"""mb on several mirrors at once (--where), without changing anything (--dry-run), and by parts of names."""

import collections
import json

import pytest
from terminals import answer

MIRRORS = {
    "ftp.a.example": ["--http-url=http://a.example/", "--country=DE", "--weight=10", "--asn=64496", "--enabled",
                      "--rsync-url=rsync://a.example/m/"],
    "ftp.b.example": ["--https-url=https://b.example/", "--country=DE", "--ftp-url=ftp://b.example/", "--prefix-only"],
    "Mirror.c.example": ["--https-url=https://c.example/", "--country=AT", "--enabled", "--ipv6", "--public-note=a,b"],
    "d": ["--http-url=http://d.example/", "--country=US", "--enabled"],
    "dd": ["--http-url=http://dd.example/", "--region=EU"],
}


@pytest.fixture
def run(database):
    for name, options in MIRRORS.items():
        database.tool("mb", "new", "--no-geo", name, *options)
    database.sql("UPDATE mirror SET standing = 'stale' WHERE identifier = 'd'")
    return lambda *args, **options: database.tool("mb", *args, check=False, **options)


def state(database):
    """All rows that commands could change."""
    return database.sql("SELECT * FROM mirror ORDER BY id; SELECT * FROM mirror_prefix; SELECT * FROM endpoint; SELECT rev FROM mirror_rev;"
                        "SELECT count(*) FROM audit; SELECT count(*) FROM event")


def test_conditions_choose_mirrors(database, run):
    a, b, c = list(MIRRORS)[:3]
    for conditions, names in (
            (["country=DE"], [a, b]), (["country=de,at"], [a, b, c]), (["country!=DE"], [c, "d", "dd"]), (["country="], ["dd"]),
            (["region=EU"], [a, b, c, "dd"]), (["region=EU", "enabled=yes"], [a, c]), (["enabled=no", "country=DE"], [b]),
            (["as=AS64496"], [a]), (["asn=64496"], [a]), (["standing=stale"], ["d"]), (["standing!=good,wrong"], ["d"]),
            (["scheme=https"], [b, c]), (["scheme=http,ftp"], [a, b, "d", "dd"]), (["method=rsync"], [a]), (["name=*.example"], [a, b, c]),
            (["name=ftp.[ab]*", "prefix-only=true"], [b]), (["weight=10"], [a]), (["ipv6=on"], [c]), (["public_note=a,b"], [c])):
        done = run("edit", "--file-maxsize=7", "--dry-run", *(f"--where={condition}" for condition in conditions))
        assert done.returncode == 0 and sorted(line.split("'")[1] for line in done.stdout.splitlines()) == sorted(names), (conditions, done)
        assert done.stdout.count("would change mirror '") == len(names)
    for wrong, words in (("contry=DE", "did you mean 'country'"), ("country", "KEY=VALUE"), ("=DE", "KEY=VALUE"), ("country=DEU", "two letters"),
                         ("region=XX", "AF, AN"), ("standing=bad", "good, stale"), ("scheme=gopher", "http, https or ftp"),
                         ("method=scp", "rsync, s3"), ("as=x", "AS64496"), ("as=-1", "AS64496"), ("enabled=maybe", "yes or no"),
                         ("name=", "pattern"), ("country=DE,XXX", "two letters")):
        done = run("edit", "--weight=1", "--where", wrong, "--yes")
        assert done.returncode == 2 and words in done.stderr, (wrong, done)
    done = run("disable", "--where", "country=DE", "--where", "as=1")
    assert done.returncode == 1 and "no mirror matches --where country=DE --where as=1" in done.stderr
    for words in (["edit", "--weight=1"], ["edit", "d", "--where=country=DE", "--weight=1"], ["enable"], ["delete", "--yes"],
                  ["weight", "d", "5", "--where=country=DE"], ["weight"], ["weight", "--where=country=DE"], ["edit", "d", "dd", "--weight=1"]):
        assert run(*words).returncode == 2, words


def test_several_are_named_and_asked_for(database, run):
    before = state(database)
    done = run("edit", "--where=country=DE", "--weight=50")
    assert done.returncode == 2 and "2 mirrors match: ftp.a.example, ftp.b.example" in done.stderr and "--yes" in done.stderr
    status, output, errors = answer(database, "disable", "--where=country=DE", text="n\n")
    assert (status, output) == (1, "nothing is changed\n") and "Disable 2 mirrors? [y/N]" in errors and state(database) == before
    status, output, _ = answer(database, "edit", "--where=country=DE", "--weight=50", text="y\n")
    assert status == 0 and output == "mirror 'ftp.a.example': weight 10 → 50\nmirror 'ftp.b.example': weight 100 → 50\n"
    assert run("weight", "--where=country=AT", "7").stdout == "mirror 'Mirror.c.example': weight 100 → 7\n", "one is not asked for"
    assert run("weight", "--yes", "--where=region=EU", "8").returncode == 0
    assert database.sql("SELECT identifier FROM mirror WHERE weight <> 8") == "d"
    # All of them or none: two do not have another URL.
    before = state(database)
    done = run("edit", "--yes", "--where=country=DE,US", "--http-url=")
    assert done.returncode == 1 and "mirror 'd': " in done.stderr and "nothing is changed" in done.stderr and state(database) == before
    database.sql("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;"
                 "CREATE TRIGGER refuse BEFORE UPDATE ON mirror FOR EACH ROW WHEN (old.identifier = 'd') EXECUTE FUNCTION refuse()")
    before = state(database)
    for more in ([], ["--dry-run"]):
        done = run("disable", "--yes", "--where=enabled=yes", *more)
        assert (done.returncode, done.stdout) == (1, "") and "mirror 'd': " in done.stderr and "nothing is changed" in done.stderr
        assert state(database) == before
    database.sql("DROP TRIGGER refuse ON mirror; DROP FUNCTION refuse()")
    assert run("disable", "--yes", "--where=enabled=yes").stdout.count(" disabled\n") == 3
    assert run("delete", "--yes", "--where=region=EU").stdout.count(" deleted, ") == 4
    assert [mirror["identifier"] for mirror in json.loads(run("list", "-a", "--json").stdout)] == ["d"]


def test_a_dry_run_changes_nothing_and_hears_the_database(database, run):
    run("prefix", "d", "add", "192.0.2.0/24")
    before = state(database)
    for words, status, said in (
            (["edit", "d", "--weight=5", "--rsync-url=rsync://d.example/m/"], 0,
             "would change mirror 'd': rsync_url '' → rsync://d.example/m/, weight 100 → 5\n"),
            (["edit", "d", "--weight=100"], 0, "mirror 'd': nothing to change\n"), (["edit", "d", "--http-url="], 1, ""),
            (["weight", "d", "5"], 0, "would change mirror 'd': weight 100 → 5\n"), (["weight", "d", "-5"], 1, ""),
            (["enable", "dd", "d"], 0, "mirror 'dd' would be enabled\nmirror 'd' is enabled already\n"),
            (["disable", "--where=enabled=yes", "--where=country=US"], 0, "mirror 'd' would be disabled\n"),
            (["rename", "d", "e"], 0, "mirror 'd' would be named 'e'\n"), (["rename", "d", "dd"], 1, ""), (["rename", "d", "no good"], 1, ""),
            (["delete", "d", "dd"], 0, "mirror 'd' would be deleted, with 0 files\nmirror 'dd' would be deleted, with 0 files\n"),
            (["prefix", "d", "add", "AS1", "2001:db8::/32"], 0, "mirror 'd' would serve AS1 first\nmirror 'd' would serve 2001:db8::/32 first\n"),
            (["prefix", "d", "rm", "192.0.2.0/24"], 0, "mirror 'd' would no longer serve 192.0.2.0/24 first\n"),
            (["prefix", "d", "add", "192.0.2.1/24"], 1, ""), (["prefix", "d", "rm", "AS1"], 1, "")):
        done = run(*words, "--dry-run")
        assert (done.returncode, done.stdout) == (status, said), (words, done)
        assert (status == 0) == (done.stderr == ""), done
    assert state(database) == before


Done = collections.namedtuple("Done", "returncode stdout stderr")


def test_a_part_of_a_name_is_enough_where_it_is_clear(database, run):
    before = state(database)
    for words in (["weight", "mirror.C", "3"], ["edit", "mirror.C", "--weight=3"], ["disable", "mirror.C"], ["rename", "b.ex", "ftp.e"],
                  ["prefix", "b.ex", "add", "AS5"], ["comment", "b.ex", "text"]):
        done = run(*words)
        assert done.returncode == 1 and "there is no mirror" in done.stderr and state(database) == before, "scripts give whole names"
    run = lambda *args: Done(*answer(database, *args, text=""))  # noqa: E731
    assert run("weight", "mirror.C", "3").stdout == "mirror 'Mirror.c.example': weight 100 → 3\n"
    assert run("show", "c.ex").stdout.startswith("identifier") and "Mirror.c.example" in run("show", "c.ex").stdout
    assert run("disable", "d").stdout == "mirror 'd' disabled\n", "the whole name wins over dd"
    done = run("edit", "ftp", "--weight=1")
    assert done.returncode == 1 and "'ftp' may mean 2 mirrors: ftp.a.example, ftp.b.example" in done.stderr
    assert "may mean 3 mirrors" in run("enable", "example").stderr and run("show", "").returncode == 1
    assert run("rename", "b.ex", "ftp.e").stdout == "mirror 'ftp.b.example' is now 'ftp.e'\n"
    assert json.loads(run("export", "json", "ftp.e").stdout)["mirrors"][0]["identifier"] == "ftp.e"
    assert run("prefix", "ftp.e", "add", "AS5").returncode == 0 and run("prefix", "ftp.e").stdout == "AS5\n"
    assert run("log", "mirror.c", "--setting=weight").stdout.count("Mirror.c.example") == 1
    assert run("events", "c.exam").stdout == "" and "no events" in run("events", "c.exam").stderr
    assert "may mean" in run("log", "ftp").stderr
    done = run("delete", "--yes", "c.exam")
    assert done.returncode == 1 and "there is no mirror 'c.exam'; did you mean 'Mirror.c.example'?" in done.stderr
