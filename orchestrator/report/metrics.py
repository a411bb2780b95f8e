"""Metrics of a run by name, as given with ``--metric``."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean
from orchestrator.results.records import MetricInfo, RunRecord


def find(opening: RunRecord, names: Iterable[str]) -> list[MetricInfo]:
    """Return the metrics of these names, each once; ``BadInput`` names the metrics nearest to an unknown one."""
    known = {metric.name: metric for metric in opening.metrics}
    for name in names:
        if name not in known:
            raise BadInput(
                f"--metric {name}: no such metric in this run; {did_you_mean(name, known)} (all: `metrics` in "
                "`orchestrate report RUN --format json`)"
            )
    return [known[name] for name in dict.fromkeys(names)]
