"""What in a command deserves the reader's eye. These are hints: a command can hide what it does, so read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from orchestrator.provision.module import Caution

_PATTERNS: Mapping[Caution, re.Pattern[str]] = {
    "download": re.compile(
        r"\b(curl|wget|apt|apt-get|dnf|yum|zypper|rsync|scp|sftp|ftp|nc|ncat|socat)\b|\b(https?|ftp|git|ssh)://"
        r"|\bgit\s+(clone|fetch|pull|submodule)\b|\b(pip3?|npm|cargo|go|gem)\s+(install|get)\b|/dev/tcp/"
    ),
    "reboot": re.compile(r"\b(reboot|shutdown|poweroff|halt|kexec)\b|sysrq-trigger"),
    "root": re.compile(r"\b(sudo|doas|su|pkexec)\b"),
    "shell": re.compile(r"\beval\b"),
}
_SHELL = re.compile(r"(?:^|[\s/])(?:ba|da|z|k|c|fi)?sh((?:\s+-\S+)+)")
_COMMAND_FOLLOWS = re.compile(r"\s-\w*c\b")


def in_commands(commands: Iterable[str]) -> Iterator[Caution]:
    """Yield what commands show of themselves."""
    text = "\n".join(commands)
    for caution, pattern in _PATTERNS.items():
        if pattern.search(text) or (caution == "shell" and _gives_a_shell_commands(text)):
            yield caution


def _gives_a_shell_commands(text: str) -> bool:
    """Whether a shell has an option such as ``-c``.

    In two steps, so that no word is looked at twice: the options of a shell may be names of shells.
    """
    return any(_COMMAND_FOLLOWS.search(shell[1]) for shell in _SHELL.finditer(text))
