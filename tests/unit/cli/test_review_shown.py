"""What `orchestrate review` shows of texts that somebody else wrote: no password, and all in the time of reading it."""

from __future__ import annotations

import json

import pytest

from tests.calls import orchestrate
from tests.unit.cli.foreign import Foreign

PASSWORDS = """
version: 1
kernels:
  built: {recipe: {source: {git: "https://user:4711/5@812@example.invalid/x.git", ref: v7}, config: {base: defconfig}}}
  packaged: {package: linux-image-amd64, suite: trixie, mirror: "http://user:4711/5@812@example.invalid/debian"}
factors: {kernel: [built, packaged]}
hosts: {provider: qemu}
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
"""


def test_passwords_in_urls_are_not_shown(foreign: Foreign) -> None:
    foreign.write("e.yaml", PASSWORDS)
    shown = foreign.text("-v")
    assert "4711" not in shown
    assert "5@812" not in shown
    assert "source: git https://example.invalid/x.git at v7" in shown
    assert "suite trixie, from http://example.invalid/debian" in shown
    assert "5@812" not in orchestrate("plan", "e.yaml", folder=foreign.folder).stdout


@pytest.mark.parametrize("options", ["-c", "-x -ec", "-o -x/sh -c"])
def test_commands_for_a_shell_are_marked(foreign: Foreign, options: str) -> None:
    foreign.tasks(f"- command: bash {options} true\n- command: bash {options.replace('c', 'x')} true\n")
    _, marked, plain = foreign.entries()
    assert ("shell" in marked["cautions"], "shell" in plain["cautions"]) == (True, False)


def test_a_long_command_of_words_that_look_like_shells(foreign: Foreign) -> None:
    """A search that begins again at each of them takes hours."""
    foreign.tasks(json.dumps([{"command": "/sh -" * 60_000}]))
    assert foreign.entries()[1]["cautions"] == []
