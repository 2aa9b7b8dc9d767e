"""What a prober has found of the mirrors: who is redirected to them then, and what mb shows of it."""

import json

import pytest
import rig
from answers import File

MIRRORS = {"both": {"http_url": "http://both.example/", "https_url": "https://both.example/", "ipv6": True},
           "other": {"http_url": "http://other.example/", "weight": 0}}
CONFIG = """
MirrorDatabase {database}
MirrorCatalog Off
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.0/8
<Location /files>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  SetEnvIf X-Secure on HTTPS=on
</Location>
"""
V4, V6 = "192.0.2.1", "2001:db8::1"


def down(*ways, reason="connection refused"):
    """SQL: just these ways to the mirror are down."""
    rows = ", ".join(f"((SELECT id FROM mirror WHERE identifier = 'both'), '{way.partition('/')[0]}', "
                     f"'{way.partition('/')[2]}', 'down', '{reason}')" for way in ways)
    return "DELETE FROM health;" + (f"INSERT INTO health (mirror_id, scheme, family, state, reason) VALUES {rows};" if ways else "")


@pytest.fixture(scope="module")
def site(make_site):
    return make_site(CONFIG, MIRRORS, {"f": File(tuple(MIRRORS))})


@pytest.mark.parametrize("ways, http4, http6, https4, https6", [
    ((), "http://both", "http://both", "https://both", "https://both"),
    (("http/ipv6", "https/ipv6"), "http://both", "http://origin", "https://both", "http://origin"),
    (("https/ipv4", "https/ipv6"), "http://both", "http://both", "http://origin", "http://origin"),
    (("http/ipv4", "http/ipv6"), "https://both", "https://both", "https://both", "https://both"),
    (("http/ipv4", "http/ipv6", "https/ipv4", "https/ipv6"), *4 * ("http://origin",)),
], ids=["nothing", "ipv6", "https", "http", "everything"])
def test_what_is_down_is_left_out_for_those_who_would_take_it(site, ways, http4, http6, https4, https6):
    site.database.sql(down(*ways))

    def answered():
        return [site.ask("/files/f", headers={"X-Client": client, "X-Secure": secure}).location.partition(".")[0]
                for secure in ("off", "on") for client in (V4, V6)]
    rig.wait_for("what clients get", lambda: answered() == [http4, http6, https4, https6], 10)


def test_lists_name_the_ways_that_are_up(site):
    site.database.sql(down("http/ipv4", "https/ipv6"))
    for client, wanted, other in ((V4, b"https://both", b"http://both"), (V6, b"http://both", b"https://both")):
        def listed():
            body = site.ask("/files/f.meta4", headers={"X-Client": client}).body
            return wanted in body and other not in body
        rig.wait_for(f"the list for {client}", listed, 10)


def test_mb_says_what_is_down_since_when_and_why(site):
    site.database.sql("UPDATE mirror SET standing = 'good', standing_reason = ''; DELETE FROM event;" +
                      down("http/ipv4", "http/ipv6", "https/ipv4", "https/ipv6", reason="certificate expired"))

    def mb(*args):
        return site.database.tool("mb", *args).stdout
    assert "down: certificate expired" in mb("explain", "f", "--ip", V4)
    row = next(line for line in mb("list", "--health").splitlines() if line.startswith("both"))
    assert row.split()[:7] == ["both", "down", "good", "down", "down", "down", "down"] and row.endswith("certificate expired")
    shown = json.loads(mb("show", "both", "--json"))
    assert shown["down"] == ["http/ipv4", "http/ipv6", "https/ipv4", "https/ipv6"]
    assert {way["reason"] for way in shown["health"]} == {"certificate expired"}
    assert all(0.99 < way["availability"]["1"] <= 1 for way in shown["health"])
    events = json.loads(mb("events", "both", "--json"))
    assert [(event["what"], event["from"], event["to"]) for event in events] == [
        (way, "unknown", "down") for way in shown["down"]]
    assert "certificate expired" in mb("show", "both")
    site.database.sql("UPDATE mirror SET standing = 'stale', standing_reason = 'three days behind' WHERE identifier = 'both'")
    assert "stale: three days behind" in mb("explain", "f", "--ip", V4)
    assert "good" in mb("events") and "three days behind" in mb("events")
    assert "no events" in site.database.tool("mb", "events", "other").stderr
