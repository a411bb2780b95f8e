"""Host patterns: a name or address, ranges in it, and a port after it."""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Iterator

from orchestrator.errors import BadInput, Position

MAX_HOSTS = 50_000
MAX_PORT = 65535
_RANGE = re.compile(r"\[([^\[\]]*)\]")
_BRACKETED = re.compile(r"\[(.+)\]:([0-9]+)")
_WITH_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)")
_IN_NAME = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]"
_LABEL = rf"(?:\w|{_IN_NAME})(?:[\w-]|{_IN_NAME})*(?<![_-])"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)
_FORM = "expected a range such as node[01:16], node[a:f] or node[1:9:2]"


def split_port(pattern: str) -> tuple[str, int | None]:
    """Return a pattern without its port, and the port. An IPv6 address with a port is in brackets."""
    for form in (_BRACKETED, _WITH_PORT):
        match = form.fullmatch(pattern)
        if match and len(match[2]) <= len("65535") and is_host(match[1]):
            return match[1], int(match[2])
    return pattern, None


def port_number(text: str) -> int | None:
    """Return the number of a port; None for what is no port."""
    number = int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0
    return number if 0 < number <= MAX_PORT else None


def expand(pattern: str, position: Position) -> Iterator[str]:
    """Yield the names that a pattern such as ``node[01:16]`` or ``rack[a:c]-[1:9:2]`` expands to.

    Raises ``BadInput`` for anything in brackets that is no range, and for more than :data:`MAX_HOSTS` names.
    """
    parts = _RANGE.split(pattern)
    if any(bracket in text for text in parts[::2] for bracket in "[]"):
        raise BadInput(position.fault(f"'{pattern}': {_FORM}"))
    total = 1
    sequences = []
    for text in parts[1::2]:
        sequences.append(_Sequence(text, pattern, position))
        total *= sequences[-1].count
        if total > MAX_HOSTS:
            raise BadInput(position.fault(f"'{pattern}' expands to more hosts than the limit: {MAX_HOSTS}"))
    yield from _combine(parts[::2], sequences)


class _Sequence:
    """The names that one range stands for."""

    def __init__(self, text: str, pattern: str, position: Position) -> None:
        first, last, step = [*text.split(":"), "1"][:3] if text.count(":") in (1, 2) else ("", "", "")
        first = first or "0"
        letters = string.ascii_letters
        self._width = len(first) if first.startswith("0") else 1
        self._letters = ""
        if first in letters and last in letters and len(first) == len(last) == 1:
            self._letters = letters
            first, last = str(letters.index(first)), str(letters.index(last))
        if not all(part.isascii() and part.isdecimal() for part in (first, last, step)) or not int(step[:20]):
            raise BadInput(position.fault(f"'{pattern}': {_FORM}"))
        if max(len(first), len(last), len(step)) > len(str(2**63)):
            raise BadInput(position.fault(f"'{pattern}' expands to more hosts than the limit: {MAX_HOSTS}"))
        self._numbers = range(int(first), int(last) + 1, int(step))
        if not self._numbers:
            raise BadInput(
                position.fault(f"'[{text}]' expands to 0 hosts; the first value is above the last")
            )

    @property
    def count(self) -> int:
        """The number of names; ``len`` has a limit."""
        return (self._numbers[-1] - self._numbers[0]) // self._numbers.step + 1

    def __iter__(self) -> Iterator[str]:
        for number in self._numbers:
            yield self._letters[number] if self._letters else f"{number:0{self._width}d}"


def _combine(texts: list[str], sequences: list[_Sequence]) -> Iterator[str]:
    if not sequences:
        yield texts[0]
        return
    for name in sequences[0]:
        for rest in _combine(texts[1:], sequences[1:]):
            yield f"{texts[0]}{name}{rest}"


def is_host(text: str) -> bool:
    """Whether Ansible takes a text before a port for a host: a name or an address, possibly with ranges."""
    if _HOST_NAME.fullmatch(text):
        return True
    try:
        ipaddress.ip_address(_RANGE.sub("1", text))
    except ValueError:
        return False
    return True
