"""Programs that ask somebody at a terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import termios

import rig


def answer(database, *args, text, env=None):
    """Runs mb on a terminal of its own and answers its questions; (exit status, what it printed)."""
    parent, child = pty.openpty()
    process = subprocess.Popen([database.build.program("mb"), *args], env={**database.environment(), **(env or {})}, stdin=child,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(child)
    os.write(parent, text.encode())
    output, errors = process.communicate(timeout=30)
    os.close(parent)
    return process.returncode, output, errors


def show(database, *args, columns=80, env=None):
    """Runs mb with a terminal of so many columns as standard output; (exit status, what the terminal was sent, its errors)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**database.environment(), "TERM": "xterm", **(env or {})}
    environment = {name: value for name, value in environment.items() if value is not None}
    process = subprocess.Popen([database.build.program("mb"), *args], env=environment, stdin=subprocess.DEVNULL, stdout=theirs,
                               stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    shown = rig.read_terminal(ours)
    errors = process.stderr.read()
    process.stderr.close()
    return process.wait(timeout=60), shown.replace("\r\n", "\n"), errors
