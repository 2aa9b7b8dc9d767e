"""A real object store with Amazon's interface: OpenStack Swift, from the package python3-swift."""

import importlib.util
import pathlib
import re
import sys

from .process import Process, Scratch

USER, KEY = "mirrors:admin", "a-secret-key"


def has_swift():
    return importlib.util.find_spec("swift") is not None


class Swift:
    """`page`: keys that a page of a listing has at most."""

    def __init__(self, *, region="eu-test", page=1000):
        self.region, self._page, self._process = region, page, None
        self._scratch = Scratch("mirror-swift")
        self.endpoint = None

    def start(self):
        folder = self._scratch.path
        # Isolated, or else the modules beside the program hide others of the same names.
        argv = [sys.executable, "-I", pathlib.Path(__file__).with_name("swift_server.py"), folder, self.region, USER, KEY, str(self._page)]
        log = folder / "swift.log"
        self._process = Process("swift", argv, log, cwd=folder)
        self._process.wait_until(lambda: re.search(r"^ready \d+$", log.read_text(), re.M), deadline_s=120)
        self.endpoint = "http://127.0.0.1:" + re.search(r"^ready (\d+)$", log.read_text(), re.M)[1]
        return self

    def close(self):
        if self._process:
            self._process.stop()
        self._scratch.close()

    def url(self, path, **parameters):
        """s3://PATH with this endpoint."""
        return f"s3://{path}?" + "&".join(f"{k}={v}" for k, v in {"endpoint": self.endpoint, **parameters}.items())

    def environment(self, key=KEY):
        return {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": key}

    def bucket(self, name):
        """Makes it; a function that puts an object of a key and a content into it. Needs botocore, another client than ours."""
        import botocore.config
        import botocore.session

        config = botocore.config.Config(s3={"addressing_style": "path"}, read_timeout=300, connect_timeout=60)
        client = botocore.session.Session().create_client("s3", region_name=self.region, endpoint_url=self.endpoint, config=config,
                                                          aws_access_key_id=USER, aws_secret_access_key=KEY)
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": self.region})
        return lambda key, content: client.put_object(Bucket=name, Key=key, Body=content)
