"""Programs that ask somebody at a terminal."""

import os
import pty
import subprocess


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
