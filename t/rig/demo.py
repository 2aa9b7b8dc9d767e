"""tools/demo: starts the world, shows what it does, and waits or runs a command. Messages, not tracebacks."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import urllib.parse

from .build import Build
from .process import RigError, run
from .tree import sha256_file
from .world import World

# (where the client is, its address): the ranges of t/data/geo.txt.
CLIENTS = (
    ("Berlin, DE", "127.0.10.77"), ("Vienna, AT", "127.0.25.77"), ("Paris, FR", "127.0.13.77"),
    ("San Francisco, US", "127.0.17.77"), ("Tokyo, JP", "127.0.11.77"), ("São Paulo, BR", "127.0.14.77"),
    ("Johannesburg, ZA", "127.0.16.77"), ("Sydney, AU", "127.0.15.77"),
)
IPV6_CLIENT = ("Berlin, DE (IPv6)", "::1")


class Stopped(BaseException):
    """A signal asked us to end; not an error."""

    def __init__(self, number):
        super().__init__(number)
        self.status = 128 + number


class Screen:
    """What the user sees; with a command to run it goes to standard error, so that the command's output stays its own."""

    def __init__(self, out):
        self.out = out
        self.colours = out.isatty() and os.environ.get("TERM", "dumb") != "dumb" and "NO_COLOR" not in os.environ

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colours else text

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    def title(self, text):
        self.line("\n" + self.paint("1", text))

    def note(self, text):
        self.line(f"  {text}")

    def wrapped(self, text):
        self.line(textwrap.fill(text, 118, initial_indent="  ", subsequent_indent="      ", break_long_words=False))

    def table(self, rows, head):
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        pad = lambda row: "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()  # noqa: E731
        self.line(self.paint("2", pad(head)))
        for row in rows:
            text = pad(row)
            if row[-1] == "matches":
                text = text[:-len("matches")] + self.paint("32", "matches")
            self.line(text)


def fetch(world, path, address, https=False):
    """Downloads as a client at that address does: a row (mirror, tier, SHA-256 verdict)."""
    if https:
        base = world.httpd.tls_url
    else:
        base = f"http://[::1]:{world.httpd.port}/" if ":" in address else world.url
    with tempfile.NamedTemporaryFile(dir=world.dir) as got, tempfile.NamedTemporaryFile("r", dir=world.dir) as head:
        done = run(["curl", "-sS", "-L", "--fail", "--max-time", "30", "--interface", address,
                    "--cacert", world.authority.ca_file,
                    "-D", head.name, "-o", got.name, base + urllib.parse.quote(path)], check=False)
        headers = {}
        for line in head.read().split("\n\n")[0].splitlines()[1:]:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        if done.returncode != 0:
            return "-", "-", f"download failed: {done.stderr.strip()}"
        same = sha256_file(got.name) == sha256_file(world.source / path)
    return headers.get("x-mirror", "the redirector itself"), headers.get("x-mirror-tier", "-"), "matches" if same else "DIFFERS"


def explain(world, path, address):
    """{mirror: distance in km or None} for the ranked mirrors."""
    told = json.loads(world.database.tool("mb", "explain", path, "--ip", address, "--json").stdout)
    return {c["mirror"]: c["distance_km"] for c in told["candidates"]}


def why(tier, distance_km, https):
    reasons = {"prefix": "serves this network", "as": "same AS", "country": "same country",
               "other-country": "named for this country", "far": "by weight and distance"}
    text = reasons.get(tier, "")
    if distance_km is not None:
        text += f", {distance_km:,.0f} km"
    return text + (", has https" if https else "")


class Demo:
    def __init__(self, screen, world):
        self.screen, self.world = screen, world
        self.failed = False

    def scan(self):
        """The source first, then the mirrors; the dead one may fail and nothing else."""
        tool = self.world.database.tool
        source = tool("mb-scan", "--source")
        mirrors = tool("mb-scan", "--all", "-j", "4", check=False)
        if mirrors.returncode not in (0, 1):
            raise RigError(f"mb-scan --all: {mirrors.stderr.strip()}")
        return source.stdout.rstrip(), mirrors.stdout.rstrip(), mirrors.stderr.rstrip()

    def show(self):
        source, mirrors, failures = self.scan()
        self.screen.title("Mirrors (mb list)")
        for line in self.world.database.tool("mb", "list").stdout.splitlines():
            self.screen.note(line)
        self.screen.line()
        self.screen.wrapped("What they have: " + "; ".join(f"{m.name} {m.carries}" for m in self.world.mirrors) + ".")
        self.screen.title("Scans (mb-scan --source; mb-scan --all)")
        for line in "\n".join((source, mirrors)).splitlines():
            self.screen.note(line)
        for line in failures.splitlines():
            self.screen.wrapped(line)
        self.show_clients()

    def show_clients(self):
        files = [f for f in self.world.files() if not f.startswith(("licenses/", "doc/b"))]
        renewed = next((f for f in self.world.files() if f.startswith("doc/b")), None)
        license_file = next(f for f in self.world.files() if f.startswith("licenses/"))
        clients = list(CLIENTS) + ([IPV6_CLIENT] if self.world.ipv6 else [])
        self.clients_of("A file that all mirrors have", files[0], clients)
        if renewed:
            self.clients_of("A file that paris has in an old version only", renewed, [CLIENTS[2]])
        self.clients_of("A file that newyork does not have", license_file, [CLIENTS[3]])
        self.clients_of("The first file over https, which only tokyo speaks", files[0], [CLIENTS[2]], https=True)

    def clients_of(self, title, path, clients, https=False):
        self.screen.title(f"{title}: {path}")
        rows = []
        for place, address in clients:
            mirror, tier, verdict = fetch(self.world, path, address, https)
            distance = explain(self.world, path, address).get(mirror)
            rows.append((address, place, mirror, tier, why(tier, distance, https), verdict))
            self.failed |= verdict != "matches"
        self.screen.table(rows, ("client", "from", "mirror", "tier", "why", "SHA-256"))

    def invite(self):
        world, screen = self.world, self.screen
        path = urllib.parse.quote(world.files()[0])
        screen.title("Try it")
        for text in (f"browse          {world.url}",
                     f"as a client     curl -LO --interface 127.0.11.5 {world.url}{path}",
                     f"only look       curl -I --interface 127.0.16.5 {world.url}{path}?country=br",
                     f"the admin tool  export MB_CONFIG={world.mb_config} PATH={world.bin}:$PATH",
                     f"                mb explain {world.files()[0]} --ip 127.0.13.5",
                     "                mb disable tokyo; mb-scan --all; mb list",
                     f"the log         tail -f {world.httpd.dir}/mirror.log"):
            screen.note(text)
        screen.line("\nCtrl-C stops everything.")


def run_command(command, world):
    try:
        # The terminal's Ctrl-C reaches the command too; it decides, we clean up after it.
        process = subprocess.Popen(command, env=world.environment())
    except OSError as error:
        raise RigError(f"cannot run {command[0]}: {error.strerror}") from error
    try:
        status = process.wait()
    except Stopped as stopped:
        if stopped.status != 128 + signal.SIGINT:
            process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return 128 - status if status < 0 else status


def take_part(arguments, screen):
    command = arguments[arguments.index("--") + 1:] if "--" in arguments else []
    options = arguments[:arguments.index("--")] if "--" in arguments else arguments
    port = int(options[options.index("--port") + 1]) if "--port" in options else None
    with World(Build(), port=port, note=screen.note) as world:
        demo = Demo(screen, world)
        if command:
            demo.scan()
            return run_command(command, world)
        demo.show()
        if "--once" not in options:
            demo.invite()
            while True:
                signal.pause()
        if demo.failed:
            raise RigError("a download failed or its bytes differ from the source's")
    return 0


def _stop(number, _):
    # What follows is the way out: it must not be interrupted half way.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(number)


def reason(error):
    # Copying a tree collects its errors into one without a number, and servers tell theirs in words.
    full = [errno.ENOSPC, errno.EDQUOT]
    if getattr(error, "errno", None) in full or any(os.strerror(number) in str(error) for number in full):
        return f"no space left in {tempfile.gettempdir()}: make room, or set TMPDIR to another folder"
    if isinstance(error, RigError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def main(arguments):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    screen = Screen(sys.stderr if "--" in arguments else sys.stdout)
    try:
        return take_part(arguments, screen)
    except Stopped as stopped:
        print("\ntools/demo: stopped, nothing is left running", file=sys.stderr)
        by_user = stopped.status == 128 + signal.SIGINT and "--" not in arguments and "--once" not in arguments
        return 0 if by_user else stopped.status
    except Exception as error:
        if "DEMO_TRACEBACK" in os.environ:
            raise
        print(f"tools/demo: {reason(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
