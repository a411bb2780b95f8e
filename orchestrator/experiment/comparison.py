"""The section ``compare``: the baseline of each cell, and the published figures beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.documents.draft import Draft
from orchestrator.documents.expressions import Expression, ExpressionError, Value
from orchestrator.errors import BadInput
from orchestrator.experiment.combinations import Combinations
from orchestrator.experiment.factors import SweepReader, constants
from orchestrator.experiment.levels import level
from orchestrator.experiment.model import Axis, Benchmark, Comparison, Published, PublishedFigure, Sweep
from orchestrator.experiment.published import Dataset, find
from orchestrator.nearest import did_you_mean

_SECTION = ("compare", "published")


class ComparisonReader:
    """Reads the section, and notes its faults: those of its names at once, those of cells in :meth:`comparison`."""

    def __init__(self, draft: Draft, reader: SweepReader, benchmark: Benchmark) -> None:
        self.draft = draft
        self.reader = reader
        self.benchmark = benchmark
        self.metric = self._metric()
        self.baseline = self._baseline()
        self.dataset = self._dataset()
        self.columns = self._columns()
        self.figures = draft.value(*_SECTION, "value", default="value")
        if self.dataset:
            try:
                self.dataset.column(self.figures)
            except BadInput as error:
                self._published_fault(error, "value")

    def comparison(self, sweep: Sweep) -> Comparison | None:
        """Return the comparison of a sweep that has no faults, None if the file has none."""
        if not self.draft.node.get("compare"):
            return None
        self.baseline = self._with_zipped(sweep.axes)
        published = None
        if self.dataset:
            figures = _Matches(sweep, self).figures()
            published = Published(
                dataset=self.dataset.name,
                source=self.dataset.source,
                machine=self.dataset.machine,
                kernel=self.dataset.kernel,
                unit=self.dataset.unit,
                better=self.draft.value(*_SECTION, "better", default="higher"),
                figures=tuple(figures),
                method=self.dataset.method,
                notes=self.dataset.notes,
            )
        return Comparison(self.metric, self.baseline, published)

    def _with_zipped(self, axes: Sequence[Axis]) -> dict[str, str]:
        """Complete the baseline: what is zipped with its factors moves with them, where that means one thing only."""
        found = dict(self.baseline)
        for axis in axes:
            given = {factor.name: found[factor.name] for factor in axis.factors if factor.name in found}
            levels = [
                {factor.name: factor.levels[position].text for factor in axis.factors}
                for position in range(len(axis))
            ]
            alike = [moved for moved in levels if given.items() <= moved.items()]
            if not alike:
                shown = ", ".join(f"{name} = {level}" for name, level in given.items())
                position = self.draft.node.nearest_position("compare", "baseline")
                self.draft.fault(position, f"zipped factors never have {shown} together")
            elif given and len(alike) == 1:
                found |= alike[0]
        return found

    def _metric(self) -> str:
        name = str(self.draft.value("compare", "metric", default=self.benchmark.headline))
        metrics = {metric.name: metric for metric in self.benchmark.metrics}
        if not self.draft.node.get("compare") or not self.reader.program.known or not metrics:
            return name
        position = self.draft.node.nearest_position("compare", "metric")
        if name not in metrics:
            self.draft.fault(position, f"'{name}' is not a metric; {did_you_mean(name, metrics)}")
        elif metrics[name].better == "neither":
            self.draft.fault(
                position, f"there is no speed-up of '{name}': it has no 'better: higher' or 'lower'"
            )
        return name

    def _baseline(self) -> dict[str, str]:
        found = {}
        for name, node in self.draft.members("compare", "baseline"):
            if name not in self.reader.factors:
                if name not in self.draft.node.mapping("factors"):
                    message = (
                        f"'{name}' is not a factor that is swept; {did_you_mean(name, self.reader.factors)}"
                    )
                    self.draft.fault(self.draft.node.key_position("compare", "baseline", name), message)
                continue
            wanted = level(node)
            levels = {known.value: known.text for known in self.reader.factors[name].levels}
            if wanted.value in levels:
                found[name] = levels[wanted.value]
            else:
                hint = did_you_mean(wanted.text, levels.values())
                self.draft.fault(node.position, f"'{wanted.text}' is not a level of '{name}'; {hint}")
        return found

    def _dataset(self) -> Dataset | None:
        name = self.draft.value(*_SECTION, "dataset")
        if name is None:
            return None
        try:
            return find(name)
        except BadInput as error:
            self._published_fault(error, "dataset")
            return None

    def _columns(self) -> dict[str, Expression]:
        found = {}
        for name, node in self.draft.members(*_SECTION, "columns"):
            if self.dataset:
                try:
                    self.dataset.column(name)
                except BadInput as error:
                    self.draft.fault(self.draft.node.key_position(*_SECTION, "columns", name), str(error))
                    continue
            expression = self.draft.expression(node, *_SECTION, "columns", name)
            for checked in self.reader.known_only(expression, *_SECTION, "columns", name):
                found[name] = checked
        return found

    def _published_fault(self, error: BadInput, key: str) -> None:
        self.draft.blame(error, *_SECTION, key)


class _Matches:
    """Which rows of a dataset the cells of a sweep, and their baselines, have."""

    def __init__(self, sweep: Sweep, wanted: ComparisonReader) -> None:
        assert wanted.dataset is not None
        self.sweep = sweep
        self.wanted = wanted
        self.dataset = wanted.dataset
        self.constants = constants(wanted.reader.program.arguments, wanted.reader.kernels)
        self.combinations = Combinations(sweep, self.constants)
        self.asked: dict[str, set[Value]] = {name: set() for name in wanted.columns}

    def figures(self) -> list[PublishedFigure]:
        """Return one figure for each way in which cells have a row; notes faults."""
        used = self._factors_used()
        found: dict[tuple[str, ...], PublishedFigure | None] = {}
        try:
            for positions in self.combinations.positions():
                levels = self.combinations.at(positions)
                if levels is None:
                    continue
                key = tuple(levels[name].text for name in used)
                if key not in found:
                    found[key] = self._figure(positions, dict(zip(used, key, strict=True)))
        except BadInput as error:
            self.wanted.draft.blame(error, *_SECTION, "columns")
            return []
        figures = [figure for figure in found.values() if figure]
        if not figures:
            self.wanted.draft.fault(
                self.wanted.draft.node.nearest_position(*_SECTION, "columns"), self._nothing()
            )
        return figures

    def _figure(self, positions: Sequence[int], levels: Mapping[str, str]) -> PublishedFigure | None:
        value = self._value(positions)
        if value is None:
            return None
        baseline = self._baseline(positions)
        return PublishedFigure(levels, value, None if baseline is None else self._value(baseline))

    def _value(self, positions: Sequence[int]) -> float | None:
        levels = self.combinations.at(positions)
        if levels is None:
            return None
        values = {**self.constants, **{name: level.value for name, level in levels.items()}}
        asked: dict[str, Value] = {}
        for name, expression in self.wanted.columns.items():
            asked[name] = expression.evaluate(values)
            self.asked[name].add(asked[name])
        rows = self.dataset.matching(asked)
        if len(rows) > 1:
            shown = ", ".join(f"{name} = {value}" for name, value in asked.items())
            raise ExpressionError(
                f"'{self.dataset.name}' has {len(rows)} rows with {shown}; name more of its columns"
            )
        figure = self.dataset.column(self.wanted.figures)[rows[0]] if rows else None
        return figure if isinstance(figure, int | float) and figure > 0 else None

    def _baseline(self, positions: Sequence[int]) -> list[int] | None:
        """The position of a cell's baseline, None if the sweep has none."""
        found = []
        for axis, position in zip(self.sweep.axes, positions, strict=True):
            moved = _moved(axis, position, self.wanted.baseline)
            if moved is None:
                return None
            found.append(moved)
        return found

    def _factors_used(self) -> list[str]:
        """The swept factors that a cell's row and that of its baseline depend on."""
        derived = {factor.name: factor.expression.names for factor in self.sweep.derived}
        names = {name for expression in self.wanted.columns.values() for name in expression.names}
        while more := {inner for name in names for inner in derived.get(name, ())} - names:
            names |= more
        axes = [axis for axis in self.sweep.axes if any(factor.name in names for factor in axis.factors)]
        return [factor.name for axis in axes for factor in axis.factors]

    def _nothing(self) -> str:
        for name, values in self.asked.items():
            known = {str(value) for value in self.dataset.column(name) if value is not None}
            if known and not known & {str(value) for value in values}:
                first = min(str(value) for value in values)
                hint = did_you_mean(first, known)
                return f"column '{name}' of '{self.dataset.name}' has no '{first}'; {hint}"
        return f"no cell of the sweep has a row in '{self.dataset.name}'"


def _moved(axis: Axis, position: int, levels: Mapping[str, str]) -> int | None:
    """Return where an axis has the given levels and is like ``position`` in all others."""
    wanted = [levels.get(factor.name, factor.levels[position].text) for factor in axis.factors]
    places = (
        position
        for position in range(len(axis))
        if [factor.levels[position].text for factor in axis.factors] == wanted
    )
    return next(places, None)
