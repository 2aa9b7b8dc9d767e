"""The manual of the directives agrees with the module's own table, and both agree with the code."""

import re

import pytest

import directives

CONTEXTS = {
    "Global": "server config",
    "Tree": "server config, virtual host, plain `<Location>` or `<Directory>`",
    "Section": "server config, virtual host, `<Location>`, `<Directory>`",
}

# The defaults that directives.md alone tells.
NOT_IN_A_WORD = {"MirrorDatabaseDown", "MirrorCatalog"}

# Where the code has each default, and the words for what stands there.
DEFAULTS = {
    "MirrorEngine": ("mod_mirror/dir_config.h", r"struct EngineSetting {\s*bool on = (\w+);", {"false": "Off"}),
    "MirrorDatabaseMaxConnections": ("mod_mirror/dir_config.h", r"kDefaultMaxConnections = (\d+);", {}),
    "MirrorDatabaseTimeout": ("mod_mirror/dir_config.h", r"kDefaultDatabaseTimeout{(\d+)}", {"2000": "2"}),
    "MirrorDatabaseDown": ("mod_mirror/dir_config.cc", r"return database_tree\(\) \? (DownPolicy::\w+ : DownPolicy::\w+);",
                           {"DownPolicy::unavailable : DownPolicy::serve": "Serve, with MirrorTree database Unavailable"}),
    "MirrorCatalog": ("mod_mirror/dir_config.cc", r"databases\.back\(\)\.catalog = add_catalog\(catalog::(default_directory)\(",
                      {"default_directory": "one for each database"}),
    "MirrorCatalogMaxSize": ("lib/catalog/environment.h", r"kDefaultMaxBytes = std::size_t{(\d+)} << 30;", {"16": "16G"}),
    "MirrorCatalogHashes": ("mod_mirror/child.cc", r"catalog_hashes\.value_or\((\w+)\)", {"false": "Off"}),
    "MirrorCatalogMaxAge": ("mod_mirror/exchange.cc", r"catalog_max_age_s\.value_or\((\d+)\)", {}),
    "MirrorTree": ("mod_mirror/dir_config.h", r"database_tree\(\) const { (return tree && tree->tree == Tree::database);",
                   {"return tree && tree->tree == Tree::database": "local"}),
    "MirrorMinSize": ("lib/answer/decide.h", r"min_size_bytes = (\d+);", {}),
    "MirrorHandleHeadLocally": ("lib/answer/decide.h", r"handle_head_locally = (\w+);", {"false": "Off"}),
    "MirrorPassQuery": ("lib/answer/decide.h", r"pass_query = (\w+);", {"false": "Off"}),
    "MirrorMaxLinks": ("lib/answer/decide.h", r"max_links = (\d+);", {}),
    "MirrorListLimit": ("lib/render/representation.h", r"max_mirrors = (\d+);", {}),
    "MirrorLastResort": ("lib/answer/decide.h", r"last_resort = LastResort::(\w+);", {"always": "Always"}),
    "MirrorTorrentForm": ("lib/render/representation.h", r"torrent_form = TorrentForm::(\w+);", {}),
    "MirrorMetalinkMagnets": ("lib/render/representation.h", r"magnets_in_metalinks = (\w+);", {"false": "Off"}),
    "MirrorHashesSuppressFilenames": ("lib/render/representation.h", r"suppress_filenames = (\w+);", {"false": "Off"}),
    "MirrorRepresentations": ("lib/render/representation.h", r"RepresentationSet (off);", {"off": "All"}),
    "MirrorRepositoryNear": ("lib/render/representation.h", r"repository_near = (\d+);", {}),
    "MirrorDistanceScale": ("lib/rank/rank.h", r"distance_scale_km = (\d+);", {}),
    "MirrorStickiness": ("lib/rank/rank.h", r"sticky_s = (\d+);", {}),
    "MirrorRepeatWindow": ("mod_mirror/dir_config.h", r"kDefaultRepeatS = (\d+);", {}),
    "MirrorFirstArrivalFactor": ("lib/answer/decide.h", r"double factor = (4;[^;]*min_size_bytes = 10 \* 1024 \* 1024);",
                                 {"4;  // 0: all clients are sent to mirrors\n  std::int64_t min_size_bytes = 10 * 1024 * 1024":
                                  "4 10M"}),
    "MirrorFirstArrivalRest": ("lib/answer/decide.h", r"rest = FirstArrivalRest::(\w+);", {"fallback": "Fallback"}),
    "MirrorExplain": ("mod_mirror/dir_config.h", r"struct ExplainSetting {\s*bool on = (\w+);", {"false": "Off"}),
}


@pytest.fixture(scope="module")
def manual(build):
    """The text below each directive's heading."""
    parts = re.split(r"^## (.*)$", (build.srcdir / "doc/directives.md").read_text(), flags=re.M)
    return {name: text for name, text in zip(parts[1::2], parts[2::2]) if name.startswith("Mirror")}


@pytest.fixture(scope="module")
def table(build):
    return directives.table(build)


def test_manual_has_exactly_the_directives_of_the_table(manual, table):
    assert list(manual) == [directive.name for directive in table]


def test_manual_and_table_agree_on_syntax_default_context_and_meaning(manual, table):
    for directive in table:
        capital = directive.meaning[0].upper() + directive.meaning[1:]
        assert manual[directive.name].startswith(
            f"\n\n- Syntax: `{directive.name} {directive.syntax}`\n- Default: {directive.default or 'none'}\n"
            f"- Context: {CONTEXTS[directive.context]}\n\n{capital}.\n")


def test_the_man_page_has_each_directive_once_with_its_default(build, table):
    page = re.split(r"(?m)^\.TP\n", (build.srcdir / "doc/mod_mirror.8").read_text().partition(".SH ENVIRONMENT")[0])
    found = {match[1]: text for text in page if (match := re.match(r"\.B[RI] (Mirror\w+) ", text))}
    assert len(found) == len(page) - 1 and set(found) == {directive.name for directive in table}
    for directive in table:
        told = re.search(r"\(([^()]+)\)\.$", found[directive.name].partition("\n.SS")[0].strip())
        unsaid = directive.default == "None" or directive.name in NOT_IN_A_WORD
        assert (told[1] if told else None) == (None if unsaid else directive.default), directive.name


def test_the_defaults_are_the_code_s(build, table):
    for directive in table:
        if directive.name not in DEFAULTS:
            # Lists begin empty, and what has no default is asked for or left out.
            assert directive.default in (None, "None")
            continue
        file, pattern, words = DEFAULTS[directive.name]
        [value] = re.findall(pattern, (build.srcdir / file).read_text())
        assert words.get(value, value) == directive.default


def test_manual_lists_every_reason_to_decline(build):
    """MB_DECLINED is for people who read logs: the manual explains each of its values."""
    code = (build.srcdir / "lib/answer/decide.cc").read_text().partition("decline_text")[2].partition("\n}\n")[0]
    reasons = re.findall(r'return "([a-z-]+)";', code)
    text = (build.srcdir / "doc/directives.md").read_text()
    assert len(reasons) > 10 and [reason for reason in reasons if f"`{reason}`" not in text] == []
