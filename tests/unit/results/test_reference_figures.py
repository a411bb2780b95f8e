"""The published figures are well-formed: every row fits its columns, every dataset names its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).parents[3] / "results" / "reference" / "reference-results.yaml"
DATASETS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["datasets"]


def test_each_dataset_has_a_name_of_its_own() -> None:
    assert len({dataset["id"] for dataset in DATASETS}) == len(DATASETS) > 0


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset["id"])
def test_rows_fit_their_columns_and_the_source_is_named(dataset: dict[str, Any]) -> None:
    assert {len(row) for row in dataset["rows"]} == {len(dataset["columns"])}
    assert dataset["unit"]
    for key in ("author", "date", "subject", "read"):
        assert dataset["source"][key], key


def test_the_unit_check_of_the_file_holds() -> None:
    (row,) = [
        row for row in _rows("mel-reply-2017-x86_64") if row["pages"] == 1 and row["mechanism"] == "parallel"
    ]
    assert row["page_bytes"] / 2**30 / (row["time_us"] / 1e6) == pytest.approx(row["value"], abs=0.01)


def _rows(identity: str) -> list[dict[str, Any]]:
    (dataset,) = [dataset for dataset in DATASETS if dataset["id"] == identity]
    return [dict(zip(dataset["columns"], row, strict=True)) for row in dataset["rows"]]
