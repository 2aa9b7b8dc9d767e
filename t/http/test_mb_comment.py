"""mb comment: what was noted of a mirror, and its way through mb export and mb import."""

import getpass
import json
import re


def test_comments_are_kept_shown_and_moved(database, make_database, mb, tmp_path):
    mb("new", "--no-geo", "a.example", "--http-url=http://a.example/", "--private-comment=ask Jane")
    mb("new", "--no-geo", "b.example", "--http-url=http://b.example/")
    assert "no comments on mirror 'a.example'" in mb("comment", "a.ex").stderr
    assert mb("comment", "a.example", "wrote to Jane\n").stdout == "mirror 'a.example': comment added\n"
    assert mb("comment", "a.example", "she is away", "--dry-run").stdout == "mirror 'a.example': the comment would be added\n"
    odd = "'; DROP TABLE mirror; --\x1b[31m Ö\nsecond line"
    mb("comment", "a.example", odd)
    database.sql("INSERT INTO mirror_comment (mirror_id, at, text) SELECT id, '2020-01-01 00:00+00', 'by SQL' FROM mirror"
                 " WHERE identifier = 'a.example'")
    for wrong in ("", " \n", "x" * 10001, "\udcff"):
        done = mb("comment", "a.example", wrong, check=False)
        assert done.returncode in (1, 2) and done.stderr.startswith("mb: ") and len(done.stderr) < 300, wrong[:5]
    assert mb("comment", "a.example", "x", "y", check=False).returncode == 2 and mb("comment", "c", "x", check=False).returncode == 1
    noted = json.loads(mb("comment", "a.example", "--json").stdout)
    assert [one["text"] for one in noted] == ["by SQL", "wrote to Jane", odd] and noted[0]["at"] == "2020-01-01T00:00:00Z"
    assert [one["by"].startswith(getpass.getuser() + "@") for one in noted] == [False, True, True]
    shown = mb("show", "a.example").stdout
    assert re.search(r"\ncomments\n  AT +BY +COMMENT\n  2020-01-01 00:00 UTC +\S+ +by SQL\n", shown) and "\x1b" not in shown
    assert json.loads(mb("show", "a.example", "--json").stdout)["comments"] == noted and "comments\n" not in mb("show", "b.example").stdout
    # To another database and back.
    exported, file, other = mb("export", "json").stdout, tmp_path / "mirrors.json", make_database()
    file.write_text(exported)
    other.tool("mb", "import", "json", file)
    assert other.tool("mb", "export", "json").stdout == exported
    assert "0 updated, 2 as they were" in other.tool("mb", "import", "json", "--update", file).stdout
    other.sql("DELETE FROM mirror_comment WHERE text = 'by SQL'")
    assert "1 updated, 1 as they were" in other.tool("mb", "import", "json", "--update", file).stdout
    assert other.tool("mb", "export", "json").stdout == exported
    for comments, words in (
            ("x", "must be a list"), ([1], "must have the texts"), ([{"at": "now", "by": "x", "text": "y"}], "must be like 2026"),
            ([{"at": "2026-11-30T14:00:00Z", "by": "x"}], "must have"), ([{"at": "2026-11-30T14:00:00Z", "by": "x", "text": ""}], "at most 10000 bytes"),
            ([{"at": "2026-11-30T14:00:00Z", "by": "", "text": "x"}], "at most 200"), ([{"at": "1926-11-30T14:00:00Z", "by": "x", "text": "x"}], "1970")):
        file.write_text(json.dumps([{"identifier": "b.example", "http_url": "http://b.example/", "comments": comments}]))
        done = other.tool("mb", "import", "json", "--update", file, check=False)
        assert done.returncode == 1 and words in done.stderr, done
    # Who may not read them sees the rest.
    database.sql("CREATE ROLE looker LOGIN; GRANT mirror_scanner TO looker")
    try:
        seen = mb("show", "a.example", env={"PGUSER": "looker"}).stdout
        assert "http://a.example/" in seen and "Jane" not in seen
    finally:
        database.sql("DROP ROLE looker")
