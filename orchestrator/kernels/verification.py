"""Verify before the first trial of a boot that the running kernel is the requested one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from msgspec import Struct, field, to_builtins


class Identity(Struct, frozen=True):
    """The expected properties of a kernel. Empty values are unknown and not checked.

    :ivar build_id: GNU build id (hex).
    :ivar config_hash: SHA-256 (hex) of the configuration.
    :ivar command_line: words that the kernel command line must contain.
    :ivar kernel_hash: hash of the ingredients; the release of a kernel from a recipe ends with it.
    :ivar patches: names of the patches.
    :ivar recipe: name of the recipe.
    :ivar source: the source without the patches; ``config``: a summary of the configuration; ``compiler``: with its
        version.
    :ivar package: where a Debian package is from, see :func:`~orchestrator.kernels.debian_package.origin`.
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
    package: Mapping[str, Any] = field(default_factory=dict)


class RunningKernel(Protocol):
    """The properties of the running kernel of a host. Empty values are unknown."""

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


class Check(Struct, frozen=True):
    """One property and the result of its comparison."""

    what: str
    expected: str
    found: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.what} is {self.found or 'unknown'}, not {self.expected}"


class Verification(Struct, frozen=True):
    """The result of a verification: all checks, in order."""

    checks: tuple[Check, ...]

    @property
    def mismatches(self) -> str:
        """The failed checks as text; empty if all checks passed."""
        return "; ".join(str(check) for check in self.checks if not check.holds)

    @property
    def document(self) -> list[dict[str, Any]]:
        """The checks as plain data."""
        return [to_builtins(check) for check in self.checks]


def verify(
    identity: Identity, running: RunningKernel, earlier_boots: frozenset[str] = frozenset()
) -> Verification:
    """Compare the expected identity with the running kernel.

    :param earlier_boots: boot ids of earlier boots; the current boot id must differ.
    """
    return Verification(tuple(_checks(identity, running, earlier_boots)))


def _checks(identity: Identity, running: RunningKernel, earlier_boots: frozenset[str]) -> Iterator[Check]:
    if earlier_boots:
        yield Check("boot id", "new", running.boot_id, running.boot_id not in earlier_boots)
    for what, expected, found in (
        ("release", identity.release, running.release),
        ("build id", identity.build_id, running.build_id),
    ):
        if expected:
            yield Check(what, expected, found, found == expected)
    if identity.config_hash and running.config_hash:  # empty without CONFIG_IKCONFIG_PROC
        holds = running.config_hash == identity.config_hash
        yield Check("configuration", identity.config_hash, running.config_hash, holds)
    words = running.command_line.split()
    for word in identity.command_line:
        yield Check("command line", word, running.command_line, word in words)
