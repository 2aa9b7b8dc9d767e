"""What httpd's access rules refuse is neither explained nor, once it is gone from the disk, redirected."""

import pytest

from answers import SIZE, File
from explaining import KEY_FILE, explain, mb, wish

MIRRORS = {"tokyo": {"http_url": "http://tokyo.example/"}}
ALL = ("tokyo",)
FILES = {name: File(ALL) for name in ("f", "secret.key", "gone-folder/x", "gone-folder/x.key", "shut/f", "shut/lost", "lost", "lost.key",
                                      "pub/1/m", "pub/2/m", "dir/1/m", "dir/2/m")} | {
    name: File(ALL, gone_s=60) for name in ("gone", "gone.key", "gone-folder/gone", "gone-folder/gone.key", "shut/gone")} | {
    "link": File(link="secret.key"), "lost-link": File(link="lost.key"), "gone-link": File(link="gone.key"),
    "open-link": File(link="gone"), "shadow/link": File(link="pub/1/m")}
# No rule here is of URLs: httpd is asked all the same.
FILE_RULES = """
MirrorDatabase {database}
MirrorExplain On {key}
<Files "*.key">
  Require all denied
</Files>
<Location /local>
  MirrorEngine On
  MirrorRepositoryList dir/{x} m x=[0-9]+
</Location>
<Directory {docroot}/local/shut>
  Require all denied
</Directory>
<Directory {docroot}/local/dir/1>
  Require all denied
</Directory>
""".replace("{key}", KEY_FILE)
URL_RULES = """
MirrorDatabase {database}
MirrorExplain On {key}
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/o/
  MirrorRepositoryList pub/{x} m x=[0-9]+
</Location>
<Location /db/shadow>
  MirrorEngine Shadow
</Location>
<Location /db/pub/1>
  Require all denied
</Location>
""".replace("{key}", KEY_FILE)
TREE = {f"local/{name}": SIZE for name in ("f", "secret.key", "link", "shut/f", "dir/1/m", "dir/2/m")}


@pytest.fixture(scope="module")
def by_files(make_site):
    return make_site(FILE_RULES, MIRRORS, FILES, tree=TREE)


@pytest.fixture(scope="module")
def by_urls(make_site):
    return make_site(URL_RULES, MIRRORS, FILES)


def tells_nothing(answer):
    return b"tokyo" not in answer.raw and answer.location is None


@pytest.mark.parametrize("ending", ["", ".meta4", ".mirrorlist", "?json", "?meta4"])
@pytest.mark.parametrize("name", ["gone.key", "gone-folder/gone.key", "shut/gone", "gone-link"])
def test_a_gone_file_needs_the_right_that_it_needed_before(by_files, name, ending):
    answer = by_files.ask(f"/local/{name}{ending}")
    assert answer.status in (403, 404) and tells_nothing(answer)
    told = by_files.ask(f"/local/{name}{ending}", headers=wish())
    assert told.get("X-Mirror-Explain") is None or tells_nothing(told)


@pytest.mark.parametrize("name", ["gone", "gone-folder/gone", "open-link"])
def test_other_gone_files_are_redirected_as_ever(by_files, name):
    assert by_files.ask(f"/local/{name}").location.startswith("http://tokyo.example/")
    assert by_files.ask(f"/local/{name}.meta4").status == 200
    said = explain(by_files, f"/local/{name}")
    assert said["file"] is not None and [c["mirror"] for c in said["candidates"]] == ["tokyo"]


@pytest.mark.parametrize("name", ["secret.key", "secret.key.meta4", "link", "lost.key", "lost.key.meta4", "lost-link", "shut/f", "shut/lost",
                                  "gone-folder/x", "gone-folder/x.key", "gone-folder/x.meta4"])
def test_a_refused_file_is_not_told_of(by_files, name):
    """Nor one in a folder that is not on disk: nobody knows its rules."""
    answer = by_files.ask(f"/local/{name}", headers=wish())
    assert tells_nothing(answer)
    if answer.get("X-Mirror-Explain"):
        said = explain(by_files, f"/local/{name}")
        assert said["file"] is None and said["candidates"] == said["rejected"] == []


@pytest.mark.parametrize("name", ["f", "lost"])
def test_an_open_file_is_told_of(by_files, name):
    assert [c["mirror"] for c in explain(by_files, f"/local/{name}")["candidates"]] == ["tokyo"]


@pytest.mark.parametrize("more", ["", "&country=zzzz", "&country=de"])
def test_the_mirrors_of_a_repository_need_the_right_to_its_marker(by_files, by_urls, more):
    for site, tree in ((by_files, "local"), (by_urls, "db")):
        target = f"/{tree}/mirrorlist?x=1{more}"
        for answer in (site.ask(target), site.ask(target, headers=wish())):
            assert tells_nothing(answer) and (answer.get("X-Mirror-Explain") or answer.status in (400, 403)), answer
        said = explain(site, f"/{tree}/mirrorlist?x=2{more}")
        assert said["file"]["path"] in ("pub/2/m", "dir/2/m")


def test_mb_says_that_rules_refuse(by_urls):
    done = mb(by_urls, "/db/mirrorlist?x=1")
    assert done.returncode == 1 and "access rules" in done.stderr and done.stdout == ""


def test_a_refusal_in_shadow_keeps_its_status(by_urls):
    answer = by_urls.ask("/db/shadow/link", headers=wish())
    assert answer.status == 403 and tells_nothing(answer)
