"""Stand-ins for what a stranger need not know: secrets, names of hosts and users, addresses.

First all texts are read and names are collected; then each is replaced, everywhere, by the same stand-in. A name that
also stands in the program's own files (a host that is called ``vm``) is no secret, and replacing every occurrence
of it would break words of the kernel and of ours: it is replaced where it stands alone, in what the run has left only.
Files of the program itself are never changed.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from orchestrator.errors import BadInput

Kind = Literal["secret", "host", "user", "address", "person", "word"]

_WHOLE = 64 << 20
"""Bytes up to which a file is read whole; a larger one is read line by line."""

_SHORTEST_SECRET = 4

_STAND_INS: dict[Kind, Callable[[int], str]] = {
    "secret": lambda n: f"secret-{n}",
    "host": lambda n: f"host-{n}",
    "user": lambda n: f"user-{n}",
    "person": lambda n: f"person-{n}@example.invalid",
    "word": lambda n: f"word-{n}",
}

_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
_TOKEN = re.compile(
    rb"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|glpat-[\w-]{20,}|xox[abp]-[\w-]{10,})"
)
_ASSIGNED = re.compile(
    rb"(?i)[\w-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key)"
    rb"\\?[\"']?\s*[:=]\s*\\?[\"']?([^\s\"',;}{\\]+)"
)
_USERINFO = re.compile(rb"://[^/\s:@\"]+:([^/\s@\"]+)@")
_HOME = re.compile(rb"/(?:home|Users)/([A-Za-z0-9_][\w.-]*)")
_MAIL = re.compile(rb"[A-Za-z0-9_][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_IPV4 = re.compile(rb"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(rb"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_PORT = re.compile(r"(\[.+\]|[^:]+):\d+")
_NUMBERS = re.compile(r"[\d.:]*")
_MAC = re.compile(rb"(?<![\w:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])")
_NOT_SECRET = re.compile(rb"(?i)true|false|null|none|no|yes|[{<$%]+.*|\d+")


@dataclass
class Scrubber:
    """Collects names, then replaces them.

    :param own: content of the program's own files: a name in it is no secret.
    :param known: words that look like addresses and are none, such as versions.
    """

    own: bytes
    known: frozenset[bytes] = frozenset()
    stand_ins: dict[bytes, bytes] = field(default_factory=dict)
    _kinds: dict[bytes, Kind] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _public: dict[bytes, bool] = field(default_factory=dict)
    _pattern: re.Pattern[bytes] | None = None

    def add(self, kind: Kind, name: str | bytes) -> None:
        """Give a name a stand-in, if it has none yet; an address keeps its kind."""
        raw = name if isinstance(name, bytes) else name.encode()
        if not raw or raw in self.stand_ins:
            return
        self._kinds[raw] = kind
        self._counts[kind] += 1
        number = self._counts[kind]
        text = _address_for(raw, number) if kind == "address" else _STAND_INS[kind](number)
        self.stand_ins[raw] = text.encode()
        self._pattern = None

    def add_host(self, name: str) -> None:
        """Give a host stand-ins: ``[user@]name[:port]``, the name and its first label; an address if it is one."""
        user, _, place = name.rpartition("@")
        with_port = _PORT.fullmatch(place)
        place = (with_port[1] if with_port else place).strip("[]")
        if user and user != "root":
            self.add("user", user)
        if _is_address(place.encode()):
            self.add("address", place)
        elif not _NUMBERS.fullmatch(place):
            self.add("host", place)
            self.add("host", place.split(".")[0])

    def collect(self, path: Path) -> None:
        """Look for names in a file."""
        for text in _texts(path):
            for match in _KEY.finditer(text):
                self.add("secret", match[0])
            for match in _TOKEN.finditer(text):
                self.add("secret", match[0])
            for match in (*_ASSIGNED.finditer(text), *_USERINFO.finditer(text)):
                if self._is_secret(match[1]):
                    self.add("secret", match[1])
            for match in _MAIL.finditer(text):
                if not self._is_public(match[0]):
                    self.add("person", match[0])
            for match in _HOME.finditer(text):
                self.add("user", match[1])
            for pattern in (_MAC, _IPV4, _IPV6):
                for match in pattern.finditer(text):
                    if self._is_private(match[0]):
                        self.add("address", match[0])

    def replace_in(self, path: Path) -> bool:
        """Put the stand-ins into a file; whether that changed it. A file that is no text is left alone."""
        if b"\0" in next(_texts(path), b""):
            return False
        changed = False
        written = path.with_name(f"{path.name}.scrubbed")
        with written.open("wb") as stream:
            for text in _texts(path):
                replaced = self.replace(text)
                changed |= replaced != text
                stream.write(replaced)
        if changed:
            written.chmod(path.stat().st_mode & 0o777)
            written.replace(path)
        else:
            written.unlink()
        return changed

    def replace(self, text: bytes) -> bytes:
        """Return the text with every name replaced."""
        if not self.stand_ins:
            return text
        return self._compiled().sub(lambda match: self.stand_ins[_unescaped(match[0], self.stand_ins)], text)

    def leftovers(self, files: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
        """Yield each file that still holds a name, in its bytes or in what it is called, with that name.

        Names that the program's own files hold too are not looked for.
        """
        names = [name for name in self.stand_ins if not self._is_public(name)]
        if not names:
            return
        pattern = re.compile(b"|".join(self._alternative(name) for name in names))
        for path in files:
            for text in (path.name.encode(), *_texts(path)):
                if found := pattern.search(text):
                    yield path, found[0]
                    break

    @property
    def counts(self) -> dict[str, int]:
        """How many names there are, by kind."""
        return dict(sorted(self._counts.items()))

    @property
    def common(self) -> list[str]:
        """Names that the program's own files hold too, so that only whole words are replaced."""
        return sorted(name.decode(errors="replace") for name in self.stand_ins if self._is_public(name))

    def _is_secret(self, value: bytes) -> bool:
        dull = len(value) < _SHORTEST_SECRET or _NOT_SECRET.fullmatch(value)
        return not dull and not self._is_public(value)

    def _is_private(self, address: bytes) -> bool:
        return address not in self.known and _is_address(address) and not self._is_public(address)

    def _is_public(self, name: bytes) -> bool:
        """Whether the program's own files hold the name."""
        if name not in self._public:
            self._public[name] = name in self.own
        return self._public[name]

    def _compiled(self) -> re.Pattern[bytes]:
        if self._pattern is None:
            longest_first = sorted(self.stand_ins, key=lambda name: (-len(name), name))
            self._pattern = re.compile(b"|".join(self._alternative(name) for name in longest_first))
        return self._pattern

    def _alternative(self, name: bytes) -> bytes:
        escaped = _in_json(name)
        forms = b"|".join(re.escape(form) for form in dict.fromkeys((name, escaped)))
        if _is_address(name):
            return rb"(?<![\w.:])(?:" + forms + rb")(?![\w:]|\.\d)"
        if not self._is_public(name):
            return rb"(?:" + forms + rb")"
        if self._kinds[name] == "user":
            return (
                rb"(?:(?<=/home/)|(?<=/Users/))(?:"
                + forms
                + rb")(?![\w-])|(?<![\w./-])(?:"
                + forms
                + rb")(?=@)"
            )
        return rb"(?:(?<![\w./-])|(?<=//)|(?<=@))(?:" + forms + rb")(?![\w-]|\.\w)"


def refuse_leftovers(scrubber: Scrubber, folder: Path, files: Iterable[Path]) -> None:
    """Raise ``BadInput`` where files, as those that are no text, still hold a name."""
    found = [
        f"{path.relative_to(folder)}: holds {name.decode(errors='replace')!r}, and cannot be scrubbed of it"
        for path, name in scrubber.leftovers(files)
    ]
    if found:
        raise BadInput(*found)


def _texts(path: Path) -> Iterator[bytes]:
    """A file whole, or a very large one line by line."""
    if path.stat().st_size <= _WHOLE:
        yield path.read_bytes()
        return
    with path.open("rb") as stream:
        yield from stream


def _in_json(name: bytes) -> bytes:
    """A name as JSON in ASCII writes it."""
    return json.dumps(name.decode(errors="replace"))[1:-1].encode()


def _unescaped(found: bytes, names: dict[bytes, bytes]) -> bytes:
    return found if found in names else next(name for name in names if _in_json(name) == found)


def _is_address(text: bytes) -> bool:
    """Whether this is an address of a machine, and not one that every machine has."""
    if _MAC.fullmatch(text):
        return text.lower() not in (b"00:00:00:00:00:00", b"ff:ff:ff:ff:ff:ff")
    try:
        address = ipaddress.ip_address(text.decode())
    except ValueError:
        return False
    netmask = text.startswith((b"255.", b"0."))
    return not (netmask or address.is_loopback or address.is_unspecified or address.is_multicast)


def _address_for(text: bytes, number: int) -> str:
    """An address that no machine on the internet has: RFC 2544 (benchmarks), RFC 3849 (documentation), a local MAC."""
    low, middle, high = number & 255, number >> 8 & 255, number >> 16 & 255
    if _MAC.fullmatch(text):
        return f"02:00:00:{high:02x}:{middle:02x}:{low:02x}"
    if b":" in text:
        return f"2001:db8::{number:x}"
    return f"198.{18 + high % 2}.{middle}.{low}"
