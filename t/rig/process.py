"""Processes that never outlive us, the scratch folders that they live in, and waiting without sleeping blindly."""

import atexit
import contextlib
import ctypes
import os
import pathlib
import pty
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time

_PR_SET_PDEATHSIG = 1
# How many times longer than on a quiet machine what must come to pass may take. Where a test is about speed, it measures.
_PATIENCE = float(os.environ.get("MIRROR_PATIENCE", "1"))
_libc = ctypes.CDLL(None, use_errno=True)


class RigError(RuntimeError):
    """A server or tool that did not do what it should; the message says which one and shows the end of its log."""


def is_root():
    return os.geteuid() == 0


def _die_with_parent(death_signal):
    parent = os.getpid()

    def in_child():
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(127)

    return in_child


def wait_for(what, condition, deadline_s=20.0):
    """Polls until condition() is true and returns its value; RigError naming `what` after deadline_s seconds (of a quiet machine)."""
    deadline_s *= _PATIENCE
    end = time.monotonic() + deadline_s
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RigError(f"{what}: not within {deadline_s:g} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def read_terminal(ours):
    """What a terminal is sent until nobody has its other end open; closes ours."""
    shown = b""
    with contextlib.suppress(OSError):  # EIO: all is read
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    return shown.decode()


def run_on_terminal(argv, env=None):
    """Runs a command whose standard error is a terminal; (CompletedProcess, what the terminal was sent)."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([os.fspath(a) for a in argv], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = read_terminal(ours)
    output, _ = process.communicate(timeout=60)
    return subprocess.CompletedProcess(argv, process.returncode, output), shown


def run_measured(argv, env=None):
    """Runs a command to its end; (CompletedProcess without output, bytes of memory at its peak, seconds of CPU time). A child's
    ru_maxrss would begin with ours."""
    process = subprocess.Popen([os.fspath(a) for a in argv], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    peak, usage = 0, None
    while usage is None:
        try:
            text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            text = ""
        peak = max([peak, *(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM:"))])
        time.sleep(0.01)
        pid, status, found = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode, usage = os.waitstatus_to_exitcode(status), found
    return subprocess.CompletedProcess(argv, process.returncode), peak, usage.ru_utime + usage.ru_stime


def tail(path, lines=15):
    try:
        text = pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def run(argv, *, user=None, env=None, cwd=None, input=None, timeout_s=300, check=True):
    """Runs a command to its end; its CompletedProcess with text output. With check, RigError when it fails."""
    argv = [os.fspath(a) for a in argv]
    try:
        done = subprocess.run(argv, env=env, cwd=cwd, input=input, timeout=timeout_s, capture_output=True, text=True,
                              errors="replace", stdin=subprocess.DEVNULL if input is None else None,
                              preexec_fn=_die_with_parent(signal.SIGTERM), **as_user(user))
    except FileNotFoundError as error:
        raise RigError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise RigError(f"{argv[0]}: not done within {timeout_s:g} s") from error
    if check and done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise RigError(f"{' '.join(argv[:3])}: exit status {done.returncode}: {said}")
    return done


def as_user(name):
    """subprocess's arguments for running as that user, or as a number that nobody has, in group 0; none for None."""
    if name is None:
        return {}
    if isinstance(name, int):
        return {"user": name, "group": 0, "extra_groups": []}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Process:
    """One server in the foreground. `log` receives its output; stop() is safe to call at any time, any number of times."""

    def __init__(self, name, argv, log, *, env=None, cwd=None, user=None, stop_signal=signal.SIGTERM,
                 death_signal=signal.SIGTERM):
        self.name = name
        self.log = pathlib.Path(log)
        self.stop_signal = stop_signal
        # A session of its own: Ctrl-C on the terminal reaches us, and we stop the servers in order.
        try:
            with open(self.log, "ab") as out:
                self.popen = subprocess.Popen([os.fspath(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                              env=env, cwd=cwd, start_new_session=True,
                                              preexec_fn=_die_with_parent(death_signal), **as_user(user))
        except FileNotFoundError as error:
            raise RigError(f"{name}: {argv[0]} is not installed") from error

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def wait_until(self, condition, deadline_s=30.0):
        """Waits for condition(); RigError with the end of the log when the process ends first or the time is over."""
        def check():
            if condition():
                return True
            if not self.alive():
                raise RigError(f"{self.name} ended with status {self.popen.returncode}:\n{tail(self.log)}")
            return False
        wait_for(f"{self.name} to start", check, deadline_s)

    def signal(self, number):
        if self.alive():
            self.popen.send_signal(number)

    def descendants(self):
        """Process ids of all children, their children and so on."""
        children = {}
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    fields = pathlib.Path(entry.path, "stat").read_text(errors="replace").rpartition(")")[2].split()
                    children.setdefault(int(fields[1]), []).append(int(entry.name))
                except OSError:
                    pass  # it ended meanwhile
        found, todo = [], [self.pid]
        while todo:
            below = children.get(todo.pop(), [])
            found += below
            todo += below
        return found

    def stop(self, timeout_s=15.0):
        """Ends the process, first kindly, then by force together with its children. Returns its exit status."""
        if self.alive():
            self.popen.send_signal(self.stop_signal)
            try:
                self.popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                for pid in [*self.descendants(), self.pid]:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                self.popen.wait()
        return self.popen.returncode


class Scratch:
    """A folder that others (postgres, www-data) may enter, removed at the end unless RIG_KEEP is set. It lies in `parent` or the
    temporary folder."""

    def __init__(self, name="mirror", parent=None):
        self.path = pathlib.Path(parent or tempfile.gettempdir(), f"{name}-{secrets.token_hex(4)}")
        # Whatever interrupts us from now on, it goes; also when something that was killed still wrote into it meanwhile.
        atexit.register(self.close)
        self.path.mkdir()
        self.path.chmod(0o755)

    def close(self):
        if not os.environ.get("RIG_KEEP") and self.path.exists():
            shutil.rmtree(self.path, onerror=_make_removable)
        if not self.path.exists():
            atexit.unregister(self.close)

    def __enter__(self):
        return self.path

    def __exit__(self, *exc):
        self.close()


def _make_removable(function, path, _):
    try:
        parent = os.path.dirname(path)
        os.chmod(parent, stat.S_IRWXU)
        if not os.path.islink(path):
            os.chmod(path, stat.S_IRWXU)
        if function in (os.unlink, os.rmdir):
            function(path)
        else:
            shutil.rmtree(path, ignore_errors=True)
    except OSError:
        pass  # it went away by itself, as sockets and pid files of servers under way down do
