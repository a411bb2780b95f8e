"""Nearly valid inputs: changes of the bytes, the lines or the values of a valid one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import yaml

from tests.fuzz.target import Mutator

LARGEST = 1 << 18
"""Bytes of an input."""

ODD_TEXTS = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
    b"\xc2\x85",
    b"\xef\xbb\xbf",
    b"\x0b",
    b"\x1c",
    b"\r",
    b"\x1b]52;c;eA==\x07",
    "٣".encode(),
    "𝟙".encode(),
    "é".encode(),
    b"-1",
    b"0",
    b"1e400",
    b"-0",
    b"NaN",
    b"18446744073709551616",
    b"9" * 400,
    b"9" * 5000,
    b"0x",
    b"1_0",
    b"a" * 300,
    b"a" * 5000,
    b"/" * 5000,
    b"../" * 40,
    b"[" * 3000,
    b"{" * 300,
    b'{"a":' * 2000,
    b"(" * 200,
    b"- " * 500,
    b"'",
    b'"',
    b"\\",
    b"`id`",
    b"$(id)",
    b"${HOME}",
    b"%h%n",
    b"{}",
    b"{{",
    b"}}",
    b"{x}",
    b"*",
    b"&a *a",
    b"!!binary",
    b"#",
    b"=",
    b":",
    b",",
    b"|",
    b"..",
    b"~",
    b"-",
    b" ",
    b"\t",
    b"\n",
    b"\n\n",
)

ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    -1,
    0,
    1,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    2**31,
    2**63,
    2**64,
    -(2**63) - 1,
    10**400,
    "",
    " ",
    "\0",
    "\ud800",
    "\x1b[2J",
    "a\nb",
    "\u2028",
    "\u202e",
    "٣",
    "x" * 300,
    "x" * 5000,
    "9" * 5000,
    "../../etc/passwd",
    "/dev/zero",
    "{x}",
    "{",
    "1 + ",
    "0-1048575",
    "999999GiB",
    "1e9999",
    "$(id)",
    "null",
    "<<",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"a": {"a": {"a": 1}}},
)


def text(*tokens: bytes) -> Mutator:
    """Return a mutator of bytes and lines, which knows some words of the format."""

    def mutate(data: bytes, random: Random) -> bytes:
        for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5))):
            step = random.choice((_replace, _replace, _lines, _lines, _repeat, _cut, _flip))
            data = step(data, random, tokens)[:LARGEST]
        return data

    return mutate


def tree(load: Callable[[bytes], Any], dump: Callable[[Any], bytes], keys: Sequence[str] = ()) -> Mutator:
    """Return a mutator of the values in a document; of bytes where the input is no document."""
    otherwise = text(*(key.encode() for key in keys))

    def mutate(data: bytes, random: Random) -> bytes:
        if random.random() < 0.25:
            return otherwise(data, random)
        try:
            document = load(data)
            for _ in range(random.choice((1, 1, 1, 2, 3))):
                document = change_value(document, random, keys)
            return dump(document)[:LARGEST]
        except (ValueError, RecursionError, TypeError, yaml.YAMLError, AttributeError):
            return otherwise(data, random)

    return mutate


def json_document(*keys: str) -> Mutator:
    """Return a mutator of JSON."""
    return tree(json.loads, dump_json, keys)


def yaml_document(*keys: str) -> Mutator:
    """Return a mutator of YAML."""
    return tree(_load_yaml, dump_yaml, keys)


def json_lines(*keys: str) -> Mutator:
    """Return a mutator of lines of JSON: of one of them, or of their order."""
    line, lines = json_document(*keys), text()

    def mutate(data: bytes, random: Random) -> bytes:
        if random.random() < 0.2:
            return lines(data, random)
        parts = data.split(b"\n")
        at = random.randrange(len(parts))
        parts[at] = line(parts[at], random)
        return b"\n".join(parts)[:LARGEST]

    return mutate


def dump_json(document: Any) -> bytes:
    """Return JSON in a line, also of what JSON does not have."""
    return json.dumps(document, separators=(",", ":")).encode("utf-8", "surrogatepass")


def dump_yaml(document: Any) -> bytes:
    """Return YAML."""
    dumper = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
    try:
        return yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True).encode()
    except UnicodeEncodeError:
        return dump_json(document)


def _load_yaml(data: bytes) -> Any:
    return yaml.load(data, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)


def change_value(document: Any, random: Random, keys: Sequence[str]) -> Any:
    """Return a document with one of its values, or keys, changed."""
    document = copy.deepcopy(document)
    places = list(_places(document))
    if not places:
        return random.choice(ODD_VALUES)
    parent, key = random.choice(places)
    kind = random.randrange(9)
    if kind <= 2:
        parent[key] = copy.deepcopy(random.choice(ODD_VALUES))
    elif kind == 3:
        del parent[key]
    elif kind == 4:
        other, name = random.choice(places)
        parent[key] = copy.deepcopy(other.get(name) if isinstance(other, dict) else other[name : name + 1])
    elif kind == 5:
        parent[key] = [parent[key]] * random.choice((0, 1, 2, 50))
    elif kind == 6:
        parent[key] = _nested(parent[key], random.choice((1, 60, 150, 600)), random)
    elif kind == 7:
        parent[key] = _similar(parent[key], random)
    elif isinstance(parent, dict):
        name = random.choice([*keys, *(str(inner) for _, inner in places), "x", "", "\0", "a" * 300])
        parent[name] = parent[key] if random.random() < 0.5 else random.choice(ODD_VALUES)
    else:
        parent.extend(parent[:50])
    return document


def _places(value: Any) -> Any:
    """Yield each value of a document as its parent and its key there."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])


def _nested(value: Any, depth: int, random: Random) -> Any:
    for _ in range(depth):
        value = [value] if random.random() < 0.5 else {"a": value}
    return value


def _similar(value: Any, random: Random) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return random.choice((value + 1, -value, value * 1000, value * 2**64))
    if isinstance(value, float):
        return random.choice((-value, value * 1e300, value / 1e300))
    if isinstance(value, str):
        changed = text()(value.encode("utf-8", "replace"), random)
        return changed.decode("utf-8", "surrogateescape" if random.random() < 0.1 else "replace")
    return random.choice((str(value)[:100], None, [value]))


def _replace(data: bytes, random: Random, tokens: Sequence[bytes]) -> bytes:
    start, end = _span(data, random)
    word = random.choice(tokens) if tokens and random.random() < 0.5 else random.choice(ODD_TEXTS)
    return data[:start] + word + data[end if random.random() < 0.6 else start :]


def _lines(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    kind = random.randrange(4)
    if kind == 0:
        del lines[first]
    elif kind == 1:
        lines[first], lines[second] = lines[second], lines[first]
    elif kind == 2:
        lines.insert(first, lines[second])
    else:
        lines[first:first] = [lines[second]] * random.choice((2, 20, 200))
    return b"\n".join(lines)


def _repeat(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[start:end] * random.choice((2, 10, 1000)) + data[end:]


def _cut(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    start, end = _span(data, random)
    return data[:start] if random.random() < 0.2 else data[:start] + data[end:]


def _flip(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _span(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.choice((0, 1, 2, 5, 10, 20, 100)))
