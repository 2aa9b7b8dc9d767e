"""What mb prints with --json is what doc/json.md says."""

import json
import os
import pathlib
import re

import pytest

from answers import File, fill

SOURCE = pathlib.Path(os.environ.get("MIRROR_SRCDIR", pathlib.Path(__file__).resolve().parents[2]))
ROWS = dict(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", (SOURCE / "doc/json.md").read_text(), re.M))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
SIMPLE = {"text": lambda value: isinstance(value, str), "bool": lambda value: isinstance(value, bool), "any": lambda value: True,
          "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
          "time": lambda value: isinstance(value, str) and TIME.fullmatch(value) is not None}
TOKEN = re.compile(r"\s*(\w+|[][{}?:,+*])")


class Shape:
    """A shape of doc/json.md, read by recursive descent: a list of alternatives to check a value against."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r"\s", "", text), text
        self.check = self.sum()
        assert not self.tokens, text

    def take(self, wanted=None):
        token = self.tokens.pop(0)
        assert wanted in (None, token), (wanted, token)
        return token

    def follows(self, token):
        return self.tokens[:1] == [token] and bool(self.tokens.pop(0))

    def sum(self):
        """What is an object's: its members, and whether others may follow. `A + B` has those of both."""
        shape = self.one()
        while self.follows("+"):
            left, right = shape, self.one()
            assert left[0] == right[0] == "object"
            shape = ("object", {**left[1], **right[1]})
        return ("maybe", shape) if self.follows("?") else shape

    def one(self):
        token = self.take()
        if token == "[":
            shape = ("list", self.sum())
            self.take("]")
        elif token == "{":
            shape = ("object", dict(self.members()))
        elif token[0].isupper():
            shape = Shape(ROWS[token]).check
        else:
            shape = ("simple", token)
        return shape

    def members(self):
        while not self.follows("}"):
            name = self.take()
            optional = self.follows("?")
            self.take(":")
            yield name, (optional, self.sum())
            self.follows(",")


def faults(shape, value, where):
    kind, of = shape
    if kind == "maybe":
        return [] if value is None else faults(of, value, where)
    if kind == "simple":
        return [] if SIMPLE[of](value) else [f"{where}: {value!r} is no {of}"]
    if kind == "list":
        return [fault for number, one in enumerate(value) for fault in faults(of, one, f"{where}[{number}]")] \
            if isinstance(value, list) else [f"{where} is no list"]
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    others = of.get("*")
    found = [f"{where}.{name} is missing" for name, (optional, _) in of.items() if name not in value and not optional and name != "*"]
    for name, one in value.items():
        member = of.get(name, others)
        found += [f"{where}.{name} is not told of"] if member is None else faults(member[1], one, f"{where}.{name}")
    return found


@pytest.fixture(scope="module")
def world(make_module_database, geo, tmp_path_factory):
    """run(words) -> what mb prints, of a database that has some of everything."""
    folder = tmp_path_factory.mktemp("json")
    database = make_module_database()
    config = folder / "mb.toml"
    config.write_text(f'[instance.main]\nsource = "/srv/pub"\ngeo_databases = ["{geo}/city.mmdb", "{geo}/asn.mmdb"]\n'
                      'immutable = ["*.iso"]\n[[instance.main.mutable]]\nfolder = "dists/*"\nanchors = ["InRelease"]\n')
    (folder / "log").write_text('127.0.0.1 - - [29/Nov/2026:12:00:00 +0100] "GET /a/b.iso HTTP/1.1" 302 345 "-" "x" mirror=a '
                                'country=DE\n')
    fill(database, {"a": {"http_url": "http://127.0.0.1/", "country": "DE", "latitude": 52, "longitude": 13},
                    "b": {"http_url": "http://127.0.0.2/", "enabled": False}},
         {"a/b.iso": File(("a",)), "a/l": File(("a",), link="b.iso"), "gone": File(("a",), gone_s=60)})
    database.sql("INSERT INTO scan (mirror_id, method, outcome) SELECT id, 'rsync', 'running' FROM mirror")

    def run(words, **options):
        return database.tool("mb", "--config", config, *words, **options)
    run(["comment", "a", "noted"])
    run(["rules", "--apply"])
    run(["disable", "a"])
    run(["enable", "a"])
    run.log, run.database = folder / "log", database
    return run


ARGUMENTS = {
    "list": ["--all"], "show": ["a"], "comment": ["a"], "update": ["--all", "--dry-run"], "weight": ["a"], "file ls": [], "top": ["LOG"],
    "explain": ["a/b.iso", "--ip", "127.0.10.9"], "why-not": ["a", "a/b.iso", "--client", "127.0.10.9"],
    "geo": ["127.0.10.9", "--mirrors", "2"], "iplookup": ["127.0.10.9"], "import json": ["-", "--dry-run"], "import csv": ["-", "--dry-run"]}
INPUT = {"import json": '[{"identifier": "c", "http_url": "http://c/", "x": 1}, {"identifier": "d"}, {"identifier": "a"}]',
         "import csv": "identifier,http_url\nc,http://c/\n"}


@pytest.mark.parametrize("command", [name.removeprefix("mb ") for name in ROWS if name.startswith("mb ")])
def test_the_output_has_the_shape_of_the_manual(world, command):
    words = command.split() + [str(world.log) if word == "LOG" else word for word in ARGUMENTS.get(command, [])]
    done = world(words + ([] if command == "export json" else ["--json"]), input=INPUT.get(command), check=False)
    told = json.loads(done.stdout)
    assert faults(Shape(ROWS[f"mb {command}"]).check, told, command) == []
    assert told not in ([], {}) and done.returncode == (1 if command == "import json" else 0), done


def test_every_command_with_json_is_told_of(world):
    """A command that takes --json is in a row of doc/json.md, or named below its first table."""
    text = (SOURCE / "doc/json.md").read_text()
    manual = (SOURCE / "doc/mb.1").read_text().replace("\\-", "-").replace('" "', " ")
    takers = set(re.findall(r'^\.BR "?mb ([a-z-]+(?: status| ls| sizes)?)[^\n]*--json', manual, re.M))
    assert {"list", "show", "file ls", "db sizes", "catalog status"} <= takers
    assert not [name for name in takers - {"markers"} if f"`mb {name}`" not in text]
