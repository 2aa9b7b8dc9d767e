"""Who the client is: its address as mod_remoteip has it, the place that GeoIP gives it, and what it may claim in the query."""

import pytest

import answers
import rig
from answers import COUNTRY, File

MIRRORS = {name: {"http_url": f"http://{name}.example/", "country": country, "region": region, "weight": weight, **columns}
           for name, country, region, weight, columns in (
               ("berlin", "DE", "EU", 100, {"asn": 64496, "latitude": 52.52, "longitude": 13.4}),
               ("tokyo", "JP", "AS", 100, {"asn": 64497}),
               ("newyork", "US", "NA", 100, {}),
               ("everywhere", "**", "", 100, {}),
               ("vienna", "AT", "EU", 1_000_000, {"region_only": True}),
               ("six", "US", "NA", 100, {"ipv4": False, "ipv6": True, "as_only": True, "asn": 64498}))}
FILES = {"f": File(("berlin", "tokyo", "newyork")), "eu": File(("vienna", "tokyo")), "six": File(("six",)),
         "both": File(("six", "newyork"))}
TREE = """
<Location />
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
"""
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
MirrorGeoDatabase {geo}/asn.mmdb
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.0/24
Header always set X-Country "%{MB_COUNTRY_CODE}e"
Header always set X-Region "%{MB_CONTINENT_CODE}e"
""" + TREE


@pytest.fixture(scope="module")
def site(make_site):
    site = make_site(CONFIG, MIRRORS, FILES)
    site.database.sql("INSERT INTO mirror_prefix (mirror_id, prefix) SELECT id, p::cidr FROM mirror, "
                      "unnest(ARRAY['127.0.26.0/24', '2001:db8:ffff::/48', '192.0.2.200']) p WHERE identifier = 'tokyo'")
    return site


@pytest.mark.parametrize("address, country, region, mirror, tier", [
    ("192.0.2.1", "DE", "EU", "berlin", "as"),
    ("192.0.2.130", "US", "NA", "newyork", "country"),
    ("192.0.2.200", "JP", "AS", "tokyo", "prefix"),
    ("::ffff:192.0.2.1", "DE", "EU", "berlin", "as"),
    ("64:ff9b::192.0.2.130", "US", "NA", "newyork", "country"),
    ("64:ff9b::c000:201", "DE", "EU", "berlin", "as"),
    ("2002:c000:0282::1", "US", "NA", "newyork", "country"),
    ("64:ff9b::c000:2c8", "JP", "AS", "tokyo", "prefix"),
    ("2002:c000:2c8:1:2:3:4:5", "JP", "AS", "tokyo", "prefix"),
    ("2001:db8:de::7", "DE", "EU", "berlin", "as"),
    ("2001:db8:a5::7", "US", "NA", "newyork", "country"),
    ("2001:db8:ffff::7", "(null)", "(null)", "tokyo", "prefix"),
    ("64:ff9b:1::c000:201", "(null)", "(null)", None, "far"),
])
def test_the_proxy_s_client_counts(site, address, country, region, mirror, tier):
    answer = site.ask("/f", headers={"X-Client": address})
    assert (answer.get("X-Country"), answer.get("X-Region")) == (country, region)
    assert (answer.get("X-Mirror-Tier"), answer.get("X-Mirror") if mirror else None) == (tier, mirror)


@pytest.mark.parametrize("address", ["no address", "192.0.2.1.5", "192.0.2.1' OR 1=1", "::ffff:999.0.2.1", "", "192.0.2.1x"])
def test_a_broken_address_of_the_proxy_leaves_the_connection_s(site, address):
    answer = site.ask("/f", headers={"X-Client": address})
    assert answer.status == 302 and answer.get("X-Mirror-Tier") == "far" and answer.get("X-Country") == "(null)"


def test_only_trusted_proxies_may_name_the_client(site):
    answer = site.ask("/f", client=COUNTRY["jp"], headers={"X-Client": "192.0.2.1"})
    assert answer.get("X-Country") == "JP" and answer.get("X-Mirror") == "tokyo"


@pytest.mark.parametrize("client, country, region, mirror, tier", [
    ("127.0.10.1", "DE", "EU", "berlin", "as"), ("127.0.11.1", "JP", "AS", "tokyo", "as"),
    ("127.0.12.1", "US", "NA", "newyork", "country"),
    ("127.0.20.1", "SE", "EU", None, "far"), ("127.0.21.1", "(null)", "(null)", "berlin", "as"),
    ("127.0.22.1", "(null)", "EU", None, "far"),
    ("127.0.26.1", "NZ", "OC", "tokyo", "prefix"), ("127.0.0.1", "(null)", "(null)", None, "far"),
    ("127.0.24.1", "US", "NA", "newyork", "country"),
])
def test_the_connection_s_address_counts(site, client, country, region, mirror, tier):
    answer = site.ask("/f", client=client)
    assert (answer.get("X-Country"), answer.get("X-Region"), answer.get("X-Mirror-Tier")) == (country, region, tier)
    assert mirror in (None, answer.get("X-Mirror"))


@pytest.mark.parametrize("query, country, region, mirror, tier", [
    ("country=us", "US", "NA", "newyork", "country"),
    ("country=DE", "DE", "EU", "berlin", "country"),
    ("country=%6ap", "JP", "AS", "tokyo", "country"),
    ("x=y&country=jp&z", "JP", "AS", "tokyo", "country"),
    ("country=us&country=jp", "JP", "AS", "tokyo", "country"),
    ("as=64497", "NZ", "OC", "tokyo", "as"),
    ("as=64496", "NZ", "OC", "berlin", "as"),
    ("country=us&as=64496", "US", "NA", "berlin", "as"),
    ("as=4294967295", "NZ", "OC", None, "far"),
    ("country=fr", "FR", "EU", None, "far"),
])
def test_country_and_as_may_be_claimed(site, query, country, region, mirror, tier):
    """127.0.26.1 is in Auckland, and in tokyo's prefix, which no longer counts."""
    answer = site.ask(f"/f?{query}", client="127.0.26.1")
    assert (answer.get("X-Country"), answer.get("X-Region"), answer.get("X-Mirror-Tier")) == (country, region, tier)
    assert mirror in (None, answer.get("X-Mirror"))


def test_a_claimed_country_moves_the_region_too(site):
    assert site.ask("/eu", client=COUNTRY["de"]).get("X-Mirror") == "vienna"
    assert site.ask("/eu?country=de", client=COUNTRY["jp"]).get("X-Mirror") == "vienna"
    assert site.ask("/eu?country=us", client=COUNTRY["de"]).get("X-Mirror") == "tokyo"


@pytest.mark.parametrize("address, location", [
    ("192.0.2.130", "http://origin.example/six"), ("::ffff:192.0.2.130", "http://origin.example/six"),
    ("2001:db8:a5::1", "http://six.example/six"), ("64:ff9b::192.0.2.130", "http://six.example/six"),
    ("2002:c000:0282::1", "http://six.example/six")])
def test_ipv6_only_mirrors_are_for_ipv6_clients(site, address, location):
    assert site.ask("/six", headers={"X-Client": address}).location == location


def test_ipv6_clients_come_first_to_mirrors_that_speak_ipv6(site):
    answer = site.ask("/both?country=us&as=64498", headers={"X-Client": "2001:db8:a5::1"})
    assert answer.get("X-Mirror") == "six"


def test_a_client_keeps_its_mirror(site):
    chosen = {site.ask("/f").get("X-Mirror") for _ in range(10)}
    assert len(chosen) <= 2  # two when its time slot has just ended


def test_clients_are_spread(site):
    chosen = {site.ask("/f", client=f"127.0.0.{host}").get("X-Mirror") for host in range(2, 60)}
    assert chosen == {"berlin", "tokyo", "newyork"}


def test_an_ipv6_connection_is_looked_up(site, make_httpd, geo):
    if not rig.has_ipv6():
        pytest.skip("no IPv6 on loopback")
    config = f"MirrorDatabase {site.database.conninfo()}\nMirrorGeoDatabase {geo}/city.mmdb\n"
    server = make_httpd(config + TREE, address="::1")
    assert answers.ask(server, "/f", client="::1").location == "http://berlin.example/f"


def test_a_v4_mapped_connection_is_an_ipv4_client(site, make_httpd, geo):
    """On a socket for both families, IPv4 clients appear as v4-mapped addresses."""
    if not rig.has_ipv6():
        pytest.skip("no IPv6 on loopback")
    port = rig.free_port("127.0.0.1")
    config = f"MirrorDatabase {site.database.conninfo()}\nMirrorGeoDatabase {geo}/city.mmdb\nListen [::]:{port}\n"
    server = make_httpd(config + TREE)
    server.port = port
    assert answers.ask(server, "/f", client=COUNTRY["jp"]).location == "http://tokyo.example/f"
    assert answers.ask(server, "/six", client=COUNTRY["us"]).location == "http://origin.example/six"


@pytest.mark.parametrize("files, country", [
    ((), "(null)"), (("flat.mmdb",), "JP"), (("city.mmdb",), "JP"), (("asn.mmdb",), "(null)")])
def test_geo_files_of_either_layout_or_none_will_do(site, make_httpd, geo, files, country):
    lines = "".join(f"MirrorGeoDatabase {geo}/{name}\n" for name in files)
    lines += f'MirrorDatabase {site.database.conninfo()}\nHeader always set X-Country "%{{MB_COUNTRY_CODE}}e"\n'
    server = make_httpd(lines + TREE)
    answer = answers.ask(server, "/f", client=COUNTRY["jp"])
    assert answer.get("X-Country") == country
    tier = {(): "far", ("flat.mmdb",): "as", ("city.mmdb",): "country", ("asn.mmdb",): "as"}[files]
    assert answer.get("X-Mirror-Tier") == tier
    assert ("no MirrorGeoDatabase" in server.log()) == (not files)
