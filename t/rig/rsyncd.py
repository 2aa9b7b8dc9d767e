"""A private rsync daemon."""

import dataclasses
import os
import pathlib
import signal

from .ports import accepts, free_port, host_port
from .process import Process, RigError, Scratch, is_root, tail


@dataclasses.dataclass
class Module:
    """One module. `users` maps names to passwords; uid None is rsync's own choice (nobody when started by root)."""

    name: str
    path: pathlib.Path
    users: dict = dataclasses.field(default_factory=dict)
    uid: str | None = None
    extra: str = ""  # further lines of rsyncd.conf


class RsyncDaemon:
    """with RsyncDaemon([Module("pub", tree)]) as daemon: daemon.module_url("pub")"""

    def __init__(self, modules, *, address="127.0.0.1", port=None, motd="", extra=""):
        self.modules, self.address, self.motd, self.extra = list(modules), address, motd, extra
        self._fixed_port = port
        self.port = port or free_port(address)
        self._scratch = Scratch("mirror-rsyncd")
        self.dir = self._scratch.path
        self.log = self.dir / "rsyncd.log"
        self._process = None

    def module_url(self, name, user=None):
        return f"rsync://{user + '@' if user else ''}{host_port(self.address, self.port)}/{name}/"

    def _write_config(self):
        lines = [f"address = {self.address}", f"port = {self.port}", "use chroot = no", "reverse lookup = no",
                 "max connections = 0", "timeout = 60", self.extra]
        if self.motd:
            (self.dir / "motd").write_text(self.motd)
            lines.append(f"motd file = {self.dir}/motd")
        for module in self.modules:
            lines += [f"[{module.name}]", f"path = {module.path}", "read only = yes", "list = yes"]
            if is_root() and module.uid:
                lines += [f"uid = {module.uid}", f"gid = {module.uid}"]
            if module.users:
                secrets = self.dir / f"{module.name}.secrets"
                secrets.write_text("".join(f"{user}:{password}\n" for user, password in module.users.items()))
                secrets.chmod(0o600)
                lines += [f"auth users = {','.join(module.users)}", f"secrets file = {secrets}"]
            lines.append(module.extra)
        config = self.dir / "rsyncd.conf"
        config.write_text("\n".join(lines) + "\n")
        return config

    def start(self):
        if self._process and self._process.alive():
            return self
        for attempt in range(5):
            argv = ["rsync", "--daemon", "--no-detach", f"--config={self._write_config()}", f"--log-file={self.log}"]
            self._process = Process("rsync daemon", argv, self.dir / "stderr.log", cwd=self.dir)
            try:
                self._process.wait_until(lambda: accepts(self.address, self.port) and self._process.alive())
                return self
            except RigError as error:
                self._process.stop()
                if "bind" in tail(self.log) and not self._fixed_port and attempt < 4:
                    self.port = free_port(self.address)
                    continue
                raise RigError(f"{error}\n{tail(self.log)}") from None

    def stop(self):
        if self._process:
            children = self._process.descendants()
            self._process.stop()
            # Connections under way are served by children that outlive the daemon.
            for pid in children:
                _end(pid)
            self._process = None

    def close(self):
        self.stop()
        self._scratch.close()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *exc):
        self.close()


def _end(pid):
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
