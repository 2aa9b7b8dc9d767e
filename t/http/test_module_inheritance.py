"""Each directive passes from section to section inside; a value given there wins, also when it is the default."""

import pytest

from answers import COUNTRY, SIZE, File

MIRRORS = {name: {"http_url": f"http://{name}.example/", "country": "JP", "region": "AS"} for name in ("tokyo", "osaka", "kyoto")}
ALL = tuple(MIRRORS)
OTHER_THAN_DEFAULT = """
  MirrorMinSize 20K
  MirrorExcludeMimeType text/html
  MirrorExcludeUserAgent *bot*
  MirrorExcludeNetwork 127.0.10.0/24
  MirrorExcludeFileMask masked
  MirrorFallback - - http://fallback.example/
  MirrorHandleHeadLocally On
  MirrorPassQuery On
  MirrorMaxLinks 1
  MirrorOrigin http://first.example/
"""
DEFAULT = """
  MirrorMinSize 4096
  MirrorExcludeMimeType None
  MirrorExcludeUserAgent none
  MirrorExcludeNetwork NONE
  MirrorExcludeFileMask None
  MirrorFallback None
  MirrorHandleHeadLocally Off
  MirrorPassQuery Off
  MirrorMaxLinks 5
  MirrorOrigin http://second.example/
"""
SECTIONS = {
    "set": OTHER_THAN_DEFAULT, "set/default": DEFAULT, "set/default/deeper": "", "set/default/set": OTHER_THAN_DEFAULT,
    "set/empty": "",
    "plain": ""}
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
<Location /t>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://second.example/
</Location>
""" + "".join(f"<Location /t/{section}>\n{text}\n</Location>\n" for section, text in SECTIONS.items())
CONFIG += """
<Directory {docroot}/disk>
  MirrorEngine On
  MirrorMaxLinks 0
  MirrorMinSize 20K
</Directory>
<Location /disk/by-location>
  MirrorMinSize 4096
</Location>
MirrorMaxLinks 3
<VirtualHost *:{port}>
  ServerName main.example
</VirtualHost>
<VirtualHost *:{port}>
  ServerName host.example
  MirrorMaxLinks 0
  MirrorPassQuery On
</VirtualHost>
"""
FILES = {f"{section}/{name}": file for section in SECTIONS for name, file in {
    "big": File(ALL, size=20480), "f": File(ALL), "page.html": File(ALL, size=20480), "masked": File(ALL, size=20480),
    "nowhere": File(size=20480)}.items()}
FILES |= {"by-location/f": File(ALL), "f": File(ALL)}


@pytest.fixture(scope="module")
def site(make_site):
    return make_site(CONFIG, MIRRORS, FILES, tree={"disk/f": SIZE, "disk/by-location/f": SIZE})


@pytest.mark.parametrize("section, changed", [
    ("set", True), ("set/empty", True), ("set/default/set", True), ("set/default", False), ("set/default/deeper", False),
    ("plain", False)])
def test_inner_values_win_and_unset_ones_are_inherited(site, section, changed):
    origin = "http://first.example/" if changed else "http://second.example/"
    declined = {"f": {}, "page.html": {}, "masked": {}, "big": {"headers": {"User-Agent": "a bot"}}}
    for name, options in [*declined.items(), ("big", {"client": COUNTRY["de"]}), ("big", {"method": "HEAD"})]:
        location = site.ask(f"/t/{section}/{name}", **options).location
        assert (location == f"{origin}{section}/{name}") == changed, (name, options)
    answer = site.ask(f"/t/{section}/big?q=1")
    assert answer.get("X-Mirror") in MIRRORS
    assert answer.location.endswith("?q=1") == changed
    assert len(answer.links) == (1 if changed else 2)
    nowhere = "http://fallback.example/" if changed else origin
    assert site.ask(f"/t/{section}/nowhere").location == f"{nowhere}{section}/nowhere"
    assert site.ask(f"/t/{section}/").location == f"{origin}{section}/"


def test_a_location_wins_over_a_directory(site):
    assert site.ask("/disk/f").status == 200
    answer = site.ask("/disk/by-location/f")
    assert answer.status == 302 and answer.links == []


def test_a_virtual_host_s_values_win_over_the_server_s(site):
    assert len(site.ask("/t/plain/big?q=1").links) == 2
    answer = site.ask("/t/plain/big?q=1", host="host.example")
    assert answer.links == [] and answer.location.endswith("?q=1")
