"""What the tests of the manual share: its chapters as blocks, and a stage on which their commands run. doc/DEVELOPING.md tells what
each kind of block means."""

import dataclasses
import os
import pathlib
import re
import subprocess
import textwrap

import pytest

import rig

SOURCE = pathlib.Path(os.environ.get("MIRROR_SRCDIR", pathlib.Path(__file__).resolve().parents[2]))
DOC = SOURCE / "doc"
FILES = {"iso/disk.img": 3_000_000, "iso/disk.img.asc": 800, "iso/other.img": 200_000, "pool/hello_1.0_amd64.deb": 60_000,
         "dists/stable/InRelease": 2_000, "dists/stable/main/Packages": 40_000, "README": 100}
MIRRORS = {"ftp.example.org": "127.0.10.1", "mirror.example.net": "127.0.11.1"}
BEGUN = "mirrors_begun"  # the database with which chapters begin
CONFIG = """
MirrorDatabase {database}
MirrorDatabaseTimeout 60
MirrorStickiness 0
MirrorGeoDatabase {geo}/GeoLite2-City.mmdb
MirrorGeoDatabase {geo}/GeoLite2-ASN.mmdb
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
<Directory {docroot}>
  MirrorEngine On
</Directory>
<Location /server-status>
  MirrorEngine Off
  SetHandler server-status
</Location>
"""
MODULES = ("autoindex", "http2", "proxy", "proxy_http", "ssl", "socache_shmcb")
# PostgreSQL takes each system user for the role of the same name.
SUDO = """#!/bin/sh
PGUSER=root
while :; do case $1 in -u) PGUSER=$2; shift 2 ;; -g) shift 2 ;; -*) shift ;; *) break ;; esac; done
export PGUSER
exec "$@"
"""
APACHECTL = """#!/bin/sh
{settings}
case $1 in
  configtest) exec {httpd} -f {config} -t ;;
  graceful) exec kill -USR1 "$(cat {pid})" ;;
  *) echo "apachectl: $1?" >&2; exit 2 ;;
esac
"""


@dataclasses.dataclass
class Block:
    kind: str  # the first word after ```
    words: list  # the others
    text: str
    chapter: str
    line: int

    @property
    def status(self):
        """With which exit status the commands end."""
        return next((int(word.partition("=")[2]) for word in self.words if word.startswith("status=")), 0)

    def __str__(self):
        return f"{self.chapter}:{self.line}"


def contents():
    """The parts of doc/contents as pairs: a title, the names of files."""
    parts = []
    for line in (DOC / "contents").read_text().splitlines():
        if line.startswith("# "):
            parts.append((line[2:], []))
        elif re.fullmatch(r"[\w.-]+\.(md|\d)", line):
            parts[-1][1].append(line)
    return parts


def chapters():
    """What users read. What is for those who work on mod_mirror has a test of its own, if any."""
    return [name for title, names in contents() if title != "Work on mod_mirror" for name in names if name.endswith(".md")]


def blocks(chapter):
    found, lines = [], (DOC / chapter).read_text().splitlines()
    number = 0
    while number < len(lines):
        fence = re.fullmatch(r"( *)```(.*)", lines[number])
        if fence:
            end = next((n for n in range(number + 1, len(lines)) if lines[n].strip() == "```"), None)
            assert end, f"{chapter}:{number + 1}: the fence has no end"
            kind, *words = fence[2].split() or [""]
            found.append(Block(kind, words, textwrap.dedent("\n".join(lines[number + 1:end])) + "\n", chapter, number + 1))
            number = end
        number += 1
    return found


def told(chapter, key):
    """The words of `<!-- key: words -->` in a chapter."""
    return [word for words in re.findall(rf"^<!-- {key}: (.*) -->$", (DOC / chapter).read_text(), re.M) for word in words.split()]


class Stage:
    """For one chapter: a database `mirrors`, a source tree with its web server, httpd with the module, and the programs in PATH.
    Names of the manual stand for the private servers: see `names`. Unless it is bare, the mirrors are known, scanned and enabled."""

    def __init__(self, build, postgres, geo, hosts, folder, bare=False):
        self.build, self.postgres, self.hosts, self.dir = build, postgres, hosts, folder
        (self.mirror,) = {host.tree for host in hosts.values()}
        self.tree = self.mirror.parent / "source"
        for tree in (self.tree, self.mirror):  # what is right in it stays, so that a copy of the database fits it
            rig.run(["rsync", "-a", "--delete", f"{self.mirror.parent}/pristine/", f"{tree}/"])
        self.before = set(self._databases())
        for name in ("bin", "work", "etc/secrets", "backups/mirrors", "GeoIP"):
            (folder / name).mkdir(parents=True)
        for name, file in (("GeoLite2-City", "city"), ("GeoLite2-ASN", "asn")):
            (folder / "GeoIP" / f"{name}.mmdb").symlink_to(geo / f"{file}.mmdb")
        (folder / "etc/mb.toml").write_text(
            f'[instance.main]\ndatabase = "dbname=mirrors"\nsource = "{self.tree}"\n'
            f'geo_databases = ["{folder}/GeoIP/GeoLite2-City.mmdb", "{folder}/GeoIP/GeoLite2-ASN.mmdb"]\n')
        self.config = CONFIG.replace("{database}", postgres.conninfo("mirrors")).replace("{geo}", f"{folder}/GeoIP")
        self.httpd = rig.Httpd(self.config, build=build, catalog=True, docroot=self.tree, modules=MODULES)
        with open(folder / "etc/mb.toml", "a") as config:  # the default one, for a reader
            config.write(f'catalog = "{self.httpd.catalog}"\n')
        self.names = self._names()
        self._programs()
        self.output = ""
        if not bare:
            self._fill()
            postgres.sql("CREATE ROLE root LOGIN IN ROLE mirror_admin")  # who reads the manual is logged in as root
            self.env["PGUSER"] = "root"
        self.httpd.start()
        self.names = self._names()  # it takes another port if somebody else has got the first one

    def _databases(self):
        return self.postgres.sql("SELECT datname FROM pg_database").splitlines()

    def _names(self):
        """What stands for what, the longer ones first."""
        found = {"/etc/mod_mirror": f"{self.dir}/etc", "/srv/pub": str(self.tree), "/srv/mirror": str(self.mirror),
                 "/var/lib/GeoIP": f"{self.dir}/GeoIP",
                 "/var/lib/mod_mirror/main": str(self.httpd.catalog),
                 "/var/lib/mod_mirror/dbname_mirrors": str(self.httpd.catalog), "/var/backups": f"{self.dir}/backups",
                 "/var/log/apache2": str(self.httpd.dir), "http://download.example.org/": self.httpd.url,
                 "http://127.0.0.1:8081/": self.httpd.url,
                 "192.0.2.77": "127.0.10.77", "198.51.100.77": "127.0.11.77"}  # clients near the mirrors
        for name, host in self.hosts.items():
            found |= {f"http://{name}/pub/": host.http_url, f"rsync://{name}/pub/": f"{host.rsync_url.rstrip('/')}/"}
        return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))

    def _fill(self):
        if BEGUN in self._databases():
            self.postgres.create_database("mirrors", BEGUN)
            return
        self.postgres.create_database("mirrors")
        urls = "".join(f"mb new {name} --http-url http://{name}/pub/ --rsync-url rsync://{name}/pub/\n" for name in self.hosts)
        begin = f"mb db init\nmb-scan --source\n{urls}mb-scan --enable {' '.join(self.hosts)}\nmb-hash\nmb-probe --all\n"
        self.run(Block("sh", [], begin, "the stage", 0))
        self.postgres.create_database(BEGUN, "mirrors")

    def _programs(self):
        folder = self.dir / "bin"
        for name in ("mb", "mb-scan", "mb-hash", "mb-probe"):
            (folder / name).symlink_to(self.build.program(name))
        settings = [f"export {name}='{value}'" for name, value in self.httpd.environment().items()
                    if name in ("LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS")]
        scripts = {"sudo": SUDO, "apachectl": APACHECTL.format(
            httpd=rig.httpd.httpd_program(), config=self.httpd.config, pid=self.httpd.dir / "httpd.pid", settings="\n".join(settings))}
        for name, text in scripts.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        path = f"{folder}:{rig.postgres.bindir()}:{os.environ['PATH']}:/usr/sbin"
        keep = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        self.env = {**keep, **self.postgres.environment("mirrors"), "MB_CONFIG": f"{self.dir}/etc/mb.toml", "PATH": path,
                    "LC_ALL": "C.UTF-8"}

    def here(self, text):
        """The text with this stage's names."""
        # `mb new URL` asks the host's rsync server at its usual port.
        text = re.sub(r"mb new https?://([\w.-]+)/pub/", lambda match: self._new(match[1]) or match[0], text)
        text = re.sub(r"(?m)^(mb status[^|#\n]*)", r"{ \1; } || test $? = 1", text)  # a warning is an answer, too
        for name, value in self.names.items():
            text = text.replace(name, value)
        return text

    def _new(self, name):
        host = self.hosts.get(name)
        return host and f"mb new {host.http_url} --name {name} --rsync-host {host.address}:{host.rsyncd.port} --within 300"

    def there(self, text):
        for name, value in self.names.items():
            text = text.replace(value, name)
        return text

    def settle(self):
        """Waits until httpd has what the database has."""
        command = [self.build.program("mb"), "catalog", "verify", "--dir", self.httpd.catalog]
        rig.wait_for("httpd's catalog", lambda: subprocess.run(command, env=self.env, capture_output=True).returncode == 0, 120)

    def run(self, block):
        if re.search(r"\b(curl|wget|aria2c|mb compare|mb status|mb catalog)\b", block.text):
            self.settle()
        done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", self.here(block.text)], env=self.env, cwd=self.dir / "work", text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=300)
        self.output = self.there(done.stdout)
        assert done.returncode == block.status, f"{block}: status {done.returncode}\n{block.text}\n{self.output}"

    def close(self):
        self.httpd.close()
        for name in set(self._databases()) - self.before - {BEGUN}:
            self.postgres.drop_database(name)
        kept = "^pg_|^postgres$|^mirror_(httpd|scanner|admin)$"
        for name in self.postgres.sql(f"SELECT quote_ident(rolname) FROM pg_roles WHERE rolname !~ '{kept}'").splitlines():
            self.postgres.sql(f"DROP ROLE {name}")


def check_output(block, output):
    """Each line of the block came in this order; … stands for anything, spaces for any number of them."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    for wanted in filter(None, block.text.splitlines()):
        pattern = ".*".join(map(re.escape, " ".join(wanted.split()).split("…")))
        place = next((place for place, line in enumerate(lines) if re.fullmatch(pattern, line)), None)
        if place is None:
            pytest.fail(f"{block}: {wanted!r} did not come, but\n{output}")
        lines = lines[place + 1:]
