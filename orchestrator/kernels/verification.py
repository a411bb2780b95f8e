"""Is the kernel that runs the one that was asked for? Asked before a boot's first trial; else there is no number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a kernel before it runs; an empty text is not known and not asked for.

    :ivar build_id: GNU build id, hex; other code has another one.
    :ivar config_hash: SHA-256 (hex) of its configuration.
    :ivar command_line: words that must be among those it was started with.
    :ivar kernel_hash: of all it is made of; the release of a kernel that we built ends with it.
    :ivar patches: names of the patches in it.
    :ivar recipe: name of the recipe it was built from; ``source``: what the patches were applied to; ``config``: what
        its configuration was made of; ``compiler``: with its version.
    """

    release: str = ""
    build_id: str = ""
    config_hash: str = ""
    command_line: tuple[str, ...] = ()
    kernel_hash: str = ""
    patches: tuple[str, ...] = ()
    recipe: str = ""
    source: str = ""
    config: str = ""
    compiler: str = ""


class Running(Protocol):
    """What a host tells of its kernel; an empty text where it does not tell."""

    @property
    def release(self) -> str: ...  # noqa: D102
    @property
    def build_id(self) -> str: ...  # noqa: D102
    @property
    def config_hash(self) -> str: ...  # noqa: D102
    @property
    def command_line(self) -> str: ...  # noqa: D102
    @property
    def boot_id(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was compared."""

    what: str
    expected: str
    found: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.what} is {self.found or 'not told'}, not {self.expected}"


@dataclass(frozen=True, slots=True)
class Verification:
    """All that was compared, in order."""

    checks: tuple[Check, ...]

    @property
    def mismatches(self) -> str:
        """What does not hold, in words; empty where all holds."""
        return "; ".join(str(check) for check in self.checks if not check.holds)

    @property
    def document(self) -> list[dict[str, Any]]:
        """The same as plain data."""
        return [asdict(check) for check in self.checks]


def verify(identity: Identity, running: Running, earlier_boots: frozenset[str] = frozenset()) -> Verification:
    """Compare what a kernel should be with what runs.

    :param earlier_boots: boot ids that must not come again, as the host was booted since.
    """
    return Verification(tuple(_checks(identity, running, earlier_boots)))


def _checks(identity: Identity, running: Running, earlier_boots: frozenset[str]) -> Iterator[Check]:
    if earlier_boots:
        yield Check("boot id", "new", running.boot_id, running.boot_id not in earlier_boots)
    for what, expected, found in (
        ("release", identity.release, running.release),
        ("build id", identity.build_id, running.build_id),
    ):
        if expected:
            yield Check(what, expected, found, found == expected)
    if identity.config_hash and running.config_hash:  # a kernel without IKCONFIG_PROC does not tell
        holds = running.config_hash == identity.config_hash
        yield Check("configuration", identity.config_hash, running.config_hash, holds)
    words = running.command_line.split()
    for word in identity.command_line:
        yield Check("command line", word, running.command_line, word in words)
