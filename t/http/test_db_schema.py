"""The schema as it is created, and as it is reached from every older version, are one and the same."""

import json
import re
import subprocess

import pytest
import rig


def dumped(postgres, name):
    """pg_dump's text, without random values and the dumping role."""
    env = {**postgres.environment(name), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["pg_dump", "--schema-only", name], env=env, capture_output=True, text=True, check=True, timeout=60)
    return re.sub(r"(?m)^\\(un)?restrict .*$", "", done.stdout)


@pytest.fixture
def make_empty(postgres, build):
    made = []

    def make(like="template1"):
        made.append(f"schema_{len(made)}")
        postgres.create_database(made[-1], like)
        return rig.Database(postgres, made[-1], build)

    yield make
    for name in made:
        postgres.drop_database(name)


def test_every_migration_ends_where_a_new_database_begins(make_empty, postgres, build):
    new, old = make_empty(), make_empty()
    new.tool("mb", "db", "init")
    expected = dumped(postgres, new.name)
    old.sql((build.srcdir / "t" / "data" / "schema-1.sql").read_text())
    assert dumped(postgres, old.name) != expected
    steps = sorted((build.srcdir / "sql" / "migrations").glob("*.sql"))
    for step, text in enumerate(steps):
        database = make_empty(like=old.name)
        done = database.tool("mb", "db", "migrate")
        assert [line for line in done.stdout.splitlines() if line.startswith("applied")] == [
            f"applied migration {later.stem}" for later in steps[step:]]
        assert dumped(postgres, database.name) == expected
        assert "up to date" in database.tool("mb", "db", "migrate").stdout
        version = step + 2
        schema = "mirror" if version > 7 else "public"
        old.sql(f"BEGIN; SET LOCAL search_path = {schema}, pg_temp; {text.read_text()}; COMMIT")  # as mb does
        old.sql(f"INSERT INTO schema_version (version) VALUES ({version})")


def test_check_tells_who_could_put_something_in_our_way(make_empty):
    database = make_empty()
    database.tool("mb", "db", "init")
    assert database.tool("mb", "db", "check").stderr == ""
    for fault, words, mend in (
            ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC", None),
            ("GRANT CREATE ON SCHEMA mirror TO PUBLIC", "REVOKE CREATE ON SCHEMA mirror FROM PUBLIC", None),
            ("GRANT CREATE ON SCHEMA mirror TO mirror_httpd", "REVOKE CREATE ON SCHEMA mirror FROM mirror_httpd", None),
            ("ALTER TABLE mirror.cohort OWNER TO mirror_scanner", "table cohort of schema mirror belongs to role mirror_scanner",
             "ALTER TABLE mirror.cohort OWNER TO postgres"),
            ("ALTER FUNCTION mirror.analyze_files() OWNER TO mirror_scanner", "function analyze_files of schema mirror belongs",
             "ALTER FUNCTION mirror.analyze_files() OWNER TO postgres"),
            ("ALTER SCHEMA mirror OWNER TO mirror_scanner", "and the schema to mirror_scanner",
             "ALTER SCHEMA mirror OWNER TO postgres")):
        database.sql(fault)
        done = database.tool("mb", "db", "check", check=False)
        assert done.returncode == 1 and words in done.stderr, (fault, done)
        database.sql(mend or words)
        assert database.tool("mb", "db", "check").stderr == ""


def test_an_older_schema_is_told_what_to_do(make_empty, build):
    database = make_empty()
    database.sql((build.srcdir / "t" / "data" / "schema-1.sql").read_text())
    database.sql("INSERT INTO revision (rev) VALUES (7);"
                 "INSERT INTO cohort (mirrors, n_files, rev) VALUES ('{}', 1, 7);"
                 "INSERT INTO file (size, mtime, version_rev, rev, cohort_id, kind, path) VALUES (1, 1, 7, 7, 1, 'f', 'x');"
                 "INSERT INTO hash VALUES (1, 7, sha256('x'), '{1}')")
    done = database.tool("mb", "list", check=False)
    assert done.returncode != 0 and "run mb db migrate" in done.stderr
    database.tool("mb", "db", "migrate")
    assert database.sql("SELECT encode(sha256, 'hex'), ctime_ns IS NULL, version_rev FROM hash").strip() == (
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881|t|7")


def test_endpoints_are_what_the_columns_were(make_empty, build):
    database = make_empty()
    database.sql((build.srcdir / "t" / "data" / "schema-1.sql").read_text())
    database.sql("""
        INSERT INTO mirror (identifier, http_url, rsync_url, rsync_options, enabled, weight, country, admin_email) VALUES
          ('both', 'http://both/', 'rsync://u@both:873/m/a_b/', ARRAY['--bwlimit=9', '--exclude=a b, "c"'], true, 7, 'DE', 'a@b'),
          ('url', 'http://url/', 'rsync://url/m/', '{}', false, 100, '', ''),
          ('options', 'http://options/', '', '{-4}', false, 100, '', ''),
          ('none', 'http://none/', '', '{}', true, 100, '', '')""")
    select = ("SELECT m.id, identifier, {}, enabled, weight, country, admin_email, mirror_rev.rev FROM mirror m {} "
              "JOIN mirror_rev ON true ORDER BY 1")
    before = database.sql(select.format("rsync_url, rsync_options::text", ""))
    assert before.count("\n") == 3 and "--bwlimit=9" in before
    database.tool("mb", "db", "migrate")
    assert database.sql(select.format("coalesce(url, ''), coalesce(options::text, '{}')",
                                      "LEFT JOIN endpoint ON mirror_id = m.id AND method = 'rsync'")) == before
    assert database.sql("SELECT count(*), sum(priority), string_agg(DISTINCT method, '') FROM endpoint") == "3|0|rsync"
    found = {mirror["identifier"]: (mirror["rsync_url"], mirror["rsync_options"])
             for mirror in json.loads(database.tool("mb", "list", "--all", "--json").stdout)}
    assert found["url"] == ("rsync://url/m/", []) and found["options"] == ("", ["-4"]) and found["none"] == ("", [])
    assert found["both"][0] == "rsync://u@both:873/m/a_b/"


def test_a_migration_puts_unusable_urls_away_and_says_where(make_empty, build):
    database = make_empty()
    database.sql((build.srcdir / "t" / "data" / "schema-1.sql").read_text())
    database.sql("INSERT INTO mirror (identifier, http_url, https_url, rsync_url, private_comment, enabled) VALUES"
                 " ('fine', 'http://a.example/', '', 'rsync://a.example/m/', '', true),"
                 " ('half', 'http://b.example:99999/', 'https://b.example/', '', 'call Joe', true),"
                 " ('lost', 'http://c.example/ü/', '', 'rsync://joe:hush@c.example/m/', '', true),"
                 " ('both', 'http://d.example/%zz/', 'https://u:p@d.example/', '', '', true)")
    said = database.tool("mb", "db", "migrate").stdout
    told = [line for line in said.splitlines() if line.startswith("mirror ")]
    assert told == [
        "mirror 'both': the http_url 'http://d.example/%zz/' cannot be used and stands in the private comment now:"
        " mb edit both --http-url URL sets a good one",
        "mirror 'both': the https_url 'https://u:***@d.example/' cannot be used and stands in the private comment now;"
        " the mirror has no other URL and is disabled: mb edit both --https-url URL sets a good one",
        "mirror 'half': the http_url 'http://b.example:99999/' cannot be used and stands in the private comment now:"
        " mb edit half --http-url URL sets a good one",
        "mirror 'lost': the http_url 'http://c.example/ü/' cannot be used and stands in the private comment now;"
        " the mirror has no other URL and is disabled: mb edit lost --http-url URL sets a good one",
        "mirror 'lost': the password of its rsync_url stands in the private comment now: put it into a file, and name that in mb.toml"
        " with rsync_password_file"]
    rows = database.sql("SELECT identifier, http_url, https_url, coalesce(url, ''), enabled, private_comment FROM mirror"
                        " LEFT JOIN endpoint ON mirror_id = id ORDER BY 1")
    assert rows.split("\n") == [
        "both||https://unusable.invalid/||f|[http_url was http://d.example/%zz/] [https_url was https://u:p@d.example/]",
        "fine|http://a.example/||rsync://a.example/m/|t|",
        "half||https://b.example/||t|call Joe [http_url was http://b.example:99999/]",
        "lost|http://unusable.invalid/||rsync://joe@c.example/m/|f|[http_url was http://c.example/ü/] [rsync_url was rsync://joe:hush@c.example/m/]"]
    database.tool("mb", "edit", "lost", "--http-url", "http://c.example/%C3%BC/")
