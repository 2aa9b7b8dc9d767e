"""What the tests of the module share: a redirector in front of a filled table, and a client that shows answers as they came."""

import dataclasses
import os
import socket
import urllib.parse

import rig

COUNTRY = {"de": "127.0.10.1", "jp": "127.0.11.1", "us": "127.0.12.1", "fr": "127.0.13.1", "br": "127.0.14.1"}
NOWHERE = "127.0.0.1"
SIZE = 10_000


@dataclasses.dataclass
class File:
    """A row of the file table. `mirrors` are identifiers; `gone_s` seconds since it vanished from the source."""

    mirrors: tuple = ()
    size: int = SIZE
    mtime: int = rig.tree.DEFAULT_MTIME
    staged: bool = False
    pending: bool = False
    gone_s: int = None
    link: str = None


def fill(database, mirrors, files):
    """Mirrors as {identifier: columns}; files as {path: File}, paths may be bytes."""
    statements = [_insert("mirror", {"identifier": name, "enabled": True, **columns}) for name, columns in mirrors.items()]
    cohorts = sorted({tuple(sorted(file.mirrors)) for file in files.values()})
    for number, names in enumerate(cohorts, 1):
        ids = f"ARRAY(SELECT id FROM mirror WHERE identifier = ANY ('{{{','.join(names)}}}') ORDER BY id)"
        count = sum(_has_cohort(f) and tuple(sorted(f.mirrors)) == names for f in files.values())
        statements.append(f"INSERT INTO cohort (mirrors, n_files, rev) VALUES ({ids}, {count}, {number})")
    for path, file in files.items():
        cohort = f"(SELECT id FROM cohort WHERE rev = {cohorts.index(tuple(sorted(file.mirrors))) + 1})"
        statements.append(_insert("file", {
            "path": _bytea(path), "size": file.size, "mtime": file.mtime, "version_rev": 1, "rev": 1, "staged": file.staged,
            "pending": file.pending, "kind": "l" if file.link is not None else "f",
            "cohort_id": _Sql(cohort) if _has_cohort(file) else None,
            "link_target": None if file.link is None else _bytea(file.link),
            "gone_at": None if file.gone_s is None else _Sql(f"now() - interval '{file.gone_s} s'")}))
    database.sql(";\n".join(statements) + ";")


class _Sql(str):
    """Text that goes into a statement as it is."""


def _has_cohort(file):
    return file.link is None and not file.staged


def _bytea(path):
    return _Sql(f"'\\x{os.fsencode(path).hex()}'::bytea")


def _insert(table, row):
    def literal(value):
        if value is None:
            return "NULL"
        return value if isinstance(value, _Sql) else "'" + str(value).replace("'", "''") + "'"
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(map(literal, row.values()))})"


class Answer:
    """`headers` are pairs in the order in which they came."""

    def __init__(self, raw, method="GET"):
        head, separator, self.body = raw.partition(b"\r\n\r\n")
        assert separator, f"no whole answer: {raw[:200]!r}"
        lines = head.split(b"\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = [(name.decode(), value.strip().decode("latin-1"))
                        for name, _, value in (line.partition(b":") for line in lines[1:])]
        self.raw = raw

    def all(self, name):
        return [value for other, value in self.headers if other.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        assert len(values) < 2, f"{name} came more than once: {values}"
        return values[0] if values else None

    @property
    def location(self):
        return self.get("Location")

    @property
    def links(self):
        """To other mirrors; what describes the file is in all("Link") too."""
        return [link for link in self.all("Link") if "rel=duplicate" in link]

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:80]!r}>"


def escaped(path):
    """The path as a client may write it into a URL."""
    return urllib.parse.quote_from_bytes(os.fsencode(path), safe="/")


def exchange(server, request, *, client=NOWHERE, deadline_s=20):
    """Sends bytes and returns all that comes until the server closes."""
    with socket.create_connection((server.address, server.port), timeout=deadline_s, source_address=(client, 0)) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has answered before it read all
        received = bytearray()
        try:
            while block := connection.recv(65536):
                received += block
        except ConnectionResetError:
            pass
        return bytes(received)


def ask(server, target, *, method="GET", client=NOWHERE, headers=(), host="redirector.example"):
    """One request; `target` as it stands in the request line, str or bytes; headers as {name: value} or pairs."""
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines = [b"%s %s HTTP/1.1" % (method.encode(), target if isinstance(target, bytes) else target.encode()),
             b"Host: " + host.encode(), b"Connection: close"]
    lines += [name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) for name, value in pairs]
    return Answer(exchange(server, b"\r\n".join(lines) + b"\r\n\r\n", client=client))


class Site:
    """A redirector in front of a database that fill() has filled."""

    def __init__(self, httpd, database, geo):
        self.httpd, self.database, self.geo = httpd, database, geo

    def ask(self, target, **options):
        return ask(self.httpd, target, **options)

    def logged(self, name):
        """The lines of a log in httpd's folder."""
        path = self.httpd.dir / name
        return path.read_text(errors="replace").splitlines() if path.exists() else []
