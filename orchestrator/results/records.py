"""The lines of a run's journal, as data. The journal is the truth; everything else can be made from it again.

Each line is one JSON object with ``format`` (:data:`FORMAT`) and ``type``:

``run``      first line: ids and hashes; again, with ``resumed`` true, whenever a controller takes the run up.
``block``    a boot begins: host, boot id, environment, facts.
``attempt``  a trial that ended but will be tried again (its host died under it); never counted.
``trial``    the one final record of a trial.
``end``      the run is complete or was interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.spec.model import Status

FORMAT = 1


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A controller takes up a run. ``time``: ISO 8601, UTC."""

    run: str
    experiment: str
    content_hash: str
    seed: int
    trials: int
    time: str
    resumed: bool = False
    version: str = ""


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A boot begins. ``facts``: see :mod:`orchestrator.hosts.facts`; ``settings``: path to value, read back."""

    block: int
    kernel: str
    host: str
    boot: str
    environment: str
    clock: Literal["wall", "instructions"]
    facts: Mapping[str, Any]
    settings: Mapping[str, str]
    time: str


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One figure of one trial."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One execution of a cell, final (``type: trial``) or to be tried again (``type: attempt``).

    :ivar factors: level texts by factor name, ``kernel`` always among them.
    :ivar boot: boot id of the host (``/proc/sys/kernel/random/boot_id``).
    :ivar start: ISO 8601, UTC, by the host's clock, as is ``end``; empty where the trial never started.
    :ivar settings: what the cell set, path to value, read back.
    :ivar counters: differences of ``/proc/vmstat`` over the trial, those that are not zero.
    :ivar kernel_log: lines of the kernel's log since the previous trial.
    :ivar details: the benchmark's own document (truth checks, dialect …) or its output as text.
    """

    trial: str
    cell: str
    repetition: int
    factors: Mapping[str, str]
    block: int
    host: str
    boot: str
    environment: str
    status: Status
    reason: str
    metrics: Mapping[str, MetricValue]
    start: str
    end: str
    exit_code: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    kernel_log: tuple[str, ...] = ()
    details: Any = None
    allowed: bool = False
    """The status is not ``ok`` but the experiment allows it (``allow_unsupported``)."""


@dataclass(frozen=True, slots=True)
class EndRecord:
    """The controller let go of the run; ``complete`` is false where trials are missing."""

    complete: bool
    reason: str
    time: str


Record = RunRecord | BlockRecord | TrialRecord | EndRecord
