"""The site in serving.md redirects: http and https, HTTP/2, and by the client's address that a balancer tells."""

import subprocess

import pytest

import rig
from answers import COUNTRY, SIZE, File, ask
from manual import blocks

MIRRORS = {"berlin": {"http_url": "http://berlin.example/", "https_url": "https://berlin.example/", "country": "DE", "region": "EU"},
           "tokyo": {"http_url": "http://tokyo.example/", "country": "JP", "region": "AS"}}
FILES = {"f": File(tuple(MIRRORS), size=SIZE)}


@pytest.fixture(scope="module")
def site(make_site, authority):
    site, balancer = [block.text for block in blocks("serving.md") if block.kind == "apache"][:2]
    certificate, key = authority.certificate("download.example.org")
    stands_for = {"dbname=mirrors": "{database}", "/var/lib/GeoIP/GeoLite2-City": "{geo}/city", "/var/lib/GeoIP/GeoLite2-ASN": "{geo}/asn",
                  "${APACHE_LOG_DIR}": "{dir}", "*:80": "127.0.0.1:{port}", "*:443": "127.0.0.1:{tls_port}", "192.0.2.10": "127.0.0.1",
                  "/etc/ssl/certs/download.example.org.pem": str(certificate), "/etc/ssl/private/download.example.org.key": str(key)}
    config = site + balancer
    for name, value in stands_for.items():
        assert name in config
        config = config.replace(name, value)
    return make_site(config, MIRRORS, FILES, tls=authority, modules=("http2",))


def header(country):
    return {"X-Forwarded-For": COUNTRY[country]}


@pytest.mark.parametrize("client, headers, location", [
    ("127.0.0.1", header("jp"), "http://tokyo.example/f"),
    ("127.0.0.1", header("de"), "http://berlin.example/f"),
    # TLS ended at the balancer.
    ("127.0.0.1", {**header("jp"), "X-Forwarded-Proto": "https"}, "https://berlin.example/f"),
    # From everybody else the header is ignored.
    (COUNTRY["de"], header("jp"), "http://berlin.example/f"),
])
def test_the_balancer_is_believed_and_nobody_else(site, client, headers, location):
    assert site.ask("/pub/f", client=client, headers=headers, host="download.example.org").location == location


def test_the_log_has_the_client_and_its_mirror(site):
    ask(site.httpd, "/pub/f", headers=header("jp"))
    rig.wait_for("the log's line", lambda: any(
        line.startswith(COUNTRY["jp"] + " ") and "mirror=tokyo tier=country country=JP size=10000" in line
        for line in site.logged("mirror.log")), 60)


def test_https_clients_get_https_over_http2(site, authority):
    port = site.httpd.tls_port
    done = subprocess.run(["curl", "-sI", "--http2", "--cacert", authority.ca_file, "--resolve", f"download.example.org:{port}:127.0.0.1", "-w",
                           "%{http_version} %{redirect_url}", f"https://download.example.org:{port}/pub/f"], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "2 https://berlin.example/f", done
