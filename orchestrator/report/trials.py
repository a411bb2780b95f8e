"""Single trials, for forms that show more than summaries. They are read one at a time: a run may have millions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.report.model import Report
from orchestrator.results.store import TrialRow, open_for


def trials(report: Report, metrics: Sequence[str]) -> Iterator[TrialRow]:
    """Yield every record of a trial in the order of the journal, repeated attempts too, with some of its metrics."""
    with open_for(report.results, report.folder) as store:
        yield from store.trials(store.run(report.folder), metrics)
