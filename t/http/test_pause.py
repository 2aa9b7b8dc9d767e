"""mb pause: that redirects stop within a second is in test_catalog.py. Here: what requests get meanwhile, who tells of it, and
that it lasts."""

import json
import re

import rig
from catalogs import CONFIG, ORIGIN, STATUS, database, make_redirector, postgres, wait_for_catalog  # noqa: F401
from outages import MIRROR

DIRECT = """
<Location /direct>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://origin.example/
  MirrorCatalog Off
</Location>
"""


def test_a_pause_is_told_everywhere_and_outlives_the_database(database, postgres, make_redirector):  # noqa: F811
    redirector = make_redirector(CONFIG + STATUS + DIRECT)
    wait_for_catalog(redirector)
    mb = lambda *args, **options: database.tool("mb", *args, **options)  # noqa: E731
    assert "were not paused" in mb("resume").stdout
    for wrong in ("", "two\nlines", "x" * 501):
        assert mb("pause", "--reason", wrong, check=False).returncode == 2, wrong
    assert "redirects are paused" in mb("pause", "--reason", "disks").stdout
    rig.wait_for("the pause", lambda: all(redirector.ask("/db/f").answer.location == ORIGIN + "f" for _ in range(12)), 60)

    rig.wait_for("the pause without a catalog", lambda: redirector.ask("/direct/f").answer.location == ORIGIN + "f", 60)

    def told():
        return re.findall(r"MIR031[56].*", redirector.httpd.log())
    rig.wait_for("the log", told, 60)
    assert len(told()) == 1 and re.search("redirects are paused since .*: disks; until", told()[0])
    listed = redirector.ask("/db/f?mirrorlist=text").answer
    assert (listed.status, listed.body) == (200, (ORIGIN + "f\n").encode())
    assert MIRROR.encode() not in redirector.ask("/db/f.meta4").answer.body
    state = redirector.ask("/server-status?auto").answer.body.decode()
    assert re.search(r"^MirrorCatalog0Paused: since .*: disks$", state, re.M)
    assert "paused since" in redirector.ask("/server-status").answer.body.decode()
    status = mb("status", "--json", check=False)
    assert status.returncode >= 1 and json.loads(status.stdout)["instances"][0]["paused"]["reason"] == "disks"
    assert "redirects are paused since" in mb("status", check=False).stdout.splitlines()[0]
    explained = json.loads(mb("explain", "f", "--ip", "192.0.2.1", "--json").stdout)
    assert explained["paused"]["reason"] == "disks" and explained["answer"]["url"] is None
    assert [one["mirror"] for one in explained["candidates"]] == ["m"]
    asked = json.loads(mb("why-not", "m", "f", "--json").stdout)
    assert not asked["gets_redirects"] and asked["reasons"][0].startswith("redirects are paused since ")
    assert "disks; nobody is sent to mirrors until" in mb("explain", "f", "--ip", "192.0.2.1").stdout
    assert "the reason is changed" in mb("pause", "--reason", "new <disks>").stdout
    rig.wait_for("the reason", lambda: b"new &lt;disks&gt;" in redirector.ask("/server-status").answer.body, 60)

    postgres.stop()
    redirector.httpd.stop()
    redirector.httpd.start()
    assert {redirector.ask("/db/f").answer.location for _ in range(12)} == {ORIGIN + "f"}
    postgres.start()

    assert "redirects go on; they were paused since" in mb("resume").stdout
    rig.wait_for("redirects", lambda: all(redirector.redirects("/db/f") for _ in range(12)) and redirector.redirects("/direct/f"), 60)
    rig.wait_for("the log", lambda: "MIR0316" in told()[-1], 60)
    events = [(one["mirror"], one["what"], one["from"], one["to"], one["why"]) for one in json.loads(mb("events", "--json").stdout)]
    assert events == [("", "redirects", "on", "paused", "disks"), ("", "redirects", "paused", "on", "new <disks>")]
    assert "(all)" in mb("events").stdout
