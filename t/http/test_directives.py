"""The manual of the directives and the module's own table name the same ones."""

import re


def test_manual_has_exactly_the_directives_of_the_table(build):
    table = set(re.findall(r'\{"(Mirror\w+)",', (build.srcdir / "mod_mirror/directives.cc").read_text()))
    manual = set(re.findall(r"^## (Mirror\w+)$", (build.srcdir / "doc/directives.md").read_text(), re.M))
    assert len(table) > 10 and manual == table
