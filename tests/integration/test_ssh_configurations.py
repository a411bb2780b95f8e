"""Configurations of SSH: ``orchestrate`` reaches a host if and only if ``ssh`` does."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import HostError
from orchestrator.hosts.command import script
from orchestrator.hosts.selector import HostSelector
from tests.integration.ssh_cases import CASES, Case
from tests.integration.ssh_lab import Lab, lab
from tests.running import User


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("lab")) as place:
        yield place


def written(case: Case, place: Lab, folder: Path) -> Path:
    """Write the files of a case; return its configuration."""
    folder.mkdir()
    for name, text in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        place.write(folder / name, text)
    return place.write(folder / "config", case.config)


def openssh(config: Path, place: Lab, agent: str) -> subprocess.Popen[str]:
    """Start ``ssh``; it runs while ``orchestrate`` connects, as it takes most of the time of these tests."""
    return subprocess.Popen(
        ("ssh", "-F", str(config), "-o", "BatchMode=yes", "target", "true"),
        env=dict(place.environment(agent)), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hosts_are_reached_as_by_openssh(
    case: Case, place: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = openssh(written(case, place, tmp_path / "theirs"), place, case.agent)
    config = written(case, place, tmp_path / "ours")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    for name, value in place.environment(case.agent).items():
        monkeypatch.setenv(name, value)
    if case.works:
        HostSelector(None, config).connect("target").close()
    else:
        with pytest.raises(
            HostError, match=f"^target: .*{re.escape(place.replaced(case.message, tmp_path))}.*$"
        ):
            HostSelector(None, config).connect("target")
    _, errors = theirs.communicate(timeout=60)
    assert (theirs.returncode == 0) == case.works, errors
    assert known_hosts(tmp_path / "ours") == known_hosts(tmp_path / "theirs")


@pytest.mark.parametrize(
    "config",
    [
        "Host target\n  $at\n  $known\n  ProxyJump $user@target:$port\n",
        "Host *\n  ProxyJump gate\nHost gate\n  $gate_at\n",
        "Host target\n  ProxyJump a\nHost a\n  ProxyJump b\nHost b\n  ProxyJump a\n",
    ],
)
def test_a_jump_host_that_is_reached_through_itself_is_refused(
    config: str, place: Lab, tmp_path: Path
) -> None:
    """Not compared: OpenSSH starts processes without end for these."""
    with pytest.raises(HostError, match=r"jumphost loop via (target|gate|a)"):
        HostSelector(None, place.write(tmp_path / "config", config)).connect("target")


def test_setenv_reaches_commands(place: Lab, tmp_path: Path) -> None:
    config = place.write(tmp_path / "config", "Host target\n  SetEnv GREETING=hello\n  $at\n  $known\n")
    host = HostSelector(None, config).connect("target")
    assert host.run(script('echo "$GREETING"')).stdout == "hello\n"
    host.close()


def test_an_open_connection_of_ssh_is_named_where_a_key_is_missing(place: Lab, tmp_path: Path) -> None:
    """OpenSSH would use it (ControlPath)."""
    text = "Host target\n  ControlPath $here/master\n  IdentitiesOnly yes\n  $known\n  $at\n"
    config = place.write(tmp_path / "config", text.replace("$at", place.names["at"].partition("IdentityFile")[0]
                         + f"Port {place.names['port']}"))  # fmt: skip
    options = ("-F", config, "-o", f"IdentityFile={place.names['main']}/user_key")
    master = subprocess.Popen(("ssh", *options, "-MNT", "target"), stdin=subprocess.DEVNULL)
    try:
        while not (tmp_path / "master").exists():
            assert master.poll() is None
            time.sleep(0.02)
        with pytest.raises(
            HostError, match="the open connection of ControlPath is not used; a key is needed"
        ):
            HostSelector(None, config).connect("target")
    finally:
        master.terminate()
        master.wait(10)


def known_hosts(folder: Path) -> list[list[str]]:
    """The lines of a known_hosts file that may have been written; names that are hashed differ each time."""
    path = folder / "known_hosts"
    lines = path.read_text().splitlines() if path.exists() else []
    return [["|1|" if word.startswith("|1|") else word for word in line.split()] for line in lines]


@pytest.mark.parametrize("name", ["include", "changed key"])
def test_the_command_reaches_hosts_as_by_openssh(name: str, place: Lab, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    config = written(case, place, tmp_path / "case")
    user = User(tmp_path)
    theirs = openssh(config, place, "")
    ended = user.orchestrate("hosts", "check", "target", "--ssh-config", str(config))
    assert (ended.code == 0) == case.works == (theirs.wait(60) == 0), ended.err
    user.close()
