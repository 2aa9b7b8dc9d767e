"""What the container image starts, without a container: the entry script with this build's programs, as a user that /etc/passwd does
not know. tools/container/try does the same in the image itself."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import tomllib
import urllib.error
import urllib.request

import pytest

import rig
from rig.httpd import _apxs, httpd_program
from rig.process import as_user

SOURCE = pathlib.Path(os.environ.get("MIRROR_SRCDIR", pathlib.Path(__file__).resolve().parents[2]))
CONTAINER = SOURCE / "tools/container"
USER = 54321 if rig.is_root() else None
OWNER_PASSWORD = r"it's: a \password"
LARGE = 30_000_000


class Host:
    """A folder for each thing that a container has mounted, and a database server that asks for passwords."""

    def __init__(self, build, path, stack):
        self.build, self.path, self._stack, self._numbers = build, path, stack, iter(range(1, 1000))
        self.tree = rig.make_tree(path / "tree", {"iso/image.iso": 50_000, "large.bin": LARGE, "only/here": 5_000})
        mirror = rig.copy_tree(self.tree, path / "mirror", skip=["only", "large.bin"])
        self.mirror = stack.enter_context(rig.MirrorHost("near", mirror, build=build))
        self._copy_programs()
        self.postgres = rig.Postgres(tcp=True)
        stack.callback(self.postgres.close)
        (self.postgres.dir / "data/pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        self.postgres.start()
        self.postgres.sql("CREATE DATABASE mirrors; ALTER ROLE postgres PASSWORD '%s'" % OWNER_PASSWORD.replace("'", "''"))
        self.secrets = self.folder()
        for role in ("mirror_httpd", "mirror_scanner", "mirror_admin"):
            self.secret(role, f"pw of {role}\n")

    def _copy_programs(self):
        """The build tree may be closed to others."""
        self.bin, self.lib = self.folder(), self.folder()
        for name in ("mb", "mb-scan", "mb-probe"):
            shutil.copy(self.build.program(name), self.bin)
        shutil.copy(self.build.module, self.lib)
        for name in ("entry", "httpd.conf"):
            shutil.copy(CONTAINER / name, self.lib)
        self.httpd = self.bin / "httpd"
        runtime = self.build.sanitizer_runtime()
        self.httpd.write_text("#!/bin/sh\n" + (f"export LD_PRELOAD={runtime} ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0:detect_odr_violation=0\n"
                                               if runtime else "") + f'exec {httpd_program()} "$@"\n')
        self.httpd.chmod(0o755)

    def folder(self):
        path = self.path / f"folder-{next(self._numbers)}"
        path.mkdir()
        path.chmod(0o777)
        return path

    def secret(self, name, text):
        """Others may read it, as is usual where secrets are mounted."""
        path = self.secrets / name
        path.write_text(text)
        path.chmod(0o644)
        return path

    def database(self, role):
        return f"host=127.0.0.1 port={self.postgres.port} dbname=mirrors user={role}"

    def environment(self, run, **variables):
        keep = {name: value for name, value in os.environ.items() if name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TMPDIR")}
        return {**keep, "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin", "HOME": "/", "MIRROR_RUN": str(run),
                "MIRROR_ETC": str(self.path / "nothing"), "MIRROR_SECRETS": str(self.path / "nothing"),
                "MIRROR_SOURCE": str(self.tree), "MIRROR_GEOIP": str(self.path / "nothing"), "MIRROR_STATE": str(run / "state"),
                "MIRROR_HTTPD": str(self.httpd), "MIRROR_FRAME": str(self.lib / "httpd.conf"),
                "MIRROR_MODULE": str(self.lib / "mod_mirror.so"), "MIRROR_HTTPD_MODULES": _apxs("LIBEXECDIR"),
                **{name: str(value) for name, value in variables.items()}}

    def role(self, role):
        """The variables of a container whose programs connect as that role."""
        return {"MIRROR_DATABASE": self.database(role), "MIRROR_PASSWORD_FILE": self.secrets / role}

    def entry(self, *arguments, run=None, user=USER, input=None, **variables):
        """Runs it to its end. Its output belongs to the user, as in a container."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            for file in (out, errors) if user else ():
                os.fchown(file.fileno(), user, 0)
            done = subprocess.run([self.lib / "entry", *map(str, arguments)], env=self.environment(run or self.folder(), **variables),
                                  cwd="/", input=input or "", text=True, stdout=out, stderr=errors, timeout=120, **as_user(user))
            for file in (out, errors):
                file.seek(0)
            return subprocess.CompletedProcess(arguments, done.returncode, out.read(), errors.read())

    def start(self, *arguments, run=None, **variables):
        """A container that goes on."""
        run = run or self.folder()
        log = run / "log"
        log.touch()
        if USER:
            os.chown(log, USER, 0)
        process = rig.Process("container", [self.lib / "entry", *arguments], log, env=self.environment(run, **variables), cwd="/",
                              user=USER)
        self._stack.callback(process.stop)
        process.run = run
        return process

    def redirector(self, **variables):
        """Running and ready."""
        for _ in range(5):
            run = self.folder()
            variables = {**variables, "MIRROR_PORT": rig.free_port(), "MIRROR_STATUS_PORT": rig.free_port()}
            process = self.start("redirector", run=run, **variables)
            process.run, process.port, process.variables = run, variables["MIRROR_PORT"], variables
            try:
                process.wait_until(lambda: self.entry("health", run=run, **process.variables).returncode == 0, 60)
                return process
            except rig.RigError as error:
                process.stop()
                if "could not bind" not in str(error):
                    raise
        raise rig.RigError("no free port")


@pytest.fixture(scope="module")
def host(build):
    with rig.Scratch("mirror-container") as path, contextlib.ExitStack() as stack:
        yield Host(build, path, stack)


@pytest.fixture(scope="module")
def filled(host):
    """After init, with a scanned mirror; the outputs of the first and the second init."""
    secret = host.secret("owner", OWNER_PASSWORD)
    variables = {"MIRROR_DATABASE": host.database("postgres"), "MIRROR_PASSWORD_FILE": secret, "MIRROR_SECRETS": host.secrets}
    host.inits = [host.entry("init", **variables) for _ in range(2)]
    for role, *command in (("mirror_scanner", "mb-scan", "--source"),
                           ("mirror_admin", "mb", "new", "near", "--http-url", host.mirror.http_url, "--rsync-url", host.mirror.rsync_url),
                           ("mirror_scanner", "mb-scan", "--enable", "near")):
        done = host.entry(*command, **host.role(role))
        assert done.returncode == 0, done.stderr
    return host


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def ask(process, path, **headers):
    """(status, where it is redirected to, body)."""
    request = urllib.request.Request(f"http://127.0.0.1:{process.port}/{path}", headers=headers)
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=60) as answer:
            return answer.status, "", answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location", ""), error.read()
    except OSError as error:
        raise rig.RigError(f"{path}: {error}; the container said:\n{rig.process.tail(process.log)}") from error


def stops(process, number):
    process.signal(number)
    rig.wait_for("the container to stop", lambda: not process.alive(), 60)
    return process.popen.returncode


def test_init_makes_the_tables_and_passwords_and_does_no_harm_twice(filled):
    first, second = filled.inits
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "created the schema" in first.stdout and "is there already" in second.stdout and "up to date" in second.stdout
    for done in filled.inits:
        assert done.stdout.count(" has a new password") == 3 and "pw of" not in done.stdout + done.stderr
    wrong = filled.entry("mb", "list", MIRROR_DATABASE=filled.database("mirror_admin"), MIRROR_PASSWORD_FILE=filled.secrets / "mirror_httpd")
    assert wrong.returncode == 1 and "password authentication failed" in wrong.stderr
    # Who may not set a password says so, and neither the server's log nor the folder has it.
    filled.postgres.sql("CREATE ROLE plain LOGIN PASSWORD 'x'")
    filled.postgres.sql("CREATE DATABASE others OWNER plain")
    run = filled.folder()
    done = filled.entry("init", run=run, MIRROR_DATABASE=filled.database("plain").replace("dbname=mirrors", "dbname=others"),
                        MIRROR_PASSWORD_FILE=filled.secret("plain", "x\n"), MIRROR_SECRETS=filled.secrets)
    assert done.returncode == 1 and "cannot set the password of mirror_httpd" in done.stderr, done.stderr
    log = filled.postgres.log.read_text()
    assert "ALTER ROLE mirror_httpd PASSWORD 'SCRAM-SHA-256$" in log and "pw of" not in log + done.stdout + done.stderr
    assert {file.name for file in run.iterdir()} == {"mb.toml", "pgpass", "role"}


def test_redirector_with_the_tree(filled):
    redirector = filled.redirector(**filled.role("mirror_httpd"), MIRROR_PROXIES="192.0.2.0/24 ::1")
    assert ask(redirector, "iso/image.iso") == (302, filled.mirror.http_url + "iso/image.iso", ask(redirector, "iso/image.iso")[2])
    assert ask(redirector, "only/here")[2] == (filled.tree / "only/here").read_bytes()
    # Nobody is believed who is no proxy.
    page = ask(redirector, "iso/image.iso?mirrorlist", **{"X-Forwarded-Proto": "https"})[2].decode()
    assert f"http://127.0.0.1:{redirector.port}/iso/image.iso.meta4" in page
    # The status page is at an address of the container's own; the public port has files alone.
    assert ask(redirector, "livez")[0] == ask(redirector, "server-status")[0] == 404
    assert filled.entry("alive", run=redirector.run, **redirector.variables).returncode == 0
    # An admin runs a program beside it; that changes nothing of what it is.
    done = filled.entry("mb", "list", run=redirector.run, **{**redirector.variables, **filled.role("mirror_admin")})
    assert done.returncode == 0 and "near" in done.stdout
    assert filled.entry("health", run=redirector.run, **redirector.variables).returncode == 0
    # A line is written after its answer.
    rig.wait_for("the log", lambda: {"GET /livez", "GET /server-status"} <= set(re.findall(r"GET [^ ?]+", redirector.log.read_text())), 60)
    log = redirector.log.read_text()
    assert "GET /iso/image.iso" in log and "mirror=near" in log and "resuming normal operations" in log
    assert log.count("GET /livez") == log.count("GET /server-status") == 1 and "curl" not in log
    # Root's files are its own.
    if rig.is_root():
        before = (redirector.run / "pgpass").read_text()
        done = filled.entry("mb", "list", run=redirector.run, user=None, **{**redirector.variables, **filled.role("mirror_scanner")})
        assert filled.entry("health", run=redirector.run, user=None, **redirector.variables).returncode == 0
        assert done.returncode == 0 and (redirector.run / "pgpass").read_text() == before != (redirector.run / "user-0/pgpass").read_text()
    # A download that runs ends whole.
    with socket.create_connection(("127.0.0.1", redirector.port), timeout=60) as client:
        client.sendall(b"GET /large.bin HTTP/1.0\r\n\r\n")
        head, _, body = client.recv(1000).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        redirector.signal(signal.SIGWINCH)
        rig.wait_for("httpd to close its port", lambda: not rig.ports.accepts("127.0.0.1", redirector.port), 60)
        got = len(body)
        while part := client.recv(1 << 20):
            got += len(part)
    assert got == LARGE
    rig.wait_for("httpd to stop", lambda: not redirector.alive(), 60)
    assert redirector.popen.returncode == 0
    stopped = filled.entry("health", run=redirector.run, **redirector.variables)
    assert stopped.returncode == 1 and "httpd does not answer" in stopped.stderr
    assert filled.entry("alive", run=redirector.run, **redirector.variables).returncode == 1


def test_redirector_without_the_tree(filled):
    redirector = filled.redirector(**filled.role("mirror_httpd"), MIRROR_ORIGIN="https://origin.example.org/pub/",
                                   MIRROR_SOURCE="/nowhere", MIRROR_PROXIES="127.0.0.0/8")
    assert ask(redirector, "iso/image.iso")[:2] == (302, filled.mirror.http_url + "iso/image.iso")
    assert ask(redirector, "only/here")[:2] == (302, "https://origin.example.org/pub/only/here")
    # Who comes through the proxy is a client of its own.
    assert ask(redirector, "iso/image.iso", **{"X-Forwarded-For": "192.0.2.7"})[0] == 302
    rig.wait_for("the log", lambda: '192.0.2.7 - - ' in redirector.log.read_text())
    page = ask(redirector, "iso/image.iso?mirrorlist", **{"X-Forwarded-Proto": "https"})[2].decode()
    assert f"https://127.0.0.1:{redirector.port}/iso/image.iso.meta4" in page
    assert stops(redirector, signal.SIGTERM) == 0


def test_redirector_with_a_mounted_site(filled):
    """It redirects what comes to other hosts, and denies much; what the container asks is not concerned."""
    etc = filled.folder()
    (etc / "site.conf").write_text("""
RedirectMatch ^/(?!only) https://secure.example.org/
<Location /server-status>
  Require all denied
</Location>
<VirtualHost *>
  DocumentRoot ${MIRROR_RUN}
  RemoteIPHeader X-Forwarded-For
  RemoteIPInternalProxy 127.0.0.0/8
  <Location />
    Require all granted
    MirrorDatabase "${MIRROR_DATABASE}"
    MirrorCatalog ${MIRROR_STATE}/mine
    MirrorEngine On
    MirrorTree database
    MirrorOrigin https://mine.example.org/
  </Location>
</VirtualHost>
""")
    redirector = filled.redirector(**filled.role("mirror_httpd"), MIRROR_ETC=etc)
    assert ask(redirector, "only/here")[:2] == (302, "https://mine.example.org/only/here")
    assert (redirector.run / "state/mine").is_dir()
    assert stops(redirector, signal.SIGWINCH) == 0


def test_health_waits_for_a_catalog(filled):
    """The password is wrong, so there will be none."""
    run, port = filled.folder(), rig.free_port()
    variables = {"MIRROR_PORT": port, "MIRROR_STATUS_PORT": rig.free_port(), "MIRROR_DATABASE": filled.database("mirror_httpd"), "MIRROR_PASSWORD_FILE": filled.secrets / "owner"}
    process = filled.start("redirector", run=run, **variables)
    process.wait_until(lambda: "resuming normal operations" in process.log.read_text(), 60)
    done = filled.entry("health", run=run, **variables)
    assert done.returncode == 1 and "the catalog is not in use: none yet" in done.stderr
    assert filled.entry("alive", run=run, **variables).returncode == 0
    assert stops(process, signal.SIGWINCH) == 0


NASTY = ("a \"b\" c", "a\\\\b\\", "${HOME}", "$1 ${mirror_dollar}{x}", "a'b", "%{X}", "# <x>", "é")


def test_sites_say_what_the_environment_says(host, scratch):
    """httpd itself tells how it read what the entry script wrote."""
    geo, nasty = host.folder(), "".join(NASTY).replace("/", "")
    tree, state = host.folder() / nasty, host.folder() / nasty
    tree.mkdir()
    (geo / f"{nasty}.mmdb").touch()
    show = scratch / "show"
    show.write_text('#!/bin/sh\ncat "$MIRROR_SITE"\n')
    show.chmod(0o755)
    scratch.chmod(0o755)
    conninfo = f"host=x\npassword='{nasty}'"
    variables = {"MIRROR_HTTPD": show, "MIRROR_DATABASE": conninfo, "MIRROR_STATE": state, "MIRROR_SOURCE": tree, "MIRROR_GEOIP": geo}
    done = host.entry("redirector", **variables)
    assert done.returncode == 0, done.stderr
    # Define takes any text, and is dumped as httpd read it.
    words = re.findall(r'(?m)^ *(?:MirrorDatabase|MirrorCatalog|MirrorGeoDatabase|DocumentRoot|<Directory) (".*")>?$', done.stdout)
    assert len(words) == 5
    config = "Define mirror_dollar $\n" + "".join(f"Define read{number} {word}\n" for number, word in enumerate(words))
    config += f"ErrorLog /dev/stderr\nLoadModule mpm_event_module {_apxs('LIBEXECDIR')}/mod_mpm_event.so\n"
    (scratch / "t.conf").write_text(config)
    told = subprocess.run([httpd_program(), "-f", scratch / "t.conf", "-t", "-D", "DUMP_RUN_CFG"], text=True, capture_output=True, timeout=60)
    read = dict(re.findall(r"(?m)^Define: read(\d)=(.*)$", told.stdout))
    assert [read[str(number)] for number in range(5)] == [conninfo.replace("\n", " "), f"{state}/catalog", f"{geo}/{nasty}.mmdb", str(tree),
                                                        str(tree)], told.stdout + told.stderr


def test_health_of_tools(filled):
    run = filled.folder()
    early = filled.entry("health", run=run, **filled.role("mirror_scanner"))
    assert early.returncode == 1 and "nothing has started here yet" in early.stderr
    filled.entry("true", run=run)
    assert filled.entry("health", run=run, **filled.role("mirror_scanner")).returncode == 0
    down = filled.entry("health", run=run, MIRROR_DATABASE=f"host=127.0.0.1 port={rig.CLOSED_PORT} user=a dbname=b")
    assert down.returncode == 1 and "no connection" in down.stderr


def test_every_repeats_and_stops(filled):
    file = filled.folder() / "runs"
    process = filled.start("every", "1s", "sh", "-c", f"echo run >>{file}; exit 3")
    process.wait_until(lambda: file.exists() and file.read_text().count("run") >= 2, 60)
    assert "exit status 3; the next run is in 1s" in process.log.read_text()
    bad = filled.entry("health", run=process.run)
    assert bad.returncode == 1 and "the last run ended with exit status 3" in bad.stderr
    assert stops(process, signal.SIGTERM) == 0
    # A run that goes on is told to end, and is waited for.
    process = filled.start("every", "1h", "sh", "-c", f"trap 'echo ended >>{file}; exit 1' TERM; echo began >>{file}; while :; do sleep 0.1; done")
    process.wait_until(lambda: "began" in file.read_text(), 60)
    assert filled.entry("health", run=process.run).returncode == 0
    assert stops(process, signal.SIGWINCH) == 0 and file.read_text().endswith("ended\n")


def test_init_stops_and_says_so(host):
    """It waits for a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        process = host.start("init", MIRROR_DATABASE=f"host=127.0.0.1 port={silent.getsockname()[1]} user=a dbname=b")
        with silent.accept()[0]:
            assert stops(process, signal.SIGWINCH) == 1
    assert "init was told to stop by a signal" in process.log.read_text() and not (process.run / "said").exists()


def test_on_a_terminal_a_changed_window_stops_nothing(host):
    ours, theirs = os.openpty()
    try:
        refused = subprocess.run([host.lib / "entry", "redirector"], env=host.environment(host.folder(), MIRROR_DATABASE="x"), stdin=theirs,
                                 capture_output=True, text=True, timeout=60, **as_user(USER))
        assert refused.returncode == 1 and "without a terminal" in refused.stderr, refused.stderr
        file = host.folder() / "runs"
        process = subprocess.Popen([host.lib / "entry", "every", "1s", "sh", "-c", f"echo run >>{file}"], env=host.environment(host.folder()),
                                   stdin=theirs, start_new_session=True, **as_user(USER))
        try:
            runs = lambda: file.read_text().count("run") if file.exists() else 0  # noqa: E731
            rig.wait_for("the first run", lambda: runs() >= 1, 60)
            process.send_signal(signal.SIGWINCH)
            before = runs()
            rig.wait_for("later runs", lambda: runs() >= before + 2, 60)
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGWINCH, signal.SIGINT))
def test_programs_get_every_signal_to_stop(filled, number):
    # Sessions of programs that have ended may be there still.
    sessions = "SELECT pid FROM pg_stat_activity WHERE usename = 'mirror_scanner'"
    before = set(filled.postgres.sql(sessions).split())
    process = filled.start("mb-probe", "--loop", **filled.role("mirror_scanner"))
    process.wait_until(lambda: set(filled.postgres.sql(sessions).split()) - before, 60)
    assert stops(process, number) == 0


def test_programs_have_their_input_and_status(host):
    done = host.entry("sh", "-c", "cat; echo $HOME; exit 7", input="abc\n")
    assert done.returncode == 7 and done.stdout.startswith("abc\n") and "folder-" in done.stdout
    assert host.entry("no-such-program").returncode == 127


def test_secrets_become_private(host):
    show = ("sh", "-c", 'stat -c "%a %u" "$PGPASSFILE"; cat "$PGPASSFILE"; echo "<$MIRROR_PASSWORD>"')
    who = USER or os.getuid()
    passfile = host.secret("pgpass", "*:*:*:joe:x:y\n*:*:*:jane:z\n")
    assert host.entry(*show, MIRROR_SECRETS=host.secrets).stdout == f"600 {who}\n{passfile.read_text()}<>\n"
    passfile.unlink()
    plain = host.secret("plain", r"a:b\c" + "\nmore\n")
    assert host.entry(*show, MIRROR_PASSWORD_FILE=plain).stdout == f"600 {who}\n*:*:*:*:a\\:b\\\\c\n<>\n"


def test_tools_are_configured_from_the_environment(host):
    geo, etc = host.folder(), host.folder()
    for name in ("City.mmdb", "a \"b\".mmdb", "other.txt"):
        (geo / name).touch()
    conninfo = r"""host=x password='\'"' dbname='a\\b'"""
    show = ("sh", "-c", 'cat "$MB_CONFIG"')
    (main,) = tomllib.loads(host.entry(*show, MIRROR_DATABASE=conninfo, MIRROR_SOURCE='/a "b"', MIRROR_GEOIP=geo).stdout)["instance"].values()
    assert main["database"] == conninfo and main["source"] == '/a "b"'
    assert sorted(main["geo_databases"]) == sorted(str(geo / name) for name in ("City.mmdb", 'a "b".mmdb'))
    (etc / "mb.toml").write_text("mounted")
    assert host.entry(*show, MIRROR_DATABASE=conninfo, MIRROR_ETC=etc).stdout == "mounted"


def closed_folder(host):
    path = host.folder()
    path.chmod(0o000)
    return path


def pattern_folder(host):
    path = host.folder() / "a[b]"
    path.mkdir()
    return path


@pytest.mark.parametrize("arguments, variables, status, message", [
    ((), {}, 2, "mirror COMMAND"),
    (("every",), {}, 2, "usage: every TIME COMMAND"),
    (("every", "soon", "mb"), {}, 2, "usage: every TIME COMMAND"),
    (("every", "5x", "mb"), {}, 2, "usage: every TIME COMMAND"),
    (("every", "5m"), {}, 2, "usage: every TIME COMMAND"),
    (("init",), {}, 1, "set MIRROR_DATABASE"),
    (("init",), {"MIRROR_DATABASE": "dbname=x", "MIRROR_WAIT": "long"}, 2, "MIRROR_WAIT is a number of seconds"),
    (("init",), {"MIRROR_DATABASE": f"host=127.0.0.1 port={rig.CLOSED_PORT}", "MIRROR_WAIT": "1"}, 1, "did not answer within 1 seconds"),
    (("mb",), {"MIRROR_PORT": "tcp://192.0.2.1:80"}, 2, "MIRROR_PORT is a number"),
    (("mb",), {"MIRROR_STATUS_PORT": "8080"}, 2, "are the same"),
    (("mb",), {"MIRROR_SOURCE": "/a\nb"}, 2, "MIRROR_SOURCE has a control character"),
    (("mb",), {"MIRROR_PROXIES": "127.0.0.1' || true"}, 2, "MIRROR_PROXIES are networks"),
    (("redirector",), {"MIRROR_DATABASE": "x", "MIRROR_SOURCE": pattern_folder}, 1, "for a pattern"),
    (("redirector",), {}, 1, "set MIRROR_DATABASE, or mount"),
    (("redirector",), {"MIRROR_DATABASE": "dbname=x", "MIRROR_SOURCE": "/nowhere"}, 1, "there is no folder /nowhere"),
    (("redirector",), {"MIRROR_DATABASE": "dbname=x", "MIRROR_STATE": closed_folder}, 1, "mount a volume there"),
    (("redirector",), {"MIRROR_DATABASE": "dbname=x", "MIRROR_ORIGIN": "no URL"}, 1, "MirrorOrigin"),
    (("mb",), {"MIRROR_RUN": closed_folder}, 1, "mount a tmpfs at /run"),
    (("mb",), {"MIRROR_SECRETS": closed_folder}, 1, "cannot enter"),
    (("mb",), {"MIRROR_PASSFILE": "/nowhere/pgpass"}, 1, "cannot read the passfile /nowhere/pgpass"),
    (("mb",), {"MIRROR_PASSWORD_FILE": "/nowhere/word"}, 1, "cannot read the password file /nowhere/word"),
    (("mb",), {"MIRROR_PASSWORD_FILE": "/dev/null"}, 1, "the password file /dev/null is empty"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_errors_are_told(host, arguments, variables, status, message):
    variables = {name: value(host) if callable(value) else value for name, value in variables.items()}
    done = host.entry(*arguments, **variables)
    assert done.returncode == status and message in done.stderr, done.stderr


@pytest.mark.skipif(not rig.is_root(), reason="needs root")
def test_httpd_does_not_serve_as_root(host):
    done = host.entry("redirector", user=None, MIRROR_DATABASE="x")
    assert done.returncode == 1 and "run the container as another user" in done.stderr
