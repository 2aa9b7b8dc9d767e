"""mb-probe and certificates: each fault in words, and a warning before the end."""

import datetime

import pytest

import rig
from probing import World, answer


@pytest.fixture
def world(database, scratch, cleanup, authority):
    world = World(database, scratch, cleanup)
    world.configure(f'probe_ca = "{authority.ca_file}"\n')
    return world


@pytest.fixture(scope="module")
def stranger():
    """An authority that nobody trusts."""
    with rig.Scratch("mirror-ca") as path:
        yield rig.Authority(path)


def day(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%d")


def test_a_good_certificate(world, authority):
    end = day(30)
    server = world.talker(answer(), tls=authority.certificate("127.0.0.1", days=30))
    world.mirrors({"a": {"https_url": server.url()}})
    done = world.probe("a", check=True)
    assert done.stderr == "" and world.health() == {"a https/ipv4": ["up", ""]}
    assert world.database.sql("SELECT certificate_end::date FROM health").strip() in (end, day(30))


def test_a_certificate_that_ends_soon_is_up_with_a_warning(world, authority):
    ends = [day(5)]
    server = world.talker(answer(), tls=authority.certificate("127.0.0.1", days=5))
    ends.append(day(5))
    world.mirrors({"a": {"https_url": server.url()}})
    done = world.probe("a", check=True)
    assert done.stderr in [f"mb-probe: mirror 'a': the certificate ends on {end}, in {left} days (https/ipv4)\n"
                           for end in ends for left in (4, 5)]


def test_a_certificate_that_ends_soon_is_one_event(world, authority):
    server = world.talker(answer(), tls=authority.certificate("localhost", days=5))
    world.mirrors({"a": {"https_url": server.url("localhost")}})
    for _ in range(3):
        world.probe("a", check=True)
        world.database.sql("UPDATE health SET checked = now()")
    events = world.database.sql("SELECT \"from\", \"to\", why FROM event WHERE what = 'certificate'").splitlines()
    assert len(events) == 1 and events[0].startswith("valid|ends 20") and events[0].endswith("|https/ipv4")
    world.database.sql("UPDATE health SET certificate_end = certificate_end + interval '1 day'")
    assert world.database.sql("SELECT count(*) FROM event WHERE what = 'certificate'").strip() == "2"
    world.database.sql("UPDATE health SET certificate_end = certificate_end + interval '300 days'")
    assert world.database.sql("SELECT count(*) FROM event WHERE what = 'certificate'").strip() == "2"


def test_an_expired_certificate_takes_https_alone(world, authority):
    ended = [day(-1)]
    secure = world.talker(answer(), tls=authority.certificate("127.0.0.1", days=-1))
    ended.append(day(-1))
    plain = world.talker(answer())
    world.mirrors({"a": {"http_url": plain.url(), "https_url": secure.url()}})
    assert world.probe("a").returncode == 1
    assert world.health() in [{"a http/ipv4": ["up", ""], "a https/ipv4": ["down", f"the certificate expired on {day}"]}
                              for day in ended]
    assert not secure.requests


def reason(world, server, host=None):
    world.mirrors({"a": {"https_url": server.url(host)}})
    world.probe("a")
    state, why = world.health()["a https/ipv4"]
    assert state == "down" and not server.requests
    return why


def test_a_certificate_of_a_stranger(world, stranger):
    server = world.talker(answer(), tls=stranger.certificate("127.0.0.1"))
    assert reason(world, server).startswith("its certificate cannot be trusted: ")


def test_a_self_signed_certificate(world, stranger):
    server = world.talker(answer(), tls=(stranger.ca_file, stranger.dir / "ca.key"))
    assert reason(world, server) == "its certificate cannot be trusted: self-signed certificate"


def test_a_certificate_for_another_host(world, authority):
    server = world.talker(answer(), tls=authority.certificate("other.example"))
    assert reason(world, server) == ("its certificate cannot be trusted: no alternative certificate subject name matches target"
                                     " host name '127.0.0.1'")


def test_plain_http_on_the_https_port(world):
    server = world.talker(answer())
    world.mirrors({"a": {"https_url": server.url().replace("http:", "https:")}})
    assert world.checks("a")[-1]["state"] == "down"


def test_a_redirect_from_https_to_http(world, authority):
    other = world.talker(answer())
    server = world.talker(answer(302, Location=other.url() + "pool/f%201.deb"), tls=authority.certificate("127.0.0.1", days=30))
    world.mirrors({"a": {"https_url": server.url()}})
    assert world.checks("a")[-1]["reason"].startswith("redirects from https to http: http://127.0.0.1:") and not other.requests


def test_a_redirect_to_a_bad_certificate_names_the_host(world, authority, stranger):
    other = world.talker(answer(), tls=stranger.certificate("localhost"))
    server = world.talker(answer(302, Location=other.url("localhost") + "pool/f%201.deb"),
                          tls=authority.certificate("127.0.0.1", days=30))
    world.mirrors({"a": {"https_url": server.url()}})
    assert world.checks("a")[-1]["reason"].startswith("redirects to localhost: its certificate cannot be trusted")
