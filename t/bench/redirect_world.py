"""What t/bench/redirect redirects: Debian's archive on Debian's mirrors, clients of all countries; or the same grown."""

import ipaddress
import os
import pathlib
import random
import subprocess

import rig

GEO = [pathlib.Path("/usr/share/tor/geoip"), pathlib.Path("/usr/share/tor/geoip6")]
MIRRORS = pathlib.Path("/usr/share/python-apt/templates/Debian.mirrors")
LISTS = pathlib.Path("/var/lib/apt/lists")
APT_HELPER = "/usr/lib/apt/apt-helper"
PACKAGES = {"h2load": "nghttp2-client", "wrk": "wrk", "valgrind": "valgrind"}
SHARE = 0.8  # of the files that a mirror has
MTIME_S = 1_700_000_000  # of the first file; each further one is a second younger


def missing_packages(programs):
    """What to install before anything runs."""
    wanted = {PACKAGES[p] for p in programs if not any(pathlib.Path(d, p).exists() for d in os.environ["PATH"].split(":"))}
    if not GEO[0].exists():
        wanted.add("tor-geoipdb")
    if not MIRRORS.exists():
        wanted.add("python-apt-common")
    return sorted(wanted)


def package_files():
    """[(path, size)] of Debian's package index, in path order."""
    indexes = [p for p in LISTS.glob("*_dists_*_binary-*_Packages*") if "security" not in p.name and "updates" not in p.name]
    if not indexes:
        raise rig.RigError(f"no package index in {LISTS}: run apt-get update")
    text = subprocess.run([APT_HELPER, "cat-file", max(indexes, key=lambda p: p.stat().st_size)], capture_output=True, text=True,
                          check=True).stdout
    paths = [line[10:] for line in text.splitlines() if line.startswith("Filename: ")]
    sizes = [int(line[6:]) for line in text.splitlines() if line.startswith("Size: ")]
    return sorted(zip(paths, sizes, strict=True))


def debian_mirrors():
    """[(identifier, URL, country)], by Debian's list."""
    mirrors, country = {}, ""
    for line in MIRRORS.read_text().splitlines():
        if line.startswith("#LOC:"):
            country = line[5:]
        elif line.startswith("http://"):
            mirrors[line.split("/")[2].replace(":", "-")] = (line if line.endswith("/") else line + "/", country)
    return [(host, *rest) for host, rest in mirrors.items()]


def countries_file(folder):
    path = folder / "country.mmdb"
    rig.run(["perl", pathlib.Path(__file__).with_name("make-country-mmdb.pl"), path, *GEO], timeout_s=900)
    return path


class Clients:
    """Random addresses: half IPv4 from everywhere, half IPv6 from any network that the country table has, most of the rest of
    that space being nobody's."""

    def __init__(self, seed=1):
        self._random = random.Random(seed)
        lines = GEO[1].read_text().splitlines()
        self._networks = [line.split(",")[:2] for line in lines if line[:1] in "23456789abcdef"]

    def address(self):
        if self._random.random() < 0.5:
            first = self._random.choice([n for n in range(1, 224) if n not in (10, 127)])
            return f"{first}.{'.'.join(str(self._random.randrange(256)) for _ in range(3))}"
        first, last = (int(ipaddress.IPv6Address(a)) for a in self._random.choice(self._networks))
        return str(ipaddress.IPv6Address(self._random.randint(first, last)))

    def write_requests(self, path, files, count):
        """For redirect.lua."""
        with open(path, "w") as out:
            for _ in range(count):
                out.write(f"/{self._random.choice(files)[0]}\t{self.address()}\n")
        return path


def synthetic_path(n):
    """The SQL below makes the same ones. Zero-padded: numbers are in path order."""
    return f"pool/main/{n // 500000:03}/package-{n // 20:07}/package-{n // 20:07}_1.{n % 20:02}-1_amd64.deb"


SYNTHETIC_PATH = ("format('pool/main/%s/package-%s/package-%s_1.%s-1_amd64.deb', lpad((n / 500000)::text, 3, '0'), "
                  "lpad((n / 20)::text, 7, '0'), lpad((n / 20)::text, 7, '0'), lpad((n % 20)::text, 2, '0'))")


def _random_cohorts(count, mirrors):
    return (f"INSERT INTO cohort (mirrors, n_files, rev) SELECT ARRAY(SELECT m::smallint FROM generate_series(1, {mirrors}) m "
            f"WHERE c > 0 AND random() < {SHARE}), 0, 1 FROM generate_series(1, {count}) c;\n")


def _begin():
    return "BEGIN; SELECT setseed(0.5); SELECT nextval('revision_seq'); INSERT INTO revision (rev) VALUES (1);\n"


def _end():
    return ("UPDATE cohort c SET n_files = f.n FROM (SELECT cohort_id, count(*) AS n FROM file GROUP BY 1) f "
            "WHERE f.cohort_id = c.id;\nCOMMIT;\nVACUUM ANALYZE;\n")


def _insert_mirrors(mirrors):
    rows = ", ".join(f"('{host}', '{url}', true, '{country}', {str(n % 4 != 0).lower()})"
                     for n, (host, url, country) in enumerate(mirrors))
    return f"INSERT INTO mirror (identifier, http_url, enabled, country, ipv6) VALUES {rows};\n"


def fill(database, files, mirrors):
    """Every mirror has a random share of the files, so that every file is a cohort of its own: the worst case."""
    rows = "".join(f"{size}\t{MTIME_S + n}\t1\t1\t{n + 1}\tf\t\\\\x{path.encode().hex()}\n"
                   for n, (path, size) in enumerate(files))
    database.sql(_begin() + _insert_mirrors(mirrors) + _random_cohorts(len(files), len(mirrors)) +
                 f"COPY file (size, mtime, version_rev, rev, cohort_id, kind, path) FROM STDIN;\n{rows}\\.\n" + _end())


def add_digests(database):
    """All four of every file; no pieces."""
    database.sql("INSERT INTO hash (file_id, version_rev, mtimes, sha256, sha512, sha1, md5) "
                 "SELECT id, version_rev, ARRAY[mtime], sha256(path), sha512(path), substr(sha256(path), 1, 20), "
                 "substr(sha512(path), 1, 16) FROM file;\nVACUUM ANALYZE;\n")


def add_pieces(database):
    """What mb-hash makes beside the digests, zsync's sums excepted, in its lengths: pieces of 256 KiB, at most 2,048 a file."""
    database.sql("""
        CREATE TEMP TABLE piece AS SELECT id AS file_id, bytes, ceil(size::numeric / bytes)::int AS count FROM (
          SELECT id, size, (262144 * 2 ^ greatest(0, ceil(log(2.0, greatest(size, 1) / (262144 * 2048.0)))))::bigint AS bytes
          FROM file WHERE kind = 'f') AS sized;
        UPDATE hash h SET piece_bytes = p.bytes, sha1_pieces = decode(repeat(md5(h.file_id::text) || 'abcdef01', p.count), 'hex'),
          pieces_root = sha256(h.sha1), btih = h.sha1, btih_v1 = h.sha1, btmh = sha256(h.md5),
          piece_layer = CASE WHEN p.count > 1 THEN decode(repeat(encode(sha256(h.sha1), 'hex'), p.count), 'hex') ELSE '' END
        FROM piece p WHERE p.file_id = h.file_id;
        VACUUM ANALYZE;
        """)


def fill_synthetic(database, files, mirrors, cohorts):
    """Runs of paths share a cohort, as the files of a folder do."""
    known = debian_mirrors()
    grown = [(f"m{n}.example.org", f"http://m{n}.example.org/debian/", known[n % len(known)][2]) for n in range(mirrors)]
    database.sql(_begin() + _insert_mirrors(grown) + _random_cohorts(cohorts, mirrors) +
                 "INSERT INTO file (size, mtime, version_rev, rev, cohort_id, kind, path) "
                 f"SELECT 5000 + n % 100000, {MTIME_S} + n, 1, 1, 1 + n / 100 % {cohorts}, 'f', "
                 f"convert_to({SYNTHETIC_PATH}, 'UTF8') "
                 f"FROM generate_series(0, {files - 1}) n;\n" + _end())
    return [(synthetic_path(n), 5000 + n % 100000) for n in random.Random(2).sample(range(files), min(files, 200_000))]


def make_tree(folder, files):
    """The files as a local tree of holes, in the version that fill() tells."""
    for n, (path, size) in enumerate(files):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "wb") as out:
            out.truncate(size)
        os.utime(place, (MTIME_S + n, MTIME_S + n))
