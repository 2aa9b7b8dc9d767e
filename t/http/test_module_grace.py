"""Files that are gone from the source: redirected within their grace time where httpd finds no file."""

import pytest

from answers import SIZE, File

MIRRORS = {"tokyo": {"http_url": "http://tokyo.example/"}}
FILES = {"folder/grace.iso": File(("tokyo",), gone_s=3600), "folder/gone.iso": File(("tokyo",), gone_s=2 * 86400),
         "folder/grace.bin": File(("tokyo",), gone_s=60), "folder/current.iso": File(("tokyo",)),
         "folder/nowhere.iso": File((), gone_s=60), "no-folder/deep/grace.iso": File(("tokyo",), gone_s=60),
         "folder/small": File(("tokyo",), gone_s=60, size=10), "shut/grace.iso": File(("tokyo",), gone_s=60),
         "folder/link.iso": File(link="folder/grace.iso")}
CONFIG = """
MirrorDatabase {database}
<Location /local>
  MirrorEngine On
</Location>
Alias /alias {docroot}/tree
<Directory {docroot}/tree>
  MirrorEngine On
</Directory>
<Location /local/shut>
  Require all denied
</Location>
"""
on_both_roots = pytest.mark.parametrize("root", ["/local", "/tree", "/alias"])


@pytest.fixture(scope="module")
def site(make_site):
    tree = {f"{folder}/folder/{name}": SIZE for folder in ("local", "tree") for name in ("there", "grace.bin")}
    return make_site(CONFIG, MIRRORS, FILES, tree=tree)


@on_both_roots
@pytest.mark.parametrize("name", ["folder/grace.iso", "no-folder/deep/grace.iso", "folder/link.iso"])
def test_a_gone_file_is_redirected_within_its_grace_time(site, root, name):
    for method in ("GET", "HEAD"):
        real = name.replace("link", "grace")
        assert site.ask(f"{root}/{name}", method=method).location == f"http://tokyo.example/{real}"


@on_both_roots
@pytest.mark.parametrize("ending", [".meta4", "?meta4", ".mirrorlist", "?json"])
def test_it_keeps_its_representations_too(site, root, ending):
    answer = site.ask(f"{root}/folder/grace.iso{ending}")
    assert answer.status == 200 and b"http://tokyo.example/folder/grace.iso" in answer.body


@on_both_roots
@pytest.mark.parametrize("name", ["folder/gone.iso", "folder/current.iso", "folder/nowhere.iso", "folder/small", "folder/none",
                                  "folder/gone.iso.meta4", "folder/current.iso.meta4", "folder/there/grace.iso"])
def test_httpd_has_not_found_what_is_not_gone_and_not_in_its_grace_time(site, root, name):
    answer = site.ask(f"{root}/{name}")
    assert answer.status == 404 and answer.location is None and b"tokyo" not in answer.body


@on_both_roots
def test_what_is_on_disk_is_judged_as_ever(site, root):
    assert site.ask(f"{root}/folder/there").status == 200
    assert site.ask(f"{root}/folder/grace.bin").status in (200, 302)


def test_access_control_holds_for_gone_files(site):
    for ending in ("", ".meta4", "?meta4"):
        assert site.ask(f"/local/shut/grace.iso{ending}").status in (403, 404)
    assert site.ask("/local/folder/grace.iso", method="POST", headers={"Content-Length": "0"}).status in (404, 405)
