"""Parquet: every record of a trial, with typed columns, for programs that analyse many trials."""

from __future__ import annotations

import io
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator import timestamps
from orchestrator.errors import BadInput
from orchestrator.extras import installation
from orchestrator.report.model import Report
from orchestrator.results.store import TrialRow

ROWS = 20_000
"""Rows of a row group, which are in memory at a time."""

_TEXTS = ("id", "cell", "status", "reason", "environment", "host", "boot", "label")
_COUNTS = ("repetition", "pages", "pages_on_target", "bytes_checked", "bytes_wrong")
_SWITCHES = ("final", "allowed")
_TIMES = ("started", "ended")
_INTEGER = re.compile("[-+]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[-+]?(?=\.?[0-9])[0-9]*(\.[0-9]*([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)")


def render(report: Report) -> bytes:
    """Return a Parquet file: one row for each record, factors as ``factor.NAME``, metrics as ``metric.NAME``.

    The unit of a metric is in the metadata of its column. Raises ``BadInput`` if pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise BadInput(
            f"--format parquet requires pyarrow; install it with: {installation('parquet')}"
        ) from None
    schema, row = _columns(report, arrow)
    target = io.BytesIO()
    metrics = [metric.name for metric in report.opening.metrics]
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for group in _groups(report.read_trials(metrics)):
            writer.write_table(arrow.Table.from_pylist([row(trial) for trial in group], schema=schema))
    return target.getvalue()


def _groups(rows: Iterator[TrialRow]) -> Iterator[list[TrialRow]]:
    while group := list(itertools.islice(rows, ROWS)):
        yield group


def _columns(report: Report, arrow: Any) -> tuple[Any, Callable[[TrialRow], dict[str, Any]]]:
    """Return the schema, and a function that makes a row of a trial."""
    levels = {cell.cell: cell.factors for cell in report.cells}
    types = {name: _type([factors.get(name) for factors in levels.values()]) for name in report.factors}
    words = {str: arrow.string(), int: arrow.int64(), float: arrow.float64()}
    hashes = report.kernel_hashes
    fields = [arrow.field("run", arrow.string()), arrow.field("kernel_hash", arrow.string())]
    fields += [arrow.field(name, arrow.string()) for name in _TEXTS]
    fields += [arrow.field(name, arrow.int64()) for name in _COUNTS]
    fields += [arrow.field(name, arrow.bool_()) for name in _SWITCHES]
    fields += [arrow.field(name, arrow.timestamp("ms", tz="UTC")) for name in _TIMES]
    fields += [arrow.field(f"factor.{name}", words[kind]) for name, kind in types.items()]
    fields += [
        arrow.field(f"metric.{metric.name}", arrow.float64(), metadata={"unit": metric.unit, "better": metric.better})
        for metric in report.opening.metrics
    ]  # fmt: skip

    def row(trial: TrialRow) -> dict[str, Any]:
        factors = levels.get(trial.cell, {})
        return {
            "run": report.opening.run,
            "kernel_hash": hashes.get(factors.get("kernel", ""), ""),
            **{name: getattr(trial, name) for name in (*_TEXTS, *_COUNTS)},
            **{name: bool(getattr(trial, name)) for name in _SWITCHES},
            **{name: timestamps.read(getattr(trial, name)) for name in _TIMES},
            **_factors(factors, types),
            **{f"metric.{name}": value for name, value in trial.metrics.items()},
        }

    return arrow.schema(fields), row


def _factors(factors: Mapping[str, str], types: Mapping[str, type]) -> dict[str, Any]:
    return {f"factor.{name}": types[name](level) for name, level in factors.items() if name in types}


def _type(levels: Sequence[str | None]) -> type:
    """Return the narrowest of int, float and str that fits all levels."""
    kinds = {_type_of(level) for level in levels if level is not None}
    return next((kind for kind in (str, float) if kind in kinds), int)


def _type_of(level: str) -> type:
    """Return what a level is in a column: words such as ``nan`` are text, and numbers of which digits would be lost."""
    if _INTEGER.fullmatch(level):
        return int if -(2**63) <= int(level) < 2**63 else str
    return float if _DECIMAL.fullmatch(level) and math.isfinite(float(level)) else str
