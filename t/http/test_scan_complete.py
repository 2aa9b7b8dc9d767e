"""mb-scan of mirrors that have everything by definition, as CDNs in front of the origin: they are asked for a sample."""

import json
import shutil

import pytest
import rig
from scanning import World, objects

FILES = {f"d{n % 10}/f{n}": f"{n}".encode() for n in range(900)}
SAMPLE = 100


class Site:
    """The source, and a web server that shows no index in front of a copy of it, as the mirror `cdn`."""

    def __init__(self, world, cleanup, more=""):
        self.world, self.tree = world, world.scratch / "cdn"
        rig.copy_tree(world.source, self.tree)
        config = "<Directory {docroot}>\n</Directory>\n" + more
        self.web = cleanup(rig.Httpd(config, docroot=self.tree, mirror=False, modules=("headers",))).start()
        self.heads = self.read = 0  # of scans, and of the log, since names were asked for
        world.database.add_mirror("cdn", http_url=self.web.url, complete=True, head_options=f"sample={SAMPLE}")

    def scan(self, *options):
        found = objects(self.world.mb_scan("--json", *options, "cdn"))[0]
        self.heads += found["heads"]
        return found

    def add(self, files, missing=()):
        """To the source, and but for those that are missing to the mirror."""
        rig.make_tree(self.world.source, files)
        rig.make_tree(self.tree, {name: content for name, content in files.items() if name not in missing})
        self.world.mb_scan("--source", "--force", check=True)

    def lacks(self):
        return sorted(name for name, mirrors in self.world.has().items() if "cdn" not in mirrors)

    def asked(self):
        """Names, since the last time."""
        heads, self.heads = self.heads, 0
        rig.wait_for("the log", lambda: len(self.logged()) - self.read >= heads)  # httpd writes it after the answer
        names = self.logged()[self.read:]
        self.read += len(names)
        return names

    def logged(self):
        lines = self.web.access_log.read_text().splitlines()
        return [line.split('"')[1].split()[1].lstrip("/") for line in lines if ".no-such-file" not in line]


@pytest.fixture
def make_site(database, scratch, cleanup):
    def make(files, *more):
        world = World(database, scratch, cleanup)
        world.fill_source(files)
        return Site(world, cleanup, *more)

    return make


@pytest.fixture
def site(make_site):
    return make_site(FILES)


def test_a_sample_stands_for_all_files(site):
    found = site.scan()
    assert found["outcome"] == "merged" and found["method"] == "head" and found["heads"] == SAMPLE, found
    assert site.lacks() == [] and found["gained"] == len(FILES) and found["unknown"] == 0
    assert len(set(site.asked())) == SAMPLE
    before = site.world.tables()
    again = site.scan()
    assert again["outcome"] == "unchanged" and again["heads"] <= SAMPLE and site.world.tables() == before, again


def test_a_mirror_that_lacks_some_of_the_sample_fails(site):
    for n in range(5):
        shutil.rmtree(site.tree / f"d{n}")
    found = site.scan()
    assert found["outcome"] == "failed" and "said to be complete" in found["error"] and "answers 404" in found["error"], found
    assert len(site.lacks()) == len(FILES)
    site.world.mb_scan("--force", "cdn")
    assert len(site.lacks()) == len(FILES), "--force makes no difference"


def test_a_mirror_that_lost_much_keeps_what_it_had(site):
    site.scan()
    for n in range(5):
        shutil.rmtree(site.tree / f"d{n}")
    assert site.scan()["outcome"] == "failed"
    assert site.lacks() == []


def test_what_the_sample_finds_missing_is_not_there(make_site):
    site = make_site({f"few/{n}": b"x" for n in range(40)})
    (site.tree / "few/7").unlink()
    assert site.scan()["gained"] == 39 and site.lacks() == ["few/7"]
    # It is asked for itself from then on: the sample says nothing about it.
    site.asked()
    assert site.scan()["outcome"] == "unchanged" and "few/7" in site.asked() and site.lacks() == ["few/7"]
    shutil.copy2(site.world.source / "few/7", site.tree / "few/7")
    assert site.scan()["gained"] == 1 and site.lacks() == []


def test_without_times_nothing_is_taken_for_there(make_site):
    site = make_site(FILES, "Header unset Last-Modified\n")
    found = site.scan()
    assert found["outcome"] == "failed" and "no Last-Modified" in found["error"] and len(site.lacks()) == len(FILES), found


def test_what_was_seen_missing_is_not_new_again_when_the_budget_is_small(site):
    site.scan()
    never, late = {"new/1", "new/2"}, {f"new/{n}": b"new" for n in range(3, 200)}
    site.add({**late, **{f"new/{n}": b"new" for n in range(200, 300)}, **dict.fromkeys(never, b"new")}, missing={*late, *never})
    site.world.database.sql(f"UPDATE endpoint SET options = array_append(options, 'budget={SAMPLE}')")
    site.scan()  # sees some of the 199 missing
    rig.make_tree(site.tree, late)
    for _ in range(5):
        assert site.scan()["outcome"] in ("merged", "unchanged") and never <= set(site.lacks())


def test_a_mirror_that_lost_everything_is_sampled_again(site):
    site.scan()
    shutil.rmtree(site.tree)
    site.tree.mkdir()
    assert site.scan()["outcome"] == "failed" and len(site.lacks()) == len(FILES)
    rig.copy_tree(site.world.source, site.tree)
    found = site.scan()
    assert found["outcome"] == "merged" and found["heads"] == SAMPLE and site.lacks() == [], found


def test_new_files_count_as_soon_as_a_sample_has_shown_them(site):
    site.scan()
    site.asked()
    site.add({f"new/{n}": b"new" for n in range(300)})
    found = site.scan()
    assert found["gained"] == 300 and found["heads"] <= SAMPLE and site.lacks() == [], found
    assert len([name for name in site.asked() if name.startswith("new/")]) == SAMPLE // 4


def test_new_files_of_which_some_are_missing_are_asked_for_one_by_one(site):
    site.scan()
    missing = {f"new/{n}" for n in range(0, 300, 2)}
    site.add({f"new/{n}": b"new" for n in range(300)}, missing=missing)
    found = site.scan()
    assert found["outcome"] == "merged" and found["gained"] == 150, found
    assert set(site.lacks()) == missing
    site.add({f"later/{n}": b"later" for n in range(300)})
    later = site.scan()
    assert later["gained"] == 300 and set(site.lacks()) == missing, "what is known to be missing does not stand in the way"


def test_a_file_that_changed_is_asked_for_itself(site):
    site.scan()
    names = [f"d1/f{n}" for n in range(1, 61, 10)]
    for name in names:
        path = site.world.source / name
        path.write_bytes(path.read_bytes()[::-1])
    site.world.mb_scan("--source", "--force", check=True)
    assert set(site.lacks()) == set(names)
    site.scan()
    assert set(site.lacks()) == set(names), "the mirror has the old ones"
    for name in names[:2]:
        shutil.copy2(site.world.source / name, site.tree / name)
    assert site.scan()["gained"] == 2 and set(site.lacks()) == set(names[2:])


def test_the_sample_is_within_the_budget(site):
    site.world.database.tool("mb", "edit", "cdn", "--head-options", f"sample={SAMPLE},budget=30")
    assert site.scan()["heads"] == 30 and site.lacks() == []


def test_mb_says_that_a_mirror_is_complete(site, mb):
    assert "complete yes → no" in mb("edit", "cdn", "--no-complete").stdout
    assert "complete no → yes" in mb("edit", "cdn", "--complete").stdout
    assert "head_options sample=100 → rate=9" in mb("edit", "cdn", "--head-options", "rate=9").stdout
    shown = json.loads(mb("show", "cdn", "--json").stdout)
    assert shown["complete"] is True and shown["head_options"] == ["rate=9"]
