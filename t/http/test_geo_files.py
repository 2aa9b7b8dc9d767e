"""GeoIP databases that somebody writes to in place while httpd reads them, and what they cost in memory."""

import os
import pathlib
import re
import shutil
import time

import pytest
import rig
from answers import COUNTRY, File

MIRRORS = {"berlin": {"http_url": "http://berlin.example/", "country": "DE", "region": "EU"},
           "tokyo": {"http_url": "http://tokyo.example/", "country": "JP", "region": "AS"}}
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {live}
<Location /files>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
"""
COMPLAINT = "MirrorGeoDatabase: .*the previous content stays in use"


@pytest.fixture
def live(geo, scratch):
    path = scratch / "live.mmdb"
    shutil.copy(geo / "city.mmdb", path)
    return path


@pytest.fixture
def site(make_site, live):
    """With many children, so that any of them may meet what is written."""
    return make_site("StartServers 4\nMinSpareServers 4\n" + CONFIG.replace("{live}", str(live)), MIRRORS,
                     {"f": File(tuple(MIRRORS))}, mpm="prefork")


def all_know_where_clients_are(site):
    return all(site.ask("/files/f", client=COUNTRY[country]).location == f"http://{city}.example/f"
               for city, country in (("berlin", "de"), ("tokyo", "jp")) for _ in range(8))


def no_child_crashed(site):
    return not re.search("exit signal", site.httpd.log())


def complaints(site):
    return len(re.findall(COMPLAINT, site.httpd.log()))


def test_a_file_that_is_copied_over_slowly_harms_nobody(site, live, geo):
    content = (geo / "city.mmdb").read_bytes()
    assert all_know_where_clients_are(site)
    with open(live, "r+b", buffering=0) as file:  # as cp: cut, then written from the start
        file.truncate(0)
        for start in range(0, len(content), max(1, len(content) // 12)):
            file.write(content[start:start + max(1, len(content) // 12)])
            assert all_know_where_clients_are(site)
            time.sleep(0.4)
    assert no_child_crashed(site)


@pytest.mark.parametrize("size", [0, 600])
def test_a_file_that_is_cut_is_refused_and_the_old_content_stays(site, live, size):
    assert all_know_where_clients_are(site)
    children = len(site.httpd.children())
    os.truncate(live, size)
    rig.wait_for("complaints of all", lambda: complaints(site) >= children)
    assert all_know_where_clients_are(site) and no_child_crashed(site)


def copies_of(pid):
    """The inodes of GeoIP databases that a process has in its memory; none when it has ended."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
    except OSError:
        return set()
    return {line.split()[4] for line in lines if "mod_mirror-geo" in line or "mirror-copy" in line}


def shared_copy(site, live):
    """Whether all children have this content's copy, and nothing else."""
    names = [path.name for path in (site.httpd.dir / "mod_mirror-geo").iterdir() if path.name not in ("lock", "new")]
    copies = [copies_of(pid) for pid in site.httpd.children()]
    return (len(names) == 1 and f"-{live.stat().st_ino}-{live.stat().st_size}-" in names[0]
            and len(copies) >= 4 and len(copies[0]) == 1 and all(copy == copies[0] for copy in copies))


def test_children_share_one_copy(site, live, geo):
    for content in ("city.mmdb", "flat.mmdb", "city.mmdb"):
        shutil.copy(geo / content, live)
        rig.wait_for(f"one copy of {content} for all", lambda: shared_copy(site, live))
    site.httpd.graceful()
    rig.wait_for("the same after a restart", lambda: shared_copy(site, live))
    assert all_know_where_clients_are(site) and "MIR0403" not in site.httpd.log()


def test_without_a_folder_each_child_has_its_own(make_site, live, scratch):
    """Something else has the folder's name."""
    rig.make_tree(scratch / "run", {"mod_mirror-geo": ""})
    site = make_site(f"DefaultRuntimeDir {scratch}/run\n" + CONFIG.replace("{live}", str(live)), MIRRORS,
                     {"f": File(tuple(MIRRORS))}, mpm="prefork")
    assert "each process keeps its own copy in memory" in site.httpd.log() and all_know_where_clients_are(site)
