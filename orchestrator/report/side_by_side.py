"""Several runs side by side, as data: the cells of all runs, matched by their levels, and how the runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from string import ascii_uppercase

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.analysis.pairs import Key, key
from orchestrator.analysis.summary import CellSummary, Estimate
from orchestrator.errors import BadInput
from orchestrator.experiment.factors import KERNEL
from orchestrator.nearest import did_you_mean
from orchestrator.report import caveats, setup, text
from orchestrator.report.machines import differences as machine_differences
from orchestrator.report.model import Report, open_report
from orchestrator.results.records import MetricInfo
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import Verification
from orchestrator.units import conversion, plural

MOST = len(ascii_uppercase)
"""Most runs; each has a letter."""


class Column(Struct, frozen=True):
    """One run.

    :ivar letter: names the run in tables and notes.
    :ivar planned: number of trials of its plan; ``ok``: of those that are ok.
    """

    letter: str
    run: str
    experiment: str
    content_hash: str
    started: str
    planned: int
    ok: int
    complete: bool


class Cell(Struct, frozen=True):
    """One cell in one environment.

    :ivar factors: the levels, without those of a kernel that has no part in the match.
    :ivar found: the cell in each run, None where the run has no such cell.
    """

    factors: Mapping[str, str]
    environment: str
    found: tuple[CellSummary | None, ...]


class SideBySide(Struct, frozen=True):
    """Several runs.

    :ivar metrics: those that are shown, in the unit of the first run that has them.
    :ivar factors: names of all factors of the cells, in the order of the plans.
    :ivar cells: in the order of the plan of the first run, then those that only later ones have.
    :ivar differences: what differs between the runs, by name: one value for each run.
    :ivar notes: sentences on machines that differ, on figures that were converted or are missing, and on what makes
        those of a run doubtful.
    """

    columns: tuple[Column, ...]
    metrics: tuple[MetricInfo, ...]
    factors: tuple[str, ...]
    cells: tuple[Cell, ...]
    environments: Mapping[str, str]
    differences: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


def read(results: Path, runs: Sequence[RunFolder], metric_names: Sequence[str]) -> SideBySide:
    """Summarise runs side by side; by default with the headline metric of the first.

    Cells are matched as ``compare`` does: by their levels and environment, and by the kernel only if a run has several.
    Raises ``BadInput`` for a run that is given twice, an unknown metric, and units that cannot be converted.
    """
    if len(runs) > MOST:
        raise BadInput(f"{len(runs)} runs side by side; at most {MOST} fit")
    with ExitStack() as stack:
        reports = [stack.enter_context(open_report(results, run)) for run in runs]
        _check_distinct(runs, reports)
        columns = tuple(map(_column, ascii_uppercase, reports))
        metrics = tuple(_metrics(columns, reports, metric_names))
        ignored = [KERNEL] if all(_has_one_kernel(report) for report in reports) else []
        cells = tuple(_cells(reports, metrics, ignored))
        factors = dict.fromkeys(name for report in reports for name in report.factors if name not in ignored)
        return SideBySide(
            columns=columns,
            metrics=metrics,
            factors=tuple(name for name in factors if any(name in cell.factors for cell in cells)),
            cells=cells,
            environments={name: words for report in reports for name, words in report.environments.items()},
            differences=dict(_differences(reports)),
            notes=tuple(_notes(columns, reports, metrics)),
        )


def _check_distinct(runs: Sequence[RunFolder], reports: Sequence[Report]) -> None:
    seen: dict[str, Path] = {}
    for run, report in zip(runs, reports, strict=True):
        first = seen.setdefault(report.opening.run, run.path)
        if first is not run.path:
            copy = "" if first == run.path else f" ({run.path} is a copy of {first})"
            raise BadInput(f"run {report.opening.run} is given twice{copy}; give each run once")


def _column(letter: str, report: Report) -> Column:
    opening = report.opening
    ok = report.statuses.get("ok", 0)
    return Column(
        *(letter, opening.run, opening.experiment, opening.content_hash, opening.time, opening.trials, ok),
        complete=report.complete,
    )


def _has_one_kernel(report: Report) -> bool:
    return len({cell.factors.get(KERNEL) for cell in report.cells}) < 2


def _metrics(
    columns: Sequence[Column], reports: Sequence[Report], names: Sequence[str]
) -> Iterator[MetricInfo]:
    known: dict[str, tuple[Column, MetricInfo]] = {}
    for column, report in zip(columns, reports, strict=True):
        for metric in report.opening.metrics:
            first, reference = known.setdefault(metric.name, (column, metric))
            wanted = metric.name in (names or [reports[0].opening.headline])
            if wanted and conversion(metric.unit, reference.unit) is None:
                raise BadInput(
                    f"metric {metric.name}: the unit is {reference.unit or 'not given'} in run {first.run}, "
                    f"{metric.unit or 'not given'} in run {column.run}"
                )
    for name in dict.fromkeys(names or [reports[0].opening.headline]):
        if name not in known:
            raise BadInput(f"--metric {name}: no such metric in these runs; {did_you_mean(name, known)}")
        yield known[name][1]


def _cells(
    reports: Sequence[Report], metrics: Sequence[MetricInfo], ignored: Sequence[str]
) -> Iterator[Cell]:
    """Yield the cells of all runs. Those of one run with the same levels are matched in their order."""
    found: dict[tuple[Key, int], list[CellSummary | None]] = {}
    for index, report in enumerate(reports):
        times: dict[Key, int] = {}
        for cell in report.cells:
            identity = key(cell.factors, ignored, cell.environment)
            times[identity] = times.get(identity, 0) + 1
            row = found.setdefault((identity, times[identity]), [None] * len(reports))
            row[index] = _converted(cell, metrics)
    for ((levels, environment), _), row in found.items():
        yield Cell(dict(levels), environment, tuple(row))


def _converted(cell: CellSummary, metrics: Sequence[MetricInfo]) -> CellSummary:
    """Return a cell with the figures that are shown, in the unit that is shown."""
    units = {metric.name: metric.unit for metric in metrics}
    shown = (_scaled(each, units[each.metric]) for each in cell.estimates if each.metric in units)
    return replace(cell, estimates=tuple(shown))


def _scaled(figure: Estimate, unit: str) -> Estimate:
    factor = conversion(figure.unit, unit)
    if factor is None or figure.unit == unit:
        return figure
    interval, spread = figure.interval, figure.spread
    if interval is not None:
        interval = replace(interval, low=interval.low * factor, high=interval.high * factor)
    if spread.value is not None:
        spread = replace(spread, value=spread.value * factor)
    return replace(
        figure,
        unit=unit,
        median=figure.median * factor,
        minimum=figure.minimum * factor,
        maximum=figure.maximum * factor,
        interval=interval,
        spread=spread,
    )


def _differences(reports: Sequence[Report]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what differs between the runs, with one value for each run."""
    traits = {
        "experiment": [report.opening.experiment for report in reports],
        "content hash": [report.opening.content_hash[:12] for report in reports],
        "environment": [", ".join(report.environments) or text.NOTHING for report in reports],
        "kernel": [_kernels(report) for report in reports],
        "program": [_programs(report) for report in reports],
        "repetitions": [_repetitions(report) for report in reports],
        "orchestrator": [setup.version(report) for report in reports],
    }
    for name, values in traits.items():
        if len(set(values)) > 1:
            yield name, tuple(text.plain(value) for value in values)


def _kernels(report: Report) -> str:
    names = dict.fromkeys(cell.factors[KERNEL] for cell in report.cells if KERNEL in cell.factors)
    words = []
    for name in names:
        release, digest = report.kernels.get(name, ""), report.kernel_hashes.get(name, "")[:12]
        details = ", ".join(filter(None, [release, digest]))
        words.append(f"{name} ({details})" if details else name)
    return " and ".join(words) or text.NOTHING


def _programs(report: Report) -> str:
    """Name the programs of trials with their hashes."""
    hashes = report.provenance.program_hashes if report.provenance else {}
    return ", ".join(f"{name} (SHA-256 {digest[:12]})" for name, digest in hashes.items()) or text.NOTHING


def _repetitions(report: Report) -> str:
    planned = report.opening.repetitions
    if planned is None:
        return "not recorded"
    at_most = "at most " if planned.until else ""
    return f"{at_most}{plural(planned.count, 'trial')} in {plural(planned.boots, 'boot')}"


def _notes(
    columns: Sequence[Column], reports: Sequence[Report], metrics: Sequence[MetricInfo]
) -> Iterator[str]:
    if machines := machine_differences(
        (f"{block.host} of {column.letter}", block)
        for column, report in zip(columns, reports, strict=True)
        if report.opening.fleet != "replicate"
        for block in report.blocks
    ):
        yield text.plain(machines, 2000)
    for metric in metrics:
        for column, report in zip(columns, reports, strict=True):
            units = {known.name: known.unit for known in report.opening.metrics}
            if metric.name not in units:
                yield f"{column.letter} has no metric {metric.name}."
            elif units[metric.name] != metric.unit:
                yield f"{metric.name} of {column.letter}: converted from {units[metric.name]}."
    for column in columns:
        if not column.complete:
            yield f"{column.letter} is not complete."
    yield from caveats.by_name(
        (column.letter, caveats.of_run(report.opening, report.damage, _verifications(report)))
        for column, report in zip(columns, reports, strict=True)
    )


def _verifications(report: Report) -> Iterator[Verification | None]:
    return (cell.verification for cell in report.cells if cell.n)
