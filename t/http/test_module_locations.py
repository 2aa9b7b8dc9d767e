"""Where a tree begins, which settings hold inside, and who may come in."""

import base64

import pytest

import answers
import rig
from answers import COUNTRY, SIZE, File

MIRRORS = {"tokyo": {"http_url": "http://tokyo.example/"}}
FILES = {name: File(("tokyo",)) for name in (
    "f", "sub/f", "sub/sub/f", "deep/er/f", "pub/f", "pubs/f", "off/f", "off/on/f", "small/mirrors/f", "secret/f", "disk/f",
    "a b/f", "grüße/f", "default/f", "none/f", "list/f", "list/x", "plain/f", "f.status", "disk/plain", "docs/f", "docs/sub/f")}
FILES |= {name: File(("tokyo",), size=5000) for name in ("small/f", "small/explicit/f")}
OTHER_FILES = {"f": File(("osaka",)), "only-here": File(("osaka",))}
CONFIG = """
MirrorDatabase {database}
MirrorOrigin http://origin.example/
<Location /pub>
  MirrorEngine On
  MirrorTree database
</Location>
<Location /pub/small>
  MirrorMinSize 8K
</Location>
<Location /pub/small/explicit>
  MirrorMinSize 4096
</Location>
<Location /pub/small/mirrors>
  MirrorOrigin http://second.example/
  MirrorMinSize 1M
</Location>
<Location /pub/off>
  MirrorEngine Off
</Location>
<Location /pub/disk>
  MirrorTree local
</Location>
<Location /pub/secret>
  AuthType Basic
  AuthName secret
  AuthBasicProvider file
  AuthUserFile {dir}/passwords
  Require valid-user
</Location>
<Location /pub/list>
  MirrorExcludeFileMask ^list/
</Location>
<Location /pub/list/f>
  MirrorExcludeFileMask None
</Location>
<Location /pub/list/x>
  MirrorExcludeFileMask nothing-like-it
</Location>
<LocationMatch /default/>
  MirrorMaxLinks 5
</LocationMatch>
<Location "/with space/">
  MirrorEngine On
  MirrorTree database
</Location>
<Location /grüße>
  MirrorEngine On
  MirrorTree database
</Location>
<Location /other>
  MirrorEngine On
  MirrorTree database
  MirrorDatabase {other}
</Location>
<Location /other/back>
  MirrorDatabase {database}
</Location>
<Location /closed>
  MirrorEngine On
  MirrorTree database
  Require ip 127.0.11.0/24
</Location>
<Location /pub/status>
  SetHandler server-status
</Location>
<Location /pub/disk/plain>
  SetHandler default-handler
</Location>
<Location /pub/plain>
  SetHandler default-handler
</Location>
<Location /pub/none>
  SetHandler None
</Location>
<Location /pub/deep>
  <If "%{HTTP:X-From} == 'inside'">
    MirrorEngine Off
  </If>
  <If "%{HTTP:X-From} == 'near'">
    MirrorMinSize 1G
  </If>
</Location>
AddHandler server-status .status
Alias /docs {docroot}/tree/docs
<Directory {docroot}/tree>
  MirrorEngine On
</Directory>
<Directory {docroot}/tree/docs/sub>
  MirrorMinSize 1
</Directory>
<VirtualHost *:{port}>
  ServerName first.example
</VirtualHost>
<VirtualHost *:{port}>
  ServerName whole.example
  MirrorEngine On
  MirrorTree database
  MirrorDatabase {other}
  <Location /whole-status>
    SetHandler server-status
  </Location>
  <Location /pub/off>
    MirrorEngine Off
  </Location>
</VirtualHost>
<VirtualHost *:{port}>
  ServerName off.example
  <Location />
    MirrorEngine Off
  </Location>
</VirtualHost>
"""


@pytest.fixture(scope="module")
def site(make_site, make_module_database):
    other = make_module_database()
    answers.fill(other, {"osaka": {"http_url": "http://osaka.example/"}}, OTHER_FILES)
    tree = {name: SIZE for name in ("pub/off/f", "pub/off/on/f", "pub/disk/f", "pub/disk/plain", "pub/disk/not-in-table",
                                    "pub/deep/er/f", "tree/docs/f",
                                    "tree/docs/sub/f", "tree/f", "f", "outside")}
    tree |= {"other/.htaccess": "no directive\n", "other/only-here/f": SIZE, "closed/f": SIZE}
    tree |= {"../passwords": "anna:" + rig.run(["openssl", "passwd", "-apr1", "right"]).stdout}
    return make_site(CONFIG.replace("{other}", other.conninfo()), MIRRORS, FILES, tree=tree,
                     modules=("authn_core", "authn_file", "auth_basic", "authz_user"))


@pytest.mark.parametrize("target, path", [
    ("/pub/f", "f"), ("//pub///sub/f", "sub/f"), ("/pub/./sub/../f", "f"), ("/x/../pub/f", "f"), ("/%70ub/f", "f"),
    ("/pub/pub/f", "pub/f"), ("/pub/small/explicit/f", "small/explicit/f"), ("/pub/disk/f", "disk/f"),
    ("/with%20space/f", "f"), ("/with%20space/a%20b/f", "a%20b/f"), ("/gr%C3%BC%C3%9Fe/gr%C3%BC%C3%9Fe/f", "gr%C3%BC%C3%9Fe/f"),
    ("/pub/default/f", "default/f"), ("/tree/docs/f", "docs/f"), ("/docs/f", "docs/f"), ("/docs/sub/f", "docs/sub/f"),
    ("/tree/f", "f"), ("/pub/list/f", "list/f"), ("/pub/list/x", "list/x"), ("/other/back/f", "f"),
    ("/pub/plain/f", "plain/f"), ("/pub/none/f", "none/f"), ("/pub/f.status", "f.status"), ("/pub/disk/plain", "disk/plain"),
])
def test_the_path_is_the_url_less_the_prefix_of_its_location(site, target, path):
    answer = site.ask(target)
    assert (answer.status, answer.location) == (302, "http://tokyo.example/" + path)


@pytest.mark.parametrize("target", ["/pubs/f", "/f", "/pub/off/f", "/pub/off/on/f", "/pub/disk/not-in-table", "/outside"])
def test_outside_of_every_tree_httpd_serves(site, target):
    answer = site.ask(target)
    assert answer.status == (404 if target == "/pubs/f" else 200) and answer.location is None


@pytest.mark.parametrize("target, location", [
    ("/pub/small/f", "http://origin.example/small/f"),
    ("/pub/small/mirrors/f", "http://second.example/small/mirrors/f"),
    ("/pub/small/mirrors/", "http://second.example/small/mirrors/"),
    ("/pub/list/other", "http://origin.example/list/other"),
    ("/pub", "http://origin.example/"),
    ("/pub/", "http://origin.example/"),
    ("/with%20space/", "http://origin.example/"),
])
def test_an_inner_location_s_settings_win_and_the_rest_is_inherited(site, target, location):
    answer = site.ask(target)
    assert (answer.status, answer.location) == (302, location)


def test_locations_ask_their_own_databases(site):
    assert site.ask("/other/f").location == "http://osaka.example/f"
    assert site.ask("/other/only-here").location == "http://osaka.example/only-here"
    assert site.ask("/pub/only-here").status == 404
    assert site.ask("/other/sub/f").status == 404


def test_virtual_hosts_may_be_trees_or_none(site):
    assert site.ask("/only-here", host="whole.example").location == "http://osaka.example/only-here"
    assert site.ask("/pub/f", host="first.example").location == "http://tokyo.example/f"
    assert site.ask("/pub/disk/f", host="off.example").status == 200


def test_a_section_of_a_host_that_is_a_tree_may_be_something_else(site):
    assert b"Uptime" in site.ask("/whole-status?auto", host="whole.example").body
    answer = site.ask("/pub/off/f", host="whole.example")
    assert (answer.status, answer.location) == (200, None)


def test_the_disk_does_not_matter_in_a_database_tree(site):
    """Neither a broken .htaccess nor a folder of the file's name."""
    assert site.ask("/other/only-here").location == "http://osaka.example/only-here"
    assert site.ask("/other/only-here/f").status == 404
    assert site.ask("/outside", host="whole.example").status == 404


def test_another_handler_keeps_its_location(site):
    answer = site.ask("/pub/status?auto")
    assert answer.status == 200 and b"Uptime" in answer.body


def test_conditions_of_httpd_may_change_the_settings(site):
    assert site.ask("/pub/deep/er/f").location == "http://tokyo.example/deep/er/f"
    assert site.ask("/pub/deep/er/f", headers={"X-From": "near"}).location == "http://origin.example/deep/er/f"
    assert site.ask("/pub/deep/er/f", headers={"X-From": "inside"}).status == 200


def test_access_control_of_a_location_holds(site):
    for method in ("GET", "HEAD", "POST"):
        for target in ("/closed/f", "/closed/", "/closed/none", "/closed/f?meta4", "/x/..//closed/%66"):
            answer = site.ask(target, method=method, headers={"Content-Length": "0"})
            assert answer.status == 403 and answer.location is None
            assert answer.all("X-Mirror") == []
    assert site.ask("/closed/f", client=COUNTRY["jp"]).location == "http://tokyo.example/f"


def test_a_location_may_ask_for_a_password(site):
    assert site.ask("/pub/secret/f").status == 401
    for password, status in (("wrong", 401), ("right", 302)):
        credentials = base64.b64encode(f"anna:{password}".encode()).decode()
        assert site.ask("/pub/secret/f", headers={"Authorization": f"Basic {credentials}"}).status == status


def test_the_outermost_engine_names_the_root_where_the_database_stands_outside(make_httpd, site):
    config = f"MirrorDatabase {site.database.conninfo()}\n" + """
        <Location /a>
          MirrorEngine On
          MirrorTree database
          MirrorOrigin http://origin.example/
        </Location>
        <Location /a/b>
          MirrorEngine On
          MirrorMaxLinks 0
        </Location>"""
    server = make_httpd(config)
    assert answers.ask(server, "/a/b/f").status == 404
    assert answers.ask(server, "/a/f").location == "http://tokyo.example/f"


MAPPED = """
RewriteEngine On
RewriteRule ^/latest/(.*) /sub/$1 [PT]
Redirect 301 /oldredir http://moved.example
<Location />
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
</Location>
<Location /rwint/>
  RewriteEngine On
  RewriteRule f$ /sub/f [PT]
</Location>
"""


@pytest.mark.parametrize("target, location", [
    ("/f", "http://tokyo.example/f"), ("/latest/f", "http://tokyo.example/sub/f"), ("/oldredir/x", "http://moved.example/x"),
    ("/rwint/f", "http://tokyo.example/sub/f")])
def test_redirects_and_rewriting_come_before_a_database_tree(make_httpd, site, target, location):
    server = make_httpd(f"MirrorDatabase {site.database.conninfo()}\n{MAPPED}")
    assert answers.ask(server, target).location == location


WHOLE = """
MirrorEngine On
MirrorTree database
MirrorOrigin http://origin.example/
VirtualDocumentRoot {docroot}
Alias /docs {docroot}/tree
ScriptAlias /cgi {docroot}/cgi
Alias /beside/docs {docroot}/tree
ScriptAlias /beside/cgi {docroot}/cgi
RewriteEngine On
RewriteRule ^/latest/(.*) /sub/$1 [PT]
RewriteRule ^/beside/file/(.*) {docroot}/tree/$1
RewriteRule ^/beside/url/(.*) /tree/$1
RewriteRule ^/moved/(.*) http://moved.example/$1
RewriteRule ^/over/ - [G]
<Location /beside>
  MirrorEngine Off
</Location>
"""
SCRIPT = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello\\n'\n"


@pytest.fixture(scope="module")
def whole(site, build, keep):
    """A host that is a tree as a whole, except one section."""
    server = rig.Httpd(f"MirrorDatabase {site.database.conninfo()}\n{WHOLE}", build=build, modules=("cgid", "vhost_alias"))
    rig.make_tree(server.docroot, {"tree/f": SIZE, "cgi/script": SCRIPT})
    (server.docroot / "cgi" / "script").chmod(0o755)
    return keep(server)


@pytest.mark.parametrize("target", ["/beside/docs/f", "/beside/file/f", "/beside/url/f"])
def test_beside_a_host_that_is_a_tree_files_are_mapped(whole, target):
    answer = answers.ask(whole, target)
    assert (answer.status, answer.location, len(answer.body)) == (200, None, SIZE)


def test_beside_a_host_that_is_a_tree_programs_run(whole):
    answer = answers.ask(whole, "/beside/cgi/script")
    assert answer.status == 200 and b"hello" in answer.body and b"printf" not in answer.body


@pytest.mark.parametrize("target, status, location", [
    ("/latest/f", 302, "http://tokyo.example/sub/f"), ("/moved/f", 302, "http://moved.example/f"), ("/over/f", 410, None),
    ("/f", 302, "http://tokyo.example/f"), ("/docs/f", 200, None), ("/docs/none", 404, None),
    ("/cgi/script", 200, None), ("/doc/f", 404, None)])
def test_what_is_said_of_single_urls_comes_before_a_host_that_is_a_tree(whole, target, status, location):
    answer = answers.ask(whole, target)
    assert (answer.status, answer.location) == (status, location)


def test_an_engine_in_a_files_section_has_the_root_of_what_is_around_it(make_httpd, site):
    config = f"MirrorDatabase {site.database.conninfo()}\n" + """
        Alias /one "{docroot}/tree"
        Alias /two "{docroot}/tree"
        <Directory "{docroot}/tree">
          <Files f>
            MirrorEngine On
          </Files>
        </Directory>
        <Location /two>
          MirrorEngine On
        </Location>"""
    server = make_httpd(config)
    rig.make_tree(server.docroot, {"tree/f": SIZE})
    assert [answers.ask(server, f"/{name}/f").location for name in ("one", "two")] == ["http://tokyo.example/f"] * 2
