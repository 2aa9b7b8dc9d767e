"""mb-scan over a TCP connection to PostgreSQL that goes silent: its wait ends, and it does not lock out others for long."""

import re
import signal
import subprocess
import time

import pytest
import rig
from scanning import World
from silent_line import SilentLine


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.fill_source({"f": b"12345"})
    world.mirror("a")
    world.line = cleanup(SilentLine(database.postgres.port))
    world.over_tcp = {"PGHOST": "127.0.0.1", "PGPORT": str(world.line.port)}
    return world


@pytest.fixture
def silent_scan(world):
    """A scan of `a` that holds its lock and will never hear of the database again."""
    started, go_on = world.scratch / "started", world.scratch / "go-on"
    listing = f"touch {started}; while ! [ -e {go_on} ]; do sleep 0.05; done; exec /usr/bin/rsync \"$@\"\n"
    scan = world.start_scan("a", env={**world.over_tcp, **world.fake_rsync(listing)})
    rig.wait_for("the scan", started.exists)
    world.line.go_silent()
    go_on.touch()
    yield scan
    scan.kill()
    scan.communicate()


def keepalive_timers(port):
    """Seconds until the server that listens on that port of 127.0.0.1 looks for each of its silent clients."""
    done = subprocess.run(["ss", "-tnoH", "state", "established", f"( sport = :{port} )"], capture_output=True, text=True,
                          check=True, timeout=20)
    found = re.findall(r"timer:\(keepalive,(?:(\d+)min)?(?:(\d+)(?:\.\d+)?sec)?", done.stdout)
    return [60 * int(minutes or 0) + int(seconds or 0) for minutes, seconds in found]


def test_sigterm_ends_it(silent_scan):
    time.sleep(1)  # it waits for the database by now
    assert silent_scan.poll() is None
    began = time.monotonic()
    silent_scan.send_signal(signal.SIGTERM)
    _, errors = silent_scan.communicate(timeout=20)
    assert time.monotonic() - began < 8 and silent_scan.returncode == 2
    assert "mirror 'a'" in errors


def test_the_server_looks_for_a_client_that_vanished(world, silent_scan):
    rig.wait_for("a timer", lambda: keepalive_timers(world.database.postgres.port), 10)
    assert max(keepalive_timers(world.database.postgres.port)) <= 60


@pytest.mark.parametrize("program", ("mb-scan", "mb"))
def test_its_lock_is_broken_and_its_holder_named(world, silent_scan, program):
    words = ("a",) if program == "mb-scan" else ("scan", "a")
    refused = world.database.tool(program, "--config", world.config, *words, check=False)
    host = subprocess.run(["hostname"], capture_output=True, text=True, check=True).stdout.strip()
    holder = f"mb-scan on host {host}, process {silent_scan.pid}, since 20"
    assert refused.returncode == 2 and f"another scan of it is running: {holder}" in refused.stderr
    assert "--break-lock ends it" in refused.stderr
    done = world.database.tool(program, "--config", world.config, *words[:-1], "--break-lock", "a")
    assert f"mirror 'a': ended another scan of it: {holder}" in done.stderr
    assert world.files_of("a") == ["f"]
    assert "ended" not in world.database.tool(program, "--config", world.config, *words).stderr
