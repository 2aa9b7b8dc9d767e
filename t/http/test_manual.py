"""Every command of the manual runs, in its order, with real programs; what changes a whole machine is checked by its words."""

import contextlib
import functools
import os
import pathlib
import re
import shutil
import subprocess
import urllib.parse
from html.parser import HTMLParser

import pytest

import rig
from manual import DOC, FILES, MIRRORS, MODULES, SOURCE, Stage, blocks, chapters, check_output, contents, told

KINDS = {"sh", "apache", "toml", "sql", "text", "yaml", "ini"}
# Others' units, which any system with systemd, httpd and PostgreSQL has.
UNITS = {"apache2", "httpd", "postgresql"}
# Tested with the databases of other systems in test_migrating.py.
ELSEWHERE = {"migrating.md"}
PAGES = [*chapters(), "../README.md"]


@pytest.fixture(scope="module")
def server():
    with rig.Postgres(tcp=True) as postgres:
        yield postgres


@pytest.fixture(scope="module")
def hosts(build, keep):
    """The mirrors, which have one tree."""
    folder = keep(rig.Scratch("mirror-manual"))
    rig.make_tree(folder / "pristine", FILES)
    tree = rig.make_tree(folder / "pub", {})
    return {name: keep(rig.MirrorHost(name, tree, address=address, build=build)) for name, address in MIRRORS.items()}


@pytest.fixture(scope="module")
def configtest(build, keep, geo):
    """configtest(text) -> what httpd says against it, or ''."""
    folder = keep(rig.Scratch("mirror-config"))
    key = rig.Authority(folder).certificate("download.example.org")
    httpd = rig.Httpd("", build=build, modules=MODULES)
    keep(contextlib.closing(httpd))
    (httpd.dir / "logs").mkdir()

    def check(text):
        text = re.sub(r"(?m)^(\s*SSLCertificate(Key)?File) .*$", lambda match: f"{match[1]} {key[1 if match[2] else 0]}", text)
        text = re.sub(r"/var/lib/GeoIP/GeoLite2-(City|ASN)", lambda match: str(geo / match[1].lower()), text)
        text = text.replace("/srv/pub", str(httpd.docroot)).replace("/etc/mod_mirror/header.html", "/dev/null")
        text = text.replace("/usr/local/bin/check-stamp", str(DOC / "examples/check-stamp"))
        ok, said = httpd.configtest(f"Define APACHE_LOG_DIR {httpd.dir}\nMirrorDatabase dbname=mirrors\n{text}")
        return "" if ok else said
    return check


def has_commands(chapter):
    return chapter not in ELSEWHERE and any(block.kind in ("sh", "sql") and "root" not in block.words for block in blocks(chapter))


@pytest.mark.parametrize("chapter", filter(has_commands, PAGES))
def test_commands_run(chapter, build, server, hosts, geo, scratch, request):
    stage = Stage(build, server, geo, hosts, scratch, bare="bare" in told(chapter, "stage"))
    request.addfinalizer(stage.close)
    for block in blocks(chapter):
        if block.kind == "sh" and "root" not in block.words:
            stage.run(block)
        elif block.kind == "sql":
            server.sql(stage.here(block.text), "mirrors")
        elif block.kind == "apache" and "use" in block.words:
            stage.config += stage.here(block.text)
            stage.httpd.graceful(stage.config)
        elif block.kind == "toml" and "use" in block.words:
            with open(stage.dir / "etc/mb.toml", "a") as config:
                config.write(stage.here(block.text))
        elif block.kind == "text" and "output" in block.words:
            check_output(block, stage.output)


@pytest.mark.parametrize("chapter", PAGES)
def test_configurations_are_accepted(chapter, configtest, build, scratch):
    for block in blocks(chapter):
        assert block.kind in KINDS, f"{block}: a fence without a known kind"
        if block.kind == "apache":
            assert not (said := configtest(block.text)), f"{block}: {said}"
        if block.kind == "toml":
            head = "" if re.search(r"(?m)^\[instance", block.text) else "[instance.main]\n"
            (scratch / "mb.toml").write_text(head + block.text)
            done = subprocess.run([build.program("mb"), "--config", scratch / "mb.toml", "instances"], text=True, capture_output=True)
            assert done.returncode == 0, f"{block}: {done.stderr}"


def packages(control):
    return set(re.findall(r"(?m)^Package: (\S+)$", control)) | set(re.findall(r"(?m)^ ([a-z0-9][a-z0-9+.-]+)(?: [(|,].*)?,?$", control))


@pytest.mark.parametrize("chapter", PAGES)
def test_commands_for_root_name_what_exists(chapter):
    known = set(re.sub(r"#.*", "", (SOURCE / "tools/packages").read_text()).split()) | {"apache2"}
    known |= packages((SOURCE / "debian/control").read_text()) | set(told(chapter, "packages"))
    known |= set(re.findall(r"(?m)^(?:Name:|%package -n) +(\S+)$", (SOURCE / "tools/rpm/mod_mirror.spec").read_text()))
    units = {path.name.removesuffix(".in") for path in (SOURCE / "tools/systemd").iterdir()} | UNITS | set(told(chapter, "units"))
    for block in blocks(chapter):
        if block.kind != "sh" or "root" not in block.words:
            continue
        done = subprocess.run(["bash", "-n", "-c", block.text], text=True, capture_output=True)
        assert done.returncode == 0, f"{block}: {done.stderr}"
        text = re.sub(r"#.*", "", block.text.replace("\\\n", " "))
        for line in re.findall(r"(?:apt-get|apt|dnf|zypper) (?:-\S+ )*install (.*)", text):
            names = {re.split(r"[-_](?:\d[\d.]*-)?\*", pathlib.Path(word).name)[0] for word in line.split() if word[0] not in "-&|;"}
            assert names <= known, f"{block}: no such packages: {names - known}"
        for line in re.findall(r"systemctl (?:enable|start|restart|reload|stop|disable|edit|status) (.*)", text):
            words = [word for word in line.split("&&")[0].split() if word[0] != "-"]
            names = {re.sub(r"@[^.]*", "@", word) for word in words}
            names = {name if "." in name or name in UNITS else f"{name}.service" for name in names}
            assert names <= units, f"{block}: no such units: {names - units}"
        for path in re.findall(r"(?<![\w/.])((?:\./)?(?:doc|tools|debian|t)/[\w./-]+|\./bootstrap)", text):
            assert (SOURCE / path).exists(), f"{block}: no such file: {path}"
        for name in re.findall(r"/usr/share/doc/[\w-]+/examples/([\w.-]+)", text):
            assert (DOC / "examples" / name).exists(), f"{block}: no such example: {name}"
        for name in re.findall(r"a2enmod ([\w ]+)", text):
            modules = pathlib.Path(rig.run(["apxs", "-q", "LIBEXECDIR"]).stdout.strip())
            assert all((modules / f"mod_{word}.so").exists() or word == "mirror" for word in name.split()), f"{block}: a2enmod {name}"


def test_the_contents_are_complete():
    named = [name for _, names in contents() for name in names]
    assert len(named) == len(set(named))
    assert set(named) == {path.name for path in DOC.iterdir() if re.fullmatch(r".*\.(md|\d)", path.name)}


@pytest.mark.parametrize("chapter", chapters())
def test_no_code_without_a_kind(chapter):
    """A block by indentation alone would not be tested."""
    text = re.sub(r"(?ms)^( *)```.*?^\1```$", "", (DOC / chapter).read_text())
    assert not re.findall(r"(?m)^\n {4,}\S.*$", text)


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.ids, self.titles = [], set(), 0
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        self.ids.add(attributes.get("id"))
        self.titles += tag == "h1"


@pytest.mark.skipif(not (shutil.which("pandoc") and shutil.which("mandoc")), reason="pandoc or mandoc is not installed")
def test_the_links_of_the_html_lead_somewhere(scratch):
    rig.run([SOURCE / "tools/manual/make-html", SOURCE, scratch / "html"], env={**os.environ, "LC_ALL": "C.UTF-8"})
    pages = {path.name: Page(path) for path in (scratch / "html").glob("*.html")}
    assert len(pages) == 1 + sum(len(names) for _, names in contents())
    broken = []
    for name, page in pages.items():
        assert page.titles, name
        assert not re.search(r"\.[1-9]\.html$", name) or "SYNOPSIS" in page.ids or "DESCRIPTION" in page.ids, name
        for link in page.links:
            target, _, part = urllib.parse.unquote(link).partition("#")
            if re.match(r"https?:|mailto:", link):
                continue
            target = target or name
            if not (scratch / "html" / target).is_file() or part and target in pages and part not in pages[target].ids:
                broken.append((name, link))
    assert not broken
    # From each page to the next one, through the whole manual.
    name, seen = "index.html", []
    order = [name for _, names in contents() for name in names]
    for file in order:
        seen.append(re.sub(r"\.md$", "", file) + ".html")
        assert seen[-1] in pages[name].links, (name, seen[-1])
        name = seen[-1]


def prose(chapter):
    return re.sub(r"(?ms)^( *)```.*?^\1```$", "", (DOC / chapter).read_text())


@pytest.fixture(scope="module")
def usage(build):
    """usage("mb", "db", "backup") -> what --help says, or None if there is no such command."""
    @functools.cache
    def usage(program, *words):
        done = subprocess.run([build.program(program), *words, "--help"], text=True, capture_output=True)
        return done.stdout if done.returncode == 0 else None
    return usage


def mentioned(chapter):
    """The commands in the text, and in the blocks for root, that start with one of our programs."""
    spans = re.findall(r"`(mb(?:-scan|-probe|-hash)?(?: [^`]*)?)`", prose(chapter))
    for block in blocks(chapter):
        if block.kind == "sh" and "root" in block.words:
            spans += re.findall(r"(?m)(?:^|[;&|] |sudo (?:-u \w+ )?)(mb(?:-scan|-probe|-hash)? [^;&|#\n]*)", block.text)
    return spans


@pytest.mark.parametrize("chapter", PAGES)
def test_mentioned_commands_exist(chapter, usage):
    wrong = []
    for span in mentioned(chapter):
        program, *words = span.split()
        names = []
        if program == "mb":
            for word in words[:2]:
                if not re.fullmatch(r"[a-z][a-z-]*", word) or not usage("mb", *names, word):
                    break
                names.append(word)
            if words and not names and re.fullmatch(r"[a-z][a-z-]*", words[0]):
                wrong.append(span)
        options = {re.match(r"--[a-z0-9-]+", word)[0] for word in words if re.match(r"--[a-z]", word)}
        said = usage(program, *names)
        wrong += [f"{span}: {option}" for option in options if not re.search(rf"{option}\b|--\[no-\]{option[2:]}\b", said)]
    assert not wrong


@pytest.mark.parametrize("chapter", PAGES)
def test_mentioned_directives_exist(chapter):
    known = set(re.findall(r"(?m)^## (Mirror\w+)$", (DOC / "directives.md").read_text()))
    assert len(known) > 30
    named = set(re.findall(r"`[^`]*?(?<![\w-])(Mirror[A-Z][a-zA-Z]*)(?![\w…])", prose(chapter)))
    assert {name for name in named - {"MirrorCache", "MirrorManager"} if not name.startswith("MirrorBrain")} <= known


@pytest.mark.parametrize("chapter", PAGES)
def test_mentioned_files_exist(chapter):
    named = re.findall(r"`((?:doc|tools|debian|scanner|lib|sql|t)/[\w./@-]+)`", prose(chapter))
    assert [name for name in named if not (SOURCE / name).exists() and name != "doc/html"] == []
