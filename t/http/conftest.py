"""Fixtures for tests against real servers. Nothing is shared between tests but the PostgreSQL clusters (of each pytest process),
the schema's template database, the GeoIP fixture and the certificate authority.

Programs come from the build tree in MIRROR_BUILDDIR (default: build in the source tree).
"""

import contextlib
import itertools
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import rig  # noqa: E402

import answers  # noqa: E402
import clients  # noqa: E402


def pytest_sessionfinish():
    """A worker of xdist ends without the interpreter's own clean-up."""
    if shared := sys.modules.get("explaining"):
        shared.key_file.close()


# A worker takes one file after the other. Those that take longest, the longest first, must not be the last ones; most of them wait,
# so that others compute meanwhile.
_LONG = ("test_scan_many", "test_probe_files", "test_probe_content", "test_fresh_files", "test_catalog_faults", "test_db_schema",
         "test_probe_loop", "test_content_checks", "test_demo", "test_scan_", "test_catalog_", "test_hash_", "test_probe", "test_stale",
         "test_manual", "test_mutable", "test_notify", "test_mb_")


def pytest_collection_modifyitems(items):
    files = dict.fromkeys(item.path.name for item in items)
    long = [name for start in _LONG for name in files if name.startswith(start)]
    others = [name for name in files if name not in long]
    in_turn = dict.fromkeys(name for pair in itertools.zip_longest(long, others) for name in pair)
    places = {name: place for place, name in enumerate(in_turn)}
    items.sort(key=lambda item: places[item.path.name])


@pytest.fixture(scope="session")
def build():
    return rig.Build()


@pytest.fixture(scope="session")
def postgres():
    """The cluster, on its unix socket and on 127.0.0.1. Tests that freeze or stop one take stoppable_postgres, or make
    one of their own: rig.Postgres()."""
    with rig.Postgres(tcp=True) as server:
        yield server


@pytest.fixture(scope="session")
def stoppable_postgres():
    """Another cluster, which tests may freeze and stop. A test starts it first, and finds the data of earlier tests."""
    with rig.Postgres(tcp=True) as server:
        yield server


@pytest.fixture(scope="session")
def _template(postgres, build):
    postgres.create_database("mirror_template")
    rig.Database(postgres, "mirror_template", build).load_schema()
    return "mirror_template"


_numbers = itertools.count(1)


def _databases(postgres, build, template):
    """A maker of fresh databases with the schema, which are dropped in the end."""
    with contextlib.ExitStack() as stack:

        def make():
            database = rig.Database(postgres, f"test_{next(_numbers)}", build)
            postgres.create_database(database.name, template)
            stack.callback(postgres.drop_database, database.name)
            return database

        yield make


@pytest.fixture
def make_database(postgres, build, _template):
    """make_database() -> a fresh rig.Database with the schema."""
    yield from _databases(postgres, build, _template)


@pytest.fixture(scope="module")
def make_module_database(postgres, build, _template):
    """As make_database, for all tests of a file."""
    yield from _databases(postgres, build, _template)


@pytest.fixture
def database(make_database):
    """A fresh database with the schema: conninfo(), environment(), sql(), tool("mb", …), add_mirror()."""
    return make_database()


@pytest.fixture
def mb(database):
    """mb("list", "--json") -> CompletedProcess; RigError when it fails, unless check=False."""
    return lambda *args, **options: database.tool("mb", *args, **options)


@pytest.fixture
def mb_scan(database):
    return lambda *args, **options: database.tool("mb-scan", *args, **options)


@pytest.fixture
def scratch():
    """A folder that httpd's and rsync's own users can read, unlike tmp_path."""
    with rig.Scratch("mirror-test") as path:
        yield path


@pytest.fixture
def store(cleanup):
    """An object store that listens."""
    return cleanup(rig.S3Server()).start()


@pytest.fixture
def cleanup():
    """cleanup(thing): closes it at the end of the test, last one first."""
    things = []

    def register(thing):
        things.append(thing)
        return thing

    yield register
    errors = []
    for thing in reversed(things):
        try:
            thing.close()
        except rig.RigError as error:
            errors.append(error)
    if errors:
        raise errors[0]


@pytest.fixture
def make_httpd(build, cleanup):
    """make_httpd(config, …) -> a running rig.Httpd with our module; start=False leaves it down (for configtest)."""

    def make(config="", *, start=True, **options):
        server = cleanup(rig.Httpd(config, build=build, **options))
        return server.start() if start else server

    return make


@pytest.fixture
def make_mirror(database, build, scratch, cleanup):
    """make_mirror(name, files_or_tree, …) -> a running rig.MirrorHost, entered into the database. `files` as for rig.make_tree,
    or a folder's path. Keyword arguments of MirrorHost (address, tls, motd) and columns of the mirror table (country="de",
    weight=50)."""

    def make(identifier, files, *, enabled=True, register=True, into=None, **options):
        host_options = {k: options.pop(k) for k in ("address", "tls", "motd") if k in options}
        tree = rig.make_tree(scratch / identifier, files) if isinstance(files, dict) else pathlib.Path(files)
        host = cleanup(rig.MirrorHost(identifier, tree, build=build, **host_options)).start()
        if register:
            columns = {"http_url": host.http_url, "rsync_url": host.rsync_url}
            if host.https_url:
                columns["https_url"] = host.https_url
            (into or database).add_mirror(identifier, enabled=enabled, **{**columns, **options})
        return host

    return make


@pytest.fixture(scope="module")
def make_site(make_module_database, build, geo):
    """make_site(config, mirrors, files, …) -> a running answers.Site for all tests of a file, with a database of its own. In
    `config`, {database} is its conninfo and {geo} the folder of the GeoIP files; `tree` is for rig.make_tree, the rest for
    Httpd."""
    with contextlib.ExitStack() as stack:

        def make(config, mirrors, files, *, tree=None, **options):
            database = make_module_database()
            answers.fill(database, mirrors, files)
            for word, value in (("database", database.conninfo()), ("geo", geo)):
                config = config.replace("{%s}" % word, str(value))
            httpd = rig.Httpd(config, build=build, **options)
            rig.make_tree(httpd.docroot, tree or {})
            return answers.Site(stack.enter_context(httpd), database, geo)

        yield make


@pytest.fixture(scope="module")
def keep():
    """keep(thing) enters a server or folder for all tests of a file."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture(scope="module")
def make_downloads(make_site, keep):
    """make_downloads(files, mirrors, config="", …) -> clients.Downloads; see clients.serve."""
    return lambda *args, **options: clients.serve(make_site, keep(rig.Scratch("mirror-clients")), *args, **options)


@pytest.fixture(scope="session")
def authority():
    with rig.Scratch("mirror-ca") as path:
        yield rig.Authority(path)


@pytest.fixture(scope="session")
def geo(build):
    """A folder with city.mmdb, asn.mmdb (MaxMind's nested layout) and flat.mmdb, made from t/data/geo.txt."""
    with rig.Scratch("mirror-geo") as path:
        rig.run(["perl", build.data("make-mmdb.pl"), build.data("geo.txt"), path])
        yield path


@pytest.fixture(autouse=True)
def _no_foreign_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("PG") or name == "MB_CONFIG":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _sanitizer_reports(build):
    """The folder of what sanitizers report of the programs, or None for a build without."""
    if not build.sanitizer_runtime():
        yield None
        return
    with rig.Scratch("mirror-sanitizer") as path:
        path.chmod(0o777)  # the programs may run as other users
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            os.environ[name] = f"log_path={path}/report"
        yield path


@pytest.fixture(autouse=True)
def _no_sanitizer_reports(_sanitizer_reports):
    """A test that expects a failure must not take a sanitizer's for it."""
    yield
    if _sanitizer_reports:
        reports = sorted(_sanitizer_reports.iterdir())
        text = "\n".join(report.read_text(errors="replace")[:6000] for report in reports)
        for report in reports:
            report.unlink()
        assert not text, text
