"""What mb says of itself: help, manual, completion, and the sample configuration that comes with it."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

PASSING = {("scan",), ("db", "shell")}  # what follows goes to another program, which answers --help


def commands_of(mb, *words):
    """Every command below these words, as tuples of words."""
    text = mb(*words, "--help").stdout
    listed = text.split("Subcommands:\n")[1].split("\n\n")[0] if "Subcommands:\n" in text else ""
    for line in re.findall(r"^  ([\w-]+)", listed, re.MULTILINE):
        yield (*words, line)
        if (*words, line) not in PASSING:
            yield from commands_of(mb, *words, line)


def options_of(mb, *words):
    """The long options of a command's help, each form of `--[no-]x` by itself."""
    for name in re.findall(r"^  +(?:-\w,)?(--\S+)", mb(*words, "--help").stdout, re.MULTILINE):
        yield from (name.replace("[no-]", ""), name.replace("[no-]", "no-")) if "[no-]" in name else (name,)


def test_the_manual_knows_every_command_and_option(mb, build):
    manual = (build.srcdir / "doc" / "mb.1").read_text().replace("\\-", "-").replace('" "', " ")
    found = list(commands_of(mb))
    assert {("new",), ("scan",), ("file", "ls"), ("db", "migrate")} < set(found)
    for words in found:
        name = " ".join(words)
        assert name in ("file", "db", "catalog") or f"mb {name}" in manual, name
        for option in options_of(mb, *words) if words not in PASSING else ():
            assert option in manual, f"{name} {option}"


def complete(database, build, *words, env=None):
    """What bash offers for the last one of the words."""
    script = ('source "$1/mb"; source "$1/mb-scan"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
              '"_${1/-/_}"; printf "%s\\n" "${COMPREPLY[@]}"')
    path = f"{build.program('mb').parent}:{build.program('mb-scan').parent}"
    environment = database.environment()
    environment["PATH"] = f"{path}:{environment['PATH']}"
    done = subprocess.run(["bash", "-uc", script, "bash", build.srcdir / "doc/completion", *words], env=environment,
                          capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_completion_offers_what_there_is(mb, database, build):
    mb("new", "--no-geo", "a.example", "--http-url=http://a.example/", "--enabled")
    mb("new", "--no-geo", "b.example", "--http-url=http://b.example/")
    assert complete(database, build, "mb", "") == {words[0] for words in commands_of(mb) if len(words) == 1} | {"score", "markers"}
    assert complete(database, build, "mb", "db", "") == {
        "init", "migrate", "version", "check", "sizes", "vacuum", "backup", "restore", "password", "shell"}
    assert complete(database, build, "mb", "catalog", "") == {"status", "verify", "dump", "export", "import"}
    assert complete(database, build, "mb", "catalog", "export", "--r") == {"--region"}
    assert complete(database, build, "mb", "catalog", "dump", "--only", "f") == {"files"}
    assert complete(database, build, "mb", "show", "") == {"a.example", "b.example"}
    database.sql("INSERT INTO file (path, size, mtime, version_rev, rev, kind, link_target) SELECT convert_to(p, 'UTF8'), 1, 1, 1, 1, 'l', 'x'"
                 " FROM unnest(ARRAY['pub/a', 'pub/b/c', 'pub/b/d', 'pub/b c', 'pub/[x]', 'pub/~x', 'quit']) AS p")
    assert complete(database, build, "mb", "probefile", "") == {"pub/", "quit"}
    assert complete(database, build, "mb", "why-not", "a.example", "pub/") == {"pub/a", "pub/b/"}
    assert complete(database, build, "mb", "why-not", "") == {"a.example", "b.example"}
    assert complete(database, build, "mb", "file", "") == {"ls", "add", "rm"}
    assert complete(database, build, "mb", "list", "--d") == {"--disabled"}
    assert complete(database, build, "mb", "edit", "a.example", "--no-ip") == {"--no-ipv4", "--no-ipv6"}
    assert complete(database, build, "mb-scan", "--all", "--max-") == {"--max-shrink", "--max-change", "--max-entries"}
    # The first scan of a mirror is that of a disabled one.
    for words in (("mb-scan", "--enable", ""), ("mb", "scan", "--enable", "")):
        assert complete(database, build, *words) == {"a.example", "b.example"}


def shell_environment(database, build):
    environment = database.environment()
    return {**environment, "PATH": f"{build.program('mb').parent}:{environment['PATH']}", "TERM": "dumb"}


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes_as_bash_does(mb, database, build, scratch):
    mb("new", "--no-geo", "a.example", "--http-url=http://a.example/", "--enabled")
    script = 'source $argv[1]/mb.fish; for line in $argv[2..]; complete -C "$line" | string split -f1 \\t; echo ==; end'
    lines = ["mb show ", "mb catalog export --r", "mb db mi", "mb-scan --max-s"]
    done = subprocess.run(["fish", "--no-config", "-c", script, build.srcdir / "doc/completion", *lines], capture_output=True, text=True,
                          env={**shell_environment(database, build), "HOME": str(scratch)}, timeout=120)
    assert done.stdout.split() == ["a.example", "==", "--region", "==", "migrate", "==", "--max-shrink", "=="], done.stderr


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes_as_bash_does(mb, database, build, scratch):
    mb("new", "--no-geo", "a.example", "--http-url=http://a.example/", "--enabled")
    shell, terminal = pty.fork()
    if shell == 0:
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**shell_environment(database, build), "HOME": str(scratch), "PS1": ""})
    seen = bytearray()

    def expect(words):
        deadline = time.monotonic() + 120
        while words not in seen and time.monotonic() < deadline:
            if select.select([terminal], [], [], 1)[0]:
                seen.extend(os.read(terminal, 4096))
        assert words in seen, bytes(seen)
        seen.clear()

    try:
        os.write(terminal, b"fpath=('%s' $fpath); autoload -U compinit; compinit -D; PS1='re''ady '\n"
                 % os.fsencode(build.srcdir / "doc/completion"))
        expect(b"ready ")
        for begin, whole in ((b"echo && mb show a.e", b"a.example"), (b"mb db mi", b"migrate"), (b"mb-scan --max-s", b"--max-shrink")):
            os.write(terminal, begin + b"\t")
            expect(whole)
            os.write(terminal, b"\x15")
    finally:
        os.kill(shell, signal.SIGKILL)
        os.waitpid(shell, 0)
        os.close(terminal)


@pytest.mark.parametrize("commented", [False, True])
def test_the_sample_configuration_is_good(mb, mb_scan, database, build, scratch, commented):
    sample = (build.srcdir / "doc/examples/mb.toml").read_text()
    if commented:  # what stands there to be uncommented; prose has a space after the sign
        sample = re.sub(r"^#(?=[a-z\[])", "", sample, flags=re.MULTILINE)
        assert "\nmax_shrink_percent" in sample and "\n[instance.main.hash]" in sample
    config = scratch / "mb.toml"
    config.write_text(sample.replace('"dbname=mirrors"', f'"{database.conninfo()}"').replace("/srv/pub", str(scratch)))
    assert json.loads(mb("--config", config, "instances", "--json").stdout)[0]["name"] == "main"
    mb("--config", config, "db", "check")
    assert "lost" in mb_scan("--config", config, "--source", "--force").stdout


def test_the_manual_knows_every_key(mb, build, scratch):
    manual = (build.srcdir / "doc/mb.toml.5").read_text()
    sample = (build.srcdir / "doc/examples/mb.toml").read_text()
    for section in ("[instance.a]", "[instance.a.hash]", "[[instance.a.mutable]]", "[instance.a.options]",
                    '[instance.a.mirror."m"]'):
        config = scratch / "mb.toml"
        config.write_text(f"[instance.a]\n{section if section != '[instance.a]' else ''}\nno_such_key_at_all = 1\n")
        said = mb("--config", config, "instances", check=False).stderr
        keys = set(re.search("expected one of: (.*)", said)[1].split(", ")) - {"mirror", "hash", "mutable", "options"}
        assert keys
        for key in keys:
            assert re.search(rf"\b{key}\b", manual) and re.search(rf"^#?{key} = ", sample, re.MULTILINE), key


def test_the_readme_names_the_database_once(build):
    """In mb.toml, which goes before PGDATABASE; so it is written before the database is made."""
    readme = (build.srcdir / "README.md").read_text()
    assert "PGDATABASE" not in readme
    assert 0 < readme.index("sudoedit /etc/mod_mirror/mb.toml") < readme.index("mb db init")
