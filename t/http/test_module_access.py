"""Every answer about a file needs the right to that file's own URL: by suffix, through links, and in lists of repositories."""

import base64

import pytest

import rig
from answers import COUNTRY, File

MIRRORS = {"tokyo": {"http_url": "http://tokyo.example/"}}
REPOMD = "repodata/repomd.xml"
ALL = ("tokyo",)
FILES = {name: File(ALL) for name in (
    "open.iso", "embargo.iso", "private/f", "signing.key", "by-expr.iso", "by-if.iso", "by-rewrite.iso",
    "by-redirect.iso", "dated/f", f"denied/{REPOMD}", f"free/{REPOMD}", "local/f", "local/private/f")}
FILES |= {"link": File(link="private/f"), "folder": File(link="private"), "to-open": File(link="open.iso"),
          "local/asks/f": File(ALL), "local/asks-link": File(link="local/asks/f"), "local/shadow/link": File(link="local/asks/f"),
          "local/link": File(link="local/private/f"), "local/open": File(link="local/f")}
CONFIG = """
MirrorDatabase {database}
LogFormat "%U%q %s %{MB_DECLINED}e" declined
CustomLog {dir}/declined.log declined
MirrorMinSize 1
<Location /pub>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  Require expr %{REQUEST_URI} !~ m#/by-expr[.]iso$#
  MirrorRepositoryList "{repo}" repodata/repomd.xml repo=.*
</Location>
<Location /local>
  MirrorEngine On
  MirrorTree local
  MirrorDatabase {database}
  MirrorRepositoryList "{repo}" repodata/repomd.xml repo=.*
</Location>
<Location /local/local/shadow>
  MirrorEngine Shadow
</Location>
<LocationMatch "^/(pub/embargo[.]iso|local/local/asks/.*)$">
  AuthType Basic
  AuthName "secret"
  AuthBasicProvider file
  AuthUserFile {dir}/passwords
  Require valid-user
</LocationMatch>
<LocationMatch "\\.key$">
  Require all denied
</LocationMatch>
<Location /pub/private>
  Require ip 127.0.11.0/24
</Location>
<Location /pub/denied/>
  Require all denied
</Location>
<Location /local/local/private>
  Require all denied
</Location>
<Location /local/denied>
  Require all denied
</Location>
<If "%{REQUEST_URI} =~ m#/by-if[.]iso$#">
  Require all denied
</If>
RewriteEngine On
RewriteRule /by-rewrite\\.iso$ - [F]
Redirect 403 /pub/by-redirect.iso
"""
DENIED = ["signing.key", "by-if.iso", "by-expr.iso", "by-rewrite.iso", "by-redirect.iso", "private/f"]
FORMS = [".meta4", ".metalink", ".mirrorlist", ".sha256", ".torrent", ".zsync", ".btih"]


@pytest.fixture(scope="module")
def site(make_site):
    tree = {"local/local/f": 10_000, "local/local/private/f": 10_000,
            "local/local/asks/f": 10_000, "local/local/asks-link": 10_000, "local/local/shadow/link": 10_000,
            "local/local/link": 10_000, "local/local/open": 10_000}
    tree |= {"../passwords": "anna:" + rig.run(["openssl", "passwd", "-apr1", "right"]).stdout}
    return make_site(CONFIG, MIRRORS, FILES, tree=tree,
                     modules=("authn_core", "authn_file", "auth_basic", "authz_user", "rewrite", "alias"))


def as_anna(password):
    return {"Authorization": "Basic " + base64.b64encode(f"anna:{password}".encode()).decode()}


def says_nothing(answer):
    return b"tokyo" not in answer.raw and answer.all("X-Mirror") == [] and answer.location is None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", DENIED)
def test_a_representation_needs_the_right_to_the_file(site, name, form):
    for target in (f"/pub/{name}", f"/pub/{name}{form}", f"/x/../pub//{name}{form}"):
        answer = site.ask(target)
        assert answer.status == 403 and says_nothing(answer), target


def test_a_password_is_asked_for_as_for_the_file(site):
    challenge = site.ask("/pub/embargo.iso").get("WWW-Authenticate")
    answer = site.ask("/pub/embargo.iso.meta4")
    assert (answer.status, answer.get("WWW-Authenticate")) == (401, challenge) and says_nothing(answer)
    assert site.ask("/pub/embargo.iso.meta4", headers=as_anna("wrong")).status == 401
    allowed = site.ask("/pub/embargo.iso.meta4", headers=as_anna("right"))
    assert allowed.status == 200 and b"http://tokyo.example/embargo.iso<" in allowed.body
    assert site.ask("/pub/embargo.iso", headers=as_anna("right")).status == 302


def test_a_link_s_own_bytes_come_without_the_challenge_of_what_it_leads_to(site):
    for target in ("/local/local/asks-link", "/local/local/shadow/link"):
        answer = site.ask(target)
        assert (answer.status, len(answer.body), answer.get("WWW-Authenticate")) == (200, 10_000, None), target
        assert f"{target} 200 access" in site.logged("declined.log")
    answer = site.ask("/local/local/asks-link?mirrorlist")
    assert (answer.status, answer.get("WWW-Authenticate")) == (401, 'Basic realm="secret"') and says_nothing(answer)


@pytest.mark.parametrize("target", ["/pub/link", "/pub/link.meta4", "/pub/link?mirrorlist", "/pub/folder/f", "/pub/folder/f.meta4",
                                    "/pub/folder/f?json"])
def test_a_link_gives_no_right_to_what_it_leads_to(site, target):
    answer = site.ask(target)
    assert answer.status == 403 and says_nothing(answer)
    assert b"tokyo.example/private/f" in site.ask(target, client=COUNTRY["jp"]).raw
    assert f"{target} 403 access" in site.logged("declined.log")


@pytest.mark.parametrize("target, status", [("/pub/open.iso", 302), ("/pub/open.iso.meta4", 200), ("/pub/to-open", 302),
                                            ("/pub/to-open.mirrorlist", 200), ("/local/local/f", 302), ("/local/local/open", 302)])
def test_the_right_to_it_lets_everything_through(site, target, status):
    answer = site.ask(target)
    assert answer.status == status and b"tokyo.example" in answer.raw


@pytest.mark.parametrize("form", ["mirrorlist", "metalink"])
def test_a_list_of_a_repository_needs_the_right_to_its_marker(site, form):
    assert site.ask(f"/pub/{form}?repo=free").status == 200
    for repo in ("denied", "denied%2F.", "private"):
        answer = site.ask(f"/pub/{form}?repo={repo}")
        assert answer.status in (403, 404) and says_nothing(answer)
    assert site.ask(f"/pub/{form}?repo=denied").status == 403
    assert site.ask(f"/local/{form}?repo=denied").status == 403
    assert site.ask(f"/local/{form}?repo=free").status == 200


def test_a_link_of_a_local_tree_is_sent_by_httpd_s_own_rules(site):
    assert site.ask("/local/local/private/f").status == 403
    answer = site.ask("/local/local/link")
    assert answer.status == 200 and says_nothing(answer)
    for target in ("/local/local/link?meta4", "/local/local/link.meta4", "/local/local/link?mirrorlist"):
        answer = site.ask(target)
        assert answer.status == 403 and says_nothing(answer)


def test_whether_a_denied_file_exists_is_not_told(site):
    assert site.ask("/pub/private/none.meta4").status == 403
    assert site.ask("/pub/none.key.meta4").status == 403
