"""What the tests of outages share: a redirector in front of a PostgreSQL of its own, and clients that measure their answers."""

import concurrent.futures
import dataclasses
import re
import statistics
import time

import rig
from answers import SIZE, Answer, File, ask, fill

LIMIT_S = 2.0   # MirrorDatabaseTimeout's default
MARGIN_S = 1.5  # what a busy machine may add
MIRROR = "http://m.example/"
# Children and threads as few as show that several of them agree.
CONFIG = """
MirrorDatabase {database}
<Location /local>
  MirrorEngine On
</Location>
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
"""
CHILDREN = {
    "prefork": "StartServers 4\nServerLimit 8\nMinSpareServers 4\nMaxSpareServers 8\nMaxRequestWorkers 8\n",
    "worker": "StartServers 2\nServerLimit 4\nThreadsPerChild 8\nMinSpareThreads 8\nMaxSpareThreads 32\nMaxRequestWorkers 32\n",
}
CHILDREN["event"] = CHILDREN["worker"]
_LOG = 'LogFormat "%P %D %>s %U" process\nCustomLog {dir}/process.log process\n'


class Redirector:
    """`postgres` may be down. Its file `f` is on the one mirror, in the local tree as well as in the one that is only a table."""

    def __init__(self, postgres, build, *, config=CONFIG, mpm="event", conninfo=None, **options):
        self.postgres = postgres
        text = _LOG + CHILDREN[mpm] + config.replace("{database}", conninfo or postgres.conninfo(DATABASE))
        self.httpd = rig.Httpd(text, build=build, mpm=mpm, **options)
        rig.make_tree(self.httpd.docroot, {"local/f": SIZE, "local/page": SIZE})
        self.close = self.httpd.close

    def start(self):
        self.httpd.start()
        return self

    def ask(self, target="/local/f", **options):
        started = time.monotonic()
        return Timed(ask(self.httpd, target, **options), time.monotonic() - started)

    def redirects(self, target="/local/f"):
        answer = self.ask(target).answer
        return answer.status == 302 and answer.location == MIRROR + "f"

    def wait_until_it_redirects(self, deadline_s=8.0):
        """In every process that answers: one alone could have been lucky."""
        rig.wait_for("redirects", lambda: all(self.redirects() for _ in range(8)), deadline_s)

    def processes(self):
        """(process id, seconds) of every request so far."""
        lines = (self.httpd.dir / "process.log").read_text().splitlines()
        return [(int(line.split()[0]), int(line.split()[1]) / 1e6) for line in lines]

    def log_lines(self, pattern):
        return [line for line in self.httpd.log().splitlines() if re.search(pattern, line)]


DATABASE = "outage"
OUTAGE = r"MirrorDatabase .*requests are answered without it"
RECOVERY = r"MirrorDatabase .*answers again"


@dataclasses.dataclass
class Timed:
    answer: Answer
    seconds: float


def fill_postgres(postgres, build, name=DATABASE, url=MIRROR):
    """A database with one mirror that has the file `f`."""
    postgres.create_database(name)
    database = rig.Database(postgres, name, build)
    database.load_schema()
    fill(database, {"m": {"http_url": url}}, {"f": File(("m",))})
    return database


def median_s(timed):
    return statistics.median(one.seconds for one in timed)


def at_once(count, action):
    """action() from `count` threads at a time; their results, the first exception raised again."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(action) for _ in range(count)]]
