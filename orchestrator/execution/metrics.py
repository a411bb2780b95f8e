"""Figures from what a benchmark prints: JSON, ``key=value`` lines, or a pattern; and from what its host tells.

Of several matches the last one counts, whatever the source: progress comes before the result.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from orchestrator.execution import patterns
from orchestrator.execution.figures import whole_number
from orchestrator.execution.json_output import MISSING, Documents
from orchestrator.execution.scales import is_unit, other_scale
from orchestrator.execution.streams import Stream
from orchestrator.experiment.model import Metric
from orchestrator.results.records import LARGEST, SMALLEST, MetricValue, is_usable

_QUOTED = 60


class NoFigure(ValueError):
    """A metric cannot be read; the message says why."""


class Readings(Struct, frozen=True):
    """Figures by the name of their metric; ``missing``: why there is none, by the name of the metric."""

    found: dict[str, MetricValue] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class Output:
    """What a trial printed, in the forms that metrics are read from, and what it used."""

    def __init__(self, stdout: Stream, stderr: Stream, usage: Mapping[str, Any] | None = None) -> None:
        self._usage = usage or {}
        self._streams = {stream.name: stream for stream in (stdout, stderr)}
        self._documents = {name: Documents(stream) for name, stream in self._streams.items()}

    @property
    def document(self) -> Any:
        """The JSON document on stdout; None if there is none."""
        return self._documents["stdout"].details

    @property
    def is_document(self) -> bool:
        """Whether stdout is that document and nothing else."""
        return self._documents["stdout"].is_all

    def read(self, metrics: Iterable[Metric]) -> Readings:
        """Read the metrics."""
        readings = Readings()
        for metric in metrics:
            try:
                readings.found[metric.name] = MetricValue(self._figure(metric), metric.unit)
            except NoFigure as fault:
                readings.missing[metric.name] = str(fault)
        return readings

    def _figure(self, metric: Metric) -> float:
        if metric.source == "usage":
            return self._used(str(metric.selector))
        stream = self._streams[metric.stream]
        if metric.source == "json":
            raw = self._documents[metric.stream].select(metric.steps)
        elif metric.source == "key_value":
            raw = _value_of(str(metric.selector), stream)
        else:
            raw = _match(metric, stream)
        if raw is MISSING:
            raise NoFigure(self._not_found(metric))
        return _number(raw)

    def _used(self, name: str) -> float:
        keys = ("user", "system") if name == "cpu" else (name,)
        values = [float(value) for key in keys if (value := self._usage.get(key)) is not None]
        if len(values) < len(keys):
            raise NoFigure(f"the host does not tell {name} of a trial")
        return sum(values)

    def _not_found(self, metric: Metric) -> str:
        stream, stderr = self._streams[metric.stream], self._streams["stderr"]
        fault = self._documents[metric.stream].fault if metric.source == "json" else ""
        if stream.is_cut:
            size = len(stream.text.encode()) / 1024
            reason = f"not found in the last {size:.0f} KiB of {stream.name}; earlier output is not kept"
        elif not stream.text.strip():
            reason = f"not found: {stream.name} was empty"
        else:
            reason = f"not found in {stream.name}" + (f": {fault}" if fault else "")
            if not fault and self._documents[metric.stream].details is None:
                reason += f"; last line: {stream.last_line}"
        if stream is not stderr and stderr.last_line:
            reason += f"; last line of stderr: {stderr.last_line}"
        return reason


def _value_of(key: str, stream: Stream) -> Any:
    value: Any = MISSING
    for line in stream.text[stream.start :].split("\n"):
        name, equals, text = line.partition("=")
        if equals and name.strip() == key:
            value = text.strip()
    return value


def _match(metric: Metric, stream: Stream) -> Any:
    try:
        match = patterns.last_with_group(str(metric.selector), stream.text, stream.start)
        if match is None:
            return MISSING
        _number(match[1])
        whole = whole_number(match, metric.unit)
        scaled = whole or other_scale(match, metric.unit)
    except TimeoutError:
        raise NoFigure(f"the regular expression took more than {patterns.TIME_LIMIT_S:g} s") from None
    if whole and not is_unit(whole.removeprefix(match[1].strip())):
        raise NoFigure(f"not the whole number: '{whole}'")
    if scaled:
        raise NoFigure(f"found, but the unit of '{scaled}' is not '{metric.unit}'")
    return match[1]


def _number(raw: Any) -> float:
    try:
        is_number = not isinstance(raw, bool) and "_" not in str(raw)  # Python reads 1_0 as 10
        value = float(raw) if is_number else None
    except (ValueError, TypeError):
        value = None
    if value is None:
        raise NoFigure(f"found, but {_shown(raw)} is not a number")
    if not math.isfinite(value):
        raise NoFigure(f"found, but {_shown(raw)} is not a finite number")
    if not is_usable(value):
        raise NoFigure(f"found, but {_shown(raw)} is not between {SMALLEST:g} and {LARGEST:g}")
    return value


def _shown(raw: Any) -> str:
    if isinstance(raw, str):
        return repr(raw if len(raw) <= _QUOTED else raw[:_QUOTED] + "…")
    if isinstance(raw, dict | list):
        return "a JSON object" if isinstance(raw, dict) else "a JSON list"
    return json.dumps(raw)
