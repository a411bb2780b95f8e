"""The program that trials execute, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from orchestrator.errors import Position
from orchestrator.experiment.model.sweep import Level


class Status(StrEnum):
    """What became of a trial. Only ``ok`` enters statistics; all are kept."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    UNSUPPORTED = "unsupported"
    WRONG_KERNEL = "wrong_kernel"
    DISTURBED = "disturbed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Metric:
    """How one figure is read from what a benchmark prints.

    ``selector`` is a dotted path for ``json``, a key for ``key_value``, a pattern with one group for ``regex``.
    ``models``: the metric that this one stands for where the clock counts instructions and CPUs take turns; empty:
    none, it is measured.
    """

    name: str
    unit: str
    source: Literal["json", "key_value", "regex"]
    selector: str
    better: Literal["higher", "lower", "neither"] = "neither"
    models: str = ""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What a metric consists of.

    :ivar total: the metric that is broken down.
    :ivar phases: metrics of the same unit by the word that tables use; what they leave of the total is the rest.
    :ivar beside: further metrics that are shown with them.
    """

    total: str
    phases: Mapping[str, str]
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """A role, the folder it was found in, and what the experiment file gives it.

    :ivar variables: plain values by name; they take precedence over the role's own defaults.
    :ivar tags: only tasks with one of these tags; empty: all.
    :ivar positions: where the file has each variable and tag, by ``("vars", name)`` and ``("tags", name)``.
    """

    name: str
    folder: Path
    variables: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    tags: tuple[str, ...] = ()
    positions: Mapping[tuple[str, str], Position] = field(default_factory=lambda: MappingProxyType({}))

    def position(self, key: str, name: str) -> Position:
        """Return the position of a variable (``vars``) or tag (``tags``); the role's folder where the file has none."""
        return self.positions.get((key, name), Position(str(self.folder)))


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The program that a trial executes.

    :ivar command: argv template; ``{name}`` stands for a factor or an argument, as written in the file.
    :ivar options: names of the arguments and factors that are appended as ``--name=value`` when given, in this
        order (underscores become hyphens); empty for a plain command.
    :ivar arguments: fixed values, overruled by a factor of the same name.
    :ivar exit_codes: status by exit code; a code that is not listed means ``failed``.
    :ivar headline: name of the metric that tables show first.
    :ivar meanings: by option what its values mean, where the benchmark says it.
    :ivar breakdown: None if the benchmark knows of no phases.
    """

    name: str
    role: Role | None
    command: tuple[str, ...]
    options: tuple[str, ...]
    arguments: Mapping[str, Level]
    metrics: tuple[Metric, ...]
    exit_codes: Mapping[int, Status]
    headline: str
    breakdown: Breakdown | None = None
    meanings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
