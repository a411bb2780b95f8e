"""JSON documents in the output of a benchmark: alone, between lines of text, one a line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.execution.streams import Stream

MAX_DEPTH = 100
"""Levels of nesting that are read. Python and SQLite have limits of their own, which depend on who asks."""

MAX_DIGITS = 300
"""Integers with more digits are read as infinite, as larger floating-point numbers are."""

TOO_DEEP = f"the JSON document is nested more than {MAX_DEPTH} levels deep"
MISSING = object()


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= MAX_DIGITS else float(text)


_NEXT = re.compile(r"[ \t]*\{")
"""The beginning of a document in the line in which another one ended."""
_DECODER = json.JSONDecoder(parse_int=_integer)


class Documents:
    """The JSON objects and lists that begin at the beginning of a line, in their order.

    :ivar fault: why a document was not read; empty if none was left out.
    """

    def __init__(self, stream: Stream) -> None:
        self.items: list[Any] = []
        self.fault = ""
        #: brackets may belong to a document whose beginning is lost or cannot be read
        self._is_broken = stream.is_cut
        self._other_text = stream.is_cut
        self._find(stream.text, stream.start)

    @property
    def is_all(self) -> bool:
        """Whether the stream is one document and nothing else."""
        return len(self.items) == 1 and not self._other_text

    @property
    def details(self) -> Any:
        """The last object; if there is none the last list, or None."""
        objects = [item for item in self.items if isinstance(item, Mapping)]
        return next(iter([*objects[-1:], *self.items[-1:]]), None)

    def select(self, steps: Sequence[str]) -> Any:
        """Return what is at a path in the last document that has it; ``MISSING`` if none has."""
        found = (_select(document, steps) for document in reversed(self.items))
        return next((value for value in found if value is not MISSING), MISSING)

    def _find(self, text: str, position: int) -> None:
        while position < len(text):
            end_of_line = text.find("\n", position) + 1 or len(text)
            rest = text[position:end_of_line].lstrip()
            first, indent = rest[:1], end_of_line - position - len(rest)
            is_begin = first in ("{", "[") and not (indent and self._is_broken)
            end = self._read(text, position + indent) if is_begin else 0
            self._other_text |= bool(first) and not end
            if self._is_broken and first in ("}", "]"):
                self.items.clear()  # they were parts of one
            if end and _NEXT.match(text, end):
                position = end
            else:
                position = (text.find("\n", end - 1) + 1 or len(text)) if end else end_of_line

    def _read(self, text: str, position: int) -> int:
        """Read the document at ``position``; return where it ends, 0 if there is none."""
        try:
            document, end = _DECODER.raw_decode(text, position)
        except RecursionError:
            self.fault = TOO_DEEP
            return len(text)
        except json.JSONDecodeError as error:
            if text[position] == "{":
                self.fault = f"invalid JSON in line {error.lineno}: {error.msg}"
            self._is_broken = True
            if not text[error.pos :].strip() or error.msg.startswith("Unterminated string"):
                self.items.clear()  # the last document was not finished: those before it are not the result
            return 0 if text.find("\n", error.pos) >= 0 else len(text)
        if _is_deep(document):
            self.fault = TOO_DEEP
            return end
        rest = text[end : text.find("\n", end) + 1 or len(text)].strip()
        if rest and (isinstance(document, list) or rest[0] in ",:]}"):
            return 0
        self._other_text |= bool(rest)
        self.items.append(document)
        return end


def _select(document: Any, steps: Sequence[str]) -> Any:
    """Follow a path through mappings and, by number, lists."""
    for step in steps:
        if isinstance(document, Mapping) and step in document:
            document = document[step]
        elif isinstance(document, list) and (index := _index(step)) < len(document):
            document = document[index]
        else:
            return MISSING
    return document


def _index(step: str) -> int:
    return int(step) if step.isdecimal() and len(step) <= len(str(sys.maxsize)) else sys.maxsize


def _is_deep(document: Any) -> bool:
    level = [document]
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        level = [
            inner
            for item in level
            if isinstance(item, Mapping | list)
            for inner in (item.values() if isinstance(item, Mapping) else item)
        ]
    return bool(level)
