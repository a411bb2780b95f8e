"""Replace secrets, names of hosts and users, and addresses in a bundle by placeholders.

First all files are searched for such names. Then every occurrence of a name is replaced by the same placeholder.

A name that the program's own files also contain, such as a host ``vm``, is public. Replacing it inside words would
break ``vm.stat_interval``, so it is replaced only as a whole word, and not as a key of JSON or YAML: a host may be
called ``controller``, as a key of the manifest is. The program's own files are never changed.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from msgspec import Struct, field

from orchestrator.bundle import secrets
from orchestrator.errors import BadInput
from orchestrator.results import codec, journal

Kind = Literal["secret", "host", "user", "address", "person", "word"]

_WHOLE = 64 << 20
"""Files up to this size (bytes) are read whole, larger ones line by line."""

_SHORTEST_SECRET = 4
_SHORTEST_BASE64 = 6
"""A shorter piece of base64 may be a part of any word."""

_PLACEHOLDERS: dict[Kind, Callable[[int], str]] = {
    "secret": lambda n: f"secret-{n}",
    "host": lambda n: f"host-{n}",
    "user": lambda n: f"user-{n}",
    "person": lambda n: f"person-{n}@example.invalid",
    "word": lambda n: f"word-{n}",
}

_ESCAPE = rb"(?<=\\[nrt])"
"""What precedes a word after a line end or a tab in a string of JSON: a letter that is no part of the word."""
_HOME = re.compile(rb"/(?:home|Users)/([A-Za-z0-9_][\w.-]*)")
_MAIL = re.compile(
    rb"(?:(?<![\w.+-])(?!(?<=\\)[nrt])|"
    + _ESCAPE
    + rb")[.+-]*([A-Za-z0-9_][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})"
)
_IPV4 = re.compile(rb"(?:(?<![\w.])|" + _ESCAPE + rb")(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(rb"(?:(?<![\w:.])|" + _ESCAPE + rb")(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_PORT = re.compile(r"(\[.+\]|[^:]+):\d+")
_NUMBERS = re.compile(r"[\d.:]*")
_MAC = re.compile(rb"(?:(?<![\w:])|" + _ESCAPE + rb")(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])")
_WITH_KEYS = frozenset({".json", ".jsonl", ".yaml", ".yml"})
_END_OF_JSON_KEY = re.compile(rb"\\?\"\s*:")
_END_OF_YAML_KEY = re.compile(rb"\s*:(?:\s|\\n|$)")
_START_OF_YAML_KEY = re.compile(rb"(?:^|\n|\\n)[ {-]*$")
"""YAML is also found in a string of JSON, with ``\\n`` at the end of each line."""
_DEEPEST = 80


class Scrubber(Struct):
    """Collects names, then replaces them.

    :param program_text: content of the program's own files; names in it are public.
    :param not_addresses: words that look like addresses, such as versions of packages.
    """

    program_text: bytes
    not_addresses: frozenset[bytes] = frozenset()
    placeholders: dict[bytes, bytes] = field(default_factory=dict)
    _kinds: dict[bytes, Kind] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _public: dict[bytes, bool] = field(default_factory=dict)
    _pattern: re.Pattern[bytes] | None = None
    _names: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, kind: Kind, name: str | bytes) -> None:
        """Assign a placeholder to a name, unless it has one. That of an address is an address of the same family."""
        raw = name if isinstance(name, bytes) else name.encode()
        if not raw or raw in self.placeholders:
            return
        self._kinds[raw] = kind
        self._counts[kind] += 1
        number = self._counts[kind]
        text = _address_for(raw, number) if kind == "address" else _PLACEHOLDERS[kind](number)
        self.placeholders[raw] = text.encode()
        self._pattern = None

    def add_host(self, name: str) -> None:
        """Assign placeholders to the user and the host of ``[user@]host[:port]``, and to the host's first label."""
        user, _, host = name.rpartition("@")
        with_port = _PORT.fullmatch(host)
        host = (with_port[1] if with_port else host).strip("[]")
        if user and user != "root":
            self.add("user", user)
        if _is_address(host.encode()):
            self.add("address", host)
        elif not _NUMBERS.fullmatch(host):
            self.add("host", host)
            self.add("host", host.split(".")[0])

    def collect(self, path: Path) -> None:
        """Assign placeholders to the names in a file."""
        for text in _texts(path):
            for secret in secrets.find(text):
                if self._is_secret(secret):
                    self.add("secret", secret)
            for match in _MAIL.finditer(text):
                if not self._is_public(match[1]):
                    self.add("person", match[1])
            for match in _HOME.finditer(text):
                self.add("user", match[1])
            for pattern in (_MAC, _IPV4, _IPV6):
                for match in pattern.finditer(text):
                    if self._is_private(match[0]):
                        self.add("address", match[0])

    def replace_in(self, path: Path) -> bool:
        """Replace names in a file; return whether it changed. Binary files are not changed."""
        if b"\0" in next(_texts(path), b""):
            return False
        changed = False
        written = path.with_name(f"{path.name}.scrubbed")
        with written.open("wb") as stream:
            keys = path.suffix in _WITH_KEYS
            for text in _texts(path):
                if path.name == journal.FILE:
                    lines = text.splitlines(keepends=True)
                    replaced = b"".join(codec.reseal(self.replace(line, keys=keys), line) for line in lines)
                else:
                    replaced = self.replace(text, keys=keys)
                changed |= replaced != text
                stream.write(replaced)
        if changed:
            written.chmod(path.stat().st_mode & 0o777)
            written.replace(path)
        else:
            written.unlink()
        return changed

    def replace(self, text: bytes, *, keys: bool = False) -> bytes:
        """Return the text with every name replaced.

        :param keys: the text is JSON or YAML; public names stay where they are keys of mappings.
        """
        if not self.placeholders:
            return text

        def placeholder(match: re.Match[bytes]) -> bytes:
            name = self._names[match[0]]
            return match[0] if keys and self._is_public(name) and _is_key(match) else self.placeholders[name]

        return self._compiled().sub(placeholder, text)

    def leftovers(self, folder: Path, files: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
        """Yield each file that still contains a name, in its bytes or its path below ``folder``, and that name.

        Public names are not searched for.
        """
        names = [name for name in self.placeholders if not self._is_public(name)]
        if not names:
            return
        pattern = re.compile(b"|".join(self._alternative(name) for name in names))
        for path in files:
            for text in (path.relative_to(folder).as_posix().encode(), *_texts(path)):
                if match := pattern.search(text):
                    yield path, match[0]
                    break

    @property
    def counts(self) -> dict[str, int]:
        """Number of names by kind."""
        return dict(sorted(self._counts.items()))

    @property
    def public_names(self) -> list[str]:
        """Names that the program's own files contain; they are replaced only as whole words."""
        return sorted(name.decode(errors="replace") for name in self.placeholders if self._is_public(name))

    def _is_secret(self, value: bytes) -> bool:
        if len(value) < _SHORTEST_SECRET or not secrets.may_be_secret(value):
            return False
        as_word = re.compile(rb"(?<!\w)" + re.escape(value) + rb"(?!\w)")
        return not (self._is_public(value) and as_word.search(self.program_text))

    def _is_private(self, address: bytes) -> bool:
        return address not in self.not_addresses and _is_address(address) and not self._is_public(address)

    def _is_public(self, name: bytes) -> bool:
        """Whether the program's own files contain the name."""
        if name not in self._public:
            self._public[name] = name in self.program_text
        return self._public[name]

    def _compiled(self) -> re.Pattern[bytes]:
        if self._pattern is None:
            longest_first = sorted(self.placeholders, key=lambda name: (-len(name), name))
            self._names = {spelling: name for name in longest_first for spelling in self._spellings(name)}
            self._names |= {name: name for name in longest_first}
            self._pattern = re.compile(b"|".join(self._alternative(name) for name in longest_first))
        return self._pattern

    def _spellings(self, name: bytes) -> list[bytes]:
        """Return how a name is written in texts, JSON and URLs; secrets and words of the user also in base64."""
        text = name.decode(errors="replace")
        in_json = (json.dumps(text, ensure_ascii=escaped)[1:-1].encode() for escaped in (True, False))
        in_base64 = _in_base64(name) if self._kinds[name] in ("secret", "word") else ()
        return list(dict.fromkeys((name, *in_json, quote(name, safe="").encode(), *in_base64)))

    def _alternative(self, name: bytes) -> bytes:
        spellings = b"|".join(map(re.escape, self._spellings(name)))
        if _is_address(name):
            return rb"(?:(?<![\w.:])|" + _ESCAPE + rb")(?:" + spellings + rb")(?![\w:]|\.\d)"
        if not self._is_public(name):
            return rb"(?:" + spellings + rb")"
        if self._kinds[name] == "user":
            return (
                rb"(?:(?<=/home/)|(?<=/Users/))(?:"
                + spellings
                + rb")(?![\w-])|(?<![\w./-])(?:"
                + spellings
                + rb")(?=@)"
            )
        return rb"(?:(?<![\w./-])|(?<=//)|(?<=@)|" + _ESCAPE + rb")(?:" + spellings + rb")(?![\w-]|\.\w)"


def refuse_leftovers(scrubber: Scrubber, folder: Path, files: Iterable[Path]) -> None:
    """Raise ``BadInput`` if a file still contains a name; only binary files can."""
    messages = [
        f"{path.relative_to(folder)}: contains {name.decode(errors='replace')!r}, which cannot be scrubbed"
        for path, name in scrubber.leftovers(folder, files)
    ]
    if messages:
        raise BadInput(*messages)


def _texts(path: Path) -> Iterator[bytes]:
    """Yield the content of a file, whole or line by line."""
    if path.stat().st_size <= _WHOLE:
        yield path.read_bytes()
        return
    with path.open("rb") as stream:
        yield from stream


def _in_base64(name: bytes) -> Iterator[bytes]:
    """Yield what is in the base64 of every text with the name: three spellings, as three bytes become four letters."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + name)
        certain = encoded[-(-before * 8 // 6) : (before + len(name)) * 8 // 6]
        if len(certain) >= _SHORTEST_BASE64:
            yield certain


def _is_key(match: re.Match[bytes]) -> bool:
    """Whether a match is the key of a mapping, in JSON or YAML."""
    text, start, end = match.string, match.start(), match.end()
    if _END_OF_JSON_KEY.match(text, end):
        return True
    before = text[max(0, start - _DEEPEST) : start]
    return bool(_END_OF_YAML_KEY.match(text, end) and _START_OF_YAML_KEY.search(before))


def _is_address(text: bytes) -> bool:
    """Whether this is the address of one machine, not one that every machine has."""
    if _MAC.fullmatch(text):
        return text.lower() not in (b"00:00:00:00:00:00", b"ff:ff:ff:ff:ff:ff")
    try:
        address = ipaddress.ip_address(text.decode())
    except ValueError:
        return False
    netmask = text.startswith((b"255.", b"0."))
    return not (netmask or address.is_loopback or address.is_unspecified or address.is_multicast)


def _address_for(text: bytes, number: int) -> str:
    """Return a reserved address: RFC 2544 (benchmarks), RFC 3849 (documentation) or a locally administered MAC."""
    low, middle, high = number & 255, number >> 8 & 255, number >> 16 & 255
    if _MAC.fullmatch(text):
        return f"02:00:00:{high:02x}:{middle:02x}:{low:02x}"
    if b":" in text:
        return f"2001:db8::{number:x}"
    return f"198.{18 + high % 2}.{middle}.{low}"
