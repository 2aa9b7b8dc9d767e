"""The rig itself: what the other tests rely on."""

import subprocess
import sys
import textwrap
import urllib.request

import pytest

import rig


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


def test_postgres_freezes_and_thaws():
    with rig.Postgres() as postgres:
        assert postgres.sql("SELECT 1") == "1"
        postgres.freeze()
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(["psql", "-Xc", "SELECT 1", postgres.conninfo()], timeout=0.5, capture_output=True)
        postgres.thaw()
        assert postgres.sql("SELECT 2") == "2"
        postgres.restart()
        assert postgres.sql("SELECT 3") == "3"


def test_web_server_and_rsync_daemon_serve_the_tree(scratch):
    tree = rig.make_tree(scratch / "tree", {"a/b.txt": "hello", "big": (70000, 1_600_000_000)})
    with rig.MirrorHost("m", tree, address="127.0.0.7") as host:
        assert fetch(host.http_url + "a/b.txt") == b"hello"
        listing = rig.run(["rsync", "-r", "--no-motd", host.rsync_url], env={"TZ": "UTC", "LC_ALL": "C"}).stdout
        assert "70,000 2020/09/13 12:26:40 big" in listing


def test_https_is_trusted_by_its_authority(scratch, authority):
    tree = rig.make_tree(scratch / "tree", {"f": "bytes"})
    with rig.WebServer(tree, tls=authority) as web:
        assert rig.run(["curl", "-sS", "--fail", "--cacert", authority.ca_file, web.tls_url + "f"]).stdout == "bytes"


def test_httpd_restarts_gracefully(make_httpd):
    server = make_httpd(mirror=False)
    (server.docroot / "x").write_text("x")
    server.graceful()
    assert fetch(server.url + "x") == b"x"


def test_servers_end_with_a_killed_parent(tmp_path):
    program = textwrap.dedent(f"""
        import sys; sys.path[:0] = {sys.path!r}
        import rig, os, signal
        with rig.Postgres() as pg:
            print(pg._process.pid, pg.dir, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    out = subprocess.run([sys.executable, "-Bc", program], capture_output=True, text=True).stdout
    pid, folder = out.split()
    rig.wait_for("PostgreSQL to end", lambda: not _runs(pid, folder))
    rig.run(["rm", "-rf", folder])


def _runs(pid, folder):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return folder.encode() in file.read()
    except OSError:
        return False
