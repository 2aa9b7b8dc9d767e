"""Each command of MirrorBrain's mb works, or says its new name."""

import pytest

OLD = ["list", "show", "new", "edit", "rename", "enable", "disable", "delete", "commentadd", "markers", "scan", "score", "test", "probefile",
       "dirs", "file ls", "file add", "file rm", "export", "mirrorlist", "update", "vacuum", "db shell", "db sizes", "db vacuum", "instances",
       "iplookup"]
NEW = {"commentadd": "mb comment", "vacuum": "mb db vacuum"}


@pytest.mark.parametrize("old", OLD)
def test_the_old_name_works_or_says_the_new_one(mb, old):
    done = mb(*old.split(), *([] if old in NEW else ["--help"]), check=False)
    if old in NEW:
        assert done.returncode == 2 and f"'{old}' is `{NEW[old]}` now" in done.stderr
        assert mb(*NEW[old].split()[1:], "--help").returncode == 0
    else:
        assert done.returncode == 0, done


def test_rules_and_the_pause_try_it_first(mb, database, tmp_path):
    config = tmp_path / "mb.toml"
    config.write_text('[instance.main]\nimmutable = ["*.iso"]\n')
    assert mb("--config", config, "rules", "--dry-run", check=False).returncode == 2
    assert "the database would get the rules of" in mb("--config", config, "rules", "--apply", "--dry-run").stdout
    assert database.sql("SELECT count(*) FROM path_rule").strip() == "0"
    mb("--config", config, "rules", "--apply")
    assert "the database has the rules of" in mb("--config", config, "rules", "--apply", "--dry-run").stdout
    assert "redirects would be paused" in mb("pause", "--reason", "x", "--dry-run").stdout
    assert "redirects were not paused" in mb("resume", "--dry-run").stdout
    mb("pause", "--reason", "x")
    assert "are paused already" in mb("pause", "--reason", "y", "--dry-run").stdout
    assert "redirects would go on" in mb("resume", "--dry-run").stdout
    assert database.sql("SELECT reason FROM pause").strip() == "x"
