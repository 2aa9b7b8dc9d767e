"""Each line of the log has an id of its own, and the manual says what to do about it."""

import collections
import os
import pathlib
import re

import rig
from answers import ask
from catalogs import CONFIG, database, make_redirector, postgres, wait_for_catalog  # noqa: F401
from outages import OUTAGE

SOURCE = pathlib.Path(os.environ.get("MIRROR_SRCDIR", pathlib.Path(__file__).resolve().parents[2]))
FOLDERS = ("mod_mirror", "lib/feed")
ID = re.compile(r"LogId\((\d+)\)|\"MIR(\d{4}): ")


def sources():
    return {path: path.read_text() for folder in FOLDERS for path in sorted((SOURCE / folder).glob("*.cc"))}


def ids():
    return [int(match[1] or match[2]) for text in sources().values() for match in ID.finditer(text)]


def documented():
    return [int(number) for number in re.findall(r"^\| MIR(\d{4}) \|", (SOURCE / "doc/log.md").read_text(), re.M)]


def test_the_manual_lists_each_id_once_in_order():
    assert documented() == sorted(set(ids()))


def test_no_id_is_used_twice():
    assert [number for number, count in collections.Counter(ids()).items() if count > 1] == []


def test_lines_stand_in_the_log_with_id_file_and_line(database, make_redirector):  # noqa: F811
    redirector = make_redirector("LogLevel info mirror:debug\nErrorLogFormat \"[%l] %F: %M\"\n" + CONFIG)
    wait_for_catalog(redirector)
    assert ask(redirector.httpd, "/db/f.torrent").status == 404
    rig.wait_for("a line with an id", lambda: redirector.log_lines(r"\[notice\] \S*feed\.cc\(\d+\): .*MIR0309: MirrorCatalog"))
    assert redirector.log_lines(r"\S*exchange\.cc\(\d+\): .*MIR0105: no representation")
    assert not redirector.log_lines(OUTAGE)


def test_each_id_has_a_remedy_and_the_manual_names_no_others():
    rows = re.findall(r"(?m)^\| MIR\d{4} \|(.*)\|(.*)\|$", (SOURCE / "doc/log.md").read_text())
    assert len(rows) == len(documented()) and all(says.strip() and remedy.strip() for says, remedy in rows)
    named = {int(number) for path in (SOURCE / "doc").glob("*.md") for number in re.findall(r"MIR(\d{4})", path.read_text())}
    assert named <= set(ids())
