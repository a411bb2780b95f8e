"""The benchmark: the program that trials execute, and its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct, field

from orchestrator.errors import Position
from orchestrator.experiment.model.sweep import Level


class Status(StrEnum):
    """The result of a trial. All are recorded; only ``ok`` trials enter statistics."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    UNSUPPORTED = "unsupported"
    WRONG_KERNEL = "wrong_kernel"
    DISTURBED = "disturbed"
    SKIPPED = "skipped"


class Metric(Struct, frozen=True):
    """How to read one number from the output of a benchmark, or from what its host tells.

    :ivar selector: a dotted path or a list of keys for ``json``, a key for ``key_value``, a pattern with one group for
        ``regex``, a key of :attr:`~orchestrator.execution.host_journal.TrialEnd.usage` or ``cpu``, user and system.
    :ivar models: the metric that this one replaces where the clock counts instructions and CPUs run in turn; empty:
        none.
    :ivar stream: where the program prints it.
    """

    name: str
    unit: str
    source: Literal["json", "key_value", "regex", "usage"]
    selector: str | tuple[str, ...]
    better: Literal["higher", "lower", "neither"] = "neither"
    models: str = ""
    stream: Literal["stdout", "stderr"] = "stdout"

    @property
    def steps(self) -> tuple[str, ...]:
        """The keys and list indices of a ``json`` selector."""
        return tuple(self.selector.split(".")) if isinstance(self.selector, str) else self.selector


class Breakdown(Struct, frozen=True):
    """The phases of a metric.

    :ivar total: the metric that is divided into phases.
    :ivar phases: metrics with the same unit, by their label in tables. The remainder of the total is the rest.
    :ivar beside: further metrics for the same table.
    """

    total: str
    phases: Mapping[str, str]
    beside: tuple[str, ...] = ()


class Role(Struct, frozen=True):
    """A role, its directory, and its variables and tags in the experiment file.

    :ivar variables: plain values by name; they override the defaults of the role.
    :ivar tags: run only tasks with one of these tags; empty: all tasks.
    :ivar positions: the position of each variable and tag, by ``("vars", name)`` and ``("tags", name)``.
    """

    name: str
    folder: Path
    variables: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    tags: tuple[str, ...] = ()
    positions: Mapping[tuple[str, str], Position] = field(default_factory=lambda: MappingProxyType({}))

    def position(self, key: str, name: str) -> Position:
        """Return the position of a variable (``vars``) or tag (``tags``); by default the role's directory."""
        return self.positions.get((key, name), Position(str(self.folder)))


class Benchmark(Struct, frozen=True):
    """The program that a trial executes.

    :ivar command: argv template; ``{name}`` is replaced by the level of a factor or by an argument, as written.
    :ivar options: names of arguments and factors to append as ``--name=value`` if they have a value, in this order
        (underscores become hyphens); empty for a plain command.
    :ivar arguments: fixed values; a factor with the same name overrides them.
    :ivar exit_codes: status by exit code; other codes mean ``failed``.
    :ivar headline: the metric that tables show first.
    :ivar breakdown: None if the benchmark has no phases.
    :ivar meanings: descriptions of values, by option.
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
