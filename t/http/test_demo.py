"""tools/demo as a user runs it, on the build under test."""

import errno
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

import rig
import rig.demo


@pytest.fixture
def temp_folder():
    """Where the demo may put things; short, since sockets live there."""
    with tempfile.TemporaryDirectory(prefix="demo-", dir="/tmp") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


@pytest.fixture
def demo(build, temp_folder):
    """Starts the demo's program with these arguments; all of its processes can be told by the folder's name."""
    environment = {**os.environ, "MIRROR_SRCDIR": str(build.srcdir), "MIRROR_BUILDDIR": str(build.builddir),
                   "PYTHONPATH": str(build.srcdir / "t"), "TMPDIR": str(temp_folder)}
    started = []

    def start(*arguments):
        process = subprocess.Popen([sys.executable, "-B", "-m", "rig.demo", *arguments], env=environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def processes_of(folder):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in command:
                found.append(command)
    return found


def assert_all_gone(folder):
    rig.wait_for("the demo's processes to be gone", lambda: not processes_of(folder), 10)
    assert list(folder.iterdir()) == []


def test_once_shows_downloads_in_five_countries(demo, temp_folder):
    process = demo("--once")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert "DIFFERS" not in out and "failed:" not in out
    countries = {place for place in ("DE", "AT", "FR", "US", "JP", "BR", "ZA", "AU") for line in out.splitlines()
                 if f", {place}" in line and line.endswith("matches")}
    assert len(countries) >= 5
    assert_all_gone(temp_folder)


def test_command_gets_the_environment_and_gives_its_status(demo, temp_folder):
    script = 'mb list --json >/dev/null && mb-scan --version >/dev/null && psql -XAtc "SELECT 1" && test -r "$MB_CONFIG" && ' \
             'curl -fsS -o /dev/null -w "%{http_code}\n" "$MIRROR_URL" && exit 7'
    process = demo("--", "sh", "-c", script)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 7, out + err
    assert out == "1\n200\n"
    assert_all_gone(temp_folder)


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_signals_stop_all(demo, temp_folder, number, status):
    process = demo()
    for line in process.stdout:
        if "Ctrl-C" in line:
            break
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert_all_gone(temp_folder)


def test_interrupted_while_starting(demo, temp_folder):
    process = demo()
    rig.wait_for("PostgreSQL's folder", lambda: any("mirror-pg" in p.name for p in temp_folder.iterdir()))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert_all_gone(temp_folder)


@pytest.mark.parametrize("error", [
    OSError(errno.ENOSPC, "x"), shutil.Error([("a", "b", f"[Errno 28] {os.strerror(errno.ENOSPC)}: 'a' -> 'b'")] * 1000),
    rig.RigError(f"initdb: could not write to file: {os.strerror(errno.ENOSPC)}")], ids=["file", "tree", "server"])
def test_a_full_disk_is_named(error):
    assert rig.demo.reason(error).startswith(f"no space left in {tempfile.gettempdir()}")


def test_taken_port_is_named(demo, temp_folder, scratch):
    with rig.WebServer(rig.make_tree(scratch / "tree", {"f": "x"})) as other:
        process = demo("--once", "--port", str(other.port))
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith(f"tools/demo: port {other.port} on 127.0.0.1 is taken")
    assert_all_gone(temp_folder)
