"""MirrorRedirectStampKey: redirects that a mirror can check, and a mirror that does, with the script of doc/examples."""

import hashlib
import hmac
import re
import time
import urllib.parse

import pytest

import answers
import rig
from answers import File

KEY = "a key & <more>"
ODD = "sub dir/ä b#c?.iso"
FILES = {"f": File(("plain", "other")), ODD: File(("plain",)), "none/f": File(("plain",)), "nowhere": File()}
TREE = """
<Location /{0}>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  {1}
</Location>
"""
CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
MirrorFallback - - http://fallback.example/x/
""" + "".join(TREE.format(*each) for each in (
    ("old", f'MirrorRedirectStampKey "{KEY}"'), ("md5", f'MirrorRedirectStampKey "{KEY}" md5\nMirrorPassQuery On'),
    ("new", f'MirrorRedirectStampKey "{KEY}" sha256'), ("none", ""))) + """
<Location /new/none>
  MirrorRedirectStampKey None
</Location>
"""
STAMPED = re.compile(r"(.*)[?&]time=(\d+)&stamp=([0-9a-f]+)")


def md5(when, path, key=KEY):
    return hashlib.md5(f"{when} {key}".encode()).hexdigest()


def sha256(when, path, key=KEY):
    return hmac.new(key.encode(), f"{when} {path}".encode(), "sha256").hexdigest()


FORMS = {"md5": md5, "sha256": sha256}


@pytest.fixture(scope="module")
def mirror(build):
    """A mirror that serves only clients with a good stamp, for each form."""
    check = build.srcdir / "doc/examples/check-stamp"
    config = "RewriteEngine On\n" + "".join(f"""
        RewriteMap {form} "prg:{check} --key-file {{dir}}/key --form {form} --valid 100"
        RewriteCond "${{{form}:%{{QUERY_STRING}} %{{REQUEST_URI}}}}" "!=good"
        RewriteRule "^/{form}/" "-" [F]
        """ for form in ("md5", "sha256"))
    server = rig.WebServer(None, config=config, build=build)
    rig.make_tree(server.docroot, {f"{form}/{name}": b"content" for form in FORMS for name in FILES})
    (server.dir / "key").write_text(KEY + "\n")
    with server:
        yield server


@pytest.fixture(scope="module")
def site(make_site, mirror):
    mirrors = {"plain": {"http_url": f"{mirror.url}sha256/", "country": "DE"},
               "other": {"http_url": "http://other.example/%7Ep%20q/"}}
    return make_site(CONFIG, mirrors, FILES)


@pytest.mark.parametrize("tree, expected", [("old", md5), ("md5", md5), ("new", sha256)])
@pytest.mark.parametrize("path, query", [("f", ""), ("f", "?x=1&time=5&stamp=ab"), (answers.escaped(ODD), ""), ("nowhere", "")])
def test_redirects_and_links_are_stamped(site, tree, expected, path, query):
    before = int(time.time())
    answer = site.ask(f"/{tree}/{path}{query}")
    links = [re.match("<(.*?)>", link)[1] for link in answer.links]
    assert len(links) == (path == "f")
    for url in [answer.location, *links]:
        address, when, stamp = STAMPED.fullmatch(url).groups()
        assert before <= int(when) <= time.time()
        assert stamp == expected(when, urllib.parse.unquote(urllib.parse.urlsplit(address).path))
    assert urllib.parse.urlsplit(STAMPED.fullmatch(answer.location)[1]).query == (query[1:] if tree == "md5" else "")


def test_only_where_it_is_asked_for(site):
    for target in ("/none/f", "/new/none/f"):
        assert "stamp" not in site.ask(target).location
    assert b"stamp" not in site.ask("/new/f?mirrorlist=text").body
    assert site.ask("/new/f", method="POST").location == "http://origin.example/f"


def stamped(form, path, when=None, key=KEY):
    when = int(time.time()) if when is None else when
    return f"{answers.escaped(path)}?time={when}&stamp={FORMS[form](when, path, key)}"


def test_a_mirror_serves_who_was_redirected(site, mirror):
    for path in ("f", answers.escaped(ODD)):
        location = site.ask(f"/new/{path}?country=de").location
        assert location.startswith(mirror.url)
        target = location.removeprefix(mirror.url.rstrip("/"))
        assert answers.ask(mirror, target).body == b"content"
        assert answers.ask(mirror, target.partition("?")[0]).status == 403


@pytest.mark.parametrize("form", ["md5", "sha256"])
def test_a_mirror_refuses_what_is_forged_or_old(mirror, form):
    path, now = f"/{form}/f", int(time.time())
    assert answers.ask(mirror, stamped(form, path)).status == 200
    assert answers.ask(mirror, stamped(form, path).replace("?", "?x=y&")).status == 200
    for target in (path, f"{path}?", stamped(form, path, now - 200), stamped(form, path, now + 200),
                   stamped(form, path, key="other"), stamped(form, path)[:-1], stamped(form, path) + "0",
                   stamped(form, path) + "&x=y",
                   f"{path}?time={now + 1}&" + stamped(form, path, now).partition("&")[2]):
        assert answers.ask(mirror, target).status == 403, target
    other = stamped(form, f"/{form}/{ODD}").partition("?")[2]
    assert answers.ask(mirror, f"{path}?{other}").status == (200 if form == "md5" else 403)
