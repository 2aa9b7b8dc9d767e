"""What the tests with real download clients share: a source that mb-hash has read, mirrors that serve it, a redirector."""

import os
import random
import re
import stat

import rig
from answers import File

CONFIG = """
MirrorDatabase {database}
MirrorGeoDatabase {geo}/city.mmdb
Alias /origin @source@
<Directory @source@>
  Require all granted
</Directory>
<Location /files>
  MirrorEngine On
  MirrorTree database
  MirrorOrigin http://127.0.0.1:{port}/origin/
</Location>
"""


def noise(size_bytes, seed):
    """Bytes of which no two blocks are alike, the same ones in every run."""
    return random.Random(seed).randbytes(size_bytes)


def rows(source, mirrors):
    """The source's files as answers.fill() takes them, each on all of these mirrors."""
    found = {}
    for folder, _, names in os.walk(os.fsencode(source)):
        for name in names:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if stat.S_ISREG(info.st_mode):
                found[os.path.relpath(path, os.fsencode(source))] = File(tuple(mirrors), info.st_size, int(info.st_mtime))
    return found


class Downloads:
    """`site` is the redirector, `source` the folder that all mirrors have, `tree` the Location."""

    def __init__(self, site, source, scratch, tree="files"):
        self.site, self.source, self.scratch, self.tree = site, source, scratch, tree

    def url(self, target):
        return f"{self.site.httpd.url}{self.tree}/{target}"

    def ask(self, target, **options):
        options.setdefault("host", f"{self.site.httpd.address}:{self.site.httpd.port}")
        return self.site.ask(f"/{self.tree}/{target}", **options)

    def save(self, target, name, **options):
        """What a GET brings, in a file of this name that a client can be given."""
        answer = self.ask(target, **options)
        assert answer.status == 200, answer
        path = self.scratch / name
        path.write_bytes(answer.body)
        return path

    def hash(self, kinds):
        config = self.scratch / "mb.toml"
        config.write_text(f'[instance.main]\nsource = "{self.source}"\n[instance.main.hash]\n{kinds}\n')
        self.site.database.tool("mb-hash", "--config", config)


def serve(make_site, scratch, files, mirrors, config="", kinds="zsync = true", **options):
    """Downloads below `scratch`. `files` as for rig.make_tree; `mirrors` is called with the source folder and returns
    {identifier: columns}, as answers.fill() takes them. `config` stands before CONFIG (@source@ in both is that folder), `kinds` in mb-hash's;
    options are make_site's."""
    source = rig.make_tree(scratch / "source", files)
    columns = mirrors(source)
    site = make_site((config + CONFIG).replace("@source@", str(source)), columns, rows(source, columns), **options)
    made = Downloads(site, source, scratch)
    made.hash(kinds)
    return made


def body_bytes(web, target=""):
    """Bytes that a mirror's httpd has sent as bodies of answers to GETs of this path ("": of any)."""
    wanted = re.compile(r'"GET /' + re.escape(target) + r'.* HTTP/[\d.]+" 20[06] (\d+)$')
    return sum(int(found[1]) for found in map(wanted.search, web.access()) if found)
