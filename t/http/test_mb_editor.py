"""mb edit without columns: a mirror's settings in $VISUAL or $EDITOR."""

import json
import re

import pytest
from terminals import answer


@pytest.fixture
def edit(database, tmp_path):
    """edit(script, …, answers="", …) -> (exit status, output, errors, files left): mb edit with a shell script as the editor. In it,
    $1 is the file, $round counts from 1, and "$mb" is mb."""
    database.tool("mb", "new", "--no-geo", "a.example", "--http-url=http://a.example/", "--country=DE", "--operator-name=Ö & Co",
                  "--rsync-url=rsync://a.example/m/", "--other-countries=AT,CH", "--public-note=one\n\"two\"")
    database.tool("mb", "prefix", "a.example", "add", "192.0.2.0/24", "AS64496")
    folder = tmp_path / "edited here's"
    folder.mkdir()
    rounds = tmp_path / "rounds"

    def run(script, *options, answers="", name="a.example", variable="EDITOR"):
        rounds.write_text("")
        editor = tmp_path / "editor"
        editor.write_text(f"mb={database.build.program('mb')}; echo >>{rounds}; round=$(wc -l <{rounds})\n{script}\n")
        env = {"TMPDIR": str(folder), "VISUAL": "", "EDITOR": "false", variable: f"sh -eu '{editor}'"}
        done = answer(database, "edit", name, *options, text=answers, env=env)
        left = [path.read_text() for path in folder.iterdir()]
        for path in folder.iterdir():
            assert path.stat().st_mode & 0o777 == 0o600
            path.unlink()
        return *done, left
    return run


def settings(database):
    return json.loads(database.tool("mb", "export", "json").stdout)["mirrors"]


def test_what_is_saved_is_stored(database, edit):
    before = settings(database)
    assert edit(":") == (0, "mirror 'a.example': nothing to change\n", "", [])
    # All of the text is JSON with comments, and says what it says.
    status, output, _, _ = edit("""sed -E '/^ *\\/\\//d' "$1" | tee """ + f"{database.postgres.dir}/seen >/dev/null")
    seen = json.loads((database.postgres.dir / "seen").read_text())
    assert status == 0 and seen == {name: value for name, value in before[0].items() if name != "comments"}
    done = edit("""sed -i -e 's/"weight": 100/"weight": 50/' -e '/"http_url"/d' -e 's/"country": "DE"/"country": "US"/' """
                """-e 's/192.0.2.0.24/198.51.100.0\\/24/' -e 's/\\[64496\\]/[64496, 64497]/' -e 's/"ipv6": false/"ipv6": true/' "$1" """,
                variable="VISUAL", name="a.ex")
    assert done[0] == 0 and done[2:] == ("", []) and done[1] == (
        "mirror 'a.example': weight 100 → 50, country DE → US, region EU → NA, ipv6 no → yes, "
        "serves_first 192.0.2.0/24,AS64496 → 198.51.100.0/24,AS64496,AS64497\n")
    assert settings(database) == [{**before[0], "weight": 50, "country": "US", "region": "NA", "ipv6": True,
                                   "prefixes": ["198.51.100.0/24"], "served_as": [64496, 64497]}]
    assert edit("""echo '{"identifier": "b.example"}' >"$1" """, "--dry-run")[1] == (
        "would change mirror 'a.example': identifier a.example → b.example\n")
    assert settings(database)[0]["identifier"] == "a.example"
    assert edit("""echo '{"identifier": "b.example", "prefixes": [], "latitude": 1, "longitude": 2.5}' >"$1" """)[0] == 0
    found = settings(database)[0]
    assert (found["identifier"], found["prefixes"], found["served_as"], found["latitude"]) == ("b.example", [], [64496, 64497], 1)
    assert database.tool("mb", "edit", "b.example", check=False).returncode == 2, "no terminal"


def test_a_broken_edit_loses_nothing(database, edit):
    before = settings(database)
    for script, words in (
            ("""sed -i 's/"weight": 100,/"weight": ,/' "$1" """, r"line \d+, column \d+: "), (""": >"$1" """, "line 1"),
            ("""echo '[1]' >"$1" """, "expected one object"), ("""echo '{"weigth": 1}' >"$1" """, "no setting 'weigth'"),
            ("""echo '{"weight": -1}' >"$1" """, "weight: 0"), ("""echo '{"http_url": ""}' >"$1" """, "an http_url or an https_url"),
            ("""echo '{"prefixes": "x"}' >"$1" """, "must be lists"), ("""echo '{"prefixes": ["192.0.2.1/24"]}' >"$1" """, "192.0.2.1/24"),
            ("""echo '{"weight": {"a": 1}}' >"$1" """, "weight"), ("""echo '{"identifier": 5}' >"$1" """, "identifier"),
            ("""printf '{"public_note": "\\377"}' >"$1" """, "line 1"), ("""printf '%09999d' 0 | tr 0 '[' >"$1" """, "line 1"),
            ("""echo '{"identifier": "no good"}' >"$1" """, "identifier"), ("""echo '{"weight": [[[[[[1]]]]]]}' >"$1" """, "object")):
        status, output, errors, left = edit(script, answers="x\nd\n")
        assert (status, output, left) == (1, "nothing is changed\n", []) and re.search(words, errors), (script, errors)
        assert errors.count("(e)dit again, or (d)iscard it?") == 2
    # Again, with what was typed; then good.
    status, output, _, left = edit("""if [ $round = 1 ]; then sed -i 's/"weight": 100,/"weight": 5/' "$1"
        else sed -i 's/"weight": 5/"weight": 5,/' "$1"; fi""", answers="e\n")
    assert (status, output, left) == (0, "mirror 'a.example': weight 100 → 5\n", [])
    before[0]["weight"] = 5
    for script, answers in (("""echo '{"weight": ' >"$1" """, "\x04"), ("""echo '{"weight": 7}' >"$1"; exit 3""", ""),
                            ("""echo '{"weight": 7}' >"$1"; "$mb" delete --yes a.example; exit 3""", "")):
        status, output, errors, left = edit(script, answers=answers)
        assert status == 1 and len(left) == 1 and left[0].startswith('{"weight": ') and "your text is kept in " in errors, errors
        assert "nothing is changed" in errors and ("status 3" in errors) == ("exit" in script)
        if "delete" not in script:
            assert settings(database) == before
    assert edit(":", name="a.example")[0] == 1 and edit(":")[3] == []


def test_what_others_change_meanwhile_is_not_undone(database, edit):
    status, output, errors, left = edit("""if [ $round = 1 ]; then
        "$mb" edit a.example --weight=70 --asn=5 >/dev/null; sed -i -e 's/"weight": 100/"weight": 50/' -e 's/"DE"/"FR"/' "$1"; fi""",
                                        answers="e\n")
    assert status == 0 and left == [] and "somebody else changed mirror 'a.example' meanwhile: weight 100 → 70, asn '' → 5" in errors
    assert output == "mirror 'a.example': weight 70 → 50, country DE → FR\n"
    found = settings(database)[0]
    assert (found["weight"], found["asn"], found["country"]) == (50, 5, "FR")
    status, output, errors, left = edit("""echo '{"weight": 8}' >"$1"; "$mb" prefix a.example add AS7 >/dev/null""", answers="d\n")
    assert (status, left) == (1, []) and "serves_first" in errors and settings(database)[0]["weight"] == 50
    status, output, errors, left = edit("""echo '{"weight": 8}' >"$1"; "$mb" delete --yes a.example >/dev/null""")
    assert status == 1 and len(left) == 1 and "was deleted meanwhile" in errors
