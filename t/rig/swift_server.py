"""swift_server.py FOLDER REGION USER KEY PAGE: a private OpenStack Swift with its interface for S3, on loopback, in one process.

Its four servers run as they are. Objects live in memory, the rest in FOLDER. Writes `ready PORT` when it answers. Needs the
package python3-swift alone, no service of the system."""

import getpass
import os
import pathlib
import sys

import eventlet
import eventlet.patcher

eventlet.patcher.monkey_patch()

import eventlet.wsgi  # noqa: E402
from swift.common import utils  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402

ADDRESS = "127.0.0.1"

PROXY = """[DEFAULT]
swift_dir = {folder}
user = {owner}
log_level = ERROR

[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
node_timeout = 120
conn_timeout = 60
recoverable_node_timeout = 120

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:gatekeeper]
use = egg:swift#gatekeeper

[filter:listing_formats]
use = egg:swift#listing_formats

[filter:s3api]
use = egg:swift#s3api
location = {region}
max_bucket_listing = {page}
allow_multipart_uploads = no

[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{name} = {key} .admin
"""

STORAGE = """[DEFAULT]
swift_dir = {folder}
devices = {folder}
mount_check = false
user = {owner}
log_level = ERROR

[app:main]
use = egg:swift#{kind}
conn_timeout = 60
node_timeout = 120
container_update_timeout = 120
"""

KINDS = {"account": "account", "container": "container", "object": "mem_object"}


class NoCache:
    """tempauth insists on a cache, for tokens that S3 has not."""

    def get(self, *args, **more):
        return None

    def set(self, *args, **more):
        pass

    delete = incr = set


def make_ring(folder, name, port):
    builder = RingBuilder(2, 1, 0)
    builder.add_dev({"region": 1, "zone": 1, "ip": ADDRESS, "port": port, "replication_ip": ADDRESS, "replication_port": port,
                     "device": "device", "weight": 1.0, "meta": ""})
    builder.rebalance()
    builder.get_ring().save(str(folder / f"{name}.ring.gz"))


def with_cache(app):
    def answer(environment, start_response):
        environment["swift.cache"] = NoCache()
        return app(environment, start_response)

    return answer


def main():
    folder, region, user, key, page = pathlib.Path(sys.argv[1]), *sys.argv[2:]
    account, name = user.split(":")
    words = {"folder": folder, "owner": getpass.getuser(), "region": region, "account": account, "name": name, "key": key,
             "page": page}
    utils.HASH_PATH_PREFIX, utils.HASH_PATH_SUFFIX = b"", b"test"
    (folder / "device").mkdir()
    sockets = {name: eventlet.listen((ADDRESS, 0)) for name in [*KINDS, "proxy"]}
    for name in KINDS:
        make_ring(folder, name, sockets[name].getsockname()[1])
    for name, socket in sockets.items():
        config = folder / f"{name}.conf"
        config.write_text((STORAGE if name in KINDS else PROXY).format(kind=KINDS.get(name), **words))
        app = loadapp(str(config), global_conf={"log_name": name})
        if name == "proxy":
            app = with_cache(app)
        running = eventlet.spawn(eventlet.wsgi.server, socket, app, log=open(os.devnull, "w"), socket_timeout=None)
    print("ready", sockets["proxy"].getsockname()[1], flush=True)
    running.wait()


if __name__ == "__main__":
    main()
