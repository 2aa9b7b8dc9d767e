"""The demo's world: a source tree of real files, mirrors that have parts of it, a redirector in front of them.

A client's country is that of its loopback address in t/data/geo.txt: a connection from 127.0.11.x comes from Tokyo.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import stat

from .httpd import Httpd
from .mirrors import Database, MirrorHost
from .ports import has_ipv6, port_is_free
from .postgres import Postgres
from .process import RigError, Scratch, run
from .tls import Authority
from .tree import copy_tree

_DOCS = pathlib.Path("/usr/share/doc")
_LICENSES = pathlib.Path("/usr/share/common-licenses")
_MAX_FILES, _MAX_BYTES, _MAX_FILE_BYTES, _MAX_FILES_A_FOLDER = 500, 8 << 20, 256 << 10, 6
_NEEDED_BYTES = 200 << 20
_MIN_SIZE = 512
_AGE_S = 90 * 86400

_CONFIG = """
MirrorDatabase host={pg_host} port={pg_port} dbname={pg_name} user={pg_user}
MirrorGeoDatabase {geo}/city.mmdb
MirrorGeoDatabase {geo}/asn.mmdb
<Directory {{docroot}}>
  Options Indexes FollowSymLinks
  MirrorEngine on
  MirrorMinSize {min_size}
</Directory>
LogFormat "%h %>s %{{MB_REALM}}e %{{MB_COUNTRY_CODE}}e %{{MB_DECLINED}}e \\"%r\\" %{{Location}}o" mirror
CustomLog {{dir}}/mirror.log mirror
"""


@dataclasses.dataclass
class Spec:
    """One mirror. `carries` says in words what it has; `lacks` is a subtree, `old` a prefix of the files it has in an old
    version."""

    name: str
    address: str
    carries: str
    lacks: str = ""
    old: str = ""
    https: bool = False
    dead: bool = False
    columns: dict = dataclasses.field(default_factory=dict)


def specs():
    mirrors = [
        Spec("munich", "127.0.23.1", "has everything"),
        Spec("paris", "127.0.13.1", "has old versions of doc/b…", old="doc/b"),
        Spec("newyork", "127.0.12.1", "lacks licenses/", lacks="licenses"),
        Spec("tokyo", "127.0.11.1", "has everything, by https too", https=True),
        Spec("saopaulo", "127.0.14.1", "is dead", dead=True),
    ]
    if has_ipv6():
        mirrors.append(Spec("berlin", "::1", "has everything, on IPv6 only", columns={"ipv4": False, "ipv6": True}))
    return mirrors


class World:
    """with World(port=None) as world: … `note(text)` is told of every step. Everything lies in one scratch folder."""

    def __init__(self, build, *, port=None, address="127.0.0.1", note=lambda text: None):
        self.build, self.address, self.note = build, address, note
        self._fixed_port = port
        if port is not None and not port_is_free(address, port):
            raise RigError(f"port {port} on {address} is taken (or not yours to use): choose another one with --port")
        self.mirrors, self.hosts = specs(), {}
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._start()
            return self
        except BaseException:
            self._stack.close()
            raise

    def __exit__(self, *exc):
        self._stack.close()

    def _start(self):
        self.dir = self._stack.enter_context(Scratch("mirror-demo"))
        free = shutil.disk_usage(self.dir).free
        if free < _NEEDED_BYTES:
            raise RigError(f"{self.dir.parent} has {free >> 20} MB left and the demo needs {_NEEDED_BYTES >> 20} MB: "
                           "make room, or set TMPDIR to another folder")
        self.source = self.dir / "source"
        count, size = make_source(self.source)
        self.note(f"source tree: {count:,} files, {size / 1e6:.1f} MB, copied from {_DOCS} and {_LICENSES}")
        self._start_postgres()
        self._start_mirrors()
        self._start_redirector()

    def _start_postgres(self):
        self.postgres = self._stack.enter_context(Postgres())
        self.postgres.create_database("mirrors")
        self.geo = self.dir / "geo"
        self.geo.mkdir()
        run(["perl", self.build.data("make-mmdb.pl"), self.build.data("geo.txt"), self.geo])
        self.mb_config = self.dir / "mb.toml"
        self.mb_config.write_text(f'[instance.demo]\ndatabase = "{self.postgres.conninfo("mirrors")}"\n'
                                  f'source = "{self.source}"\n'
                                  f'geo_databases = ["{self.geo}/city.mmdb", "{self.geo}/asn.mmdb"]\n')
        self.bin = self.dir / "bin"
        self.bin.mkdir()
        for name in ("mb", "mb-scan", "mb-hash", "mb-probe"):
            (self.bin / name).symlink_to(self.build.program(name))
        self.database = Database(self.postgres, "mirrors", self.build, extra_env={
            "MB_CONFIG": str(self.mb_config), "PATH": f"{self.bin}:{os.environ['PATH']}"})
        self.database.load_schema()
        self.note(f"PostgreSQL: a cluster of its own, socket in {self.postgres.dir}")

    def _start_mirrors(self):
        self.authority = Authority(self.dir / "ca")
        for spec in self.mirrors:
            tree = make_mirror_tree(self.source, self.dir / "mirrors" / spec.name, spec)
            host = MirrorHost(spec.name, tree, address=spec.address, tls=self.authority if spec.https else None, build=self.build,
                              motd=f"Welcome to {spec.name}, a mirror of the demo.\n")
            self._stack.callback(host.close)
            self.hosts[spec.name] = host
            if not spec.dead:
                host.start()
            columns = {"http_url": host.http_url, "rsync_url": host.rsync_url, **spec.columns}
            if spec.https:
                columns["https_url"] = host.https_url
            self.database.add_mirror(spec.name, enabled=True, **columns)
        self.note(f"{len(self.mirrors)} mirrors: an rsync daemon and a web server each, on addresses of their own")

    def _start_redirector(self):
        config = _CONFIG.format(pg_host=self.postgres.dir, pg_port=self.postgres.port, pg_name="mirrors", pg_user="postgres",
                                geo=self.geo, min_size=_MIN_SIZE)
        self.ipv6 = has_ipv6()
        if self.ipv6:
            config = "Listen [::1]:{port}\n" + config
        self.httpd = self._stack.enter_context(Httpd(config, address=self.address, port=self._fixed_port, preferred_port=8080,
                                                     docroot=self.source, modules=("autoindex",), tls=self.authority,
                                                     catalog=True,
                                                     build=self.build))
        self.note(f"redirector: httpd with mod_mirror on {self.httpd.url}")

    @property
    def url(self):
        return self.httpd.url

    def environment(self):
        """For commands that look around in this world."""
        return {**self.database.environment(), "MIRROR_URL": self.url, "MIRROR_CA": str(self.authority.ca_file)}

    def files(self):
        """Paths of regular files of the source that are redirected, by size, largest first."""
        found = []
        for folder, _, names in os.walk(self.source):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path) and os.path.getsize(path) >= _MIN_SIZE:
                    found.append((os.path.getsize(path), os.path.relpath(path, self.source)))
        return [path for _, path in sorted(found, reverse=True)]


def make_source(root):
    """Copies real files, times included: the licenses and as much of the documentation as the limits allow. (count, bytes)"""
    count = size = 0
    for target, origin, limit in (("licenses", _LICENSES, None), ("doc", _DOCS, _MAX_FILES_A_FOLDER)):
        for path in _readable_files(origin, limit):
            info = path.lstat()
            copy = root / target / path.relative_to(origin)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy, follow_symlinks=False)
            count, size = count + 1, size + info.st_size
            if count >= _MAX_FILES or size >= _MAX_BYTES:
                break
    if count < 20:
        raise RigError(f"only {count} files in {_DOCS} and {_LICENSES}: too few to show anything")
    return count, size


def _readable_files(origin, limit):
    """Regular files that everyone may read, and links beside them, in a stable order; at most `limit` a folder."""
    for folder, folders, names in os.walk(origin):
        folders.sort()
        paths = [pathlib.Path(folder, name) for name in sorted(names)]
        yield from [path for path in paths if _is_wanted(path)][:limit]


def _is_wanted(path):
    info = path.lstat()
    if stat.S_ISLNK(info.st_mode):
        return "/" not in os.readlink(path)
    return stat.S_ISREG(info.st_mode) and info.st_mode & stat.S_IROTH and info.st_size <= _MAX_FILE_BYTES


def make_mirror_tree(source, target, spec):
    copy_tree(source, target, skip=[spec.lacks] if spec.lacks else [])
    if spec.old:
        folder, prefix = os.path.split(spec.old)
        for path in sorted((target / folder).glob(prefix + "*/**/*")):
            if path.is_file() and not path.is_symlink():
                make_old_version(path)
    return target


def make_old_version(path):
    """As the file may have been some months ago: its last line not written yet."""
    when = path.stat().st_mtime - _AGE_S
    content = path.read_bytes()
    path.write_bytes(content[:content[:-1].rfind(b"\n") + 1])
    os.utime(path, (when, when))
