"""The table of ``tools/check-series``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tabulate import tabulate

from tools.series.checkpatch import KINDS
from tools.series.matrix import NOTHING, SAME

LEGEND = (
    f"checkpatch: errors/warnings/checks; builds: new warnings, +NE: and errors; '{NOTHING}' nothing to build, "
    f"'{SAME}' the option changes nothing yet, '-' it cannot be set"
)


@dataclass
class Figures:
    """Figures of each patch of a series.

    :ivar complaints: for each patch, checkpatch's by kind; empty: not run.
    :ivar builds: by architecture, for each patch (off, on).
    :ivar unset: by architecture, options of the series that cannot be set there.
    :ivar sparse: new complaints of sparse; None: not run.
    """

    first: int
    subjects: Sequence[str]
    complaints: list[Counter[str]] = field(default_factory=list)
    builds: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    unset: dict[str, list[str]] = field(default_factory=dict)
    sparse: int | None = None

    @property
    def adds(self) -> bool:
        """Whether some patch adds a warning or an error; checks are a matter of taste."""
        warned = any(count["ERROR"] + count["WARNING"] for count in self.complaints)
        return bool(warned or self.sparse or sum(sum(numbers(cell)) for cell in self._cells()))

    def text(self) -> str:
        """Return the table, and a line with the totals."""
        headers = ["", "patch"]
        columns: list[Sequence[object]] = [
            range(self.first, self.first + len(self.subjects)),
            [subject if len(subject) <= 60 else f"{subject[:57]}..." for subject in self.subjects],
        ]
        if self.complaints:
            headers.append("checkpatch")
            columns.append(["/".join(str(count[kind]) for kind in KINDS) for count in self.complaints])
        for name, cells in self.builds.items():
            off, on = zip(*cells, strict=True)
            headers += [f"{name}\noff", "\non"]
            columns += [off, on if set(on) - {SAME} else ["-"] * len(on)]
        rows = list(zip(*columns, strict=True))
        table = tabulate(rows, headers, tablefmt="plain", disable_numparse=True)
        unset = [f"{name}: not set: {', '.join(options)}" for name, options in self.unset.items() if options]
        return "\n".join((table, LEGEND, *unset, f"total: {self._total()}"))

    def _total(self) -> str:
        parts = [f"{len(self.subjects)} patches"]
        if self.complaints:
            total = sum(self.complaints, Counter[str]())
            parts.append(", ".join(f"{total[kind]} {kind.lower()}s" for kind in KINDS) + " of checkpatch")
        if self.builds:
            warnings, errors = (sum(column) for column in zip(*map(numbers, self._cells()), strict=True))
            parts.append(f"{warnings} warnings and {errors} errors of {2 * len(self.builds)} builds")
        if self.sparse is not None:
            parts.append(f"{self.sparse} of sparse")
        return "; ".join(parts)

    def _cells(self) -> list[str]:
        return [cell for cells in self.builds.values() for pair in cells for cell in pair]


def numbers(cell: str) -> tuple[int, int]:
    """Return the warnings and errors of a cell."""
    if cell in (SAME, NOTHING):
        return 0, 0
    warnings, _, errors = cell.partition("+")
    return int(warnings), int(errors.removesuffix("E") or 0)
