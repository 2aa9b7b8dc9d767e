"""The module's table of directives, as the tests need it: read from its source."""

import dataclasses
import re

_ENTRY = re.compile(r'\{"(Mirror\w+)",\s*k(\w+),\s*(\d+),\s*(\w+),\s*((?:"[^"]*"\s*)+)')


@dataclasses.dataclass
class Directive:
    """`context` is Global, Tree or Section. `help`, as `httpd -L` shows it, is "SYNTAX - meaning (default …)"."""

    name: str
    context: str
    min_words: int
    many: bool
    help: str

    @property
    def syntax(self):
        return self.help.partition(" - ")[0]

    @property
    def meaning(self):
        return self.help.partition(" - ")[2].rpartition(" (")[0]

    @property
    def default(self):
        """None where there is no default."""
        text = self.help.rpartition(" (")[2].rstrip(")")
        return None if text == "no default" else text.removeprefix("default ")


def table(build):
    source = (build.srcdir / "mod_mirror/directives.cc").read_text()
    found = [Directive(name, context, int(least), most == "kMany", "".join(re.findall(r'"([^"]*)"', text)))
             for name, context, least, most, text in _ENTRY.findall(source)]
    assert len(found) == source.count('{"Mirror') > 10
    return found
