"""Published figures: the datasets of ``results/reference/reference-results.yaml``, described there in its README."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.documents.document import read_file
from orchestrator.documents.expressions import Value
from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Dataset:
    """One published table.

    :ivar source: who published it where and when, in one line.
    :ivar unit: of its figures, as the source writes it.
    :ivar method: how they were taken; ``notes``: what a reader must know before comparing with them.
    :ivar rows: values in the order of ``columns``; None is not applicable or not stated.
    """

    name: str
    source: str
    machine: str
    kernel: str
    unit: str
    method: str
    notes: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Value | None, ...], ...]

    def column(self, name: str) -> tuple[Value | None, ...]:
        """Return the values of a column. Raises ``BadInput`` that names the nearest column there is."""
        if name not in self.columns:
            raise BadInput(f"'{self.name}' has no column '{name}'; {did_you_mean(name, self.columns)}")
        return tuple(row[self.columns.index(name)] for row in self.rows)

    def matching(self, wanted: Mapping[str, Value]) -> list[int]:
        """Return the rows that have these values by column; a value that is not stated fits any."""
        places = {self.columns.index(name): value for name, value in wanted.items()}
        return [
            index
            for index, row in enumerate(self.rows)
            if all(row[position] in (None, value) for position, value in places.items())
        ]


def find(name: str) -> Dataset:
    """Return the dataset of this name. Raises ``BadInput`` that names the nearest one there is."""
    known = _datasets()
    if name not in known:
        raise BadInput(f"there is no dataset '{name}' of published figures; {did_you_mean(name, known)}")
    given = known[name]
    source = given["source"]
    told = (source["author"], source["list"], source["date"], source["message_id"])
    return Dataset(
        name=name,
        source=", ".join(str(part) for part in told if part),
        machine=str(given["machine"]["cpu"]),
        kernel=str(given["kernel"] or "not stated"),
        unit=given["unit"],
        method=str(given.get("method") or "not stated"),
        notes=tuple(given.get("notes", ())),
        columns=tuple(given["columns"]),
        rows=tuple(map(tuple, given["rows"])),
    )


@cache
def _datasets() -> dict[str, dict[str, Any]]:
    installed = _PACKAGE / "share" / "reference"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "results" / "reference"
    datasets = read_file(folder / "reference-results.yaml").data()["datasets"]
    return {dataset["id"]: dataset for dataset in datasets}
