"""Private servers for the tests and the demo: PostgreSQL, Apache httpd, rsync daemons, web and FTP servers, on loopback.

Standard library only. Everything started here is a context manager, lives in a scratch folder of its own, listens on loopback
addresses only, ends with its parent even when that is killed, and is stopped by its own process id. Servers must be started from
the thread that lives longest (the main one): Linux sends the parent's death signal when the starting thread ends.
"""

from .build import Build
from .ftp import FaultyFtp, pyftpdlib, vsftpd
from .httpd import Httpd, WebServer
from .indexes import INDEX_SERVERS, index_server
from .mirrors import Database, MirrorHost
from .oddweb import OddWeb
from .ports import CLOSED_PORT, free_port, has_ipv6
from .postgres import Postgres
from .process import Process, RigError, Scratch, is_root, read_terminal, run, run_measured, run_on_terminal, wait_for
from .rsyncd import Module, RsyncDaemon
from .s3 import Object, S3Server
from .swift import Swift, has_swift
from .tls import Authority, TlsFront
from .tree import Link, copy_tree, make_tree, sha256_file

__all__ = [
    "Authority", "Build", "CLOSED_PORT", "Database", "FaultyFtp", "Httpd", "INDEX_SERVERS", "Link", "MirrorHost", "Module", "Object",
    "OddWeb", "Postgres", "Process", "RigError", "RsyncDaemon", "S3Server", "Scratch", "Swift", "TlsFront", "WebServer", "copy_tree",
    "free_port", "has_ipv6", "has_swift", "index_server", "is_root", "make_tree", "pyftpdlib", "run", "run_measured",
    "read_terminal", "run_on_terminal", "sha256_file", "vsftpd", "wait_for",
]
