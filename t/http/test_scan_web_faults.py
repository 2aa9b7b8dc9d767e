"""mb-scan by directory indexes of servers that break, lie, redirect, ask to wait or never end: nothing partial is ever merged."""

import contextlib
import http.server
import io
import threading
import time

import pytest
import rig
from scanning import World, objects

FILES = {f"d{n}/f{m}": b"12345" for n in range(4) for m in range(10)}


class Site:
    """A web server whose answers a test says: `pages` has a function for a path, which gets the handler; all else is an index of
    `files`, as nginx shows it."""

    def __init__(self, files):
        self.files, self.pages, self.asked, self.agents = files, {}, [], set()
        handler = type("Handler", (_Handler,), {"site": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def index(self, folder):
        """The page of a folder; None: there is none."""
        below = [path[len(folder):] for path in self.files if path.startswith(folder)]
        if not below:
            return None
        lines = []
        for name in sorted({path.partition("/")[0] + ("/" if "/" in path else "") for path in below}):
            size = "-" if name.endswith("/") else len(self.files[folder + name])
            lines.append(f'<a href="{name}">{name}</a>     14-Nov-2023 22:13    {size}\n')
        return (f'<html><head><title>Index of /{folder}</title></head><body><h1>Index of /{folder}</h1><hr><pre>'
                f'<a href="../">../</a>\n{"".join(lines)}</pre><hr></body></html>').encode()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    site = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.lstrip("/")
        self.site.asked.append(path)
        if path == "" or path.endswith("/"):
            self.site.agents.add(self.headers["User-Agent"])
        with contextlib.suppress(ConnectionError):
            if path in self.site.pages:
                return self.site.pages[path](self)
            self.plain(path)

    def plain(self, path):
        body = self.site.index(path) if path == "" or path.endswith("/") else self.site.files.get(path)
        self.answer(404 if body is None else 200, body or b"", Last_Modified="Tue, 14 Nov 2023 22:13:20 GMT")

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def times_failing(count, fail):
    """A page that fails so often, and is good from then on."""
    left = [count]

    def page(handler):
        left[0] -= 1
        if left[0] >= 0:
            return fail(handler)
        return handler.plain(handler.path.lstrip("/"))

    return page


def reset(handler):
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<html><title>Index of /")


def truncated(handler):
    body = handler.site.index(handler.path.lstrip("/"))
    handler.answer(200, body[:len(body) // 2])


def without_end(handler):
    """A whole list and no </html>, as with a footer of the host's own."""
    handler.answer(200, handler.site.index(handler.path.lstrip("/")).replace(b"<hr></body></html>", b"<p>Hosted by us"))


def until_it_closes(page):
    """The body of `page` in an answer that does not say where it ends."""

    def closing(handler):
        handler.close_connection = True
        body = io.BytesIO()
        answer, handler.answer = handler.answer, lambda status, content=b"", **headers: body.write(content)
        page(handler)
        handler.answer = answer
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + body.getvalue())

    return closing


def failed_proxy(handler):
    body = handler.site.index(handler.path.lstrip("/"))
    handler.answer(200, body[:len(body) // 2] + b"<html><head><title>502</title></head><body><h1>502 Bad Gateway</h1></body></html>")


def status(number, **headers):
    return lambda handler: handler.answer(number, b"", **headers)


@pytest.fixture
def world(database, scratch, cleanup):
    world = World(database, scratch, cleanup)
    world.fill_source(FILES)
    return world


@pytest.fixture
def site(world):
    """A complete mirror, scanned once."""
    with Site(dict(FILES)) as site:
        world.database.add_mirror("web", http_url=site.url)
        world.mb_scan("web", check=True)
        assert len(world.files_of("web")) == len(FILES)
        site.asked.clear()
        yield site


def fails(world, *words, options=()):
    before = world.tables()
    done = world.mb_scan(*options, "web")
    assert done.returncode == 2 and world.tables() == before, done.stdout + done.stderr
    for text in words:
        assert text in done.stderr, done.stderr
    return done


def long_page(handler):
    """Never ends."""
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n<html><title>Index of /d1/</title><h1>Index of /d1/</h1><hr><pre><a href=\"../\">")
    for n in range(10_000_000):
        handler.wfile.write(b'<a href="f%d">f%d</a>   14-Nov-2023 22:13   5\n' % (n, n) * 100)


def longer_than_told(handler):
    """The rest is read as the next answer over the connection, which stays open."""
    body = handler.site.index(handler.path.lstrip("/"))
    handler.answer(200, body, Content_Length=len(body) // 2)


FAULTS = {
    "longer than its length": (longer_than_told, "d1/: it is a directory index that ends too early"),
    "reset": (reset, "d1/: transfer closed"),
    "truncated": (truncated, "d1/: it is a directory index that ends too early"),
    "truncated by a proxy that adds its own page": (failed_proxy, "d1/: it is a directory index that ends too early"),
    "neither its end nor its length": (until_it_closes(without_end), "d1/: it is a directory index that ends too early"),
    "cut before its marks": (lambda handler: handler.answer(200, handler.site.index("d1/")[:30]), "d1/: it ends too early"),
    "empty": (status(200), "d1/: it ends too early"),
    "500": (status(500), "d1/: the server answers 500"),
    "loop": (status(302, Location="/d1/"), "d1/: it redirects again and again"),
    "to a file": (status(302, Location="/d1/x"), "no folder"),
    "grows": (long_page, "d1/: its page is larger than 16 MB"),
    "garbage": (lambda handler: handler.wfile.write(b"\0\1\2garbage\r\n\r\n"), "d1/: "),
    "waits too long": (status(503, Retry_After=3600), "d1/: the server answers 503 and asks to wait until or for 3600"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_that_fails_breaks_the_listing(world, site, fault):
    site.pages["d1/"], words = FAULTS[fault]
    done = fails(world, words, "nothing was merged, the last good scan of")
    assert done.stderr.count("mb-scan:") == 1
    assert world.scans("web")[-1][0] == "failed"


@pytest.mark.parametrize("fail", [reset, status(502), status(429, Retry_After=1), status(503)],
                         ids=["reset", "502", "429", "503"])
def test_what_passes_is_tried_again(world, site, fail):
    site.pages["d1/"] = times_failing(2, fail)
    begin = time.monotonic()
    done = world.mb_scan("web", check=True)
    assert len(world.files_of("web")) == len(FILES) and site.asked.count("d1/") == 3, done.stderr
    if fail is not reset:
        assert time.monotonic() - begin > 1


def test_a_folder_that_is_refused_counts_as_absent(world, site):
    site.pages["d1/"] = status(403)
    site.pages["d2/"] = status(302, Location="http://other.example/d2/")
    done = world.mb_scan("-v", "web", check=True)
    assert len(world.files_of("web")) == len(FILES) - 20 and "2 directories cannot be read on the mirror" in done.stderr


def then(happens):
    """A page that is good, and after which this happens before anybody gets it."""

    def page(handler):
        path = handler.path.lstrip("/")
        body = handler.site.index(path)
        happens()
        handler.answer(200, body)

    return page


def test_a_folder_that_goes_while_the_mirror_is_listed_is_absent(world, site):
    def remove():
        for path in [path for path in site.files if path.startswith("d1/")]:
            del site.files[path]

    site.pages[""] = then(remove)
    world.mb_scan("--force", "web", check=True)
    assert world.files_of("web") == sorted(path for path in FILES if not path.startswith("d1/")) and "d1/" in site.asked


def test_a_file_that_changes_between_its_page_and_head_is_not_confirmed(world, site):
    original = site.index
    site.index = lambda folder: original(folder).replace(b'"f0">f0</a>     14-Nov-2023 22:13    5', b'"f0">f0</a>')
    site.pages["d1/"] = then(lambda: site.files.update({"d1/f0": b"123456"}))
    world.mb_scan("--force", "web", check=True)
    assert set(FILES) - set(world.files_of("web")) == {"d1/f0"}


def test_a_page_of_a_told_length_needs_no_end_tag(world, site):
    del site.files["d1/f3"]
    site.pages["d1/"] = without_end
    world.mb_scan("web", check=True)
    assert set(FILES) - set(world.files_of("web")) == {"d1/f3"}


def own_page_without_end(handler):
    handler.answer(200, b"<!DOCTYPE html>\n<title>Welcome</title>\n<p><a href=\"f0\">f0</a>\n")


def test_a_page_of_its_own_of_a_told_length_needs_no_end_tag(world, site):
    site.pages["d1/"] = own_page_without_end
    scan = objects(world.mb_scan("--json", "web", check=True))[0]
    assert scan["unlisted_directories"] == 1 and len(world.files_of("web")) == len(FILES)
    site.pages["d1/"] = until_it_closes(own_page_without_end)
    fails(world, "d1/: it ends too early")


def own_page(handler):
    handler.answer(200, b"<html><title>Welcome</title><body><a href=\"f0\">f0</a></body></html>")


def test_files_of_a_folder_with_a_page_of_its_own_keep_their_state(world, site):
    """It may have all its files, which nothing shows."""
    site.pages["d1/"] = own_page
    del site.files["d2/f0"]
    rig.make_tree(world.source, {"d1/f1": b"123456", "d1/new": b"1", "d1/deep/new": b"1"})
    world.mb_scan("--source", "--force", check=True)
    scan = world.mb_scan("--json", "web", check=True)
    assert set(FILES) - set(world.files_of("web")) == {"d1/f1", "d2/f0"} and "d1/new" not in world.files_of("web")
    assert objects(scan)[0]["unlisted_directories"] == 1
    assert "1 directory with a page of its own" in scan.stderr and "(for example 'd1')" in scan.stderr
    before = world.tables()
    assert objects(world.mb_scan("--json", "web", check=True))[0]["outcome"] == "unchanged" and world.tables() == before
    del site.pages["d1/"]
    for n in range(5):
        del site.files[f"d1/f{n}"]
    world.mb_scan("web", check=True)
    assert set(FILES) - set(world.files_of("web")) == {"d2/f0", *(f"d1/f{n}" for n in range(5))}


def large_page(handler):
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n<html><title>Welcome</title>" + b"x" * 17_000_000 + b"</html>")


@pytest.mark.parametrize("page", [large_page, lambda handler: handler.answer(200, b"<html><title>A</title><!-- <p></body></html>")],
                         ids=["larger than 16 MB", "a comment without an end"])
def test_a_page_of_its_own_may_be_one_that_cannot_be_read(world, site, page):
    site.pages["d1/"] = page
    scan = world.mb_scan("--json", "web", check=True)
    assert world.files_of("web") == sorted(FILES) and objects(scan)[0]["unlisted_directories"] == 1


def test_a_server_with_more_pages_of_its_own_than_indexes_breaks_the_listing(world, site):
    more = {f"own{n}/f": b"1" for n in range(11)}
    rig.make_tree(world.source, more)
    world.mb_scan("--source", check=True)
    site.files.update(more)
    site.pages.update({f"own{n}/": own_page for n in range(11)})
    fails(world, "11 folders have a page that is not a directory index", "and 5 have a directory index")
    del site.pages["own0/"]
    assert objects(world.mb_scan("--json", "web", check=True))[0]["unlisted_directories"] == 10


def test_a_root_with_a_page_of_its_own_breaks_the_listing(world, site):
    site.pages[""] = own_page
    fails(world, "/: it is not a directory index of a kind that is known")


STRANGE = {"refused": status(403), "500": status(500), "no index": status(200), "to a file": status(302, Location="/s/x"),
           "elsewhere": status(302, Location="http://other.example/s/"), "grows": long_page}


@pytest.mark.parametrize("fault", [*STRANGE, "robots.txt"])
def test_a_folder_that_the_source_does_not_have_never_breaks_the_listing(world, site, fault):
    site.files["s/x"] = b"1"
    if fault == "robots.txt":
        site.pages["robots.txt"] = lambda handler: handler.answer(200, b"User-agent: *\nDisallow: /s/\n")
    else:
        site.pages["s/"] = STRANGE[fault]
    done = world.mb_scan("-v", "--force", "web", check=True)
    assert len(world.files_of("web")) == len(FILES) and "cannot be read" not in done.stderr
    assert ("s/" in site.asked) == (fault != "robots.txt")


@pytest.mark.parametrize("to", ["/d1/%2e%2e/d2/", "/d1/?x=/", "/d2/", "/d1/d1/"])
def test_a_redirect_to_another_folder_is_not_followed(world, site, to):
    site.pages["d1/"] = status(302, Location=to)
    done = world.mb_scan("-v", "--force", "web", check=True)
    assert len(world.files_of("web")) == len(FILES) - 10 and "d1/f0" not in world.files_of("web"), done.stderr


def test_a_redirect_to_other_escapes_is_followed(world, site):
    site.pages["%641/"] = lambda handler: handler.plain("d1/")
    site.pages["d1/"] = status(302, Location="/%641/")
    world.mb_scan("--force", "web", check=True)
    assert len(world.files_of("web")) == len(FILES)


@pytest.mark.parametrize("number", [400, 405, 406, 451])
def test_what_is_not_given_counts_as_absent(world, site, number):
    """A folder, and a file whose size the page does not show."""
    original = site.index
    site.index = lambda folder: original(folder).replace(b'"f0">f0</a>     14-Nov-2023 22:13    5', b'"f0">f0</a>')
    site.pages["d1/"] = site.pages["d2/f0"] = status(number)
    world.mb_scan("--force", "web", check=True)
    assert set(FILES) - set(world.files_of("web")) == {"d2/f0", *(f"d1/f{n}" for n in range(10))}


def test_pages_that_take_very_long_to_parse_break_the_listing(world, site):
    begin = site.index("d1/").removesuffix(b"</pre><hr></body></html>")
    for evil, words in ((b"<b>" * 100_000 + b"</i>" * 100_000, "100 elements"), (b"<b" + b" a" * 100_000 + b">", "64 KB")):
        site.pages["d1/"] = lambda handler, evil=evil: handler.answer(200, begin + evil + b"</pre></body></html>")
        fails(world, "d1/: it has ", words)


def test_a_root_that_redirects_to_another_folder_says_what_to_set(world, site):
    site.pages[""] = status(302, Location="/d1/")
    fails(world, "/d1/', which is another folder", "mb edit --index-url")


def test_a_closed_connection_is_tried_again_at_once(world, site):
    page, when = times_failing(1, reset), []
    site.pages["d1/"] = lambda handler: (when.append(time.monotonic()), page(handler))
    world.mb_scan("--force", "web", check=True)
    first, second = when
    assert second - first < 0.4


def test_a_mirror_that_shrinks_too_much_is_refused(world, site):
    before = world.tables()
    for n in range(3):
        site.pages[f"d{n}/"] = status(404)
    done = world.mb_scan("web")
    assert done.returncode == 2 and "would shrink from 40 to 10" in done.stderr and world.tables() == before


@pytest.mark.parametrize("page, words", [(status(404), "the server answers 404"),
                                         (status(302, Location="http://other.example/"), "not below the URL to scan"),
                                         (status(403), "the server answers 403")], ids=["404", "elsewhere", "403"])
def test_a_root_that_is_no_index_breaks_the_listing(world, site, page, words):
    site.pages[""] = page
    fails(world, words)


def test_robots_txt_is_heeded_unless_told_otherwise(world, site):
    site.pages["robots.txt"] = lambda handler: handler.answer(200, b"User-agent: *\nDisallow: /d3/\n")
    fails(world, "robots.txt of the server forbids", "robots=ignore")
    world.database.tool("mb", "edit", "web", "--index-options=robots=ignore")
    world.mb_scan("web", check=True)
    site.pages["robots.txt"] = lambda handler: handler.answer(200, b"User-agent: mod_mirror\nAllow: /\n\nUser-agent: *\nDisallow: /\n")
    world.database.tool("mb", "edit", "web", "--index-options=robots=heed")
    world.mb_scan("web", check=True)


def test_robots_txt_may_forbid_what_no_page_shows(world, site):
    rig.make_tree(world.source, {"d0/.x/f": b"12345"})
    world.mb_scan("--source", check=True)
    original = site.index
    site.files["d0/.x/f"] = b"12345"
    site.index = lambda folder: original(folder).replace(b'<a href=".x/">.x/</a>     14-Nov-2023 22:13    -\n', b"")
    world.mb_scan("web", check=True)
    assert "d0/.x/f" in world.files_of("web")
    site.pages["robots.txt"] = lambda handler: handler.answer(200, b"User-agent: *\nDisallow: /d0/.x/\n")
    world.mb_scan("web", check=True)
    assert world.files_of("web") == sorted(FILES)


def hide(site, *names):
    """No page shows them."""
    original = site.index

    def index(folder):
        lines = original(folder).splitlines(keepends=True)
        return b"".join(line for line in lines if not any(line.startswith(f'<a href="{name}"'.encode()) for name in names))

    site.index = index


@pytest.mark.parametrize("fault", ["500", "loop", "to a file", "truncated", "reset", "own page", "empty"])
def test_a_folder_that_no_page_shows_never_breaks_the_listing(world, site, fault):
    rig.make_tree(world.source, {"d0/.x/f": b"12345"})
    world.mb_scan("--source", check=True)
    site.files["d0/.x/f"] = b"12345"
    hide(site, ".x/")
    world.mb_scan("web", check=True)
    pages = {"500": status(500), "loop": status(302, Location="/d0/.x/"), "to a file": status(302, Location="/d0/.x/y"),
             "truncated": truncated, "reset": reset, "own page": own_page, "empty": status(200)}
    site.pages["d0/.x/"] = pages[fault]
    del site.files["d1/f0"]
    scan = world.mb_scan("--json", "web", check=True)
    assert set(world.files_of("web")) == {*FILES, "d0/.x/f"} - {"d1/f0"} and "page of its own" not in scan.stderr
    assert objects(scan)[0]["unlisted_directories"] == 0


def test_robots_txt_may_forbid_a_file_that_no_page_shows(world, site):
    rig.make_tree(world.source, {"d0/.f": b"12345"})
    world.mb_scan("--source", check=True)
    site.files["d0/.f"] = b"12345"
    hide(site, ".f")
    world.mb_scan("web", check=True)
    assert "d0/.f" in world.files_of("web")
    site.pages["robots.txt"] = lambda handler: handler.answer(200, b"User-agent: *\nDisallow: /d0/.f\n")
    world.mb_scan("web", check=True)
    assert world.files_of("web") == sorted(FILES)


LOCAL = {f"z/f{n}": (b"12345", 1_700_000_000 + n * 1000) for n in range(40)}


def local_index(site, ahead_s):
    """Pages as Apache shows them, in its time zone."""
    original = site.index

    def index(folder):
        page = original(folder)
        if page is None or folder != "z/":
            return page
        lines = "".join('<a href="{0}">{0}</a>  {1}  5\n'.format(
            path[2:], time.strftime("%Y-%m-%d %H:%M", time.gmtime(when + ahead_s))) for path, (_, when) in LOCAL.items())
        return f"<html><head><title>Index of /z</title></head><body><h1>Index of /z</h1><pre>{lines}</pre></body></html>".encode()

    site.index = index


def without_length(handler):
    handler.close_connection = True
    handler.send_response(200)
    handler.end_headers()


NOTHING = {"refused": status(403), "not for HEAD": status(405), "500": status(500), "elsewhere": status(302, Location="http://other.example/"),
           "no length": without_length, "reset": None, "robots.txt": None, "no heads left": None}


@pytest.mark.parametrize("ahead_s", [7200, -28800])
@pytest.mark.parametrize("answer", NOTHING)
def test_a_request_for_the_time_zone_never_costs_a_file(world, answer, ahead_s):
    """Nor the scan, when the server answers no HEAD as it should."""
    rig.make_tree(world.source, LOCAL)
    world.mb_scan("--source", check=True)
    with Site({path: data for path, (data, _) in LOCAL.items()}) as site:
        local_index(site, ahead_s)
        world.database.add_mirror("local", http_url=site.url)
        if answer == "no heads left":
            world.database.tool("mb", "edit", "local", "--index-options=heads=0", check=True)
        elif answer == "robots.txt":
            site.pages["robots.txt"] = lambda handler: handler.answer(200, b"User-agent: *\nDisallow: /z/f\n")
        else:
            site.pages.update({path: NOTHING[answer] or reset_file for path in LOCAL})
        scan = objects(world.mb_scan("--json", "local", check=True))[0]
        assert world.files_of("local") == sorted(LOCAL) and scan["heads"] <= 16, scan
        assert objects(world.mb_scan("--json", "local", check=True))[0]["outcome"] == "unchanged"


def reset_file(handler):
    handler.close_connection = True


def test_an_endless_tree_ends(world, site):
    """Each folder has itself below it."""
    original = site.index
    again = b'<a href="again/">again/</a>    14-Nov-2023 22:13    -\n'
    site.index = lambda folder: original(folder.replace("again/", "")).replace(b"</pre>", again + b"</pre>")
    done = world.mb_scan("web", check=True)
    assert len(world.files_of("web")) == len(FILES) and len(site.asked) < 400, done.stdout


def test_links_to_elsewhere_are_no_files(world, site):
    original = site.index
    links = "".join(f'<a href="{href}">x</a>   14-Nov-2023 22:13   5\n' for href in (
        "http://other.example/d0/f0", "//other.example/d0/f1", "/d0/f2", "../d0/f3", "d0/f4", "?C=N", "f5?x", "ftp://h/f6", "%2e%2e/f7"))
    site.files = {path: data for path, data in site.files.items() if not path.startswith("d0/")}
    site.files["d0/keep"] = b"1"
    site.pages["d0/f2"] = lambda handler: handler.answer(200, FILES["d0/f2"])  # one is there, though the index links it alone
    site.index = lambda folder: original(folder).replace(b"</pre>", links.encode() + b"</pre>")
    world.mb_scan("--force", "web", check=True)
    assert world.files_of("web") == ["d0/f2", *sorted(path for path in FILES if not path.startswith("d0/"))]


def test_the_server_is_told_who_asks(world, site):
    world.configure(more='contact = "https://mirrors.example/"\n')
    site.agents.clear()
    world.mb_scan("web", check=True)
    (agent,) = site.agents
    assert agent.startswith("mb-scan/") and agent.endswith(" (mod_mirror; https://mirrors.example/)")


def test_only_so_many_connections_and_requests_are_made(world, site):
    running, most, lock = [0], [0], threading.Lock()
    original = _Handler.plain

    def slow(handler, path):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1
        original(handler, path)

    for path in ["", *{name.partition("/")[0] + "/" for name in FILES}]:
        site.pages[path] = lambda handler, path=path: slow(handler, path)
    world.mb_scan("web", check=True)
    assert most[0] > 2
    world.database.tool("mb", "edit", "web", "--index-options=connections=2,rate=10")
    most[0], begin = 0, time.monotonic()
    world.mb_scan("--force", "web", check=True)
    assert most[0] <= 2
    # robots.txt and five pages, of which none waits: a second's budget is there from the beginning.
    assert time.monotonic() - begin < 5


def test_no_more_bytes_come_than_are_wanted(world, site):
    for folder in ("d0/", "d1/", "d2/", "d3/"):
        page = site.index(folder).replace(b"<hr><pre>", b"<!--" + b"x" * 41_000 + b"--><hr><pre>")
        site.pages[folder] = lambda handler, page=page: handler.answer(200, page)
    world.database.tool("mb", "edit", "web", "--index-options=connections=1,bandwidth=40", check=True)
    begin = time.monotonic()
    assert world.mb_scan("--force", "web", check=True)
    # Three pages come before the last one is asked for; a second's budget is there from the beginning.
    assert time.monotonic() - begin >= (3 * 41_000 - 40 * 1024) / (40 * 1024)


def test_folders_where_the_source_has_links_are_not_read(world, site):
    """More of them than the folders that are read though the source does not have them."""
    world.fill_source({f"link{n}": rig.Link("d0") for n in range(60)})
    site.files.update({f"link{n}/f{m}": b"12345" for n in range(60) for m in range(10)})
    site.files["unknown/f"] = b"1"
    site.asked.clear()
    world.mb_scan("web", check=True)
    assert len(world.files_of("web")) == len(FILES)
    assert "unknown/" in site.asked and not [path for path in site.asked if path.startswith("link")], site.asked


@pytest.mark.parametrize("url, words", [("http://127.0.0.1:1/", "connection refused"), ("http://no.such.host.invalid/", "name has no")])
def test_servers_that_are_not_there(world, url, words):
    world.database.add_mirror("web", http_url=url)
    fails(world, words)


def test_a_certificate_that_is_not_trusted_breaks_the_listing(world, authority, cleanup):
    server = cleanup(rig.WebServer(world.source, tls=authority)).start()
    world.database.add_mirror("web", https_url=server.tls_url)
    fails(world, "certificate cannot be trusted")
    world.configure(more=f'probe_ca = "{authority.ca_file}"\n')
    world.mb_scan("web", check=True)
    assert len(world.files_of("web")) == len(FILES)


def test_the_next_way_is_tried_and_both_are_told(world, site):
    world.database.tool("mb", "edit", "web", "--rsync-url=rsync://127.0.0.1:1/pub/", f"--index-url={site.url}")
    done = world.mb_scan("web", check=True)
    assert "listed by http, since it could not be listed by rsync: rsync exited 10" in done.stderr
    assert [outcome for outcome, _ in world.scans("web")[-2:]] == ["failed", "unchanged"]
    site.pages["d1/"] = truncated
    fails(world, "by rsync: rsync exited 10", "by http: ", "ends too early")


def test_a_mirror_may_be_left_alone(world, site):
    world.database.tool("mb", "edit", "web", "--index-options=off")
    fails(world, "it has no URL to scan")
    assert "" not in site.asked


def test_a_file_that_changes_with_the_same_rounded_size_is_asked_for(world, cleanup):
    """An earlier version would look the same on the page."""
    rig.make_tree(world.source, {"big": (2000, 1_600_000_000)})
    world.mb_scan("--source", check=True)
    tree = rig.copy_tree(world.source, world.scratch / "tree")
    server = cleanup(rig.index_server("apache-fancy", tree)).start()
    world.database.add_mirror("web", http_url=server.url)
    world.mb_scan("web", check=True)
    assert "big" in world.files_of("web")
    rig.make_tree(world.source, {"big": (2001, 1_600_000_010)})
    world.mb_scan("--source", check=True)
    scan = objects(world.mb_scan("--json", "web", check=True))[0]
    assert "big" not in world.files_of("web") and scan["heads"] == 1
    rig.make_tree(tree, {"big": (2001, 1_600_000_010)})
    scan = objects(world.mb_scan("--json", "web", check=True))[0]
    assert "big" in world.files_of("web") and scan["heads"] == 1
    assert objects(world.mb_scan("--json", "web", check=True))[0]["outcome"] == "unchanged"


def test_a_time_zone_with_summer_time_is_found(world, cleanup, monkeypatch):
    """Apache shows local times: an hour more in summer."""
    rig.make_tree(world.source, {f"w/{n}": (5, 1_700_000_000 + n * 100) for n in range(20)})
    rig.make_tree(world.source, {f"s/{n}": (5, 1_690_000_000 + n * 100) for n in range(20)})
    world.mb_scan("--source", check=True)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    server = cleanup(rig.index_server("apache-fancy", rig.copy_tree(world.source, world.scratch / "tree"))).start()
    world.database.add_mirror("web", http_url=server.url)
    scan = objects(world.mb_scan("--json", "web", check=True))[0]
    assert len(world.files_of("web")) == len(FILES) + 40
    again = objects(world.mb_scan("--json", "web", check=True))[0]
    assert again["outcome"] == "unchanged" and 6 <= scan["heads"], (scan, again)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata"])
def test_a_constant_time_zone_costs_few_requests(world, cleanup, monkeypatch, zone):
    """One folder, so that nothing is known of the zone when its files are looked at."""
    rig.make_tree(world.source, {f"w/{n}": (5, 1_700_000_000 + n * 100) for n in range(300)})
    world.mb_scan("--source", check=True)
    monkeypatch.setenv("TZ", zone)
    server = cleanup(rig.index_server("apache-fancy", rig.copy_tree(world.source, world.scratch / "tree"))).start()
    world.database.add_mirror("web", http_url=server.url)
    scan = objects(world.mb_scan("--json", "web", check=True))[0]
    assert len(world.files_of("web")) == len(FILES) + 300 and 3 <= scan["heads"] <= 16
    assert objects(world.mb_scan("--json", "web", check=True))[0]["outcome"] == "unchanged"


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata", "UTC"])
def test_a_mirror_that_does_not_keep_times_loses_no_files_by_its_time_zone(world, cleanup, monkeypatch, zone):
    """It has each file two hours later than the source."""
    tree = rig.make_tree(world.scratch / "tree", {path: (data, 1_700_007_200 + n * 3600) for n, (path, data) in enumerate(FILES.items())})
    rig.make_tree(tree, {"d0/f0": (FILES["d0/f0"], 1_699_990_000)})  # older than the source's
    monkeypatch.setenv("TZ", zone)
    server = cleanup(rig.index_server("apache-fancy", tree)).start()
    world.database.add_mirror("web", http_url=server.url)
    scan = objects(world.mb_scan("--json", "web", check=True))[0]
    assert world.files_of("web") == sorted(set(FILES) - {"d0/f0"}) and scan["heads"] <= 16, scan
    before = world.tables()
    again = objects(world.mb_scan("--json", "web", check=True))[0]
    assert again["outcome"] == "unchanged" and again["lock_seconds"] == 0 and world.tables() == before


def without_times(handler, path):
    """As Apache shows a folder without columns, from a server that does not tell when a file was changed."""
    if path == "" or path.endswith("/"):
        page = handler.site.index(path)
        names = sorted({name[len(path):].partition("/")[0] + ("/" if "/" in name[len(path):] else "")
                        for name in handler.site.files if name.startswith(path)})
        links = "".join(f'<li><a href="{name}"> {name}</a></li>\n' for name in names)
        page = (f"<html><head><title>Index of /{path}</title></head><body><h1>Index of /{path}</h1><ul>{links}</ul></body></html>").encode()
        return handler.answer(200, page)
    body = handler.site.files.get(path)
    return handler.answer(404 if body is None else 200, body or b"")


def test_without_times_only_files_that_never_change_count(world, monkeypatch):
    rig.make_tree(world.source, {"d0/a.deb": b"123", "d0/b.deb": b"1234"})
    world.configure(more='immutable = ["*.deb"]\n')
    world.mb_scan("--source", check=True)
    monkeypatch.setattr(_Handler, "plain", without_times)
    with Site({**FILES, "d0/a.deb": b"123", "d0/b.deb": b"12"}) as site:
        world.database.add_mirror("web", http_url=site.url)
        done = world.mb_scan("--json", "web", check=True)
        assert world.files_of("web") == ["d0/a.deb"], done.stdout
        assert done.stderr.count("without a time") == 1 and f"{len(FILES) + 1} files without a time" in done.stderr


def test_robots_txt_is_found_behind_redirects(world, site):
    """Five are followed, also to another host; after more there are no rules."""
    rules = lambda handler: handler.answer(200, b"User-agent: *\nDisallow: /d3/\n")  # noqa: E731
    with Site({}) as other:
        other.pages["far"] = rules
        site.pages["robots.txt"] = status(301, Location="/r1")
        for n in range(1, 4):
            site.pages[f"r{n}"] = status(302, Location=f"/r{n + 1}")
        site.pages["r4"] = status(307, Location=other.url + "far")
        fails(world, "robots.txt of the server forbids")
        assert "far" in other.asked
        other.pages["far"] = status(308, Location=other.url + "farther")
        other.pages["farther"] = rules
        world.mb_scan("web", check=True)
        assert "farther" not in other.asked
    site.pages["robots.txt"] = status(302, Location="file:///etc/passwd")
    world.mb_scan("web", check=True)


def test_pages_that_come_together_wait_for_room(world, site):
    """Four of 126,000 entries, and before them a small one that comes last: more than the scan keeps in memory."""
    others, first = threading.Semaphore(0), [True]
    rows = "".join(',{"name":"x%d"}' % n for n in range(126_000))

    def page(handler, path):
        if path == "p0/" and first[0]:
            first[0] = False
            for _ in range(4):
                others.acquire(timeout=200)
        more = "" if path == "p0/" else rows
        handler.answer(200, f'[{{"name":"keep","type":"file","size":5,"mtime":"Tue, 14 Nov 2023 22:13:20 GMT"}}{more}]'.encode())
        others.release()

    names = [f"p{n}/keep" for n in range(5)]
    rig.make_tree(world.source, {name: (b"12345", 1_700_000_000) for name in names})
    world.mb_scan("--source", check=True)
    site.files.update({name: b"12345" for name in names})
    for n in range(5):
        site.pages[f"p{n}/"] = lambda handler, path=f"p{n}/": page(handler, path)
    world.mb_scan("--idle-timeout", "900", "web", check=True, timeout_s=900)
    assert world.files_of("web") == sorted([*FILES, *names])


def test_a_page_may_take_longer_than_a_server_may_be_silent(world, site):
    def slowly(handler):
        body = handler.site.index("d1/")
        handler.send_response(200)
        handler.send_header("Content-Length", len(body))
        handler.end_headers()
        for n in range(8):
            handler.wfile.write(body[n * len(body) // 8:(n + 1) * len(body) // 8])
            handler.wfile.flush()
            time.sleep(1)

    site.pages["d1/"] = slowly
    world.mb_scan("--idle-timeout", "4", "web", check=True)
    assert len(world.files_of("web")) == len(FILES)


def test_a_server_that_falls_silent_breaks_the_listing(world, site):
    over = threading.Event()

    def silent(handler):
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<html><title>Index of /")
        handler.wfile.flush()
        over.wait(300)

    site.pages["d1/"] = silent
    try:
        fails(world, ": nothing came for 2 s", options=["--idle-timeout", "2"])
    finally:
        over.set()
