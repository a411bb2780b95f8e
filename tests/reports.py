"""Reports of runs, as the command line makes them: opened, rendered and closed again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator import report
from orchestrator.report.model import open_report
from orchestrator.results.records import Record
from orchestrator.results.runs import RunFolder
from tests.run_samples import write


@dataclass(frozen=True)
class Reported:
    """A run to report, its results directory, and the metrics to show."""

    results: Path
    folder: Path
    metrics: tuple[str, ...] = ()


def report_of(folder: Path, found: list[Record], metrics: tuple[str, ...] = ()) -> Reported:
    """Write records as the run in ``folder``."""
    return Reported(folder.parent, write(folder, found), metrics)


def render(run: Reported, format_name: str) -> Any:
    """Return the report of a run in a format: text, or bytes for Parquet."""
    with open_report(run.results, RunFolder(run.folder), run.metrics) as opened:
        return report.render(opened, format_name)
