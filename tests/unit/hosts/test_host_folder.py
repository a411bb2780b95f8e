"""The directory on a host: its owner, its scripts, and error messages."""

from __future__ import annotations

import json

import pytest

from orchestrator import architectures, source_tree
from orchestrator.errors import HostError
from orchestrator.hosts.remote import runner_program
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.remote.runner_program import RunnerProgram
from orchestrator.hosts.testing import ScriptedHost


def host(**exit_codes: int) -> ScriptedHost:
    scripted = ScriptedHost("n1", root=False)
    scripted.answer("^sh -c 'sudo -n true'", exit_code=exit_codes.get("sudo", 0))
    scripted.answer("echo .*HOME", stdout="/home/me/.orchestrate\n")
    return scripted


def test_it_belongs_to_root_where_settings_are_changed() -> None:
    assert (HostFolder(host(), root=False).base, HostFolder(host(), root=True).base) == (
        "/home/me/.orchestrate",
        "/var/lib/orchestrate",
    )
    assert HostFolder(host(), root=True).sudo
    folder = HostFolder(ScriptedHost("n1", root=True), root=True)
    assert (folder.base, folder.sudo) == ("/var/lib/orchestrate", False)


def test_missing_root_access_is_an_error() -> None:
    with pytest.raises(
        HostError,
        match=r"^n1: changing settings requires root: log in as root or configure passwordless sudo",
    ):
        HostFolder(host(sudo=1), root=True)


def test_settings_that_cannot_be_restored_are_named() -> None:
    scripted = ScriptedHost("n1")
    change = {"path": "/sys/x", "before": "1", "asked": "2", "found": "1", "verdict": "refused"}
    scripted.answer("runner.sh settings restore", stdout=json.dumps(change) + "\n", exit_code=1)
    with pytest.raises(HostError) as caught:
        HostFolder(scripted, root=True).restore()
    assert str(caught.value) == "n1: cannot restore settings: /sys/x: refused, requested '2', actual '1'"


BIN = "/var/lib/orchestrate/bin"
VERSION = f"{BIN}/version"
MACHINE = architectures.native().machine
RUNNER = f"{BIN}/runner-{MACHINE}"


def install(listed: str, machine: str = MACHINE) -> ScriptedHost:
    """Install scripts and runner on a host whose file of versions lists these."""
    scripted = ScriptedHost("n1")
    scripted.answer("uname -m", stdout=f"{machine}\n{listed}")
    HostFolder(scripted, root=True).install()
    return scripted


def words(scripted: ScriptedHost) -> list[str]:
    return scripted.files[VERSION].decode().split()


def test_runner_and_scripts_are_installed_once() -> None:
    first = install("")
    assert first.files[f"{BIN}/probe.sh"]
    program = runner_program.find(MACHINE)
    assert first.files[RUNNER] == program.read_bytes()
    again = install(first.files[VERSION].decode())
    assert not again.files
    assert len(again.commands) == 1


def test_the_runner_of_a_host_is_known_though_it_was_installed_before() -> None:
    scripted = ScriptedHost("n1")
    scripted.answer("uname -m", stdout=f"{MACHINE}\n{' '.join(words(install('')))}")
    program = runner_program.find(MACHINE)
    runner = HostFolder(scripted, root=True).install()
    assert runner == RunnerProgram(MACHINE, runner_program.source_hash(), source_tree.sha256(program))


def test_only_what_is_of_another_version_is_installed() -> None:
    (scripts, runner) = words(install(""))
    assert set(install(f"{scripts}\nrunner-{MACHINE}:{'0' * 64}:{'1' * 64}\n").files) == {RUNNER, VERSION}
    assert RUNNER not in install(f"{'0' * 64}\n{runner}").files


def test_hosts_of_two_architectures_may_share_a_directory() -> None:
    (scripts, runner) = words(install(""))
    other = install(f"{scripts}\n{runner}", machine="riscv64")
    assert words(other)[:2] == [scripts, runner]
    assert words(other)[2].startswith("runner-riscv64:")
    assert "make -C" in "\n".join(other.commands)


def test_another_version_of_the_program_finds_its_files_overwritten() -> None:
    """Version 0.1.0 writes one hash into the same file, and compares the whole file with it."""
    assert words(install("0" * 64)) == words(install(""))


def test_a_runner_that_does_not_run_there() -> None:
    scripted = ScriptedHost("n1")
    scripted.answer("runner.sh version", stderr="runner.sh: 3: exec: Permission denied\n", exit_code=126)
    with pytest.raises(HostError) as caught:
        HostFolder(scripted, root=True).install()
    assert str(caught.value) == (
        f"n1: {RUNNER} does not run: runner.sh: 3: exec: Permission denied; is this file system mounted noexec?"
    )


def test_a_host_that_nobody_can_build_for() -> None:
    scripted = ScriptedHost("n1")
    scripted.answer("uname -m", stdout="riscv64\n")
    scripted.answer("make -C", exit_code=99)
    with pytest.raises(HostError) as caught:
        HostFolder(scripted, root=True).install()
    assert str(caught.value) == (
        "n1: no C compiler for riscv64 on the controller, and no make and cc on n1; install gcc and make on n1"
    )
