"""The records of a run's journal, as data. Everything else can be made from the journal again.

Each line is one JSON object with ``format`` (:data:`FORMAT`) and ``type``:

``run``      first line: ids and hashes; again, with ``resumed`` true, whenever a controller resumes the run.
``block``    start of a boot: host, boot id, environment, facts.
``attempt``  a trial that ended and will be repeated (its host crashed, or it was disturbed); never counted.
``trial``    the one final record of a trial.
``host``     outcome of a fleet host, written when a controller ends.
``end``      the run is complete or was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta, Struct, field

from orchestrator import __version__
from orchestrator.experiment.factors import HOST
from orchestrator.experiment.model import Breakdown, Comparison, Experiment, Repetitions, Status
from orchestrator.timestamps import utc_now

FORMAT = 2
OUTPUT_KEPT = 2000
"""Characters of each output stream that a record keeps, the last; a JSON document is kept whole."""


class FactorInfo(Struct, frozen=True):
    """A factor and the texts of its levels in the order of the file; a derived factor lists none."""

    name: str
    levels: tuple[str, ...] = ()


class MetricInfo(Struct, frozen=True):
    """The properties of a metric that reports need, see :class:`orchestrator.experiment.model.Metric`."""

    name: str
    unit: str
    better: Literal["higher", "lower", "neither"] = "neither"
    models: str = ""


class RunRecord(Struct, frozen=True):
    """Start of a controller, with all that is needed to read the lines that follow.

    :ivar trials: number of trials of the whole plan.
    :ivar time: ISO 8601, UTC.
    :ivar headline: name of the metric that tables show first.
    :ivar metrics: in the order of the file.
    :ivar factors: those that are swept in the order of the plan, then the derived ones.
    :ivar version: version of the orchestrator.
    :ivar scope: hash of all that two commands must share to mean the same run: the experiment's content, its
        selection (``--where``, ``--first``), the provider's place, the files of the roles.
    :ivar hosts: of a fleet, in their order; ``fleet``: ``shard`` or ``replicate``, empty for a single host.
    :ivar breakdown: the phases of one of the metrics, according to the benchmark.
    :ivar compare: the baseline of the cells, published figures included.
    :ivar command: the command of a trial, options not filled in; empty in runs of older versions.
    :ivar meanings: the meaning of each level, by factor and level, as far as the benchmark describes it.
    :ivar repetitions: repetitions of each cell and the stop rule; None in runs of older versions.
    :ivar unchecked: what the experiment has turned off of the checks of trials, with its key; empty in older runs.
    """

    run: str
    experiment: str
    content_hash: str
    seed: int
    trials: int
    time: str
    benchmark: str = ""
    headline: str = ""
    metrics: tuple[MetricInfo, ...] = ()
    factors: tuple[FactorInfo, ...] = ()
    resumed: bool = False
    version: str = ""
    scope: str = ""
    breakdown: Breakdown | None = None
    compare: Comparison | None = None
    fleet: str = ""
    hosts: tuple[str, ...] = ()
    repetitions: Repetitions | None = None
    command: tuple[str, ...] = ()
    meanings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()


def run_record(
    experiment: Experiment,
    run: str,
    trials: int,
    scope: str = "",
    resumed: bool = False,
    hosts: tuple[str, ...] = (),
) -> RunRecord:
    """Return the record that opens (or, ``resumed``, reopens) the journal of run ``run`` with ``trials`` trials.

    :param hosts: those of a fleet, in their order.
    """
    fleet = experiment.hosts.fleet if hosts else ""
    swept = [factor for axis in experiment.sweep.axes for factor in axis.factors]
    return RunRecord(
        run=run,
        experiment=experiment.name,
        content_hash=experiment.content_hash,
        seed=experiment.order.seed,
        trials=trials,
        time=utc_now(),
        benchmark=experiment.benchmark.name,
        headline=experiment.benchmark.headline,
        metrics=tuple(MetricInfo(m.name, m.unit, m.better, m.models) for m in experiment.benchmark.metrics),
        factors=(
            *((FactorInfo(HOST, hosts),) if fleet == "replicate" else ()),
            *(FactorInfo(factor.name, tuple(level.text for level in factor.levels)) for factor in swept),
            *(FactorInfo(derived.name) for derived in experiment.sweep.derived),
        ),
        resumed=resumed,
        version=__version__,
        scope=scope,
        breakdown=experiment.benchmark.breakdown,
        compare=experiment.compare,
        fleet=fleet,
        hosts=hosts,
        repetitions=experiment.repetitions,
        command=experiment.benchmark.command,
        meanings=experiment.benchmark.meanings,
        unchecked=tuple(_unchecked(experiment)),
    )


def _unchecked(experiment: Experiment) -> Iterator[str]:
    if not experiment.limits.settle:
        yield "idle CPUs before trials (limits.settle: 0)"
    if experiment.noise is None:
        yield "noise (noise: false)"


class BlockRecord(Struct, frozen=True):
    """Start of a boot.

    :ivar facts: see :mod:`orchestrator.hosts.facts`.
    :ivar settings: path to value, read back.
    :ivar kernel_hash: hash of a kernel that was built from a recipe; empty for others.
    :ivar proof: the checks of the running kernel: ``what``, ``expected``, ``found``, ``holds``.
    :ivar hypervisor: of a guest started by the qemu provider: ``qemu`` (its version), and ``cpu`` and ``kernel`` of the
        machine that runs it. Of a guest that a job has booted also ``label``, and ``cpus``, ``memory`` and
        ``numa_nodes`` of the node.
    """

    block: int
    kernel: str
    host: str
    boot: str
    environment: str
    clock: Literal["wall", "instructions"]
    facts: Mapping[str, Any]
    settings: Mapping[str, str]
    time: str
    kernel_hash: str = ""
    proof: tuple[Mapping[str, Any], ...] = ()
    hypervisor: Mapping[str, str] = field(default_factory=dict)


Count = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A number that SQLite can hold."""


SMALLEST, LARGEST = 1e-150, 1e150
"""Magnitudes of usable figures. Memory that was not initialised prints as 6.9e-310, whose reciprocal is infinite."""


def is_usable(value: float) -> bool:
    """Return whether a figure is finite, and its squares and ratios."""
    return value == 0 or SMALLEST <= abs(value) <= LARGEST


class MetricValue(Struct, frozen=True):
    """One figure of one trial. One that is not usable enters no statistics; if not finite it is written as null."""

    value: float
    unit: str


class _NodeFacts(TypedDict, total=False):
    id: Count
    cpus: str
    memory: Count
    distances: tuple[int, ...]


class KnownFacts(TypedDict, total=False):
    """The facts of a block that reports and bundles read; a host may tell more."""

    cpus: Count
    cpu_model: str
    command_line: str
    microcode: str
    governors: Mapping[str, str]
    nodes: tuple[_NodeFacts, ...]
    sysctls: Mapping[str, Any]
    thp: Mapping[str, Any]
    compilers: Mapping[str, Any]


class KnownCheck(TypedDict):
    """A check of ``proof``."""

    what: str
    expected: str
    found: str
    holds: bool


class TrialRecord(Struct, frozen=True):
    """One execution of a cell.

    :ivar final: true: written as ``type: trial``; false: to be repeated, written as ``type: attempt``.
    :ivar factors: level texts by factor name, ``kernel`` always among them.
    :ivar boot: boot id of the host (``/proc/sys/kernel/random/boot_id``).
    :ivar kernel_hash: hash of a kernel that was built from a recipe; empty for others.
    :ivar start: ISO 8601, UTC, by the host's clock, as is ``end``; empty if the trial never started.
    :ivar settings: settings of the cell, path to value, read back.
    :ivar counters: differences of ``/proc/vmstat`` over the trial, those that are not zero.
    :ivar noise: other activity around the trial, as reported by the host: ``load`` (one minute, before), ``worked``
        and ``stolen`` (seconds of all CPUs), ``frequency`` (Hz, of the busiest CPU; omitted if none was busy for a
        tick), ``throttled`` (times), ``logins`` (open terminals), ``nodes`` (before: ``node``, ``free_memory`` in
        bytes, ``free_huge_pages``), ``busy`` (before, if the CPUs were not idle: ``command``, ``pid``, ``cpus``); null
        for what the host does not report. Empty if the trial did not run.
    :ivar kernel_log: lines of the kernel's log since the previous trial, as ``dmesg --raw`` prints them.
    :ivar details: the benchmark's own JSON document (verification, dialect …), or the end of stdout as text.
    :ivar stdout: the end of stdout if there is other text than the document of ``details``; ``stderr``: the end of
        stderr. Ends are the last 2000 characters.
    :ivar cut: the streams (``stdout``, ``stderr``) whose beginning was not kept on the host.
    :ivar strays: it left processes behind, which were ended.
    :ivar missing: of a program that ended well, why a metric has no figure, by its name.
    :ivar allowed: the status is not ``ok`` and the experiment allows it (``allow_unsupported``).
    """

    trial: str
    cell: str
    repetition: Count
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
    kernel_hash: str = ""
    exit_code: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    noise: Mapping[str, Any] = field(default_factory=dict)
    kernel_log: tuple[str, ...] = ()
    details: Any = None
    stdout: str = ""
    stderr: str = ""
    cut: tuple[str, ...] = ()
    strays: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)
    allowed: bool = False
    final: bool = True


HostOutcome = Literal["done", "left out", "unreachable", "lost", "failed", "stopped"]


class HostRecord(Struct, frozen=True):
    """The outcome of a fleet host when the controller ends.

    :ivar outcome: ``done`` (all its trials have a final record), ``left out`` (it does not meet the requirements, or
        differs from the other hosts), ``unreachable`` (from the start), ``lost`` (later), ``failed``, or ``stopped``
        (on request).
    :ivar trials: number of trials that ended on it under this controller.
    :ivar reason: why it is not done; empty if it is.
    """

    host: str
    outcome: HostOutcome
    trials: int
    reason: str
    time: str


class EndRecord(Struct, frozen=True):
    """End of a controller; ``complete`` is false if trials are missing."""

    complete: bool
    reason: str
    time: str


Record = RunRecord | BlockRecord | TrialRecord | HostRecord | EndRecord


def is_complete(last: Record | None, ended: int, planned: int, is_damaged: bool) -> bool:
    """Whether a run has ended with all of its trials, by the last record of its journal.

    Damage after that end takes trials away again, until they have run again.

    :param ended: trials with a final record, of ``planned`` ones. ``is_damaged``: whether lines are left out.
    """
    return isinstance(last, EndRecord) and last.complete and not (is_damaged and ended < planned)
