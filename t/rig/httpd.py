"""A private Apache httpd: the redirector with our module, or a mirror's plain web server."""

import functools
import os
import pathlib
import re
import shutil
import signal

from .build import Build
from .ports import accepts, free_port, host_port, port_is_free
from .process import Process, RigError, Scratch, is_root, run, tail, wait_for

DEFAULT_MODULES = ("authz_core", "authz_host", "alias", "dir", "env", "headers", "mime", "remoteip", "rewrite", "setenvif",
                   "status")
_STARTED = "resuming normal operations"
_CRASH = re.compile("exit signal (Segmentation|Aborted|Bus error)")
_SANITIZER_REPORT = re.compile(r"ERROR: (Address|Leak|UndefinedBehavior)Sanitizer|runtime error: |SUMMARY: \w+Sanitizer")


@functools.cache
def _apxs(name):
    program = shutil.which("apxs") or shutil.which("apxs2")
    if not program:
        raise RigError("apxs is missing: install the Debian package apache2-dev")
    return run([program, "-q", name]).stdout.strip()


class Httpd:
    """`config` is the part of httpd.conf that matters; listening, logs, module loading are added here. In it, {port}, {tls_port},
    {dir} and {docroot} are replaced. `mirror` loads our module from the build tree. `tls` is an Authority: a second port speaks
    TLS. `catalog`: a folder for MirrorCatalog, True for one of our own, False for none. Further Listen lines may stand in
    `config`. The process starts in the foreground, as a child of ours. `wrapper` is a command that runs it, ("valgrind", …) say,
    and `options` are httpd's own."""

    def __init__(self, config="", *, address="127.0.0.1", port=None, preferred_port=None, mpm="event", modules=(), mirror=True,
                 tls=None, docroot=None, build=None, env=None, names=(), user="www-data", catalog=False, access_log=True,
                 wrapper=(), options=("-DFOREGROUND",)):
        self.build = build or Build()
        self.address, self.mpm, self.config_text = address, mpm, config
        self.modules = [*DEFAULT_MODULES, *modules]
        self.mirror, self.names, self.user, self._catalog = mirror, names, user, catalog
        self.logs_access, self._wrapper, self._options = access_log, wrapper, options
        self._fixed_port, self._authority, self._extra_env = port, tls, env or {}
        self._process = None
        # For tests that bring children to it. Without our module a crash is httpd's own: with TLS now and then one at its end.
        self.may_crash = not mirror
        self._scratch = Scratch("mirror-httpd")
        self.dir = self._scratch.path
        self.docroot = pathlib.Path(docroot) if docroot else self.dir / "docroot"
        self.docroot.mkdir(exist_ok=True)
        self.config = self.dir / "httpd.conf"
        self.error_log = self.dir / "error.log"
        self.access_log = self.dir / "access.log"
        self._stderr = self.dir / "stderr.log"
        self._choose_ports(preferred_port)

    def _choose_ports(self, preferred=None):
        if preferred and not port_is_free(self.address, preferred):
            preferred = None
        self.port = self._fixed_port or preferred or free_port(self.address)
        self.tls_port = free_port(self.address) if self._authority else None

    @property
    def url(self):
        return f"http://{host_port(self.address, self.port)}/"

    @property
    def tls_url(self):
        return f"https://{host_port(self.address, self.tls_port)}/"

    @property
    def catalog(self):
        return self.dir / "catalog" if self._catalog is True else self._catalog

    @property
    def pid(self):
        return self._process.pid

    def write_config(self, config=None):
        """Writes httpd.conf, with another `config` from now on if one is given."""
        if config is not None:
            self.config_text = config
        body = self.config_text
        for word, value in (("port", self.port), ("tls_port", self.tls_port), ("dir", self.dir), ("docroot", self.docroot)):
            body = body.replace("{%s}" % word, str(value))
        self.config.write_text(self._frame() + body + "\n" + self._tls_host())

    def _frame(self):
        libexec = pathlib.Path(_apxs("LIBEXECDIR"))
        modules = [f"mpm_{self.mpm}", *dict.fromkeys([*self.modules, *(["ssl", "socache_shmcb"] if self._authority else [])])]
        # A module without a file of its own is compiled into this httpd.
        lines = [f"LoadModule {m}_module {libexec}/mod_{m}.so" for m in modules if (libexec / f"mod_{m}.so").exists()]
        if self.mirror:
            lines += [f"LoadModule mirror_module {self.build.module}", f"MirrorCatalog {self.catalog or 'Off'}",
                      # Tests ask for the same file again and again.
                      "MirrorRepeatWindow 0"]
        lines += [f"ServerRoot {self.dir}", f"DefaultRuntimeDir {self.dir}", f"PidFile {self.dir}/httpd.pid",
                  # ServerName would take the colons of an IPv6 address for a port's.
                  f"ServerName {'localhost' if ':' in self.address else self.address}",
                  f"Listen {host_port(self.address, self.port)}", "ServerTokens Prod",
                  f"ErrorLog {self.error_log}",
                  f"DocumentRoot {self.docroot}", f"<Directory {self.docroot}>", "  Require all granted", "</Directory>",
                  "<IfModule mime_module>", "  TypesConfig /etc/mime.types", "</IfModule>", "GracefulShutdownTimeout 5"]
        if self.logs_access:
            lines.append(f'CustomLog {self.access_log} "%h %t \\"%r\\" %>s %b"')
        if is_root():
            lines += [f"User {self.user}", f"Group {self.user}"]
        return "\n".join(lines) + "\n"

    def _tls_host(self):
        if not self._authority:
            return ""
        cert, key = self._authority.certificate(self.address, *self.names)
        where = host_port(self.address, self.tls_port)
        return (f"Listen {where}\n<VirtualHost {where}>\n  SSLEngine on\n  SSLCertificateFile {cert}\n"
                f"  SSLCertificateKeyFile {key}\n</VirtualHost>\n")

    def environment(self):
        """Of the program: where the module has sanitizers, it needs them loaded."""
        env = {**os.environ, **self._extra_env, "LC_ALL": "C.UTF-8"}
        runtime = self.build.sanitizer_runtime() if self.mirror else None
        env.pop("LD_PRELOAD", None)
        if runtime:
            # httpd keeps its pools at exit, which is no leak of ours.
            env |= {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:detect_odr_violation=0",
                    "UBSAN_OPTIONS": "print_stacktrace=1"}
        return env

    def configtest(self, config=None):
        """(whether httpd accepts the configuration, what it said)."""
        self.write_config(config)
        done = run([httpd_program(), "-f", self.config, "-t"], env=self.environment(), check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def start(self):
        if self._process and self._process.alive():
            return self
        for attempt in range(5):
            started = self._starts()
            self.write_config()
            self._process = Process("httpd", [*self._wrapper, httpd_program(), "-f", self.config, *self._options],
                                    self._stderr, env=self.environment(), cwd=self.dir)
            try:
                self._process.wait_until(lambda: self._starts() > started or self._serves_alone())
                return self
            except RigError as error:
                self._process.stop()
                log = tail(self.error_log) + tail(self._stderr)
                if "could not bind" in log and not self._fixed_port and attempt < 4:
                    self._choose_ports()
                    continue
                raise RigError(f"{error}\n{tail(self.error_log)}") from None

    def _starts(self):
        return self.log().count(_STARTED)

    def _serves_alone(self):
        """With -X, where httpd does not log that it has started."""
        return "-X" in self._options and accepts(self.address, self.port)

    def log(self):
        """The error log so far."""
        try:
            return self.error_log.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def access(self):
        """The access log's lines so far."""
        try:
            return self.access_log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def graceful(self, config=None):
        """A graceful restart, with another configuration if one is given; returns when the new generation serves."""
        if config is not None:
            self.write_config(config)
        started = self._starts()
        self._process.signal(signal.SIGUSR1)
        wait_for("httpd's graceful restart", lambda: self._starts() > started)

    def alive(self):
        return self._process is not None and self._process.alive()

    def children(self):
        return self._process.descendants()

    def stop(self):
        if self._process:
            self._process.stop()
            self._process = None

    def close(self):
        """Stops, removes the folder; RigError when a sanitizer or, unless may_crash, a crash was reported in the log."""
        try:
            self.stop()
            found = faults(self.log() + tail(self._stderr, 200), self.may_crash)
        finally:
            self._scratch.close()
        if found:
            raise RigError(f"httpd's log tells of a fault:\n{found}")

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self._scratch.close()
            raise

    def __exit__(self, kind, *exc):
        try:
            self.close()
        except RigError:
            if kind is None:
                raise


def httpd_program():
    for name in ("apache2", "httpd"):
        path = pathlib.Path(_apxs("SBINDIR"), name)
        if path.exists():
            return path
    raise RigError("httpd is missing: install the Debian package apache2-bin")


def faults(log, may_crash=False):
    """The part of a log from the first sanitizer report or crash on, or ''."""
    lines = log.splitlines()
    for number, line in enumerate(lines):
        if _SANITIZER_REPORT.search(line) or (_CRASH.search(line) and not may_crash):
            return "\n".join(lines[number:number + 40])
    return ""


class WebServer(Httpd):
    """A mirror's web server: the files below docroot, a listing per folder, cheap to start."""

    def __init__(self, docroot, *, address="127.0.0.1", port=None, tls=None, config="", build=None):
        small = "StartServers 1\nServerLimit 2\nThreadsPerChild 8\nMaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16\n"
        super().__init__(small + "<Directory {docroot}>\n  Options Indexes FollowSymLinks\n</Directory>\n" + config,
                         address=address, port=port, modules=("autoindex",), mirror=False, tls=tls, docroot=docroot, build=build)
