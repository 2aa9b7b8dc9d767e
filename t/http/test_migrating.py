"""Every command of doc/migrating.md works, in its order, from databases of the other systems to clients that are redirected."""

import os
import re
import subprocess

import pytest

import rig
from answers import SIZE, ask
from test_mb_import import BRAIN, CACHE, FILES as TABLES, MANAGER

CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
MirrorRepeatWindow 0
MirrorStickiness 0
MirrorTree database
MirrorOrigin {source}
MirrorEngine On
<Location /server-status>
  MirrorEngine Off
  SetHandler server-status
</Location>
"""
COLUMNS = "identifier, baseurl, baseurl_ftp, baseurl_rsync, enabled, status_baseurl, region, country, score, comment, operator_name, " \
    "operator_url, public_notes, admin, admin_email, country_only, region_only, as_only, prefix_only, other_countries"
BITS = "Mirror: bits.example.org\nHttpURL: http://bits.example.org/\nScore: 0\n"


@pytest.fixture
def foreign(database):
    """MirrorBrain's, MirrorCache's and MirrorManager's databases under the names of the manual."""
    names = ("mirrorbrain", "mirrorcache", "mirrormanager2")
    for name in names:
        database.postgres.create_database(name)
    database.postgres.sql(BRAIN.replace("{more}", "") + TABLES["filearr"] + "DELETE FROM server;"
                          "CREATE TABLE hash (file_id int, mtime int, size bigint, md5 bytea, sha1 bytea, sha256 bytea)", "mirrorbrain")
    database.postgres.sql(CACHE, "mirrorcache")
    database.postgres.sql(MANAGER.replace("{more}", "") + "DELETE FROM host WHERE id > 1", "mirrormanager2")
    yield
    for name in names:
        database.postgres.drop_database(name)


def commands(build):
    text = (build.srcdir / "doc/migrating.md").read_text()
    return re.findall(r"^((?:mb(?:-\w+)?(?: .*)?|psql .*))$", text, re.M)


def test_the_whole_move(database, build, geo, scratch, cleanup, foreign):
    tree = rig.make_tree(scratch / "source", {"iso/disk.img": SIZE, "iso/other.img": SIZE})
    hosts = {name: cleanup(rig.MirrorHost(name, tree, address=address, build=build)).start()
             for name, address in (("m1", "127.0.11.1"), ("m2", "127.0.10.1"))}
    for name, host in hosts.items():
        database.postgres.sql(f"INSERT INTO server ({COLUMNS}) VALUES ('{name}', '{host.http_url}', '', '{host.rsync_url}', 't', 't',"
                              " 'eu', 'de', 100, '', '', '', '', '', '', 'f', 'f', 'f', 'f', '')", "mirrorbrain")
    config = CONFIG.replace("{database}", database.conninfo()).replace("{geo}", str(geo)).replace("{source}", hosts["m1"].http_url)
    httpd = cleanup(rig.Httpd(config, build=build, catalog=True)).start()
    work = scratch / "work"
    work.mkdir()
    (work / "mirrors.txt").write_text(BITS)
    (work / "mirrormanager.sql").symlink_to(build.srcdir.resolve() / "doc/examples/mirrormanager.sql")
    (work / "access.log.1").write_text("".join(
        f'127.0.11.{client} - - [29/Nov/2026:10:00:00 +0000] "GET /iso/disk.img HTTP/1.1" 302 -\n' for client in range(1, 4)))
    (scratch / "mb.toml").write_text(f'[instance.main]\nsource = "{tree}"\ngeo_databases = ["{geo}/city.mmdb"]\n')
    bin = scratch / "bin"
    bin.mkdir()
    for name in ("mb", "mb-scan", "mb-hash"):
        (bin / name).symlink_to(build.program(name))
    env = {**database.environment(), "MB_CONFIG": str(scratch / "mb.toml"), "PATH": f"{bin}:{os.environ['PATH']}"}

    def run(command):
        command = re.sub(r"'host=localhost (dbname=\w+) user=\w+'", r"'\1'", command)
        for name in ("download", "new"):
            command = command.replace(f"http://{name}.example.org/", httpd.url)
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], env=env, cwd=work, text=True, capture_output=True, timeout=120)
        assert done.returncode == 0 or command == "mb status" and done.returncode == 1, (command, done)
        return done.stdout

    def to_mirror():
        return ask(httpd, "/iso/disk.img", client="127.0.11.9").status == 302 and \
            ask(httpd, "/iso/disk.img", client="127.0.11.9").get("X-Mirror") is not None
    found = commands(build)
    assert len(found) > 20
    for command in found:
        if command == "mb list --all":  # the others' mirrors are not on this machine
            run("mb delete --yes bits.example.org a.example.org cdn.example.net mirror.lab.example.org")
        said = run(command)
        if command.startswith("mb pause"):
            rig.wait_for("the pause", lambda: not to_mirror(), 60)
        if command in ("mb-hash", "mb resume"):
            rig.wait_for("redirects", to_mirror, 60)
        if command.startswith("mb compare"):
            assert ["sent", "wrong", "0", "0"] in [line.split() for line in said.splitlines()], said
            assert ["same", "mirror", "3", "of", "3", "(100.0", "%)"] in [line.split() for line in said.splitlines()], said
        if "--disabled" in command:
            assert "added" in said
