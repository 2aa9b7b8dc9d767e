"""The units for systemd: what they may do, and that the programs take their command lines."""

import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ.get("MIRROR_SRCDIR", pathlib.Path(__file__).resolve().parents[2]))
SERVICES = sorted(path.name.removesuffix(".in") for path in SOURCE.glob("tools/systemd/*.service.in"))
TIMERS = sorted(path.name for path in SOURCE.glob("tools/systemd/*.timer"))
MOST_EXPOSURE = 19  # tenths, of 100

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing: install systemd")


@pytest.fixture
def units(build, scratch):
    """A folder with all units. They start the programs of this build."""
    folder = scratch / "units"
    folder.mkdir()
    for name in SERVICES:
        text = (build.builddir / "tools/systemd" / name).read_text()
        (folder / name).write_text(re.sub(r"(?m)^(ExecStart=)\S*/", rf"\1{build.builddir}/", text))
    for name in TIMERS:
        shutil.copy(SOURCE / "tools/systemd" / name, folder)
    return folder


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], text=True, capture_output=True, timeout=60)


def values(name, key):
    return re.findall(rf"(?m)^{key}=(.*)$", (SOURCE / f"tools/systemd/{name}.in").read_text())


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_service_is_hardly_exposed(units, name):
    found = analyze("security", "--offline=yes", "--no-pager", f"--threshold={MOST_EXPOSURE}", units / name)
    assert found.returncode == 0 and "Overall exposure" in found.stdout, found.stdout + found.stderr


@needs_systemd
@pytest.mark.parametrize("name", SERVICES + TIMERS)
def test_systemd_understands_the_unit(units, name):
    found = analyze("verify", "--man=no", units / name)
    # Warnings about other units of this machine do not count.
    assert [line for line in found.stderr.splitlines() if str(units) in line or name.split("@")[0] in line] == []


def test_each_service_runs_as_a_user_that_the_package_makes():
    users = re.findall(r"(?m)^u (\S+)", (SOURCE / "tools/systemd/sysusers/mod_mirror.conf").read_text())
    assert SERVICES and {user for name in SERVICES for user in values(name, "User")} == set(users)
    assert all(len(values(name, "User")) == 1 for name in SERVICES)


@pytest.mark.skipif(not shutil.which("systemd-sysusers") or os.geteuid() != 0, reason="needs root, and systemd-sysusers of systemd")
def test_users_and_folders_are_made(build, scratch):
    """In a root folder of its own: two users, each without a shell, and the folder that only root and they can enter."""
    (scratch / "etc").mkdir()
    for program, text in (("systemd-sysusers", (SOURCE / "tools/systemd/sysusers/mod_mirror.conf").read_text()),
                          ("systemd-tmpfiles --create", (build.builddir / "tools/systemd/tmpfiles/mod_mirror.conf").read_text())):
        file = scratch / f"{program.split()[0]}.conf"
        file.write_text(text)
        done = subprocess.run([*program.split(), f"--root={scratch}", file], text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
    users = [line.split(":") for line in (scratch / "etc/passwd").read_text().splitlines()]
    assert {(user[0], user[6]) for user in users} == {(name, "/usr/sbin/nologin") for name in ("mirror_scanner", "mirror_admin")}
    groups = {line.split(":")[0]: line.split(":")[2:] for line in (scratch / "etc/group").read_text().splitlines()}
    gid, members = groups["mod_mirror"]
    assert set(members.split(",")) == {"mirror_scanner", "mirror_admin"}
    (secrets,) = scratch.rglob("mod_mirror/secrets")
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o2750
    assert (secrets.stat().st_uid, secrets.stat().st_gid) == (0, int(gid))


@pytest.mark.parametrize("name", SERVICES)
def test_the_program_takes_its_command_line(build, scratch, name):
    (command,) = values(name, "ExecStart")
    program, *arguments = command.replace("%i", "main").split()
    assert program.startswith("@bindir@/")
    config = scratch / "mb.toml"
    done = subprocess.run([build.builddir / program.removeprefix("@bindir@/"), *arguments], text=True, capture_output=True,
                          timeout=60, env={**os.environ, "MB_CONFIG": str(config)})
    # Not "wrong usage": it got as far as its configuration.
    assert done.returncode in (1, 3) and str(config) in done.stderr, done.stderr


@pytest.mark.parametrize("name", TIMERS)
def test_each_timer_has_its_service(name):
    assert name.replace(".timer", ".service") in SERVICES


@needs_systemd
def test_sendmail_drop_in_lifts_all_that_forbids_new_rights(units):
    """What implies NoNewPrivileges=yes for a service that does not run as root, by systemd.exec(5)."""
    implying = {"SystemCallFilter", "SystemCallArchitectures", "RestrictAddressFamilies", "RestrictNamespaces", "PrivateDevices",
                "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectClock", "MemoryDenyWriteExecute",
                "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality", "ProtectHostname"}
    hardening = set(re.findall(r"(?m)^(\w+)=", (SOURCE / "tools/systemd/hardening.conf").read_text()))
    drop_in = SOURCE / "doc/examples/mb-notify-sendmail.conf"
    lifted = set(re.findall(r"(?m)^(\w+)=", drop_in.read_text()))
    assert implying & hardening <= lifted
    folder = units / "mb-notify.service.d"
    folder.mkdir()
    shutil.copy(drop_in, folder)
    assert analyze("verify", "--man=no", units / "mb-notify.service").stderr == ""
