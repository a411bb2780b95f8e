"""Find secrets in texts of any kind: sources, logs, INI, YAML, JSON, and texts within strings of JSON.

Each search takes the time of reading the text, whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_BEGIN = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(rb"-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----")

_TOKEN = re.compile(
    rb"(?:A[KS]IA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abp]-[\w-]{10,})"
)
_USERINFO = re.compile(rb"://[^/\s:@\"]+:([^/\s\"]+)@")
_AUTHORIZATION = re.compile(
    rb"(?:Bearer[ \t]+|(?i:authorization)\\{0,7}[\"']?[ \t]*[:=][ \t]*\\{0,7}[\"']?(?:[A-Za-z]+[ \t]+)?+)"
    rb"([\w.~+/=-]{4,})"
)

_KEY = (
    rb"(?:password|passwd|passphrase|secret(?:[_-]?key)?|token|api[_-]?key|access[_-]?key"
    rb"|(?:ssh|become|sudo|user|db|smtp)_pass)"
)
_ASSIGNED = re.compile(rb"(?i)" + _KEY + rb"(\\{0,7}[\"'])?[ \t]*(?:(:)[=-]?|=>?)(?!=)[ \t]*")
_OPTION = re.compile(rb"(?i)--(?:[a-z]{1,20}-){0,3}" + _KEY + rb"(?:\\{0,7}[\"'])?(?:,\s*|[ \t]+)(?!-)")

_CHARACTER = rb"(?:[^\s\"'\\]|(?<=\w)'(?=\w)|\\[^\snrtu\"'\\])"
_VALUE = re.compile(
    rb"(?P<quote>\\{0,7}[\"'])(?P<quoted>(?:(?P=quote){2}|(?!(?P=quote))(?:\\[^\n]|[^\n\\]))*?)(?P=quote)(?!(?P=quote))"
    rb"|(?:[|>][+-]?)?[ \t]*(?:\r?\n|\\{1,7}n)[ \t]+(?P<below>"
    + _CHARACTER
    + rb"+)(?<!:)[ \t]*(?=\r|\n|\\|\Z)"
)
_LINE = re.compile(rb"(?:\\{0,7}[\"'])?(" + _CHARACTER + rb"+(?:[ \t]+" + _CHARACTER + rb"+)*)")
_LONGEST = 2000
"""Bytes of a value."""
_COMMENT = re.compile(rb"[ \t]#.*")
_WORD = re.compile(rb"\S+")
_FLOW_VALUE = re.compile(rb"[^,}\]]*")
_HEAD = re.compile(rb"[^\s,;&|)}\]]*")
_CLOSING = b" \t,;)}]>"
_LINE_END = re.compile(rb"\n|\\n")
_BEFORE = 500
"""Bytes before a value in which a mapping may begin."""

_TEMPLATE = re.compile(
    rb"\{[{%#].*|\{[\w.: -]*\}?|\$\{.*|\$\(.*|\$[A-Z_][A-Z0-9_]*|%[A-Z_]+%|%\(\w+\)s|<[^<>]*>?|[A-Za-z_][\w.]*\(.*",
    re.DOTALL,
)
"""What something else puts a value into: Jinja, a shell, Python, a reader; and the call of a function."""
_HARMLESS = re.compile(
    rb"(?i)true|false|null|none|no|yes|[*.]+|[-+]?\d{1,6}(?:\.\d+)?[ ]?(?:[num]?s|min|h|[kmgt]i?b?|%)?"
)


def find(text: bytes) -> Iterator[bytes]:
    """Yield all secrets in a text. What is too short for one, or no secret, is left out by :func:`may_be_secret`."""
    yield from _private_keys(text)
    for match in _TOKEN.finditer(text):
        yield match[0]
    for pattern in (_USERINFO, _AUTHORIZATION):
        for match in pattern.finditer(text):
            yield match[1]
    for match in _ASSIGNED.finditer(text):
        is_literal = match[1] is not None or (match[2] is not None and _is_in_mapping(text, match.start()))
        yield from _values(text, match.end(), is_literal=is_literal, is_line=match[2] is not None)
    for match in _OPTION.finditer(text):
        yield from _values(text, match.end(), is_literal=False, is_line=False)


def may_be_secret(value: bytes) -> bool:
    """Whether a value that was assigned to a password may be one: no template, no number of a few digits."""
    return not (_TEMPLATE.fullmatch(value) or _HARMLESS.fullmatch(value))


def _private_keys(text: bytes) -> Iterator[bytes]:
    position = 0
    while (begin := _BEGIN.search(text, position)) and (end := _END.search(text, begin.end())):
        position = end.end()
        yield text[begin.start() : position]


def _values(text: bytes, position: int, *, is_literal: bool, is_line: bool) -> Iterator[bytes]:
    """Yield the value at a position and, if it is not in quotes, also what comes before the first separator.

    :param is_literal: it is one in a mapping of JSON or YAML, and so ends before the next key.
    :param is_line: it may be the rest of the line, as in YAML.
    """
    end = position + _LONGEST
    if match := _VALUE.match(text, position, end):
        yield match["quoted"] if match["below"] is None else match["below"]
        return
    following = _ASSIGNED.search(text, position, end)
    match = _LINE.match(text, position, following.start() if following else end)
    line = _COMMENT.sub(b"", match[1]) if match else b""
    head = _first(_HEAD, line)
    if _TEMPLATE.fullmatch(head) or line.startswith(b"{"):
        return
    whole = line if is_line else _first(_WORD, line)
    yield (_first(_FLOW_VALUE, whole) if is_literal else whole).rstrip(_CLOSING)
    yield head


def _first(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    match = pattern.match(text)
    return match[0] if match else b""


def _is_in_mapping(text: bytes, position: int) -> bool:
    """Whether a mapping in braces has begun in the line."""
    line = _LINE_END.split(text[max(0, position - _BEFORE) : position])[-1]
    return line.count(b"{") > line.count(b"}")
