"""mb notify: what changed of the mirrors is told to commands, by e-mail and to web services; at least once, grouped, and limited."""

import contextlib
import email
import email.policy
import http.server
import json
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest
import rig

DOWN = ("INSERT INTO health (mirror_id, scheme, family, state, reason) SELECT id, 'https', 'ipv6', 'down', 'connection refused' "
        "FROM mirror WHERE identifier = '{}'")


class Hook(http.server.ThreadingHTTPServer):
    """Records what is sent to it: (method, path, headers, body). `status` is what it answers."""

    daemon_threads = True

    def __init__(self):
        self.got, self.status, self.hangs, self.says = [], 200, 0, "no such hook, token=hush"
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((self.command, self.path, self.headers, json.loads(body)))
                if hook.hangs:
                    time.sleep(hook.hangs)
                self.send_response(hook.status)
                self.end_headers()
                self.wfile.write(hook.says.encode() if hook.status >= 400 else b"ok")

            do_PUT = do_POST

            def log_message(self, *args):
                pass
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/secret/path"


@pytest.fixture
def hook():
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


class Notify:
    """mb notify with these targets, in the form of mb.toml; `folder` for what they write."""

    def __init__(self, database, folder):
        self.database, self.folder = database, folder
        self.config = folder / "mb.toml"
        for name in ("a", "b", "c"):
            database.add_mirror(name, http_url=f"http://{name}.example/", https_url=f"https://{name}.example/", ipv6=True, enabled=True)
        database.sql("DELETE FROM event")

    def targets(self, *targets, more="[instance.main]"):
        text = more + f'\ndatabase = "{self.database.conninfo()}"\n'
        for target in targets:
            text += "[[notify]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in {"group_s": 0, **target}.items())
        self.config.write_text(text)
        self()  # from now on

    def __call__(self, *args, **options):
        return self.database.tool("mb", "--config", self.config, "notify", *args, check=False, **options)

    def down(self, *names):
        for name in names:
            self.database.sql(DOWN.format(name))

    def script(self, name, text):
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return str(path)

    def lines(self, name="told"):
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def command(self):
        return {"name": "script", "command": [self.script("run", f'cat >>"{self.folder}/told"\n')]}


@pytest.fixture
def notify(database, tmp_path):
    return Notify(database, tmp_path)


def test_a_command_gets_the_changes_as_json(notify):
    notify.targets(notify.command())
    notify.down("a")
    done = notify()
    assert done.returncode == 0 and "script: sent 1 change: exit status 0" in done.stdout
    told = notify.lines()[0]
    assert told["text"].startswith("mirror a is down for https over IPv6 since ") and told["text"].endswith(": connection refused")
    assert [told["changes"][0][key] for key in ("mirror", "what", "from", "to")] == ["a", "https/ipv6", "unknown", "down"]
    assert notify().stdout == "" and len(notify.lines()) == 1, "told once"


def test_what_was_before_a_target_is_not_told(notify):
    notify.down("a")
    notify.targets(notify.command())
    assert notify.lines() == []


def test_an_email_goes_through_sendmail(notify):
    sendmail = notify.script("sendmail", f'echo "$@" >"{notify.folder}/args"; cat >"{notify.folder}/mail"\n')
    notify.targets({"name": "mail", "email": ["admin@x.example", "b@y.example"], "from": "mb@x.example", "sendmail": sendmail})
    notify.down("a", "b")
    assert notify().returncode == 0
    mail = email.message_from_bytes((notify.folder / "mail").read_bytes(), policy=email.policy.default)
    assert mail["To"] == "admin@x.example, b@y.example" and mail["From"] == "mb@x.example"
    assert mail["Subject"] == "2 changes of 2 mirrors: a, b" and mail["Auto-Submitted"] == "auto-generated"
    assert [line.split(" since")[0] for line in mail.get_content().splitlines()] == [
        "mirror a is down for https over IPv6", "mirror b is down for https over IPv6"]
    assert (notify.folder / "args").read_text().strip() == "-i -- admin@x.example b@y.example"


def test_operators_are_told_of_their_own_mirrors(notify):
    notify.database.sql("UPDATE mirror SET admin_email = identifier || '@op.example' WHERE identifier <> 'c'")
    sendmail = notify.script("sendmail", f'cat >"{notify.folder}/mail-$3"\n')
    notify.targets({"name": "operators", "operators": True, "sendmail": sendmail})
    notify.down("a", "c")
    assert notify().stdout.count("sent 1 change") == 1
    assert [path.name for path in notify.folder.glob("mail-*")] == ["mail-a@op.example"]
    assert "mirror c" not in (notify.folder / "mail-a@op.example").read_text()


@pytest.mark.parametrize("form, path, method, key", [
    ("json", "/secret/path", "POST", "text"), ("slack", "/secret/path", "POST", "text"), ("discord", "/secret/path", "POST", "content"),
    ("matrix", "/secret/path/hook.", "PUT", "body"), ("ntfy", "/secret/", "POST", "message")])
def test_web_services_get_their_form(notify, hook, form, path, method, key):
    token = notify.folder / "token"
    token.write_text("hush\n")
    notify.targets({"name": "hook", "webhook": hook.url, "form": form, "token_file": str(token)})
    notify.down("a")
    done = notify()
    assert done.returncode == 0 and "HTTP 200" in done.stdout
    got, = hook.got
    assert got[0] == method and got[1].startswith(path) and "mirror a is down for https over IPv6" in got[3][key]
    assert got[2]["Authorization"] == "Bearer hush"
    assert "secret" not in done.stdout and "hush" not in done.stdout


def test_filters_choose_events_and_mirrors(notify):
    notify.targets({**notify.command(), "events": ["down"], "mirrors": ["a", "c*"]})
    notify.down("a", "b", "c")
    notify.database.sql("UPDATE mirror SET enabled = false WHERE identifier = 'a'")
    notify()
    assert [change["mirror"] for change in notify.lines()[0]["changes"]] == ["a", "c"]


def test_changes_are_grouped(notify):
    notify.targets({**notify.command(), "group_s": 300})
    notify.down("a")
    assert notify().stdout == "" and notify.lines() == []
    notify.database.sql("UPDATE event SET at = at - interval '301 seconds'")
    notify.down("b")
    assert "sent 2 changes" in notify().stdout and len(notify.lines()) == 1


def test_the_rest_of_an_hour_comes_in_the_next_notice(notify):
    notify.targets({**notify.command(), "max_per_hour": 2})
    for name in ("a", "b"):
        notify.down(name)
        notify()
    notify.down("c")
    notify.database.sql("UPDATE mirror SET enabled = false")
    assert notify().stdout == "" and len(notify.lines()) == 2
    notify.database.sql("UPDATE notice SET sent = ARRAY[now() - interval '61 minutes', now()]")
    assert "sent 4 changes" in notify().stdout


@pytest.mark.parametrize("kind", ["refused", "error", "hanging", "command", "missing", "slow", "chatty"])
def test_what_fails_is_tried_again_and_holds_nobody_up(notify, hook, kind):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{closed.getsockname()[1]}/secret"
        hook.status, hook.hangs = (500 if kind == "error" else 200), 5 * (kind == "hanging")
        target = {"refused": {"webhook": refused}, "error": {"webhook": hook.url}, "hanging": {"webhook": hook.url},
                  "command": {"command": [notify.script("bad", "echo no paper token=hush >&2; exit 7\n")]},
                  "missing": {"command": ["/nonexistent/program"]},
                  "slow": {"command": [notify.script("slow", "sleep 60\n")]},
                  "chatty": {"command": [notify.script("chatty", "while :; do echo x; sleep 0.3; done\n")]}}[kind]
        notify.targets({"name": "ill", "timeout_s": 1, **target}, notify.command())
        notify.down("a")
        began = time.monotonic()
        done = notify()
        assert done.returncode == 1 and "ill: not sent: " in done.stderr and time.monotonic() - began < 5
    words = {"refused": "onnect", "error": "HTTP 500", "hanging": "imed out", "command": "exit status 7: no paper",
             "missing": "cannot be run", "slow": "did not end within 1 s", "chatty": "did not end within 1 s"}[kind]
    assert words in done.stderr and "secret" not in done.stderr and "hush" not in done.stderr
    assert len(notify.lines()) == 1, "the other target was served"
    assert notify().returncode == 0, "not again at once"
    notify.database.sql("UPDATE notice SET retry_at = now()")
    assert "ill: not sent" in notify().stderr
    if kind in ("error", "hanging"):
        hook.status, hook.hangs = 200, 0
        notify.database.sql("UPDATE notice SET retry_at = now()")
        assert "ill: sent 1 change" in notify().stdout and len(notify.lines()) == 1
        assert len({got[3]["id"] for got in hook.got}) == 1, "the same notice has the same id"


def test_a_server_that_repeats_the_url_tells_no_secret(notify, hook):
    hook.status, hook.says = 404, f"no route {hook.url.partition('//')[2].partition('/')[2]} for hush"
    (notify.folder / "token").write_text("hush\n")
    notify.targets({"name": "hook", "webhook": hook.url, "token_file": str(notify.folder / "token")})
    notify.down("a")
    done = notify()
    assert "HTTP 404: no route ***" in done.stderr and "secret" not in done.stderr and "hush" not in done.stderr
    assert notify.database.sql("SELECT error ~ 'secret|hush' FROM notice") == "f"


def test_operators_whose_sendmail_hangs_delay_nobody_else(notify):
    notify.database.sql("UPDATE mirror SET admin_email = identifier || '@op.example'")
    notify.targets({"name": "operators", "operators": True, "timeout_s": 1, "sendmail": notify.script("hang", "sleep 60\n")}, notify.command())
    notify.down("a", "b", "c")
    began = time.monotonic()
    done = notify()
    assert time.monotonic() - began < 2.9, "one of three was tried"
    assert done.stdout.startswith("script: sent 3 changes") and done.stderr.count("not sent") == 1
    assert notify().stderr.count("not sent") == 1, "another one is tried in the next round"


def test_somebody_who_writes_events_for_long_is_not_queued_behind(notify):
    """`mb disable` goes on at once while mb notify waits for another one's transaction."""
    notify.targets(notify.command())
    import psycopg2
    slow = psycopg2.connect(notify.database.conninfo())
    with slow.cursor() as cursor:
        notify.down("b")
        cursor.execute("INSERT INTO event (mirror_id, mirror, what, \"from\", \"to\") VALUES (1, 'a', 'http/ipv4', 'up', 'down')")
        waiting = threading.Thread(target=notify)
        waiting.start()
        time.sleep(0.3)
        for _ in range(10):
            began = time.monotonic()
            notify.database.sql("SET lock_timeout = '900ms'; UPDATE mirror SET enabled = NOT enabled WHERE identifier = 'c'")
            assert time.monotonic() - began < 2
            time.sleep(0.1)
        assert notify.lines() == []
        slow.commit()
        waiting.join()
    slow.close()
    assert {change["mirror"] for change in notify.lines()[0]["changes"]} == {"a", "b", "c"}


def test_test_sends_a_sample_to_each(notify, hook):
    notify.targets(notify.command(), {"name": "hook", "webhook": hook.url}, {"name": "bad", "command": ["/nonexistent"]})
    done = notify("--test")
    assert done.returncode == 1 and "script: sent: exit status 0" in done.stdout and "HTTP 200" in done.stdout
    assert "bad: not sent: /nonexistent cannot be run" in done.stderr
    assert hook.got[0][3]["subject"].startswith("Test: ") and notify.lines()[0]["subject"].startswith("Test: ")


@contextlib.contextmanager
def loop(notify, *args):
    env = {**notify.database.environment(), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen([rig.Build().program("mb"), "--config", notify.config, "notify", "--loop", "--interval", "1", *args], env=env,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_two_services_send_once_and_the_second_takes_over(notify):
    notify.targets(notify.command())
    with loop(notify) as first:
        rig.wait_for("the lock", lambda: notify.database.sql("SELECT count(*) FROM scan_lock") == "1", 10)
        with loop(notify) as second:
            assert notify().returncode == 1, "the third one says who sends"
            notify.down("a")
            rig.wait_for("the notice", notify.lines, 10)
            time.sleep(1.5)
            assert len(notify.lines()) == 1
            first.send_signal(signal.SIGKILL)
            first.wait()
            notify.down("b")
            rig.wait_for("the other's notice", lambda: len(notify.lines()) == 2, 15)
            second.send_signal(signal.SIGTERM)
            assert second.wait(timeout=10) == 0
    assert [line["changes"][0]["mirror"] for line in notify.lines()] == ["a", "b"]


@pytest.mark.parametrize("kind", ["program", "server"])
def test_a_service_that_is_stopped_waits_for_nobody(notify, hook, kind):
    hanging = notify.script("hang", f'touch "{notify.folder}/began"; while :; do echo x; sleep 0.1; done\n')
    hook.hangs = 20
    target = {"command": [hanging]} if kind == "program" else {"webhook": hook.url}
    notify.targets({"name": "ill", "timeout_s": 60, **target})
    notify.down("a")
    with loop(notify) as service:
        rig.wait_for("the sending", lambda: hook.got or (notify.folder / "began").exists(), 10)
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=5) == 0
    assert notify.database.sql("SELECT failures FROM notice") == "0", "the next one sends it at once"


def test_changes_of_the_time_without_a_service_are_told(notify):
    notify.targets(notify.command())
    notify.down("a")
    notify.database.sql("UPDATE health SET state = 'up', reason = ''")
    with loop(notify):
        rig.wait_for("the notice", notify.lines, 10)
    assert [change["to"] for change in notify.lines()[0]["changes"]] == ["down", "up"]


def test_no_number_is_passed_over_while_it_is_written(notify):
    """An event that got its number first and is committed last."""
    notify.targets(notify.command())
    import psycopg2
    slow = psycopg2.connect(notify.database.conninfo())
    with slow.cursor() as cursor:
        cursor.execute(DOWN.format("a"))
        notify.database.sql("INSERT INTO health (mirror_id, scheme, family, state) SELECT id, 'http', 'ipv4', 'up' FROM mirror "
                            "WHERE identifier = 'b'")
        waiting = threading.Thread(target=notify)
        waiting.start()
        time.sleep(1)
        slow.commit()
        waiting.join()
    slow.close()
    notify()
    assert [change["mirror"] for line in notify.lines() for change in line["changes"]] == ["a"]


def test_without_targets_it_says_so(notify):
    notify.targets()
    assert "no [[notify]]" in notify().stderr and notify().returncode == 1
    assert pathlib.Path(notify.config).exists()
