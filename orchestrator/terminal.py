"""Text for a terminal, a log or a table: nothing in it is obeyed, and its commands can be pasted into a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

_ACTING = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"  # C0, DEL and C1: escape sequences begin with one of them
    r"|\r(?!\n)"
    r"|[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"  # another order of what is shown
    r"|[\ud800-\udfff]"
)
_MOVES = re.compile(r"\x1b\[[0-?]*[A-HJSTdf]")
"""Sequences after which text stands elsewhere on a terminal: a new line, for us."""
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[(-/].|[0-Z\\^-~])")
"""All other sequences of terminals (ECMA-48): colours, titles, modes."""


def visible(text: str) -> str:
    """Return a text with each control character written as in JSON, such as ``\\u001b``.

    Hosts, benchmarks and bundles choose names and messages; a terminal would obey them. Line ends and tabs stay.
    """
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def without_escapes(text: str) -> str:
    """Return what a terminal would show of a text; where the cursor moves, a new line begins."""
    return _ESCAPES.sub("", _MOVES.sub("\n", text))


def command_line(words: Sequence[str]) -> str:
    """Return a command in one printable line for a POSIX shell, the program without its directory.

    >>> command_line(["/usr/bin/orchestrate", "run", "a.yaml", "--where", "mib == 8"])
    "orchestrate run a.yaml --where 'mib == 8'"
    """
    return " ".join(shell_words(words))


def shell_words(words: Sequence[str]) -> list[str]:
    """Return the words of a command, each quoted for a POSIX shell, the program without its directory."""
    return [_shell_word(word) for word in (PurePosixPath(words[0]).name, *words[1:])] if words else []


def _shell_word(word: str) -> str:
    """Quote a word. One with newlines or control characters is printed by ``printf``: the result has none."""
    if word.isprintable():
        return shlex.quote(word)
    data = word.encode(errors="surrogateescape")
    return f"\"$(printf %b '{''.join(f'{chr(92)}0{byte:03o}' for byte in data)}')\""
