"""Our folder on a host: whose it is, and what is said where it cannot be what it must."""

from __future__ import annotations

import json

import pytest

from orchestrator.errors import HostError
from orchestrator.hosts.remote.folder import SCRIPTS, HostFolder, Scripts
from orchestrator.hosts.testing import ScriptedHost


def host(**answers: int) -> ScriptedHost:
    made = ScriptedHost("n1", root=False)
    made.answer("^sh -c 'sudo -n true'", exit_code=answers.get("sudo", 0))
    made.answer("echo .*HOME", stdout="/home/me/.orchestrate\n")
    return made


def test_it_is_roots_where_the_host_is_changed() -> None:
    assert (HostFolder(host(), root=False).base, HostFolder(host(), root=True).base) == (
        "/home/me/.orchestrate",
        "/var/lib/orchestrate",
    )
    assert HostFolder(host(), root=True).sudo
    folder = HostFolder(ScriptedHost("n1", root=True), root=True)
    assert (folder.base, folder.sudo) == ("/var/lib/orchestrate", False)


def test_whoever_may_not_become_root_is_told_so() -> None:
    with pytest.raises(HostError, match=r"^n1: changing the host takes root: log in as root, or allow sudo"):
        HostFolder(host(sudo=1), root=True)


def test_what_cannot_be_put_back_is_named() -> None:
    made = ScriptedHost("n1")
    change = {"path": "/sys/x", "before": "1", "asked": "2", "found": "1", "verdict": "refused"}
    made.answer("settings.sh restore", stdout=json.dumps(change) + "\n", exit_code=1)
    with pytest.raises(HostError) as caught:
        HostFolder(made, root=True).restore()
    assert (
        str(caught.value)
        == "n1: settings that cannot be put back: /sys/x: refused, requested '2', actual '1'"
    )


def test_scripts_are_brought_once() -> None:
    more = Scripts("more", {"more.sh": b":"})
    made = ScriptedHost("n1")
    HostFolder(made, root=True).install_scripts(more)
    assert made.files["/var/lib/orchestrate/bin/probe.sh"]
    assert made.files["/var/lib/orchestrate/bin/more.sh"] == b":"
    versions = [text.decode() for path, text in made.files.items() if path.endswith(".version")]
    again = ScriptedHost("n1")
    again.answer(".version", stdout="".join(versions))
    HostFolder(again, root=True).install_scripts(more)
    assert not again.files
    assert len(again.commands) == 1


def test_a_set_of_scripts_of_another_version_is_brought_alone() -> None:
    made = ScriptedHost("n1")
    made.answer(".version", stdout=f"{SCRIPTS.version}\n{'0' * 64}\n")
    HostFolder(made, root=True).install_scripts(Scripts("more", {"more.sh": b":"}))
    assert set(made.files) == {"/var/lib/orchestrate/bin/more.sh", "/var/lib/orchestrate/bin/more.version"}
