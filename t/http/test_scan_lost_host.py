"""mb-scan whose database's host vanishes: nothing answers any more, not even the host's TCP."""

import os
import subprocess
import sys
import time

import pytest
import rig
from scanning import World

NAMESPACE = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net"]
# Runs a command in a network of its own. Its port 5432 is the Unix socket SERVER, which reaches out of that network.
RELAY = """
import os, socket, subprocess, sys, threading
def copy(source, sink):
    while piece := source.recv(65536):
        sink.sendall(piece)
def serve():
    while True:
        near, far = listener.accept()[0], socket.socket(socket.AF_UNIX)
        far.connect(os.environ["SERVER"])
        threading.Thread(target=copy, args=(near, far), daemon=True).start()
        threading.Thread(target=copy, args=(far, near), daemon=True).start()
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
listener = socket.create_server(("127.0.0.1", 5432))
threading.Thread(target=serve, daemon=True).start()
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""
LIMIT_S = 3  # as a connection string may ask for; 120 when it says nothing


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.fill_source({"f": b"12345"})
    world.mirror("a")
    world.configure(more=f'database = "keepalives_idle=1 keepalives_interval=1 keepalives_count=2 tcp_user_timeout={LIMIT_S * 1000}"\n')
    return world


def lonely_scan(world, listing):
    """A scan in a network of its own, in which `rsync` is this shell script."""
    program = world.database.build.program("mb-scan")
    server = world.database.postgres.dir / f".s.PGSQL.{world.database.postgres.port}"
    return rig.run([*NAMESPACE, sys.executable, "-c", RELAY, program, "--config", world.config, "a"], check=False, timeout_s=60,
                   env={**world.database.environment(), **world.fake_rsync(listing), "SERVER": str(server),
                        "PGHOST": "127.0.0.1", "PGPORT": "5432"})


def test_its_wait_ends_at_the_limit_of_the_connection(world):
    if subprocess.run([*NAMESPACE, "ip", "link", "set", "lo", "up"], capture_output=True).returncode:
        pytest.skip("this user may not make a network")
    listing = world.scratch / "listing"
    record = world.fake_rsync(f'/usr/bin/rsync "$@" >{listing} && cat {listing}\n')
    world.database.tool("mb-scan", "--config", world.config, "a", env=record)
    assert lonely_scan(world, f"cat {listing}\n").returncode == 0

    began = time.monotonic()
    lost = lonely_scan(world, f"cat {listing}; ip link set lo down\n")
    assert lost.returncode == 2 and time.monotonic() - began < 10 * LIMIT_S
    assert "mirror 'a'" in lost.stderr and "Connection timed out" in lost.stderr
