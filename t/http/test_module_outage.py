"""The database goes down and comes back: what requests get in the meantime, how long they wait, what the log says."""

import contextlib
import socket

import pytest

import rig
from answers import SIZE
from outages import CONFIG, DATABASE, LIMIT_S, MARGIN_S, MIRROR, OUTAGE, RECOVERY, Redirector, at_once, fill_postgres, median_s

POLICIES = """
MirrorDatabase {database}
MirrorEngine On
MirrorFallback - - http://fallback.example/all/
<Location /local/unavailable>
  MirrorDatabaseDown Unavailable
</Location>
<Location /local/fallback>
  MirrorDatabaseDown Fallback
</Location>
<Location /local/elsewhere>
  MirrorDatabaseDown Fallback
  MirrorFallback AS jp http://jp.example/
</Location>
<Location /db>
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
<Location /db/serve>
  MirrorDatabaseDown Serve
</Location>
<Location /db/fallback>
  MirrorDatabaseDown Fallback
</Location>
"""


@pytest.fixture(scope="module")
def _cluster(build):
    with rig.Postgres(tcp=True) as server:
        fill_postgres(server, build)
        yield server


@pytest.fixture
def postgres(_cluster):
    """A cluster that tests may freeze and stop."""
    yield _cluster.start()
    _cluster.thaw()


@pytest.fixture
def make(postgres, build, cleanup):
    return lambda **options: cleanup(Redirector(postgres, build, **options))


OUTAGES = {"stopped": (rig.Postgres.stop, rig.Postgres.start), "frozen": (rig.Postgres.freeze, rig.Postgres.thaw)}
kinds_of_outage = pytest.mark.parametrize("kind", OUTAGES)


def check_outage(site, kind):
    """The database is down: one request at most waits for it, and it comes back by itself."""
    first = site.ask()
    assert first.seconds < LIMIT_S + MARGIN_S
    later = [site.ask() for _ in range(20)]
    assert median_s(later) < 0.2
    assert sum(one.seconds > 0.5 for one in [first, *later]) <= 2
    assert {one.answer.status for one in [first, *later]} == {200}
    children = set(site.httpd.children())
    OUTAGES[kind][1](site.postgres)
    site.wait_until_it_redirects()
    assert set(site.httpd.children()) & children, "httpd was restarted"
    assert len(site.log_lines(OUTAGE)) == 1 and len(site.log_lines(RECOVERY)) == 1


@kinds_of_outage
def test_database_that_is_down_from_the_start_costs_little(postgres, make, kind):
    OUTAGES[kind][0](postgres)
    check_outage(make().start(), kind)


@kinds_of_outage
def test_database_that_goes_down_costs_little(postgres, make, kind):
    site = make().start()
    site.wait_until_it_redirects()
    OUTAGES[kind][0](postgres)
    check_outage(site, kind)


def test_what_one_child_learns_the_others_know(postgres, make):
    site = make(mpm="prefork").start()
    site.wait_until_it_redirects()
    at_once(4, lambda: [site.ask() for _ in range(5)])  # every child has a connection
    postgres.freeze()
    before = len(site.processes())
    for _ in range(30):
        site.ask()
    outage = site.processes()[before:]
    assert sum(seconds > 0.5 for _, seconds in outage) <= 2
    assert len({pid for pid, _ in outage}) >= 3
    assert len(site.log_lines(OUTAGE)) == 1


def test_crowd_in_a_frozen_moment_waits_no_longer_than_the_limit(postgres, make):
    site = make().start()
    site.wait_until_it_redirects()
    postgres.freeze()
    assert max(one.seconds for one in at_once(24, site.ask)) < LIMIT_S + MARGIN_S
    assert max(one.seconds for one in at_once(24, site.ask)) < 1.0
    postgres.thaw()
    site.wait_until_it_redirects()
    assert len(site.log_lines(OUTAGE)) == 1


def test_limit_is_what_the_directive_says(postgres, make):
    site = make(config="MirrorDatabaseTimeout 500ms\n" + CONFIG).start()
    site.wait_until_it_redirects()
    postgres.freeze()
    assert 0.4 < site.ask().seconds < 1.8


@pytest.mark.parametrize("target, status, location", [
    ("/local/f", 200, None),
    ("/local/unavailable/f", 503, None),
    ("/local/fallback/f", 302, "http://fallback.example/all/local/fallback/f"),
    ("/local/elsewhere/f", 503, None),
    ("/db/f", 503, None),
    ("/db/serve/f", 302, "http://origin.example/db/serve/f"),
    ("/db/fallback/f", 302, "http://fallback.example/all/db/fallback/f"),
    ("/local/f?meta4", 503, None),
    ("/db/serve/f?meta4", 503, None),
])
def test_directive_says_what_requests_get_meanwhile(policies, target, status, location):
    answer = policies.ask(target).answer
    assert (answer.status, answer.location) == (status, location)
    assert (answer.get("Retry-After") is not None) == (status == 503)
    assert (len(answer.body) == SIZE) == (status == 200)


@pytest.fixture(scope="module")
def policies(build):
    """No database ever."""
    with contextlib.ExitStack() as stack:
        nowhere = f"host=127.0.0.1 port={rig.CLOSED_PORT} dbname=x user=x"
        site = Redirector(None, build, config=POLICIES, conninfo=nowhere)
        stack.callback(site.close)
        files = {f"local/{folder}/f": SIZE for folder in ("unavailable", "fallback", "elsewhere")}
        rig.make_tree(site.httpd.docroot, files)
        yield site.start()


def test_one_database_down_leaves_the_others_alone(postgres, make):
    nowhere = f"host=127.0.0.1 port={rig.CLOSED_PORT} dbname=x user=x"
    good = postgres.conninfo(DATABASE)
    for first, second in ((good, nowhere), (nowhere, good)):
        config = "".join(f"<Location /{place}>\nMirrorEngine On\nMirrorDatabase {conninfo}\n</Location>\n"
                         for place, conninfo in (("local", first), ("local/other", second)))
        site = make(config=config)
        rig.make_tree(site.httpd.docroot, {"local/other/f": SIZE})
        site.start()
        well, down = ("/local/f", "/local/other/f") if first == good else ("/local/other/f", "/local/f")
        rig.wait_for("the outage", lambda: site.log_lines(OUTAGE))
        for _ in range(10):
            assert site.ask(well).answer.status == 302
            assert site.ask(down).answer.status == 200


@contextlib.contextmanager
def silent_host():
    """Takes connections and never says a word: yields its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("order", ["silent first", "silent last", "silent twice"])
def test_silent_host_does_not_hide_the_good_one(postgres, make, order):
    with silent_host() as silent, silent_host() as other:
        ports = {"silent first": [silent, postgres.port], "silent last": [postgres.port, silent],
                 "silent twice": [silent, other, postgres.port]}[order]
        conninfo = (f"host={','.join(['127.0.0.1'] * len(ports))} port={','.join(map(str, ports))} "
                    f"dbname={DATABASE} user=postgres")
        site = make(conninfo=conninfo).start()
        first = site.ask()
        assert first.seconds < LIMIT_S + MARGIN_S and first.answer.location == MIRROR + "f"
        assert median_s([site.ask() for _ in range(20)]) < 0.2
        # Its new connections, and those of the other child, know by now which host is well.
        assert sum(one.seconds > 0.5 for one in at_once(8, site.ask)) == 0
        assert not site.log_lines(OUTAGE)


def test_host_that_falls_silent_is_replaced_by_the_next(postgres, make, build):
    with rig.Postgres(tcp=True) as standby:
        fill_postgres(standby, build)
        ports = f"{postgres.port},{standby.port}"
        site = make(conninfo=f"host=127.0.0.1,127.0.0.1 port={ports} dbname={DATABASE} user=postgres").start()
        site.wait_until_it_redirects()
        postgres.freeze()
        assert site.ask().seconds < LIMIT_S + MARGIN_S
        site.wait_until_it_redirects()
        assert len(site.log_lines(OUTAGE)) == 1
