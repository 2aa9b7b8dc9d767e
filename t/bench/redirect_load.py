"""Load for t/bench/redirect, and what it costs the servers."""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import time

import rig

CONNECTIONS, THREADS = 16, 2
OPEN_LOOP_PROCESSES = 4  # of h2load, which sends one client address each


def cpu_seconds(pids):
    """{process id: processor time that it has had so far}, to the nanosecond."""
    seconds = {}
    for pid in pids:
        with contextlib.suppress(OSError):  # it ended meanwhile
            seconds[pid] = time.clock_gettime((~pid << 3) | 2)  # another process's, as clock_getcpuclockid(3) makes it
    return seconds


def spent(before, after):
    """Seconds between two cpu_seconds(); processes that ended are lost."""
    return sum(end - before.get(pid, 0) for pid, end in after.items())


def pss_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


@dataclasses.dataclass
class Round:
    """One contender's turn."""

    rate: float  # requests a second
    p50_us: float
    p99_us: float
    httpd_us: float  # of CPU, a request
    postgres_us: float


def closed_loop(server, postgres_pids, requests, seconds):
    """As many requests as it takes."""
    argv = ["wrk", "-t", THREADS, "-c", CONNECTIONS, "-d", f"{seconds}s", "-s", pathlib.Path(__file__).with_name("redirect.lua"),
            server.url]
    httpd_pids = [server.pid, *server.children()]
    before = cpu_seconds(httpd_pids), cpu_seconds(postgres_pids())
    done = rig.run([str(a) for a in argv], env={**os.environ, "MIRROR_BENCH_REQUESTS": str(requests)})
    after = cpu_seconds(httpd_pids), cpu_seconds(postgres_pids())
    figures = json.loads(done.stdout.splitlines()[-1])
    if figures["errors"] or not figures["requests"]:
        raise rig.RigError(f"{server.url}: {figures['errors']} errors in {figures['requests']} requests\n{server.log()[-2000:]}")
    per_request = [spent(begin, end) * 1e6 / figures["requests"] for begin, end in zip(before, after)]
    return Round(figures["requests"] / figures["us"] * 1e6, figures["p50_us"], figures["p99_us"], *per_request)


def open_loop(server, scratch, requests, rate, seconds):
    """At a given rate, whether answers come or not; (p50, p99) in microseconds."""
    lines = [line.split("\t") for line in pathlib.Path(requests).read_text().splitlines()]
    clients = CONNECTIONS // OPEN_LOOP_PROCESSES
    running, logs = [], []
    for number in range(OPEN_LOOP_PROCESSES):
        share = lines[number::OPEN_LOOP_PROCESSES]
        paths, log = scratch / f"paths-{number}", scratch / f"latency-{number}"
        paths.write_text("".join(f"{path}\n" for path, _ in share))
        log.unlink(missing_ok=True)
        logs.append(log)
        argv = ["h2load", "--h1", "-c", clients, "-t", 1, "-D", seconds, "--warm-up-time", 1, "--rps",
                max(1, round(rate / CONNECTIONS)), "-i", paths, "-B", server.url, "-H", f"X-Client: {share[0][1]}",
                "--log-file", log]
        running.append(subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    if any([process.wait() for process in running]):
        raise rig.RigError("h2load failed")
    rows = [line.split("\t") for log in logs for line in log.read_text().splitlines()]
    wrong = [status for _, status, _ in rows if status != "302"]
    if wrong or not rows:
        raise rig.RigError(f"{server.url}: {len(wrong)} of {len(rows)} answers are no redirects, but {wrong[:3]}")
    cuts = statistics.quantiles([int(us) for _, _, us in rows], n=100)
    return cuts[49], cuts[98]


def ask(server, requests, count):
    """Sends the first requests one after the other; [(path, client, answer)]."""
    connection = http.client.HTTPConnection(server.address, server.port, timeout=120)
    answers = []
    with open(requests) as lines:
        for _ in range(count):
            path, client = next(lines).rstrip("\n").split("\t")
            connection.request("GET", path, headers={"Host": "download.example.org", "X-Client": client, "Accept": "*/*",
                                                     "User-Agent": "Debian APT-HTTP/1.3 (2.6.1)"})
            answer = connection.getresponse()
            answer.read()
            answers.append((path, client, answer))
    connection.close()
    return answers


def check_answers(server, requests, bases, links, digests):
    """Checks that it does what is measured: redirects to a mirror, with so many duplicates. Raises RigError if not."""
    for path, client, answer in ask(server, requests, 200):
        location = answer.headers.get("Location", "")
        duplicates = [link for link in answer.headers.get_all("Link", []) if "rel=duplicate" in link]
        to_mirror = location.removesuffix(path[1:].replace("+", "%2B")) in bases
        if answer.status != 302 or not to_mirror or len(duplicates) != links or ("Digest" in answer.headers) != digests:
            raise rig.RigError(f"{server.url}: {path} for {client} has the answer {answer.status}\n{answer.headers}")
