"""Published figures: the datasets of ``results/reference/reference-results.yaml`` (see the README there)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from orchestrator.documents.document import read_file
from orchestrator.documents.expressions import Value
from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean

_PACKAGE = Path(__file__).resolve().parents[1]


class Dataset(Struct, frozen=True):
    """One published table.

    :ivar source: author, list, date and message id, in one line.
    :ivar unit: unit of the figures, as in the source.
    :ivar method: how the figures were measured.
    :ivar notes: caveats for comparisons with these figures.
    :ivar rows: values in the order of ``columns``; None: not applicable or not stated.
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
        """Return the values of a column. Raises ``BadInput`` with the closest name if there is none."""
        if name not in self.columns:
            raise BadInput(f"'{self.name}' has no column '{name}'; {did_you_mean(name, self.columns)}")
        return tuple(row[self.columns.index(name)] for row in self.rows)

    def matching(self, values: Mapping[str, Value]) -> list[int]:
        """Return the indices of the rows with these values by column; a value that is not stated matches any."""
        expected = {self.columns.index(name): value for name, value in values.items()}
        return [
            index
            for index, row in enumerate(self.rows)
            if all(row[column] in (None, value) for column, value in expected.items())
        ]


def find_dataset(name: str) -> Dataset:
    """Return the dataset with this name. Raises ``BadInput`` with the closest name if there is none."""
    datasets = _datasets()
    if name not in datasets:
        raise BadInput(f"dataset '{name}' not found; {did_you_mean(name, datasets)}")
    content = datasets[name]
    source = content["source"]
    origin = (source["author"], source["list"], source["date"], source["message_id"])
    return Dataset(
        name=name,
        source=", ".join(str(part) for part in origin if part),
        machine=str(content["machine"]["cpu"]),
        kernel=str(content["kernel"] or "not stated"),
        unit=content["unit"],
        method=str(content.get("method") or "not stated"),
        notes=tuple(content.get("notes", ())),
        columns=tuple(content["columns"]),
        rows=tuple(map(tuple, content["rows"])),
    )


@cache
def _datasets() -> dict[str, dict[str, Any]]:
    installed = _PACKAGE / "share" / "reference"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "results" / "reference"
    datasets = read_file(folder / "reference-results.yaml").data()["datasets"]
    return {dataset["id"]: dataset for dataset in datasets}
