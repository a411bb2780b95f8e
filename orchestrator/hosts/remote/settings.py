"""Settings on their way to a host and back: what ``settings.sh`` reads, and what it prints.

A line of words, each quoted for a shell, is decoded on the host by ``eval "set -- $line"``, so any byte but NUL
survives. A line break inside a word is written as ``"$nl"``, a variable of the scripts, so a line stays a line.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Setting


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one setting; values as one line, of a choice the chosen word."""

    path: str
    before: str
    requested: str
    actual: str
    verdict: Literal["changed", "unchanged", "differs", "missing", "refused", "clamped", "kept", "drifted"]

    @property
    def is_fault(self) -> bool:
        """Whether it does not hold what was asked, though it was to."""
        return self.verdict not in ("changed", "unchanged", "differs", "kept")

    def __str__(self) -> str:
        if self.verdict == "missing":
            kind, colon, name = self.path.partition(":")
            if colon and not kind.startswith("/"):
                unit = "service" if kind == "enabled" else kind.replace("module", "kernel module")
                return f"{self.path}: no {unit} {name!r}, requested {self.requested!r}"
            return f"{self.path}: no such file, requested {self.requested!r}"
        return f"{self.path}: {self.verdict}, requested {self.requested!r}, actual {self.actual!r}"


def parse_changes(printed: str) -> list[Change]:
    """Return what ``settings.sh`` printed: one change a line."""
    return [change_of(json.loads(line)) for line in printed.splitlines()]


def change_of(outcome: Mapping[str, Any]) -> Change:
    """Return one outcome of ``settings.sh``. Journals of runners on hosts hold these keys, so they stay."""
    return Change(
        path=outcome["path"],
        before=outcome["before"],
        requested=outcome["asked"],
        actual=outcome["found"],
        verdict=outcome["verdict"],
    )


def encode_settings(settings: Iterable[Setting]) -> bytes:
    """Return what ``settings.sh apply`` reads: one line ``path value required|optional|off`` a setting."""
    return b"".join(shell_line(setting_words(setting)) for setting in settings)


def setting_words(setting: Setting) -> list[str]:
    """The words of one setting."""
    if "\n" in setting.path or "\n" in setting.value:
        raise BadInput(f"setting {setting.path!r}: path and value must each be one line")
    kind = "optional" if setting.optional else "off" if setting.held_without else "required"
    return [setting.path, setting.value, kind]


def shell_line(words: list[str]) -> bytes:
    """One line that a shell decodes to these words."""
    if any("\0" in word for word in words):
        raise BadInput(f"a command or setting holds a NUL character: {words!r}")
    line = " ".join(shlex.quote(word).replace("\n", "'\"$nl\"'") for word in words)
    return line.encode("utf-8", "surrogateescape") + b"\n"
