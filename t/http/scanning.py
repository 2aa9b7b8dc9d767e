"""What the tests of mb-scan share: a source tree, mirrors behind real rsync daemons, an rsync that says what a test wants."""

import json
import os
import pathlib
import subprocess

import rig


class World:
    """One source tree with its database and mirrors."""

    def __init__(self, database, scratch, cleanup):
        self.database, self.scratch, self._cleanup = database, scratch, cleanup
        self.source = scratch / "source"
        self.source.mkdir(exist_ok=True)
        self.fake = scratch / "fake"
        self.config = scratch / "config.toml"
        self.configure()

    def configure(self, source=None, more=""):
        self.config.write_text(f'[instance.main]\nsource = "{source or self.source}"\n{more}')

    def mb_scan(self, *args, check=False, **options):
        return self.database.tool("mb-scan", "--config", self.config, *args, check=check, **options)

    def start_scan(self, *args, env=None, **options):
        """mb-scan in the background."""
        argv = [self.database.build.program("mb-scan"), "--config", self.config, *args]
        return subprocess.Popen([os.fspath(a) for a in argv], env={**self.database.environment(), **(env or {})},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def fill_source(self, files, *options):
        rig.make_tree(self.source, files)
        return self.mb_scan("--source", *options, check=True)

    def mirror(self, name, files=None, *, enabled=True, motd="", users=None, uid=None, extra="", path="", **columns):
        """A mirror behind a daemon of its own. `files` as for rig.make_tree; None: a copy of the source."""
        tree = self.scratch / name
        if files is None:
            rig.copy_tree(self.source, tree)
        else:
            rig.make_tree(tree, files)
        module = rig.Module("pub", tree, users=users or {}, uid=uid, extra=extra)
        daemon = self._cleanup(rig.RsyncDaemon([module], motd=motd)).start()
        daemon.tree = tree
        columns.setdefault("rsync_url", daemon.module_url("pub", next(iter(users)) if users else None) + path)
        self.register(name, enabled=enabled, **columns)
        return daemon

    def register(self, name, *, enabled=True, **columns):
        self.database.add_mirror(name, enabled=enabled, http_url="http://mirror.example/", **columns)

    def query(self, statement):
        """Rows of text."""
        text = self.database.sql(statement)
        return [line.split("|") for line in text.splitlines()]

    def has(self):
        """Every current or gone file of the table with the mirrors that have it."""
        rows = self.query("SELECT encode(path, 'hex'), (SELECT string_agg(identifier, ',' ORDER BY identifier) FROM mirror"
                          " WHERE mirror.id = ANY (cohort.mirrors)) FROM file JOIN cohort ON cohort.id = cohort_id")
        return {_name(path): mirrors.split(",") if mirrors else [] for path, mirrors in rows}

    def files_of(self, mirror):
        return sorted((path for path, mirrors in self.has().items() if mirror in mirrors), key=os.fsencode)

    def scans(self, mirror):
        """Outcome and error of the mirror's scans."""
        return self.query("SELECT outcome, error FROM scan WHERE mirror_id = (SELECT id FROM mirror WHERE identifier = "
                          f"'{mirror}') ORDER BY scan.id")

    def tables(self):
        """All that redirects read, to compare before and after."""
        files = "SELECT path, kind, size, mtime, staged, gone_at, version_rev, rev, cohort_id FROM file ORDER BY path"
        return self.query(files), self.query("SELECT id, mirrors, n_files, rev FROM cohort ORDER BY id")

    def fake_rsync(self, script):
        """An environment in which `rsync` is this shell script."""
        self.fake.mkdir(exist_ok=True)
        program = self.fake / "rsync"
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(0o755)
        return {"PATH": f"{self.fake}:{os.environ['PATH']}"}

    def linger(self):
        """A command for fake_rsync's script that stays for an hour, as one of fake_processes()."""
        self.fake.mkdir(exist_ok=True)
        (self.fake / "sleep").symlink_to("/bin/sleep")
        return f"{self.fake}/sleep 3600"

    def fake_processes(self):
        """Ids of this world's fake rsync and of what it left behind."""
        return processes_with(f"{self.fake}/")


def _name(hexadecimal):
    return os.fsdecode(bytes.fromhex(hexadecimal))


def entry(path, size=5, mode="-rw-r--r--", when="2023/11/14 22:13:20"):
    """A line as rsync prints it; 2023/11/14 22:13:20 is rig's DEFAULT_MTIME."""
    return f"{mode} {size:>11} {when} {path}"


def listing(*lines):
    """A shell script that prints these lines, after the root's."""
    text = "\n".join([entry(".", 4096, "drwxr-xr-x"), *lines])
    return f"cat <<'END'\n{text}\nEND\n"


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def processes_with(text):
    """Ids of the processes that have `text` in their command line."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in command and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found
