"""How a large catalog comes to be and how it follows changes, for t/bench/redirect."""

import pathlib
import threading
import time
import urllib.request

import redirect_load as load
import rig

STATUS = "<Location /server-status>\n  SetHandler server-status\n</Location>\n"
CHANGED, CHURN_ROUNDS = 100_000, 10


def status(server):
    """What mod_status says of the catalog: {"Revision": "1", …}."""
    with urllib.request.urlopen(server.url + "server-status?auto", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    prefix = "MirrorCatalog0"
    return dict(line.removeprefix(prefix).split(": ", 1) for line in lines if line.startswith(prefix))


def anonymous_bytes(pid):
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return max((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), default=0)


def wait_for_load(server, name, say):
    """Says how long the first load took, from httpd's start, and what the largest child had of memory of its own."""
    began, peak = time.monotonic(), 0
    while not (server.catalog / "CURRENT").exists():
        peak = max([peak, *map(anonymous_bytes, server.children())])
        if time.monotonic() - began > 3600:
            raise rig.RigError(f"no catalog within an hour\n{server.log()[-2000:]}")
        time.sleep(0.05)
    seconds = time.monotonic() - began
    found = rig.wait_for("the catalog", lambda: (s := status(server)).get("State") == "in use" and s, 60)
    say(f"{name}: {int(found['Files']):,} files loaded in {seconds:.1f} s (10 million: 120 s), at most {peak / 2**20:.0f} MB of "
        f"anonymous memory in a child (64 MB), {bytes_per_file(found):.0f} bytes a file (160)")


def bytes_per_file(found):
    return int(found["Bytes"]) / int(found["Files"])


def _commit(database, share_of):
    """A merge that changes every share_of-th file; the revision."""
    return int(database.sql(f"""BEGIN;
        SELECT nextval('revision_seq') AS rev \\gset
        WITH changed AS (UPDATE file SET mtime = mtime + 1, version_rev = :rev, rev = :rev
                         WHERE id % {share_of} = :rev % {share_of} RETURNING id)
        INSERT INTO change (rev, upto, files)
        SELECT :rev, coalesce((SELECT max(upto) FROM change), 0) + 1 + count(*), array_agg(id) FROM changed;
        INSERT INTO revision (rev) VALUES (:rev);
        COMMIT;
        SELECT :rev""").splitlines()[-1])


def _follow(server, database, share_of):
    """Seconds from the commit of a change until redirects know it."""
    revision = _commit(database, share_of)
    began = time.monotonic()
    rig.wait_for("the change", lambda: int(status(server)["Revision"]) >= revision, 600)
    return time.monotonic() - began


def change(server, database, requests, arguments, say):
    share_of = max(1, arguments.growth_files // CHANGED)
    seconds = [_follow(server, database, share_of) for _ in range(3)]
    say(f"{arguments.growth_files // share_of:,} changed files are there after {sorted(seconds)[1]:.2f} s (3 s)")
    calm = load.closed_loop(server, list, requests, 10)
    changing = threading.Thread(target=lambda: (time.sleep(1), _follow(server, database, share_of)))
    changing.start()
    busy = load.closed_loop(server, list, requests, 10)
    changing.join()
    say(f"redirects/s meanwhile: {busy.rate / calm.rate:.2f} of those without a change, p99 {busy.p99_us:,} µs against "
        f"{calm.p99_us:,} µs")
    for _ in range(CHURN_ROUNDS):
        _follow(server, database, share_of)
    say(f"after {CHURN_ROUNDS + 4} such changes {bytes_per_file(status(server)):.0f} bytes a file")
