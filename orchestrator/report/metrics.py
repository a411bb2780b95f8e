"""The metrics of a run by their names, as ``--metric`` gives them."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean
from orchestrator.results.records import MetricInfo, RunRecord


def find(opening: RunRecord, names: Iterable[str]) -> list[MetricInfo]:
    """Return the metrics of these names, each once; ``BadInput`` names those that are near to one that there is not."""
    known = {metric.name: metric for metric in opening.metrics}
    for name in names:
        if name not in known:
            raise BadInput(
                f"--metric {name}: the run has no such metric; {did_you_mean(name, known)} (all: `metrics` in "
                "`orchestrate report RUN --format json`)"
            )
    return [known[name] for name in dict.fromkeys(names)]
