"""What the tests of mb-hash share."""

import hashlib
import json
import os
import subprocess

import scanning

REDIRECTOR = """
MirrorDatabase "{database}"
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
"""


class World(scanning.World):
    def mb_hash(self, *args, check=True, **options):
        return self.database.tool("mb-hash", "--config", self.config, *args, check=check, **options)

    def start_hash(self, *args, env=None, **options):
        argv = [self.database.build.program("mb-hash"), "--config", self.config, *args]
        return subprocess.Popen([os.fspath(a) for a in argv], env={**self.database.environment(), **(env or {})},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def summary(self, *args, **options):
        """mb-hash's summary as a dict, with its exit status as "status"."""
        done = self.mb_hash("--json", *args, check=False, **options)
        last = [line for line in done.stdout.splitlines() if line.startswith('{"summary"')]
        assert last, done.stderr
        return {**json.loads(last[-1])["summary"], "status": done.returncode}

    def scan_source(self):
        self.mb_scan("--source", "--force", "--hash-touched=0", check=True)

    def stored(self, column="sha256"):
        """path -> the column of its present version, in hex; files without hashes are missing."""
        rows = self.query(f"SELECT encode(path, 'hex'), encode({column}, 'hex') FROM file JOIN hash ON file_id = id"
                          f" AND hash.version_rev = file.version_rev WHERE gone_at IS NULL "
                          f"AND NOT pending AND {column} IS NOT NULL")
        return {os.fsdecode(bytes.fromhex(path)): value for path, value in rows}

    def real(self, algorithm="sha256"):
        """The same, by Python, of every regular file of the source."""
        paths = [path for path in self.source.rglob("*") if path.is_file()]
        return {os.fspath(path.relative_to(self.source)): hashlib.new(algorithm, path.read_bytes()).hexdigest() for path in paths}
