"""Read one metric from the output of a benchmark."""

from __future__ import annotations

from orchestrator.execution.metrics import Output, Readings
from orchestrator.execution.streams import stream
from orchestrator.experiment.model import Metric


def read(metric: Metric, stdout: str, stderr: str = "", cut: bool = False) -> Readings:
    return Output(stream("stdout", stdout, cut), stream("stderr", stderr)).read([metric])


def reading(source: str, selector: str | tuple[str, ...], stdout: str, unit: str = "GiB/s") -> float | str:
    """The figure, or why there is none."""
    readings = read(Metric("m", unit, source, selector), stdout)  # type: ignore[arg-type]
    return readings.found["m"].value if readings.found else readings.missing["m"]


def one(source: str, selector: str | tuple[str, ...], stdout: str) -> float | None:
    value = reading(source, selector, stdout)
    return None if isinstance(value, str) else value
