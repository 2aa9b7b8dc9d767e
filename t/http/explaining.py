"""mb explain URL and the key that it needs: what the tests of explanations share."""

import json
import tempfile

HOST = "http://redirector.example"
KEY = "0123456789abcdefABCDEF" + "7" * 42
key_file = tempfile.NamedTemporaryFile("w", prefix="mirror-explain-key-")  # mode 0600; conftest.py removes it
key_file.write(KEY + "\n")
key_file.flush()
KEY_FILE = key_file.name


def mb(site, target, *args, host=HOST, key=KEY_FILE):
    return site.database.tool("mb", "explain", host + target, "--connect", f"127.0.0.1:{site.httpd.port}", "--key", key, *args,
                              check=False)


def explain(site, target, *args):
    done = mb(site, target, "--json", *args)
    assert (done.returncode, done.stderr) == (0, ""), done
    return json.loads(done.stdout)


def wish(form="text", **more):
    return {"X-Mirror-Explain": form, "X-Mirror-Explain-Key": KEY, **more}
