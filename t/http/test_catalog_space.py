"""A catalog that does not fit into the address space that a process may have."""

import pytest
import rig
from catalogs import CONFIG, database, make_redirector, postgres  # noqa: F401

LIMIT = 6 << 30  # MirrorCatalogMaxSize is 16G by default


def test_the_error_names_the_directive_that_sets_the_address_space_aside(build, database, make_redirector):  # noqa: F811
    if build.sanitizer_runtime():
        pytest.skip("a sanitizer sets more address space aside than the limit")
    redirector = make_redirector(CONFIG, wrapper=("prlimit", f"--as={LIMIT}"))
    rig.wait_for("the reason in the log", lambda: redirector.log_lines(
        r"cannot map 16384 MB of address space; lower MirrorCatalogMaxSize, or raise the limit"))
    assert redirector.redirects("/db/f")
