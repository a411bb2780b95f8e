"""Metrics of a run by name, as given with ``--metric``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from orchestrator.analysis.verdicts import metrics_differ
from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean
from orchestrator.results.records import MetricInfo, RunRecord
from orchestrator.results.store import RunRow


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


def directed(run: RunRow, names: Sequence[str]) -> list[MetricInfo]:
    """Return the metrics of these names, by default the headline; ``BadInput`` for one without a direction."""
    chosen = _named(run, names)
    for metric in chosen:
        _check_direction(metric, f"run {run.id}")
    return chosen


def shared(runs: Sequence[RunRow], names: Sequence[str]) -> list[tuple[MetricInfo, MetricInfo]]:
    """Return the metrics as each of two runs has them. A run that gives no direction takes that of the other.

    Raises ``BadInput`` if the runs disagree on the direction, and if the units cannot be converted.
    """
    opening = runs[1].opening
    assert opening is not None
    known = {metric.name: metric for metric in opening.metrics}
    sides = f"run {runs[0].id}", f"run {runs[1].id}"
    pairs = []
    for metric in _named(runs[0], names):
        other = known.get(metric.name, metric)
        if message := metrics_differ(metric, other, sides):
            raise BadInput(f"metric {metric.name}: {message}; compare runs whose experiments agree on it")
        directed = replace(metric, better=other.better) if metric.better == "neither" else metric
        _check_direction(directed, " and ".join(sides))
        pairs.append((directed, other))
    return pairs


def _named(run: RunRow, names: Sequence[str]) -> list[MetricInfo]:
    assert run.opening is not None
    return find(run.opening, names or [run.opening.headline])


def _check_direction(metric: MetricInfo, runs: str) -> None:
    if metric.better == "neither":
        raise BadInput(
            f"metric {metric.name}: neither higher nor lower is better in {runs}, so there is no verdict; "
            "name another with --metric, or add 'better' to it in the experiment and run again"
        )
