"""The hosts that the ssh provider uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Needs
from orchestrator.hosts.provider import ProviderRequest
from orchestrator.hosts.providers.ssh import SshProvider


def provider(folder: Path, text: str, *, host: str = "", fleet: bool = False, limit: str = "") -> SshProvider:
    (folder / "hosts").write_text(text)
    return SshProvider(
        ProviderRequest(
            Needs(), {}, group="numa", inventory=folder / "hosts", host=host, fleet=fleet, limit=limit
        )
    )


@pytest.mark.parametrize("fleet", [False, True])
def test_hosts_without_ssh_are_left_out_with_a_warning(
    tmp_path: Path, fleet: bool, caplog: pytest.LogCaptureFixture
) -> None:
    made = provider(tmp_path, "[numa]\nhere ansible_connection=local\nn1\nn2\n", fleet=fleet)
    assert made.hosts == (("n1", "n2") if fleet else ())
    assert "n1, n2" in made.location or fleet
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path}/hosts:2:1: host 'here': ansible_connection: 'local'")
    assert message.endswith("; not used")


def test_a_host_that_is_asked_for_must_have_ssh(tmp_path: Path) -> None:
    text = "[numa]\nhere ansible_connection=docker\nn1 ansible_port=x\n"
    with pytest.raises(HostError, match=r"hosts:2:1: host 'here': ansible_connection: 'docker': only ssh"):
        provider(tmp_path, text, host="here")
    with pytest.raises(BadInput, match=r"hosts:3:1: host 'n1': ansible_port"):
        provider(tmp_path, text)


def test_a_fleet_is_the_same_place_with_fewer_of_its_hosts(tmp_path: Path) -> None:
    """So its run is resumed without a host that has failed; the host of a run without a fleet is its place."""
    text = "[numa]\nn1\nn2\nn3\n"
    limited = provider(tmp_path, text, fleet=True, limit="!n2")
    assert limited.hosts == ("n1", "n3")
    assert limited.scope == provider(tmp_path, text, fleet=True).scope
    assert provider(tmp_path, text, limit="!n2").candidates == ("n1", "n3")
    assert provider(tmp_path, text, limit="!n2").scope != provider(tmp_path, text).scope
