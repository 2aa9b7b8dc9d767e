"""Colours of states: on terminals, where they are wanted, and nowhere else."""

import re

import pytest

from answers import fill
from terminals import show

GREEN, YELLOW, RED, FAINT = ("\033[%sm" % code for code in (32, 33, 31, 2))
PLAIN = "\033[0m"


@pytest.fixture(scope="module")
def fleet(make_module_database):
    database = make_module_database()
    fill(database, {"up.example": {"http_url": "http://up.example/"}, "off.example": {"http_url": "http://off.example/", "enabled": False},
                    "old.example": {"http_url": "http://old.example/", "standing": "stale", "standing_reason": "behind " * 20},
                    "bad.example": {"http_url": "http://bad.example/", "standing": "wrong"}}, {})
    database.sql("UPDATE mirror SET standing = 'wrong' WHERE identifier = 'old.example'")
    database.sql("UPDATE mirror SET standing = 'stale' WHERE identifier = 'old.example'")
    return database


def without_colors(text):
    return re.sub("\033\\[[0-9]+m", "", text)


@pytest.mark.parametrize("command, expected", [
    (["list", "--all"], [f"{GREEN}enabled{PLAIN}", f"{FAINT}disabled{PLAIN}", f"{RED}wrong{PLAIN}", f"{YELLOW}stale{PLAIN}"]),
    (["list", "--health"], [f"{GREEN}good{PLAIN}", f"{YELLOW}stale{PLAIN}", f"{RED}wrong{PLAIN}"]),
    (["show", "bad.example"], [f"{RED}wrong"]), (["events"], [f"{RED}wrong{PLAIN}", f"{YELLOW}stale{PLAIN}"]),
    (["status"], [f"MIRRORS {RED}CRITICAL{PLAIN} - "])], ids=lambda value: value[0] if isinstance(value[0], str) else "")
def test_a_terminal_gets_colours_and_the_same_columns(fleet, command, expected):
    plain = show(fleet, *command, "--color=never", columns=100)
    colored = show(fleet, *command, columns=100)
    assert "\033" not in plain[1] and not [words for words in expected if words not in colored[1]], colored
    if command != ["status"]:  # whose ages change
        assert without_colors(colored[1]) == plain[1]
    assert "\033" not in fleet.tool("mb", *command, check=False).stdout
    assert expected[0] in fleet.tool("mb", "--color=always", *command, check=False).stdout


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}])
def test_who_wants_no_colours_gets_none(fleet, env):
    assert "\033" not in show(fleet, "list", env=env)[1] and "\033" in show(fleet, "list", env={"NO_COLOR": ""})[1]
    assert "\033" in show(fleet, "list", "--color", "always", env=env)[1]


def test_json_is_never_coloured_and_a_wrong_word_is_told(fleet):
    assert "\033" not in show(fleet, "list", "--json", "--color=always")[1]
    done = fleet.tool("mb", "list", "--color=sometimes", check=False)
    assert done.returncode == 2 and "sometimes" in done.stderr and "always" in done.stderr
