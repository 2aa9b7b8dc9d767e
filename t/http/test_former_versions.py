"""Mirrors one sync behind: a real repository of createrepo_c, whose Metalink (MirrorRepositoryList) also tells the hashes of the marker's
former version. dnf takes a mirror that still has it, and none in the middle of its sync."""

import json
import os
import shutil
import xml.etree.ElementTree as ElementTree

import pytest
import rig
import scanning
from explaining import KEY_FILE, explain
from test_clients_repositories import REPOSITORY, RULES, Dnf, make_repository

CONFIG = """
MirrorDatabase {database}
MirrorCatalogHashes On
MirrorExplain On """ + KEY_FILE + """
<Location /files>
  MirrorEngine On
  MirrorTree database
  MirrorMinSize 0
  MirrorOrigin http://127.0.0.1:1/
""" + RULES + "</Location>\n"
MARKER = f"{REPOSITORY}/repodata/repomd.xml"
LIST = "/files/metalink?release=1&repo=os"
MM0 = "{http://fedorahosted.org/mirrormanager}"


class Repository(scanning.World):
    """A source, three mirrors with real web servers, and a redirector."""

    def __init__(self, site, scratch, cleanup):
        super().__init__(site.database, scratch, cleanup)
        self.site, self.webs = site, {}
        self.configure(more='preset = "rpm-md"\nmax_change_percent = 100\nmax_shrink_percent = 100\n')
        make_repository(scratch / "made")
        rig.copy_tree(scratch / "made" / "pub", self.source / "pub")
        self.publish(1)
        for name in ("current", "behind", "syncing"):
            tree = self.mirror(name).tree
            self.webs[name] = cleanup(rig.WebServer(tree)).start()
            self.database.sql(f"UPDATE mirror SET http_url = '{self.webs[name].url}' WHERE identifier = '{name}'")
        self.mb_scan("--all", check=True)

    def publish(self, version):
        """Each version has one package more, all other indices, and a time of its own."""
        folder = self.source / REPOSITORY
        shutil.copy(folder / "packages/tool-1-1.noarch.rpm", folder / f"packages/tool-copy{version}.noarch.rpm")
        rig.run(["createrepo_c", "--quiet", f"--revision={version}", folder])
        for path in (folder / "repodata").iterdir():
            os.utime(path, (rig.tree.DEFAULT_MTIME + version * 1000,) * 2)
        self.mb_scan("--source", check=True)
        self.database.tool("mb-hash", "--config", self.config)

    def sync(self, name, *, whole):
        """All of the source; or the new indices, before the old ones and the marker are replaced."""
        source, target = (folder / REPOSITORY / "repodata" for folder in (self.source, self.scratch / name))
        if whole:
            shutil.rmtree(self.scratch / name / "pub")
            rig.copy_tree(self.source, self.scratch / name)
        for path in source.iterdir():
            if path.name != "repomd.xml":
                shutil.copy2(path, target)
        self.mb_scan(name, check=True)

    def body(self, target=LIST, agent="libdnf (Fedora Linux 38)"):
        return self.site.ask(target, client="127.0.0.1", headers=[("User-Agent", agent)]).body

    def metalink(self, **how):
        return ElementTree.fromstring(self.body(**how))

    def named(self, target=LIST):
        """The mirrors that a Metalink names, in its order."""
        urls = [url.text for url in self.metalink(target=target).iterfind(".//{*}url")]
        assert urls[-1].startswith("http://127.0.0.1:1/"), "the origin comes last"
        return [name for url in urls for name, web in self.webs.items() if url.startswith(web.url)]

    def settle(self, first, *others):
        """Mirrors that are equally good may stand in any order."""
        rig.wait_for(f"a Metalink that names {first} before {others}", lambda: self.names(first, *others), 10)

    def names(self, first, *others, target=LIST):
        named = self.named(target)
        return named[:1] == [first] and sorted(named[1:]) == sorted(others)

    def fetch(self, name):
        """What dnf downloads by the Metalink, and which mirrors it asked."""
        before = {mirror: len(web.access()) for mirror, web in self.webs.items()}
        client = Dnf(self.scratch / name, f"metalink={self.site.httpd.url}{LIST[1:]}")
        client.fetch()
        client.package()
        return {mirror for mirror, web in self.webs.items() if len(web.access()) > before[mirror]}


@pytest.fixture(params=[True, False], ids=["catalog", "database"])
def repository(request, make_site, scratch, cleanup):
    world = Repository(make_site(CONFIG, {}, {}, catalog=request.param), scratch, cleanup)
    rig.wait_for("all mirrors", lambda: set(world.named()) == set(world.webs), 10)
    return world


def test_dnf_takes_a_mirror_one_sync_behind_until_the_limit(repository):
    former = (repository.source / MARKER).read_bytes()
    repository.publish(2)
    repository.sync("current", whole=True)
    repository.sync("syncing", whole=False)
    repository.settle("current", "behind")

    metalink = repository.metalink()
    [alternate] = metalink.iter(f"{MM0}alternate")
    assert alternate.find(f"{MM0}timestamp").text == str(rig.tree.DEFAULT_MTIME + 1000)
    assert alternate.find("{*}size").text == str(len(former))
    told = {element.get("type"): element.text for element in alternate.iterfind(".//{*}hash")}
    (repository.scratch / "former").write_bytes(former)
    assert told["sha256"] == rig.tree.sha256_file(repository.scratch / "former")

    assert repository.fetch("first") == {"current"}
    repository.webs["current"].stop()
    assert repository.fetch("second") == {"behind"}, "nobody in the middle of its sync, and no refusal of the former marker"

    if folder := repository.site.httpd.catalog:
        [line] = repository.database.tool("mb", "catalog", "dump", "--only", "groups", "--dir", folder).stdout.splitlines()
        group = json.loads(line)
        assert (group["folder"], len(group["mirrors"]), group["former"][0]["sha256"]) == (f"{REPOSITORY}/repodata", 2, told["sha256"])
        repository.database.tool("mb", "catalog", "verify", "--dir", folder, check=True)

    repository.database.sql("UPDATE anchor_version SET replaced_at = replaced_at - interval '73 hours'")
    repository.sync("syncing", whole=True)
    rig.wait_for("the end of the former version", lambda: set(repository.named()) == {"current", "syncing"}, 10)
    assert not list(repository.metalink().iter(f"{MM0}alternates"))


def test_only_metalinks_that_tell_the_former_hashes_name_it(repository):
    repository.publish(2)
    repository.sync("current", whole=True)
    [index] = (repository.source / REPOSITORY / "repodata").glob("*-primary.xml.gz")
    member, current = f"/files/{REPOSITORY}/repodata/{index.name}", repository.webs["current"].url
    rig.wait_for("its mirror", lambda: repository.site.ask(member).location.startswith(current), 10)
    repository.settle("current", "behind", "syncing")
    assert repository.names("current", "behind", "syncing", target=f"/files/{MARKER}.metalink")
    assert not list(repository.metalink(agent="ZYpp 17.31").iter(f"{MM0}alternates"))
    behind = repository.webs["behind"].url.encode()
    for target in (LIST.replace("metalink?", "mirrorlist?"), f"/files/{MARKER}.meta4", f"/files/{MARKER}?mirrorlist",
                   f"/files/{MARKER}?json"):
        answer = repository.site.ask(target, client="127.0.0.1")
        assert answer.status == 200 and behind not in answer.body, target
    for n in range(1, 9):
        answer = repository.site.ask(member, client=f"127.0.3.{n}")
        assert answer.location.startswith(current) and behind not in answer.raw
    if repository.site.httpd.catalog:
        repository.database.sql("ALTER TABLE file RENAME TO hidden; ALTER TABLE anchor_version RENAME TO hidden_too")
        assert repository.names("current", "behind", "syncing"), "the catalog alone knows it"
        repository.database.sql("ALTER TABLE hidden RENAME TO file; ALTER TABLE hidden_too RENAME TO anchor_version")
    repository.sync("behind", whole=True)
    rig.wait_for("the mirror's present state", lambda: set(repository.named()[:2]) == {"current", "behind"}, 10)


def test_mb_explain_names_whom_the_metalink_names(repository):
    repository.publish(2)
    repository.sync("current", whole=True)
    repository.sync("syncing", whole=False)
    repository.settle("current", "behind")
    for target in (LIST, f"/files/{MARKER}.metalink"):
        told = explain(repository.site, target, "--user-agent", "libdnf (Fedora Linux 38)")
        assert [(c["mirror"], c["former"]) for c in told["candidates"]] == [("current", False), ("behind", True)], target
        assert [r["mirror"] for r in told["rejected"]] == ["syncing"]
        assert f"{len(repository.body(target)):,}" in told["answer"]["text"]
    told = explain(repository.site, LIST, "--user-agent", "ZYpp 17.31")
    assert [c["mirror"] for c in told["candidates"]] == ["current"]
    assert sorted(r["mirror"] for r in told["rejected"]) == ["behind", "syncing"]
