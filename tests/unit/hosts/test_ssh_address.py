"""Words for ``ssh``, and addresses of jump hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.hosts.ssh import SshAddress


@pytest.mark.parametrize(
    ("jump", "host", "user", "port", "others"),
    [
        ("gate", "gate", None, None, None),
        ("me@gate:2222", "gate", "me", 2222, None),
        ("me@domain@gate", "gate", "me@domain", None, None),
        ("a,me@b:22,c", "c", None, None, "a,me@b:22"),
        ("[2001:db8::1]:2222", "2001:db8::1", None, 2222, None),
        ("ssh://me@gate:2222", "gate", "me", 2222, None),
    ],
)
def test_the_last_jump_host_is_reached_through_the_others(
    jump: str, host: str, user: str | None, port: int | None, others: str | None
) -> None:
    address = SshAddress(
        "target", "you", 1, known_hosts_file=Path("k"), config_file=Path("c"), options=("-C",)
    )
    assert address.hop(jump) == SshAddress(
        host, user, port, known_hosts_file=Path("k"), config_file=Path("c"), jump=others
    )


@pytest.mark.parametrize(
    "options", [(), ("-F", "mine"), ("-C", "-Fmine"), ("-F", "other", "-F", "mine", "-4")]
)
def test_a_configuration_file_among_the_options_is_the_one_of_the_jump_host(options: tuple[str, ...]) -> None:
    hop = SshAddress("target", config_file=Path("mine" if not options else "c"), options=options).hop("gate")
    assert hop is not None
    assert hop.config_file == Path("mine")


@pytest.mark.parametrize("jump", ["", "a,", "gate:ssh", "[::1"])
def test_what_is_no_jump_host(jump: str) -> None:
    assert SshAddress("target").hop(jump) is None


def test_paths_are_quoted_for_ssh() -> None:
    words = SshAddress("target", "me", 22, identity_file=Path("/a b/100%"), options=("-4",)).words
    assert words == [
        "-p",
        "22",
        "-l",
        "me",
        "-o",
        'IdentityFile="/a b/100%%"',
        "-o",
        "IdentitiesOnly=yes",
        "-4",
    ]
