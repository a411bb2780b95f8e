"""Build a series patch by patch for several architectures, with its option off and on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tools.series.architectures import Target, concerns, to_make
from tools.series.build import Build
from tools.series.diagnostics import Diagnostic, Diagnostics, added

SAME = "="
"""The option is not there yet, or cannot be set: the configuration is that without it."""
NOTHING = "."
"""No file of the patch concerns the architecture."""


class Column:
    """One architecture, with the option off and on.

    :ivar cells: for each patch, how many warnings and errors it adds: (off, on), as text.
    :ivar configuration: the last one with the option on.
    """

    def __init__(self, off: Build, on: Build, touched: Sequence[str], source: Path) -> None:
        self.target: Target = off.target
        self.off = off
        self.on = on
        self.cells: list[tuple[str, str]] = []
        self.configuration: dict[str, str] = {}
        self._touched = touched
        self._source = source
        self._is_on = False
        """Whether this run has built with the option."""
        self._differs = False

    def start(self) -> None:
        """Build the base, which all warnings are compared with."""
        self._differs = self._is_on = self._configure()
        self._make(self.off)
        if self._is_on:
            self._make(self.on)

    def step(self, changed: Sequence[str]) -> Counter[Diagnostic]:
        """Build a patch that changes these files; return what it adds, with the option or without."""
        if not any(concerns(self.target, file) for file in changed):
            self.cells.append((NOTHING, NOTHING if self._differs else SAME))
            return Counter()
        base = dict(self.off.diagnostics)
        before = dict(self.on.diagnostics) if self._is_on else base
        if any("Kconfig" in file for file in changed):
            self._differs = self._configure()
        without = self._added(self.off, base)
        if not self._differs:
            self.cells.append((cell(without), SAME))
            return without
        self._is_on = True
        more = self._added(self.on, before)
        self.cells.append((cell(without), cell(more)))
        return without | more

    def describe(self, diagnostic: Diagnostic) -> str:
        """Return a diagnostic with its place, and whether it is there with the option off, on, or both."""
        places = {name: build.places.get(diagnostic) for name, build in (("off", self.off), ("on", self.on))}
        seen = "+".join(name for name, place in places.items() if place)
        place = places["on"] or places["off"] or diagnostic.file
        return f"{seen}: {place}: {diagnostic.kind}: {diagnostic.text}"

    def _configure(self) -> bool:
        """Make both configurations; return whether they differ."""
        self.configuration = self.on.configure()
        return self.off.configure() != self.configuration

    def _added(self, build: Build, before: Diagnostics) -> Counter[Diagnostic]:
        self._make(build)
        return added(before, build.diagnostics)

    def _make(self, build: Build) -> None:
        names = to_make(self.target, self._touched, self._source)
        if names:
            build.make(names)


def cell(found: Counter[Diagnostic]) -> str:
    """Return warnings as a number, errors behind it: ``0``, ``2``, ``1+1E``."""
    errors = sum(count for diagnostic, count in found.items() if diagnostic.is_error)
    warnings = found.total() - errors
    return f"{warnings}+{errors}E" if errors else str(warnings)
