"""Words of a command in which ``{name}`` stands for a value; ``{{`` and ``}}`` are the braces themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestrator.errors import BadInput

_TOKEN = re.compile(r"(\{\{|\}\}|\{[A-Za-z_][A-Za-z0-9_./-]*\}|[{}])")


class Template:
    """One word. Raises ``BadInput`` for a brace that is neither part of a name nor doubled."""

    def __init__(self, word: str) -> None:
        self._parts: list[tuple[str, str]] = []  # (plain text, name that follows it)
        plain = ""
        for token in _TOKEN.split(word):
            if token in ("{", "}"):
                raise BadInput(f"'{word}' has a lone brace; write '{{{{' or '}}}}' for the brace itself")
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
        """The names that need a value."""
        return tuple(name for _, name in self._parts)

    def fill(self, values: Mapping[str, str]) -> str:
        """Put the values in."""
        return "".join(plain + values[name] for plain, name in self._parts) + self._rest
