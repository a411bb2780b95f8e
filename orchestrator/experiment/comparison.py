"""Read the section ``compare``: the baseline of each cell and the published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.documents.draft import Draft
from orchestrator.documents.expressions import Expression, ExpressionError, Value
from orchestrator.errors import BadInput
from orchestrator.experiment.combinations import Combinations
from orchestrator.experiment.factors import SweepReader, constants
from orchestrator.experiment.levels import read_level
from orchestrator.experiment.model import Axis, Benchmark, Comparison, Published, PublishedFigure, Sweep
from orchestrator.experiment.published import Dataset, find_dataset
from orchestrator.nearest import did_you_mean

_SECTION = ("compare", "published")


class ComparisonReader:
    """Reads the section and adds its faults: unknown names at once, missing cells in :meth:`comparison`."""

    def __init__(self, draft: Draft, reader: SweepReader, benchmark: Benchmark) -> None:
        self.draft = draft
        self.reader = reader
        self.benchmark = benchmark
        self.metric = self._metric()
        self.baseline = self._baseline()
        self.dataset = self._dataset()
        self.columns = self._columns()
        self.value_column = draft.value(*_SECTION, "value", default="value")
        if self.dataset:
            try:
                self.dataset.column(self.value_column)
            except BadInput as error:
                self._add_error(error, "value")

    def comparison(self, sweep: Sweep) -> Comparison | None:
        """Return the comparison for a valid sweep; None if the file has no section ``compare``."""
        if not self.draft.node.get("compare"):
            return None
        self.baseline = self._with_zipped(sweep.axes)
        published = None
        if self.dataset:
            figures = _DatasetMatcher(sweep, self).figures()
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
        """Return the baseline with the levels of factors that are zipped with its own, where they are unique."""
        baseline = dict(self.baseline)
        for axis in axes:
            fixed = {
                name: baseline[name] for name in (factor.name for factor in axis.factors) if name in baseline
            }
            rows = [
                {factor.name: factor.levels[index].text for factor in axis.factors}
                for index in range(len(axis))
            ]
            matching = [row for row in rows if fixed.items() <= row.items()]
            if not matching:
                shown = ", ".join(f"{name} = {level}" for name, level in fixed.items())
                position = self.draft.node.nearest_position("compare", "baseline")
                self.draft.add_fault(position, f"no cell has {shown}: 'zip' does not combine these levels")
            elif fixed and len(matching) == 1:
                baseline |= matching[0]
        return baseline

    def _metric(self) -> str:
        name = str(self.draft.value("compare", "metric", default=self.benchmark.headline))
        metrics = {metric.name: metric for metric in self.benchmark.metrics}
        known = self.reader.benchmark.metric_names
        if not self.draft.node.get("compare") or not self.reader.benchmark.knows_metrics or not known:
            return name
        position = self.draft.node.nearest_position("compare", "metric")
        if name not in known:
            if not self.draft.node.get("compare", "metric"):
                return name  # the headline; it has its own fault, or its metric has
            self.draft.add_fault(position, f"unknown metric '{name}'; {did_you_mean(name, known)}")
        elif name in metrics and metrics[name].better == "neither":
            self.draft.add_fault(
                position, f"metric '{name}' has no direction; add 'better: higher' or 'better: lower' to it"
            )
        return name

    def _baseline(self) -> dict[str, str]:
        baseline = {}
        for name, node in self.draft.members("compare", "baseline"):
            if name not in self.reader.factors:
                knows_factors = self.reader.benchmark.knows_factors
                if knows_factors and name not in self.draft.node.mapping("factors"):
                    message = f"'{name}' is not a swept factor; {did_you_mean(name, self.reader.factors)}"
                    self.draft.add_fault(self.draft.node.key_position("compare", "baseline", name), message)
                continue
            level = read_level(node)
            levels = {known.value: known.text for known in self.reader.factors[name].levels}
            if level.value in levels:
                baseline[name] = levels[level.value]
            else:
                hint = did_you_mean(level.text, levels.values())
                self.draft.add_fault(node.position, f"'{level.text}' is not a level of '{name}'; {hint}")
        return baseline

    def _dataset(self) -> Dataset | None:
        name = self.draft.value(*_SECTION, "dataset")
        if name is None:
            return None
        try:
            return find_dataset(name)
        except BadInput as error:
            self._add_error(error, "dataset")
            return None

    def _columns(self) -> dict[str, Expression]:
        columns = {}
        for name, node in self.draft.members(*_SECTION, "columns"):
            if self.dataset:
                try:
                    self.dataset.column(name)
                except BadInput as error:
                    position = self.draft.node.key_position(*_SECTION, "columns", name)
                    self.draft.add_fault(position, str(error))
                    continue
            expression = self.reader.read_expression(node, *_SECTION, "columns", name)
            if expression:
                columns[name] = expression
        return columns

    def _add_error(self, error: BadInput, key: str) -> None:
        self.draft.add_error(error, *_SECTION, key)


class _DatasetMatcher:
    """Finds the rows of a dataset for the cells of a sweep and their baselines."""

    def __init__(self, sweep: Sweep, comparison: ComparisonReader) -> None:
        assert comparison.dataset is not None
        self.sweep = sweep
        self.comparison = comparison
        self.dataset = comparison.dataset
        self.constants = constants(comparison.reader.benchmark.arguments, comparison.reader.kernels)
        self.combinations = Combinations(sweep, self.constants)
        #: the values that were looked up, by column
        self.lookups: dict[str, set[Value]] = {name: set() for name in comparison.columns}

    def figures(self) -> list[PublishedFigure]:
        """Return one figure for each set of cells with a row; adds faults."""
        names = self._factors_used()
        figures: dict[tuple[str, ...], PublishedFigure | None] = {}
        draft = self.comparison.draft
        try:
            for indices in self.combinations.indices():
                levels = self.combinations.at(indices)
                if levels is None:
                    continue
                key = tuple(levels[name].text for name in names)
                if key not in figures:
                    figures[key] = self._figure(indices, dict(zip(names, key, strict=True)))
        except BadInput as error:
            draft.add_error(error, *_SECTION, "columns")
            return []
        matched = [figure for figure in figures.values() if figure]
        if not matched:
            draft.add_fault(draft.node.nearest_position(*_SECTION, "columns"), self._no_row_message())
        return matched

    def _figure(self, indices: Sequence[int], levels: Mapping[str, str]) -> PublishedFigure | None:
        value = self._value(indices)
        if value is None:
            return None
        baseline = self._baseline_indices(indices)
        return PublishedFigure(levels, value, None if baseline is None else self._value(baseline))

    def _value(self, indices: Sequence[int]) -> float | None:
        levels = self.combinations.at(indices)
        if levels is None:
            return None
        values = {**self.constants, **{name: level.value for name, level in levels.items()}}
        row: dict[str, Value] = {}
        for name, expression in self.comparison.columns.items():
            row[name] = expression.evaluate(values)
            self.lookups[name].add(row[name])
        matching = self.dataset.matching(row)
        if len(matching) > 1:
            shown = ", ".join(f"{name} = {value}" for name, value in row.items())
            raise ExpressionError(
                f"dataset '{self.dataset.name}' has {len(matching)} rows with {shown}; "
                "add columns to 'columns' until one row is left"
            )
        value = self.dataset.column(self.comparison.value_column)[matching[0]] if matching else None
        return value if isinstance(value, int | float) and value > 0 else None

    def _baseline_indices(self, indices: Sequence[int]) -> list[int] | None:
        """Return the indices of a cell's baseline; None if the sweep does not contain it."""
        baseline = []
        for axis, index in zip(self.sweep.axes, indices, strict=True):
            moved = _index_with(axis, index, self.comparison.baseline)
            if moved is None:
                return None
            baseline.append(moved)
        return baseline

    def _factors_used(self) -> list[str]:
        """Return the swept factors that select the row of a cell or of its baseline."""
        derived = {factor.name: factor.expression.names for factor in self.sweep.derived}
        names = {name for expression in self.comparison.columns.values() for name in expression.names}
        while more := {inner for name in names for inner in derived.get(name, ())} - names:
            names |= more
        axes = [axis for axis in self.sweep.axes if any(factor.name in names for factor in axis.factors)]
        return [factor.name for axis in axes for factor in axis.factors]

    def _no_row_message(self) -> str:
        for name, values in self.lookups.items():
            known = {str(value) for value in self.dataset.column(name) if value is not None}
            if known and not known & {str(value) for value in values}:
                first = min(str(value) for value in values)
                hint = did_you_mean(first, known)
                return f"column '{name}' of '{self.dataset.name}' does not contain '{first}'; {hint}"
        return f"no row of dataset '{self.dataset.name}' matches a cell; check the expressions in 'columns'"


def _index_with(axis: Axis, index: int, levels: Mapping[str, str]) -> int | None:
    """Return the index on an axis with the given levels and the other levels of ``index``; None if there is none."""
    wanted = [levels.get(factor.name, factor.levels[index].text) for factor in axis.factors]
    matching = (
        other
        for other in range(len(axis))
        if [factor.levels[other].text for factor in axis.factors] == wanted
    )
    return next(matching, None)
