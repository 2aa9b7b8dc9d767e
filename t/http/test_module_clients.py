"""curl and wget, through the redirect, from mirrors' real web servers, after a real scan: what arrives is what the source has."""

import contextlib
import filecmp
import os
import shutil

import pytest

import rig
from answers import COUNTRY, escaped

NAMES = ["plain.tar.gz", "with space/a file.txt", "percent/100%.txt", "percent/%41%2e", "hash/#1.txt", "question/what?.txt",
         "utf8/grüße/日本.txt", b"raw/\x80\xfe\xff-\xe9.bin", "quotes/\"double\" 'single' `back`", "control/tab\tline\nfeed",
         "plus/c++_1.0+dfsg-1.deb", "sub-delims/!$&'()*+,;=@.txt", "brackets/[1]{2}|3^4.txt", "back\\slash.txt",
         "html/<b>&amp;.txt",
         "dots/...", "a:b/c:d", "dists/bookworm/Release"]
FILES = {name: 5000 + 37 * number for number, name in enumerate(NAMES)}
FILES |= {"updated": 7000, "french-only": 8000, "large.bin": 3_000_000}
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
Protocols h2 h2c http/1.1
<Location /db>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://127.0.0.1:1/
</Location>
Alias /local {source}
<Directory {source}>
  Require all granted
  Options FollowSymLinks
  MirrorEngine On
</Directory>
"""
PLACES = {"berlin": "127.0.10.9", "tokyo": "127.0.11.9", "paris": "127.0.13.9"}


@pytest.fixture(scope="module")
def world(build, make_module_database, geo, authority):
    """Three mirrors on addresses of their own, of which tokyo also speaks https: httpd, source."""
    with rig.Scratch("mirror-clients") as scratch, contextlib.ExitStack() as stack:
        source = rig.make_tree(scratch / "source", {**FILES, "dists/stable": rig.Link("bookworm")})
        database = make_module_database()
        for name, address in PLACES.items():
            tree = rig.copy_tree(source, scratch / name, skip=[] if name == "paris" else ["french-only"])
            if name == "berlin":
                rig.make_tree(tree, {"updated": (6999, rig.tree.DEFAULT_MTIME - 1)})
            tls = authority if name == "tokyo" else None
            host = stack.enter_context(rig.MirrorHost(name, tree, address=address, tls=tls, build=build))
            columns = {"https_url": host.https_url} if tls else {}
            country = {"berlin": "DE", "tokyo": "JP", "paris": "FR"}[name]
            database.add_mirror(name, http_url=host.http_url, rsync_url=host.rsync_url, country=country, **columns)
        config = scratch / "mb.toml"
        config.write_text(f'[instance.main]\nsource = "{source}"\n')
        for argument in ("--source", "--all"):
            database.tool("mb-scan", "--config", config, argument)
        text = CONFIG
        for word, value in (("database", database.conninfo()), ("geo", geo), ("source", source)):
            text = text.replace("{%s}" % word, str(value))
        yield stack.enter_context(rig.Httpd(text, build=build, tls=authority, modules=("http2",))), source


def curl(*options, client):
    """Status and last URL of each download, a line each."""
    write_out = ["-w", "%{http_code} %{url_effective}\n"]
    return rig.run(["curl", "-sS", "--interface", client, "--fail", "-L", *write_out, *options]).stdout


def wget(*options, client):
    done = rig.run(["wget", "-nv", f"--bind-address={client}", "--tries=1", *options])
    return done.stderr


def is_copy(file, source, name):
    return filecmp.cmp(os.fsencode(file), os.path.join(os.fsencode(source), os.fsencode(name)), shallow=False)


on_both_trees = pytest.mark.parametrize("tree", ["db", "local"])


@on_both_trees
@pytest.mark.parametrize("country", ["de", "jp"])
def test_curl_gets_the_source_s_bytes(world, scratch, tree, country):
    httpd, source = world
    requests = []
    for number, name in enumerate(FILES):
        requests += ["-o", scratch / str(number), f"{httpd.url}{tree}/{escaped(name)}"]
    said = curl("--globoff", *requests, client=COUNTRY[country])
    own = {"de": "127.0.10.9", "jp": "127.0.11.9"}[country]
    assert said.count(f"http://{own}:") == len(FILES) - (2 if country == "de" else 1)
    for number, name in enumerate(FILES):
        assert is_copy(scratch / str(number), source, name), name


@on_both_trees
def test_wget_gets_the_source_s_bytes(world, scratch, tree):
    httpd, source = world
    for number, name in enumerate(FILES):
        said = wget("-O", scratch / str(number), f"{httpd.url}{tree}/{escaped(name)}", client=COUNTRY["fr"])
        assert "URL:http://127.0.13.9:" in said
        assert is_copy(scratch / str(number), source, name), name


@on_both_trees
def test_a_mirror_with_an_old_version_is_passed_over(world, scratch, tree):
    httpd, source = world
    said = curl("-o", scratch / "f", f"{httpd.url}{tree}/updated", client=COUNTRY["de"])
    assert not said.startswith("200 http://127.0.10.9:")
    assert (scratch / "f").read_bytes() == (source / "updated").read_bytes()


@on_both_trees
def test_a_link_in_the_path_is_followed(world, scratch, tree):
    httpd, source = world
    said = curl("-o", scratch / "f", f"{httpd.url}{tree}/dists/stable/Release", client=COUNTRY["jp"])
    assert said.endswith("/dists/bookworm/Release\n")
    assert (scratch / "f").read_bytes() == (source / "dists/bookworm/Release").read_bytes()


@on_both_trees
def test_downloads_are_resumed_at_the_same_mirror(world, scratch, tree):
    httpd, source = world
    whole = (source / "large.bin").read_bytes()
    for client, resume in ((curl, ["-C", "-", "-o"]), (wget, ["-c", "-O"])):
        (scratch / "part").write_bytes(whole[:1_000_000])
        client(*resume, scratch / "part", f"{httpd.url}{tree}/large.bin", client=COUNTRY["jp"])
        assert (scratch / "part").read_bytes() == whole


@on_both_trees
def test_who_has_the_file_downloads_nothing(world, scratch, tree):
    httpd, source = world
    shutil.copy2(source / "large.bin", scratch / "large.bin")
    url = f"{httpd.url}{tree}/large.bin"
    assert curl("-z", scratch / "large.bin", "-o", scratch / "again", url, client=COUNTRY["jp"]).startswith("304 ")
    assert "->" not in wget("-N", "-P", scratch, url, client=COUNTRY["jp"])
    os.utime(scratch / "large.bin", (0, 0))
    assert "->" in wget("-N", "-P", scratch, url, client=COUNTRY["jp"])


@on_both_trees
def test_https_stays_https_from_end_to_end(world, scratch, tree, authority):
    httpd, source = world
    url = f"{httpd.tls_url}{tree}/{escaped(NAMES[6])}"
    said = curl("--cacert", authority.ca_file, "-o", scratch / "f", url, client=COUNTRY["de"])
    assert said.startswith("200 https://127.0.11.9:")
    wget("--ca-certificate", authority.ca_file, "-O", scratch / "g", url, client=COUNTRY["de"])
    content = (source / NAMES[6]).read_bytes()
    assert (scratch / "f").read_bytes() == (scratch / "g").read_bytes() == content


@on_both_trees
def test_http_2_clients_are_redirected_too(world, tree, authority):
    httpd, source = world
    for url, options in ((httpd.url, ["--http2-prior-knowledge"]), (httpd.tls_url, ["--http2", "--cacert", authority.ca_file])):
        headers = rig.run(["curl", "-sSI", "--interface", COUNTRY["jp"], *options, f"{url}{tree}/large.bin"]).stdout.lower()
        assert headers.startswith("http/2 302")
        assert f"location: {url.partition(':')[0]}://127.0.11.9:" in headers and "x-mirror: tokyo" in headers
