"""FTP servers on loopback: real ones, and one whose faults a test says."""

import contextlib
import posixpath
import socket
import socketserver
import sys
import threading
import time

from .indexes import Program
from .ports import host_port

_PYFTPDLIB = """
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
address, port, root, user, password, without, most = sys.argv[1:]
people = DummyAuthorizer()
people.add_anonymous(root)
if user:
    people.add_user(user, password, root)
handler = type("Handler", (FTPHandler,), {"authorizer": people, "use_gmt_times": True})
handler.proto_cmds = {name: rule for name, rule in FTPHandler.proto_cmds.items() if name not in without.split(",")}
server = FTPServer((address, int(port)), handler)
server.max_cons_per_ip = int(most)
server.serve_forever()
"""


class FtpServer(Program):
    scheme = "ftp"

    @property
    def url(self):
        return f"{self.scheme}://{host_port(self.address, self.port)}/"


def pyftpdlib(tree, *, address="127.0.0.1", user="", password="", without="", most=0):
    """`without`: commands, with commas, that the server does not have. `most`: connections; 0: no limit."""
    argv = [sys.executable, "-c", _PYFTPDLIB, "{address}", "{port}", "{docroot}", user, password, without, str(most)]
    return FtpServer("pyftpdlib", tree, address, argv)


def vsftpd(tree, *, address="127.0.0.1", certificate=None, implicit=False, local_time=False, env=None):
    """`certificate`: (certificate file, key file); then nobody may do without TLS. Needs root."""
    config = ("listen=YES\nlisten_address={address}\nlisten_port={port}\nbackground=NO\nanonymous_enable=YES\nanon_root={docroot}\n"
              "run_as_launching_user=YES\nsecure_chroot_dir={docroot}\nseccomp_sandbox=NO\nhide_ids=YES\n"
              f"use_localtime={'YES' if local_time else 'NO'}\n")
    if certificate:
        config += (f"ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\nrequire_ssl_reuse=NO\n"
                   f"rsa_cert_file={certificate[0]}\nrsa_private_key_file={certificate[1]}\n"
                   f"implicit_ssl={'YES' if implicit else 'NO'}\n")
    server = FtpServer("vsftpd", tree, address, ["/usr/sbin/vsftpd", "{dir}/vsftpd.conf"], {"vsftpd.conf": config}, env=env)
    if implicit:
        server.scheme = "ftps"
    return server


class FaultyFtp:
    """An FTP server with the files of a dictionary, in whose `faults` a folder's path ("/d1") has what happens when it is listed: a
    function of the session and the lines. The same of a file's path, and when its time is asked for. What is in `links` ("/d1") shows as
    a link. Without `features` it has neither MLSD nor MDTM."""

    def __init__(self, files, *, features=True, mtime=1700000000):
        self.files, self.features, self.mtime, self.faults, self.listed, self.passwords = files, features, mtime, {}, [], []
        self.links = set()
        self.greeting = lambda session: session.say("220 ready")
        handler = type("Session", (_Session,), {"site": self})
        self.server = type("Server", (socketserver.ThreadingTCPServer,), {"daemon_threads": True, "allow_reuse_address": True})(
            ("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"ftp://127.0.0.1:{self.server.server_address[1]}/"

    def lines(self, folder, machine):
        """What MLSD or LIST shows of a folder; None: there is none."""
        below = [path[len(folder.strip("/")) + 1 if folder != "/" else 0:] for path in self.files
                 if folder == "/" or path.startswith(folder.strip("/") + "/")]
        if not below:
            return None
        lines = []
        for name in sorted({path.partition("/")[0] + ("/" if "/" in path else "") for path in below}):
            full = posixpath.join(folder, name).strip("/")
            size = 0 if name.endswith("/") else len(self.files[full])
            lines.append(self._line(name, size, machine, posixpath.join(folder, name).rstrip("/") in self.links))
        return lines

    def _line(self, name, size, machine, is_link):
        folder, bare = name.endswith("/"), name.rstrip("/")
        if is_link:
            day = time.strftime("%b %d  %Y", time.gmtime(self.mtime))
            return f"type=OS.unix=slink:x; {bare}" if machine else f"lrwxrwxrwx   1 ftp      ftp             1 {day} {bare} -> x"
        if machine:
            when = time.strftime("%Y%m%d%H%M%S", time.gmtime(self.mtime))
            return f"type={'dir' if folder else 'file'};size={size};modify={when};perm={'el' if folder else 'r'}; {bare}"
        when = time.strftime("%b %d  %Y", time.gmtime(self.mtime))
        return f"{'drwxr-xr-x' if folder else '-rw-r--r--'}   1 ftp      ftp      {size:>8} {when} {bare}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class _Session(socketserver.StreamRequestHandler):
    site = None

    def say(self, line):
        self.wfile.write(line.encode("utf-8", "surrogateescape") + b"\r\n")

    def handle(self):
        self.folder, self.passive = "/", None
        with contextlib.suppress(OSError):
            if self.site.greeting(self) is False:
                return
            for line in self.rfile:
                verb, _, self.argument = line.decode("utf-8", "surrogateescape").rstrip("\r\n").partition(" ")
                if getattr(self, f"do_{verb.upper()}", self.do_unknown)() is False:
                    return

    def finish(self):
        if self.passive:
            self.passive.close()
        with contextlib.suppress(OSError):
            super().finish()

    def do_unknown(self):
        self.say("500 not known")

    def do_USER(self):
        self.say("331 a password, please")

    def do_PASS(self):
        self.site.passwords.append(self.argument)
        self.say("230 welcome")

    def do_PWD(self):
        self.say('257 "/" is the folder')

    def do_FEAT(self):
        if not self.site.features:
            return self.do_unknown()
        self.say("211-Features:\r\n MDTM\r\n MLST type*;size*;modify*;perm*;\r\n211 End")

    def do_TYPE(self):
        self.say("200 fine")

    def do_CWD(self):
        self.folder = posixpath.normpath(posixpath.join(self.folder, self.argument))
        if self.site.lines(self.folder, False) is None:
            return self.say("550 no such folder")
        self.say("250 fine")

    def do_EPSV(self):
        self.passive = socket.create_server(("127.0.0.1", 0))
        self.say(f"229 here (|||{self.passive.getsockname()[1]}|)")

    def do_MLSD(self):
        if not self.site.features:
            return self.do_unknown()
        return self.list(posixpath.normpath(posixpath.join(self.folder, self.argument)), True)

    def do_MDTM(self):
        return self.tell_of_file(lambda _: time.strftime("%Y%m%d%H%M%S", time.gmtime(self.site.mtime)))

    def do_SIZE(self):
        return self.tell_of_file(len)

    def tell_of_file(self, tell):
        path = posixpath.normpath(posixpath.join("/", self.argument))
        if path in self.site.faults:
            return self.site.faults[path](self, None)
        if not self.site.features:
            return self.do_unknown()
        content = self.site.files.get(path.strip("/"))
        return self.say("550 no such file" if content is None else f"213 {tell(content)}")

    def do_SYST(self):
        self.say("215 UNIX Type: L8")

    def do_LIST(self):
        return self.list(self.folder, False)

    def list(self, folder, machine):
        self.site.listed.append(folder)
        lines = self.site.lines(folder, machine)
        if folder in self.site.faults:
            return self.site.faults[folder](self, lines)
        if lines is None:
            return self.say("550 no such folder")
        return self.send(lines)

    def send(self, lines, end="226 done", cut=None):
        """`cut`: only so many bytes."""
        self.say("150 here it comes")
        data, _ = self.passive.accept()
        text = "".join(line + "\r\n" for line in lines).encode("utf-8", "surrogateescape")
        with contextlib.suppress(OSError):
            data.sendall(text[:cut])
        data.close()
        self.passive.close()
        if end is None:
            return False
        self.say(end)
        return None
