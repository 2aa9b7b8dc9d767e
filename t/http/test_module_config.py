"""What `apachectl configtest` says of good and bad directives, and how server, virtual host and sections inherit."""

import os
import re
import shutil

import pytest

import answers
import directives
import rig
from answers import SIZE, File

DATABASE = "MirrorDatabase host=/nonexistent dbname=mirrors"
FLAG = [("Maybe", "'Maybe' is none of On, Off"), ("", "takes On|Off"), ("On Off", "takes On|Off"), ("1", "'1' is none of"),
        ('""', "takes On|Off")]
URL = [("mirror.example", "is not an http:// or https:// URL"),
       ("ftp://m.example/", "'ftp://m.example/' is not an http:// or https:// URL"),
       ("http:///pub/", "is not an http"), ("http://m.example/?x=", "is not an http"), ("http://m.example/#x", "is not an http"),
       ('"http://m.example/a b/"', "is not an http"), ("http://m.example/\u00fc/", "is not an http"),
       ("javascript:alert(1)//", "is not an http"),
       ("https://joe@m.example/", "has a user name"), ("https://joe:secret@m.example/", "has a user name"),
       ("http://m.example:x/", "no usable host and port"), ("http://m.example:0/", "no usable host and port"),
       ("http://m.example:65536/", "no usable host and port"), ("http://m.example:/", "no usable host and port"),
       ("http://:80/", "no usable host and port"), ("http://[::1/", "no usable host and port"),
       ("http://[::1]x/", "no usable host and port"), ("http://m.example/%zz/", "without two hexadecimal digits"),
       ("http://256.1.1.1/", "is not an IPv4 address"), ("http://m.example/../", "a segment '.' or '..'")]
LIST = [("", "takes "), ('a "" b', "a value is empty"), ("None a", "None must stand alone"), ("a none", "None must stand alone"),
        (" ".join(["x"] * 65), "too many values on one line: repeat the directive")]

# What each directive must refuse, and a part of the reason.
BAD = {
    "MirrorEngine": FLAG,
    "MirrorDatabase": [
        ("", "takes CONNINFO"), ("dbname", 'missing "=" after "dbname"'), ("nonsense=1", 'invalid connection option "nonsense"'),
        ("dbname='mirrors", "unterminated quoted string"), ("port=mirrors", '"mirrors" is not a port from 1 to 65535'),
        ("host=a,b port=5432,0", '"0" is not a port'), ("postgresql://joe:secret@host:65536/db", '"65536" is not a port'),
        ("postgresql://joe:secret@[::1/db", 'looking for matching "]"'),
        ("postgresql://joe:secret@h/db?x=1", "invalid URI query"),
    ],
    "MirrorDatabaseMaxConnections": [("", "takes NUMBER"), ("0", "'0' is not a number from 1 to 1024"), ("1025", "is not a number"),
                                     ("2.5", "is not a number"), ("ten", "is not a number"), ("1 2", "takes NUMBER")],
    "MirrorDatabaseTimeout": [("", "takes SECONDS"), ("0", "'0' is not a time from 10ms to 60s"), ("9ms", "is not a time"),
                              ("61", "is not a time"), ("-1", "is not a time"), ("2x", "is not a time"), ("soon", "is not a time"),
                              ("1 2", "takes SECONDS"),
                              ("99999999999999999999", "is not a time"), ("99999999999h", "is not a time")],
    "MirrorDatabaseDown": [("", "takes Serve|Fallback|Unavailable"), ("Explode", "is none of Serve, Fallback, Unavailable"),
                           ("Serve Fallback", "takes Serve")],
    "MirrorCatalog": [("", "takes DIR|Off"), ("a b", "takes DIR|Off")],
    "MirrorCatalogMaxSize": [("", "takes BYTES"), ("512K", "takes 1M to 16384G"), ("16385G", "takes 1M to 16384G"),
                             ("5T", "is not a size")],
    "MirrorCatalogHashes": FLAG,
    "MirrorCatalogMaxAge": [("", "takes SECONDS"), ("-1", "'-1' is not a number from 0 to 31622400"), ("1h", "is not a number")],
    "MirrorGeoDatabase": [("", "takes FILE"), ("missing.mmdb", "{dir}/missing.mmdb: No such file or directory"),
                          ("/etc", "GeoIP database /etc: not a regular file"), ("/dev/null", "not a regular file"),
                          ("{dir}/fifo", "not a regular file"), ("{dir}/text", "invalid metadata"),
                          ("{dir}/empty", "GeoIP database"),
                          ("{dir}/cut.mmdb", "GeoIP database {dir}/cut.mmdb: "),
                          ("{dir}/other.mmdb", "has no countries, no coordinates and no AS numbers"), ("a b", "takes FILE")],
    "MirrorTree": [("", "takes local|database"), ("disk", "'disk' is none of local, database"),
                   ("local database", "takes local")],
    "MirrorOrigin": [("", "takes URL"), ("http://a/ http://b/", "takes URL"), *URL],
    "MirrorMinSize": [("", "takes BYTES"), ("-1", "'-1' is not a number"), ('"4 "', "is not a size in bytes"),
                      ("5T", "'5T' is not a size in bytes; K, M or G may follow"),
                      ("5KB", "is not a size"), ("K", "is not a number"), ("1.5M", "is not a size"), ("1 K", "takes BYTES"),
                      ("99999999999999999999", "is not a number"), ("4611686018427387904G", "is too large")],
    "MirrorExcludeMimeType": LIST,
    "MirrorExcludeUserAgent": LIST,
    "MirrorExcludeNetwork": [*LIST, ("192.0.2.0/33", "'192.0.2.0/33' is not a network"), ("192.0.2.1/24", "host bits must be 0"),
                             ("2001:db8::/129", "is not a network"), ("192.0.2", "is not a network"), ("localhost", "is not a network"),
                             ("192.0.2.0/24,198.51.100.0/24", "is not a network"), ("192.0.2.0/255.255.255.0", "is not a network"),
                             ("192.0.2.0/24 nonsense", "'nonsense' is not a network")],
    "MirrorExcludeFileMask": [*LIST, ("(", "'(' is not a regular expression"), ("a[", "is not a regular expression"),
                              (r"\.gz$ *x", "'*x' is not a regular expression")],
    "MirrorFallback": [("", "takes REGION|-"), ("EU de", "takes a region, a country and a URL, or None"),
                       ("http://m.example/", "takes a region"),
                       ("XX de http://m.example/", "'XX' is not a region: AF, AN, AS, EU, NA, OC, SA, or - for any"),
                       ("EU d http://m.example/", "'d' is not a country: a code of two letters, or - for any"),
                       ("EU deu http://m.example/", "is not a country"), ("EU ** http://m.example/", "is not a country"),
                       ("- - http://m.example/ x", "takes REGION|-"), *((f"- - {url}", reason) for url, reason in URL)],
    "MirrorHandleHeadLocally": FLAG,
    "MirrorPassQuery": FLAG,
    "MirrorRedirectStampKey": [("", "takes KEY"), ("secret sha1", "'sha1' is none of md5, sha256"),
                               ("None md5", "None must stand alone"), ("secret md5 x", "takes KEY")],
    "MirrorMaxLinks": [("", "takes NUMBER"), ("-1", "'-1' is not a number from 0 to 32"), ("33", "is not a number"),
                       ("5x", "is not a number")],
    "MirrorListLimit": [("", "takes NUMBER"), ("-1", "'-1' is not a number from 0 to 32767"), ("x", "is not a number")],
    "MirrorLastResort": [("", "takes Always|NoMirror|Off"), ("On", "'On' is none of"), ("Off x", "takes Always")],
    "MirrorPublisher": [("", "takes NAME"), ("a ftp://p.example/", "is not an http:// or https:// URL"), ("a b c", "takes NAME")],
    "MirrorTracker": [("", "takes URL"), ("ftp://t.example/", "is not an http://, https:// or udp:// URL of a tracker"),
                      ('"http://t.example/a b"', "is not an http://"), ("udp://t.example:99999", "from 1 to 65535")],
    "MirrorDhtNode": [("", "takes HOST:PORT"), ("node.example", "is not HOST:PORT"), ("node.example:0", "is not HOST:PORT"),
                      (":6881", "is not HOST:PORT"), ("::1:6881", "is not HOST:PORT"), ("[::1]", "is not HOST:PORT"),
                      ("n.example:65536", "is not HOST:PORT"), ("n.example/x:1", "is not HOST:PORT"),
                      ("n.example:1 None", "None must stand alone")],
    "MirrorTorrentForm": [("", "takes hybrid|v1"), ("v2", "'v2' is none of hybrid, v1")],
    "MirrorMetalinkMagnets": FLAG,
    "MirrorHashesSuppressFilenames": FLAG,
    "MirrorRepresentations": [("", "takes NAME|-NAME"), ("pdf", "'pdf' is not a representation"),
                              ("-", "'-' is not a representation"),
                              ("meta4 --meta4", "'--meta4' is not a representation"), ("-All", "'-All' is not a representation")],
    "MirrorListStyleSheet": [("", "takes URL"), ("style.css", "is not an http:// or https:// URL, and not a path"),
                             ("//other.example/s.css", "not a path that begins with '/'"), ("javascript:x", "not a path"),
                             ('"/a b.css"', "not a path"),
                             ("/a /b", "takes URL")],
    **{name: [("", "takes FILE"), ("missing.html", "{dir}/missing.html: No such file or directory"),
              ("/etc", "/etc: not a regular file"), ("{dir}/fifo", "{dir}/fifo: not a regular file"),
              ("latin1", "{dir}/latin1: not UTF-8"), ("nul", "{dir}/nul: not UTF-8"),
              ("large", "{dir}/large: larger than 262144 bytes"), ("text text", "takes FILE")]
       for name in ("MirrorListHeader", "MirrorListFooter")},
    "MirrorRepositoryList": [
        ("", "takes DIRECTORY"), ("pub", "takes a directory and a marker"), ("None m", "None must stand alone"),
        ("pub/{x} m", "there is no argument NAME=REGEX for '{x}'"), ("pub/{x m x=1", "has a brace outside {NAME}"),
        ("pub/../{x} m x=1", "has a segment '.' or '..'"), ("pub ../m", "has a segment '.' or '..'"),
        ("pub /m", "starts with a slash"), ("pub m/", "has an empty segment"), ("pub m x", "'x' is not NAME=REGEX"),
        ("pub m =x", "'' is not the name of an argument"),
        ("pub m x=(", "'(' is not a regular expression"), ("pub m x=a)|(b", "'a)|(b' is not a regular expression"),
        ("pub m x=1 x=2", "'x' is given twice"), ("pub m as=[0-9]+", "'as' is reserved")],
    "MirrorRepositoryNear": [("", "takes NUMBER"), ("-1", "'-1' is not a number from 0 to 32767"), ("x", "is not a number")],
    "MirrorDistanceScale": [("", "takes KM"), ("0", "'0' is not a number from 1 to 20000"), ("20001", "is not a number"),
                            ("nan", "is not a number"),
                            ("inf", "is not a number"), ("-5", "is not a number"), ("500km", "is not a number")],
    "MirrorStickiness": [("", "takes SECONDS"), ("-1", "'-1' is not a number from 0 to 31622400"), ("1h", "is not a number"),
                         ("31622401", "is not a number"), ("3600.5", "is not a number")],
    "MirrorRepeatWindow": [("", "takes SECONDS"), ("-1", "'-1' is not a number from 0 to 3600"), ("3601", "is not a number")],
    "MirrorFirstArrivalFactor": [("", "takes FACTOR|Off"), ("0", "'0' is not a number from 0.01 to 1000"), ("x", "is not a number"),
                                 ("nan", "is not a number"), ("4 10MB", "is not a size"), ("Off 10M", "Off takes no MIN_SIZE"),
                                 ("4 10M x", "takes FACTOR")],
    "MirrorFirstArrivalRest": [("", "takes Fallback|Origin|Unavailable"), ("503", "'503' is none of Fallback")],
    "MirrorExplain": [("", "takes Off|On [FILE]"), ("Loopback", "'Loopback' is none of On, Off"), ("On a b", "takes Off|On [FILE]"),
                      ("Off a", "Off takes no FILE")],
    "MirrorCompat": [("", "takes mirrorbrain|None"), ("mirrorbits", "'mirrorbits' is none of mirrorbrain, None")],
}

# Values that each directive must take.
GOOD = {
    "MirrorEngine": ["On", "off", "shadow"],
    "MirrorDatabase": ["dbname=mirrors", "host=a,b port=5432,5433 dbname=mirrors target_session_attrs=any",
                       "postgresql://joe@[::1]:5432,h/mirrors", "dbname=mirrors password='two words'", '"dbname=\'two words\'"'],
    "MirrorDatabaseMaxConnections": ["1", "1024"],
    "MirrorDatabaseTimeout": ["1", "60s", "10ms", "1500ms"],
    "MirrorDatabaseDown": ["Serve", "unavailable"],
    "MirrorCatalog": ["{dir}/a", "relative/b", "off"],
    "MirrorCatalogMaxSize": ["1M", "16384G"],
    "MirrorCatalogHashes": ["On", "off"],
    "MirrorCatalogMaxAge": ["0", "31622400"],
    "MirrorGeoDatabase": ["{geo}/city.mmdb", "{geo}/asn.mmdb", "{geo}/flat.mmdb", "{geo}/ipv4.mmdb", "{geo}/city.mmdb",
                          "near.mmdb"],
    "MirrorTree": ["database", "local"],
    "MirrorOrigin": ["http://m.example", "https://m.example:8443/pub", "http://[2001:db8::1]:80/", "http://m.example/@/%20/"],
    "MirrorMinSize": ["0", "4K", "4k", "1G", "4611686018427387904"],
    "MirrorExcludeMimeType": ["text/html image/*", "application/pgp-*", "None"],
    "MirrorExcludeUserAgent": ['"Wget/* (linux)" curl*', "none"],
    "MirrorExcludeNetwork": ["192.0.2.0/24 2001:db8::/32 198.51.100.7 ::1", "NONE"],
    "MirrorExcludeFileMask": [r"\.(asc|sig)$ ^secret/", '"with space"', "None"],
    "MirrorFallback": ["EU de http://m.example/", "- - https://m.example", "eu * http://m.example/", "None"],
    "MirrorHandleHeadLocally": ["On", "OFF"],
    "MirrorPassQuery": ["On", "Off"],
    "MirrorRedirectStampKey": ["secret", '"two words" md5', "secret SHA256", "None"],
    "MirrorMaxLinks": ["0", "32"],
    "MirrorListLimit": ["0", "32767"],
    "MirrorLastResort": ["Always", "nomirror", "OFF"],
    "MirrorPublisher": ["Name", '"A name" https://p.example/', "None"],
    "MirrorTracker": ["udp://t.example:6969/announce", "http://a.example/ https://b.example/a?x", "None"],
    "MirrorDhtNode": ["router.example:6881 192.0.2.1:1 [2001:db8::1]:65535", "none"],
    "MirrorTorrentForm": ["hybrid", "V1"],
    "MirrorMetalinkMagnets": ["On", "Off"],
    "MirrorHashesSuppressFilenames": ["On", "Off"],
    "MirrorRepresentations": ["All", "none", "meta4 torrent text json", "-zsync -btih", "all -zsync", "None meta4"],
    "MirrorListStyleSheet": ["/style.css", "https://s.example/a.css?v=1", "None"],
    "MirrorListHeader": ["text", "{dir}/text", "empty", "None"],
    "MirrorListFooter": ["text", "None"],
    "MirrorRepositoryList": ["pub/{release}/{x-y} repodata/repomd.xml release=[0-9.]+ x-y=a|b", "/ m", "/pub/ m", "None"],
    "MirrorRepositoryNear": ["0", "32767"],
    "MirrorDistanceScale": ["1", "20000", "12.5"],
    "MirrorStickiness": ["0", "31622400"],
    "MirrorRepeatWindow": ["1", "3600"],
    "MirrorFirstArrivalFactor": ["4", "0.5 10M", "Off", "off"],
    "MirrorFirstArrivalRest": ["Fallback", "origin", "Unavailable"],
    "MirrorExplain": ["Off", "on explain-key", "On {dir}/other-key"],
    "MirrorCompat": ["mirrorbrain", "none"],
}
CASES = [pytest.param(name, value, reason, id=f"{name}-{number}") for name, cases in BAD.items() for number,
         (value, reason) in enumerate(cases)]


@pytest.fixture(scope="module")
def httpd(build, geo):
    """Not running: for configtest. In its folder lie geo files of every kind."""
    server = rig.Httpd(build=build)
    city = (geo / "city.mmdb").read_bytes()
    for name, content in (("text", b"no database\n" * 100), ("empty", b""), ("cut.mmdb", city[:len(city) // 2]),
                          ("near.mmdb", city), ("latin1", b"gr\xfc\xdfe"), ("nul", b"a\0"), ("large", b"x" * (256 * 1024 + 1))):
        (server.dir / name).write_bytes(content)
    shutil.copy(geo / "other.mmdb", server.dir)
    os.mkfifo(server.dir / "fifo")
    yield server
    server.close()


def refused(httpd, config, line=None):
    """The reason for which httpd refuses `config`, after the file's name and the number of `line`, by default its only one."""
    ok, said = httpd.configtest(config)
    assert not ok, "accepted"
    wanted = (line or config).replace("{dir}", str(httpd.dir)).strip()
    number = [text.strip() for text in httpd.config.read_text().splitlines()].index(wanted) + 1
    match = re.fullmatch(f"AH00526: Syntax error on line {number} of {httpd.config}:\n(.*)\n", said) or re.fullmatch(
        rf"MIR\d{{4}}: {httpd.config}:{number}: (.*)\nAH00014: Configuration check failed\n", said)
    assert match, f"no '{wanted}' at line {number}: {said}"
    return match[1]


def accepted(httpd, config):
    ok, said = httpd.configtest(config)
    assert (ok, said) == (True, "Syntax OK\n")


def test_good_and_bad_values_are_known_for_each_directive(build):
    names = [directive.name for directive in directives.table(build)]
    assert list(BAD) == names and list(GOOD) == names


@pytest.mark.parametrize("name, value, reason", CASES)
def test_a_wrong_value_is_refused_with_file_line_and_reason(httpd, name, value, reason):
    said = refused(httpd, f"{name} {value}")
    assert said.startswith(f"{name}: ") and reason.replace("{dir}", str(httpd.dir)) in said
    assert "secret" not in said or "MirrorDatabase" not in name


SECTIONS = {"Section": ["<Location /pub>", "<Directory /srv>", "<VirtualHost *:80>", "<LocationMatch ^/pub>", "<Files *.gz>",
                        '<If "true">'],
            "Tree": ["<Location /pub>", "<Directory /srv>", "<VirtualHost *:80>"], "Global": []}
SECTIONS = {context: ["", *sections] for context, sections in SECTIONS.items()}


def wrap(section, lines):
    return f"{section}\n{lines}\n</{section[1:].split()[0]}>\n" if section else f"{lines}\n"


@pytest.mark.parametrize("name", GOOD)
def test_every_good_value_is_taken_wherever_it_may_stand(httpd, build, geo, name):
    context = next(d.context for d in directives.table(build) if d.name == name)
    lines = []
    for number, section in enumerate(SECTIONS[context]):
        values = [v for v in GOOD[name] if not (v == "database" and section == "<Directory /srv>")]
        lines += [wrap(section, f"{name} {value}").replace("{geo}", str(geo)) for value in values]
    # What the last lines switch on has what it needs.
    accepted(httpd, "".join([DATABASE, "\n", "MirrorOrigin http://origin.example/\n", *lines]))


def test_no_directive_stands_where_it_would_not_work(httpd, build):
    for directive in directives.table(build):
        line = f"{directive.name} {GOOD[directive.name][0]}"
        places = [("<Location /pub>\n<Limit GET>", "</Limit>\n</Location>", "<Limit>")]
        if directive.context == "Tree":
            reason = "may stand at server level, in a <Location> or in a <Directory> without wildcards or regular expressions"
            places += [(f"<{open}>", f"</{open.split()[0]}>", reason) for open in (
                "LocationMatch ^/a", "Location ~ ^/a", "Location /a*", "DirectoryMatch ^/srv", 'Directory ~ "^/srv"',
                "Directory /srv/*",
                "Files a", 'If "true"')]
        if directive.context == "Global":
            places = [("<VirtualHost *:80>", "</VirtualHost>", "may stand in the main server's configuration only"),
                      ("<Location /pub>", "</Location>", "not allowed in <Location> context")]
        for before, after, reason in places:
            said = refused(httpd, f"{before}\n{line}\n{after}", line)
            assert said.startswith(directive.name) and reason in said


def test_a_tree_without_files_has_no_directory(httpd):
    said = refused(httpd, "<Directory /srv>\nMirrorTree database\n</Directory>", "MirrorTree database")
    assert said == "MirrorTree: a tree without files on disk has no <Directory>: put it into a <Location>"


ENGINE, ORIGIN = "MirrorEngine On", "MirrorOrigin http://o.example/"
TREE, DOWN = "MirrorTree database", "MirrorDatabaseDown Fallback"
FALLBACK = "MirrorFallback - - http://f.example/"


@pytest.mark.parametrize("what, most, directive", [
    ("databases", 64, "MirrorDatabase host=/nonexistent dbname=m{}"), ("catalogs", 128, "MirrorCatalog catalog-{}")])
def test_one_more_than_there_is_room_for_is_refused(httpd, what, most, directive):
    def said(number):
        sections = [f"<Location /{n}>\n{directive.format(n)}\n</Location>" for n in range(number)]
        return httpd.configtest("\n".join(sections))

    assert said(most)[0]
    ok, words = said(most + 1)
    assert not ok and f"there are more than {most} different {what}" in words


@pytest.mark.parametrize("config, line, reason", [
    (ENGINE, ENGINE, "MirrorEngine On needs a MirrorDatabase"),
    (f"<Location /a>\n{ENGINE}\n</Location>\n<Location /b>\n{DATABASE}\n</Location>", ENGINE, "needs a MirrorDatabase"),
    (f"<Location /a>\n{ENGINE}\n</Location>\n<Location /ab>\n{DATABASE}\n</Location>", ENGINE, "needs a MirrorDatabase"),
    (f"<VirtualHost *:80>\n{ENGINE}\n</VirtualHost>\n<VirtualHost *:81>\n{DATABASE}\n</VirtualHost>", ENGINE,
     "needs a MirrorDatabase"),
    (f"{DATABASE}\n{ENGINE}\n{TREE}", TREE, "MirrorTree database needs a MirrorOrigin"),
    (f"{DATABASE}\n<Location /a>\n{ENGINE}\n{TREE}\n</Location>", TREE, "needs a MirrorOrigin"),
    (f"{DATABASE}\n<VirtualHost *:80>\n{ENGINE}\n{TREE}\n</VirtualHost>", TREE, "needs a MirrorOrigin"),
    (f"{DATABASE}\n{TREE}\n<LocationMatch a>\n{ENGINE}\n</LocationMatch>", TREE, "needs a MirrorOrigin"),
    (f"{DATABASE}\n{ENGINE}\n{DOWN}", DOWN, "MirrorDatabaseDown Fallback needs a MirrorFallback"),
    (f"{DATABASE}\n{FALLBACK}\n{DOWN}\n<Location /a>\n{ENGINE}\nMirrorFallback None\n</Location>", DOWN,
     "needs a MirrorFallback"),
])
def test_directives_that_do_not_fit_together_are_refused(httpd, config, line, reason):
    assert reason in refused(httpd, config, line)


@pytest.mark.parametrize("config", [
    f"{DATABASE}\n{ENGINE}",
    f"{TREE}\n{DOWN}",
    f"<VirtualHost *:80>\n{ENGINE}\n{TREE}\n</VirtualHost>\n{DATABASE}\n{ORIGIN}",
    f"<Location /a>\n{DATABASE}\n{ORIGIN}\n</Location>\n<Location /a/b>\n{ENGINE}\n{TREE}\n</Location>",
    f"<Directory /srv/a>\n{ENGINE}\n</Directory>\n<Directory /srv>\n{DATABASE}\n</Directory>",
    f"{DATABASE}\n{ENGINE}\n{FALLBACK}\n{DOWN}",
    f"{DATABASE}\n<LocationMatch a>\n{ENGINE}\n</LocationMatch>\n",
    f"{DATABASE}\n{ORIGIN}\n{TREE}\n<LocationMatch a>\n{ENGINE}\n</LocationMatch>\n",
    # Conditions at start-up are no sections.
    f"<Location /a>\n<IfModule mirror_module>\n<IfFile /etc>\n{ENGINE}\n{DATABASE}\n{TREE}\n{ORIGIN}\n</IfFile>\n</IfModule>\n"
    "</Location>",
    f"<IfDefine Absent>\n{ENGINE}\n</IfDefine>",
])
def test_directives_that_fit_together_pass_without_a_word(httpd, config):
    accepted(httpd, config)


def test_the_sample_configuration_is_good(httpd, build, geo):
    """Also with its second half switched on."""
    sample = (build.srcdir / "doc/examples/mirror.conf").read_text()
    for old, new in (("/var/lib/GeoIP/GeoLite2-City.mmdb", geo / "city.mmdb"),
    ("/var/lib/GeoIP/GeoLite2-ASN.mmdb", geo / "asn.mmdb"),
                     ("/srv/pub", "{docroot}"), ("${APACHE_LOG_DIR}", "{dir}"), ("*:80", "*:{port}")):
        assert old in sample
        sample = sample.replace(old, str(new))
    accepted(httpd, sample)
    sample = sample.replace("/etc/mod_mirror/header.html", "text")  # a file in httpd's folder
    whole, switched_on = re.subn(r"^( *)#((?:  )*)(?=[A-Z<])", r"\1\2", sample, flags=re.M)
    assert switched_on > 10
    accepted(httpd, whole)


def test_no_directive_is_for_htaccess(make_httpd):
    server = make_httpd("<Directory {docroot}>\nAllowOverride All\n</Directory>")
    for line in ("MirrorEngine Off", "MirrorMinSize 1"):
        rig.make_tree(server.docroot, {"d/.htaccess": line + "\n", "d/f": b"1"})
        assert answers.ask(server, "/d/f").status == 500
        assert f"{line.split()[0]} not allowed here" in server.log()


WARNING = "no MirrorGeoDatabase: it is not known where clients are"


def test_without_geoip_one_warning_at_start_and_not_one_per_child(make_httpd, geo):
    children = "StartServers 3\nServerLimit 4\n"
    server = make_httpd(f"{children}{DATABASE}")
    answers.ask(server, "/")
    rig.wait_for("all children", lambda: len(server.children()) >= 3)
    assert server.log().count(WARNING) == 1
    server.graceful(f"{children}{DATABASE}\nMirrorGeoDatabase {geo}/city.mmdb")
    server.graceful(children)
    assert server.log().count(WARNING) == 1
    server.graceful(f"{children}{DATABASE}")
    assert server.log().count(WARNING) == 2


# Per virtual host: what it says itself, on top of what the main server says, and what that makes of requests.
HOSTS = {
    "inherits": "",
    "explicit": """
        MirrorMinSize 4096
        MirrorHandleHeadLocally Off
        MirrorPassQuery Off
        MirrorMaxLinks 5
        MirrorExcludeNetwork None
        MirrorExcludeUserAgent None
        MirrorExcludeFileMask None
        MirrorExcludeMimeType None
        MirrorFallback None
        MirrorDatabaseDown Unavailable""",
    "own": """
        MirrorMinSize 1
        MirrorExcludeUserAgent Other*
        MirrorFallback - - http://own.example/
        MirrorOrigin http://own-origin.example/
        <Location /deep>
          MirrorMinSize 4096
          MirrorFallback None
        </Location>""",
    "off": "MirrorEngine Off",
    "disk": "MirrorTree local",
}
MAIN = """
MirrorDatabase {database}
MirrorEngine On
MirrorTree database
MirrorOrigin http://origin.example/
MirrorMinSize 8K
MirrorHandleHeadLocally On
MirrorPassQuery On
MirrorMaxLinks 0
MirrorExcludeNetwork 127.0.11.0/24
MirrorExcludeUserAgent Main*
MirrorExcludeFileMask mask$
MirrorExcludeMimeType image/*
MirrorFallback - - http://fallback.example/
"""
BOTH = ("a", "b")
FILES = {"big": File(BOTH), "mid": File(BOTH, size=5000), "tiny": File(BOTH, size=10), "none": File(), "a.mask": File(BOTH),
         "a.png": File(BOTH), "deep/mid": File(BOTH, size=5000), "deep/tiny": File(BOTH, size=10), "deep/none": File()}


@pytest.fixture(scope="module")
def hosts(make_site):
    hosts = "".join(f"<VirtualHost *:{{port}}>\nServerName {name}.example\n{lines}\n</VirtualHost>\n"
                    for name, lines in HOSTS.items())
    mirrors = {name: {"http_url": f"http://mirror-{name}.example/"} for name in BOTH}
    return make_site(MAIN + hosts, mirrors, FILES, tree={"big": SIZE, "mid": 5000, "off": 1})


def where(site, host, target, **options):
    """(the Location's host without number or letter, the path with its query), or the status."""
    answer = site.ask(target, host=f"{host}.example", **options)
    if answer.status != 302:
        return answer.status
    scheme, _, name, path = answer.location.split("/", 3)
    return name.removesuffix(".example").removesuffix("-a").removesuffix("-b"), path


@pytest.mark.parametrize("target, options, expected", [
    ("/big", {}, {"inherits": "mirror", "explicit": "mirror", "own": "mirror", "off": 200, "disk": "mirror"}),
    ("/mid", {}, {"inherits": "origin", "explicit": "mirror", "own": "mirror", "off": 200, "disk": 200}),
    ("/tiny", {}, {"inherits": "origin", "explicit": "origin", "own": "mirror", "off": 404, "disk": 404}),
    ("/deep/mid", {}, {"inherits": "origin", "explicit": "mirror", "own": "mirror"}),
    ("/deep/tiny", {}, {"inherits": "origin", "explicit": "origin", "own": "own-origin"}),
    ("/none", {}, {"inherits": "fallback", "explicit": "origin", "own": "own"}),
    ("/deep/none", {}, {"inherits": "fallback", "explicit": "origin", "own": "own-origin"}),
    ("/big", {"method": "HEAD"}, {"inherits": "origin", "explicit": "mirror", "own": "own-origin", "disk": 200}),
    ("/big", {"client": answers.COUNTRY["jp"]}, {"inherits": "origin", "explicit": "mirror", "own": "own-origin"}),
    ("/big", {"headers": {"User-Agent": "Main/1"}}, {"inherits": "origin", "explicit": "mirror", "own": "mirror"}),
    ("/big", {"headers": {"User-Agent": "Other/1"}}, {"inherits": "mirror", "explicit": "mirror", "own": "own-origin"}),
    ("/a.mask", {}, {"inherits": "origin", "explicit": "mirror", "own": "own-origin"}),
    ("/a.png", {}, {"inherits": "origin", "explicit": "mirror", "own": "own-origin"}),
])
def test_a_virtual_host_inherits_what_it_leaves_unset_and_nothing_else(hosts, target, options, expected):
    got = {host: where(hosts, host, target, **options) for host in expected}
    assert {host: at if isinstance(at, int) else at[0] for host, at in got.items()} == expected


def test_an_explicit_default_of_a_virtual_host_wins(hosts):
    assert where(hosts, "inherits", "/big?x=1") == ("mirror", "big?x=1")
    assert where(hosts, "explicit", "/big?x=1") == ("mirror", "big")
    assert [len(hosts.ask("/big", host=f"{host}.example").links) for host in ("inherits", "explicit")] == [0, 1]
