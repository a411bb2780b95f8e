"""Input and output of ``runner settings``.

Input: lines of shell-quoted words, which can contain any byte except NUL. A newline in a word is written as ``"$nl"``.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Setting


class Change(Struct, frozen=True, rename={"requested": "asked", "actual": "found"}):
    """The result of one setting. Values are one line; of ``a [b] c`` the bracketed word.

    ``asked`` and ``found`` are the names in the runner's lines; journals on hosts have them, so they must not change.
    """

    path: str
    before: str
    requested: str
    actual: str
    verdict: Literal[
        "changed",
        "unchanged",
        "differs",
        "missing",
        "refused",
        "clamped",
        "conflicting",
        "kept",
        "drifted",
        "written",
    ]

    @property
    def is_error(self) -> bool:
        """Whether a required value is not set."""
        return self.verdict not in ("changed", "unchanged", "differs", "kept", "written")

    @property
    def in_effect(self) -> str:
        """The value for records: as read back, or the value that was written to a file that acts."""
        return f"{self.requested} (write-only, not restored)" if self.verdict == "written" else self.actual

    def __str__(self) -> str:
        if self.verdict == "missing":
            kind, colon, name = self.path.partition(":")
            if colon and not kind.startswith("/"):
                unit = "service" if kind == "enabled" else kind.replace("module", "kernel module")
                return f"{self.path}: no such {unit}: {name!r} (requested {self.requested!r})"
            return f"{self.path}: No such file or directory (requested {self.requested!r})"
        if self.verdict == "conflicting":
            values = f"{self.actual!r} and {self.requested!r}"
            return f"{self.path}: conflicting values {values}, one by its name as a sysctl"
        return f"{self.path}: {self.verdict}, requested {self.requested!r}, actual {self.actual!r}"


_decode = msgspec.json.Decoder(Change).decode


def parse_changes(printed: str) -> list[Change]:
    """Parse the output of ``runner settings``: one change for each line. ``HostError`` if it is something else."""
    # Not splitlines(): that also divides at characters such as U+0085, which values may have.
    try:
        return [_decode(line) for line in printed.split("\n") if line]
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise HostError(f"cannot read what the runner says of settings: {printed[:200]!r}") from None


def encode_settings(settings: Iterable[Setting]) -> bytes:
    """Return the input of ``runner settings apply``: a line ``path value required|optional|off`` for each setting."""
    return b"".join(shell_line(setting_words(setting)) for setting in settings)


def setting_words(setting: Setting) -> list[str]:
    """Return the words of one setting."""
    if "\n" in setting.path or "\n" in setting.value:
        raise BadInput(f"setting {setting.path!r}: path and value must not contain newlines")
    kind = "optional" if setting.optional else "off" if setting.off_if_missing else "required"
    return [setting.path, setting.value, kind]


def shell_line(words: list[str]) -> bytes:
    """Return a line that a shell, and the runner, decodes to these words."""
    if any("\0" in word for word in words):
        raise BadInput(f"command or setting contains a NUL character: {words!r}")
    line = " ".join(shlex.quote(word).replace("\n", "'\"$nl\"'") for word in words)
    return line.encode("utf-8", "surrogateescape") + b"\n"
