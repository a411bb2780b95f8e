"""Command words with ``{name}`` placeholders; ``{{`` and ``}}`` are literal braces."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestrator.errors import BadInput

_TOKEN = re.compile(r"(\{\{|\}\}|\{[A-Za-z_][A-Za-z0-9_./-]*\}|[{}])")


class Template:
    """One word of a command. Raises ``BadInput`` for an unmatched brace."""

    def __init__(self, word: str) -> None:
        self._parts: list[tuple[str, str]] = []  # (literal text, name after it)
        plain = ""
        for token in _TOKEN.split(word):
            if token in ("{", "}"):
                raise BadInput(f"unmatched brace in '{word}'; write '{{{{' or '}}}}' for a literal brace")
            if token in ("{{", "}}"):
                plain += token[0]
            elif token.startswith("{"):
                self._parts.append((plain, token[1:-1]))
                plain = ""
            else:
                plain += token
        self._rest = plain

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the placeholders."""
        return tuple(name for _, name in self._parts)

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the word with every placeholder replaced."""
        return "".join([plain + values[name] for plain, name in self._parts]) + self._rest
