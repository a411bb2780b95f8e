"""The directory on a host: its owner, its scripts, and error messages."""

from __future__ import annotations

import json

import pytest

from orchestrator.errors import HostError
from orchestrator.hosts.remote.folder import SCRIPTS, HostFolder, Scripts
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
    scripted.answer("settings.sh restore", stdout=json.dumps(change) + "\n", exit_code=1)
    with pytest.raises(HostError) as caught:
        HostFolder(scripted, root=True).restore()
    assert str(caught.value) == "n1: cannot restore settings: /sys/x: refused, requested '2', actual '1'"


VERSION = "/var/lib/orchestrate/bin/version"
MORE = Scripts({"more.sh": b":"})


def install(listed: str, *more: Scripts) -> ScriptedHost:
    """Install scripts on a host whose file of versions lists these."""
    scripted = ScriptedHost("n1")
    scripted.answer("bin/version", stdout=listed)
    HostFolder(scripted, root=True).install_scripts(*more)
    return scripted


def test_scripts_are_installed_once() -> None:
    first = install("", MORE)
    assert first.files["/var/lib/orchestrate/bin/probe.sh"]
    assert first.files["/var/lib/orchestrate/bin/more.sh"] == b":"
    again = install(first.files[VERSION].decode(), MORE)
    assert not again.files
    assert len(again.commands) == 1


def test_only_a_set_of_scripts_of_another_version_is_installed() -> None:
    scripted = install(f"{SCRIPTS.version}\n{'0' * 64}\n", MORE)
    assert set(scripted.files) == {"/var/lib/orchestrate/bin/more.sh", VERSION}
    assert scripted.files[VERSION].decode().split() == [SCRIPTS.version, MORE.version]


def test_another_version_of_the_program_finds_its_scripts_overwritten() -> None:
    """Version 0.1.0 writes one hash into the same file, and compares the whole file with it."""
    assert install("0" * 64, MORE).files[VERSION].decode().split() == [SCRIPTS.version, MORE.version]
    assert "0" * 64 not in install("0" * 64).files[VERSION].decode()
