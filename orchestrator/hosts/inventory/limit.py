"""``--limit``: hosts that a pattern leaves, by the rules of Ansible.

The parts of a pattern are separated by commas or colons. A part is a host, a group, a wildcard such as ``numa*``, or a
regular expression after ``~``. A subscript such as ``numa[0]`` or ``numa[1:3]`` takes some of the hosts that match.
``&part`` keeps only its hosts and ``!part`` removes them, in any order. ``@file`` has one part per line.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from orchestrator.documents.document import read_string
from orchestrator.errors import BadInput
from orchestrator.hosts.inventory.patterns import is_host, split_port
from orchestrator.hosts.inventory.tree import ALL, UNGROUPED
from orchestrator.nearest import did_you_mean

_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]{1,18})|([0-9]{1,18}):([0-9]{0,18}))\]")
_PART = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_OTHER_OPTION = "to select the first {} cells, use --first {}"
_WILDCARDS = frozenset(".?*[")
_IMPLICIT = frozenset({ALL, UNGROUPED})
_CLOSE = 0.8
"""How alike a word must be to a group that every inventory has: nobody has written its name."""
_TIME_LIMIT_S = 2.0
"""Longest time for one pattern and all names. A sound one takes milliseconds."""


class Limit(Struct, frozen=True):
    """Evaluates patterns.

    :ivar hosts: all hosts, in order; ``groups``: the hosts of each group. ``file``: where they are from, for messages.
    """

    hosts: Sequence[str]
    groups: Mapping[str, Sequence[str]]
    file: str

    def apply(self, names: Iterable[str], text: str) -> tuple[str, ...]:
        """Return those of ``names`` that a pattern leaves; ``BadInput`` if it is invalid, or leaves none."""
        names = tuple(names)
        chosen = self._matching(text)
        left = tuple(name for name in names if name in chosen)
        if not left:
            raise BadInput(f"--limit {text}: leaves no host of {', '.join(names) or 'none'}")
        return left

    def _matching(self, text: str) -> set[str]:
        parts = list(_parts(text))
        plain = [part for part in parts if part[0] not in "!&"] or [ALL]
        chosen = {host for part in plain for host in self._match(part, text)}
        for part in (part for part in parts if part[0] == "&"):
            chosen &= set(self._match(part[1:], text))
        for part in (part for part in parts if part[0] == "!"):
            chosen -= set(self._match(part[1:], text))
        return chosen

    def _match(self, part: str, text: str) -> Sequence[str]:
        """Return the hosts of one part, without its sign."""
        if part in self.hosts:
            return [part]
        found = None if part.startswith("~") else _SUBSCRIPT.fullmatch(part)
        if found is None:
            return self._hosts_of(part, text)
        hosts = self._hosts_of(found[1], text)
        if found[2]:
            index = int(found[2])
            return hosts[index:][:1] if index >= -len(hosts) else []
        return hosts[int(found[3]) : int(found[4]) + 1 if found[4] else None]

    def _hosts_of(self, part: str, text: str) -> list[str]:
        expression = _Expression(part, text)
        groups = {ALL: self.hosts, UNGROUPED: ()} | dict(self.groups)
        matching = [name for name in groups if expression.matches(name)]
        hosts = [host for name in matching for host in groups[name]]
        is_pattern = part.startswith("~") or bool(_WILDCARDS.intersection(part))
        if not matching or is_pattern:
            hosts += [host for host in self.hosts if expression.matches(host)]
        if not hosts and not matching and not _WILDCARDS.intersection(part) and not part.startswith("~"):
            known = {*self.hosts, *groups}
            if not difflib.get_close_matches(part, _IMPLICIT, 1, _CLOSE):
                known -= _IMPLICIT
            hint = _OTHER_OPTION.format(part, part) if part.isdecimal() else did_you_mean(part, known)
            raise BadInput(f"--limit {text}: no host or group '{part}' in {self.file}; {hint}")
        return list(dict.fromkeys(hosts))


def refuse(text: str, provider: str) -> None:
    """Raise ``BadInput``: a provider has no hosts to choose from."""
    hint = f"; {_OTHER_OPTION.format(text, text)}" if text.isdecimal() else ""
    raise BadInput(f"--limit {text}: the {provider} provider does not choose among hosts{hint}")


def _parts(text: str) -> Iterator[str]:
    for part in _split(text):
        if not part.startswith("@"):
            yield part
            continue
        try:
            lines = read_string(Path(part[1:]).expanduser()).splitlines()
        except RuntimeError:
            raise BadInput(f"--limit {text}: {part[1:]}: no such user") from None
        except BadInput as error:
            raise BadInput(f"--limit {text}: {error}") from None
        yield from filter(None, (line.strip() for line in lines))


def _split(text: str) -> list[str]:
    """Split a pattern. A colon also stands in a range, and in an address of IPv6 or with a port."""
    if "," in text:
        return [part for part in (part.strip() for part in text.split(",")) if part]
    if is_host(text) or split_port(text)[1] is not None:
        return [text]
    return _PART.findall(text)


class _Expression:
    """What a part matches. ``re`` defines the language of users' patterns, ``regex`` takes a limit of time."""

    def __init__(self, part: str, text: str) -> None:
        import regex

        self._text = text
        pattern = part[1:] if part.startswith("~") else fnmatch.translate(part)
        try:
            re.compile(pattern)
            self._pattern = regex.compile(pattern)
        except (re.error, regex.error, RecursionError, OverflowError) as error:
            raise BadInput(f"--limit {text}: invalid regular expression '{part[1:]}': {error}") from None
        self._ends = time.monotonic() + _TIME_LIMIT_S

    def matches(self, name: str) -> bool:
        """Whether a name starts with the pattern."""
        left = self._ends - time.monotonic()
        try:
            return self._pattern.match(name, timeout=max(left, 0.001)) is not None
        except TimeoutError:
            raise BadInput(
                f"--limit {self._text}: the regular expression took more than {_TIME_LIMIT_S:g} s"
            ) from None
