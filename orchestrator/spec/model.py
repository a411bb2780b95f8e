"""The experiment as plain data: what the loader makes of a file, and all that the rest of the house knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from orchestrator.spec.document import Node
from orchestrator.spec.expressions import Expression, Value


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
class Level:
    """One value of a factor: ``text`` as it is shown and handed to a benchmark, ``value`` as expressions see it."""

    text: str
    value: Value


@dataclass(frozen=True, slots=True)
class Factor:
    """A swept parameter and its levels, in the order of the file."""

    name: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """Factors that move together (``zip``), all with the same number of levels; a plain factor is an axis of one."""

    factors: tuple[Factor, ...]

    def __len__(self) -> int:
        return len(self.factors[0].levels)


@dataclass(frozen=True, slots=True)
class Derived:
    """A factor computed from others; the sweep holds them in an order in which each can be computed.

    Expressions may also use the benchmark's arguments and ``kernel``, swept or not.
    """

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Sweep:
    """All cells of an experiment, unexpanded: the product of the axes, less what the predicates leave out.

    A cell stays if ``include`` is empty or one of its predicates holds, and no predicate of ``exclude`` holds.
    """

    axes: tuple[Axis, ...]
    derived: tuple[Derived, ...] = ()
    include: tuple[Expression, ...] = ()
    exclude: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """A file of ``/proc/sys`` or ``/sys`` and the value it shall hold.

    ``path`` may hold shell wildcards. An ``optional`` setting is passed over where no such file exists (a CPU without
    a governor) or where the file keeps its value (an interrupt that cannot be moved); for others both are errors. One
    that is ``held_without`` holds where no such file exists: what a kernel does not have is off.
    """

    path: str
    value: str
    optional: bool = False
    held_without: bool = False


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

    :ivar variables: values by name, over the role's own defaults, with their places.
    :ivar tags: only tasks with one of these tags; empty: all.
    """

    name: str
    folder: Path
    variables: Mapping[str, Node] = field(default_factory=lambda: MappingProxyType({}))
    tags: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The program that a trial executes.

    :ivar command: argv template; ``{name}`` stands for a factor or an argument, as written in the file.
    :ivar options: names of the arguments and factors that are appended as ``--name=value`` when given, in this
        order (underscores become hyphens); empty for a plain command.
    :ivar arguments: fixed values, overruled by a factor of the same name.
    :ivar exit_codes: status by exit code; a code that is not listed means ``failed``.
    :ivar headline: name of the metric that tables show first.
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


@dataclass(frozen=True, slots=True)
class KernelSource:
    """Where a kernel's source comes from.

    :ivar kind: a Debian source package by name, a tarball, a git tree at ``ref``, or a folder as it stands.
    :ivar location: name, path or URL. Paths are absolute.
    :ivar ref: branch, tag or commit; of git only.
    """

    kind: Literal["package", "tarball", "git", "folder"]
    location: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class PatchSource:
    """Patches, to be applied in the order they are found in.

    ``path``: a patch, an mbox of patches, or a folder of patches (in the order of its file ``series``, else by
    name); ``b4``: the message id of a series in the archives of the kernel's mailing lists.
    """

    kind: Literal["path", "b4"]
    location: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a kernel is made.

    :ivar name: of the recipe's file; empty for one that stands in the experiment file itself.
    :ivar base: ``tiny`` (nothing but what the fragments ask for), ``defconfig``, ``running`` (this machine's), or the
        path of a whole configuration.
    :ivar fragments: files of ``CONFIG_…`` lines that must all be found again in the kernel's configuration.
    :ivar compiler: command, such as ``gcc`` or ``gcc-12``; its version is part of what is built.
    """

    name: str
    source: KernelSource
    patches: tuple[PatchSource, ...] = ()
    base: Literal["tiny", "defconfig", "running"] | Path = "tiny"
    fragments: tuple[Path, ...] = ()
    compiler: str = "gcc"


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel that is asked for.

    ``default`` is what the provider gives by itself (a guest: Debian's stock kernel; a machine: the one that runs),
    ``running`` the kernel of the machine (for a guest: of the controller), ``package`` a Debian package by name,
    ``image`` a bzImage, with ``modules`` as the folder that holds ``lib/modules``, if it has any, ``recipe`` one that
    is built. ``command_line``: words of the kernel's command line, beside those of its host.
    """

    name: str
    source: Literal["default", "running", "package", "image", "recipe"] = "default"
    package: str = ""
    image: Path | None = None
    modules: Path | None = None
    recipe: Recipe | None = None
    command_line: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Needs:
    """What a host must have before anything is changed on it; sizes in bytes.

    ``numa_nodes`` is what the file says or, where it does not, what benchmark and node numbers ask for.
    ``mode`` is a migration mode that the running kernel must have; empty: any kernel will do.
    """

    cpus: int = 1
    numa_nodes: int = 1
    memory_per_node: int = 0
    free_huge_pages_per_node: int = 0
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where to run: a provider, its own section of the file (checked by the provider's schema) and the needs.

    ``fleet``: ``shard`` deals the cells out to all hosts of the group, ``replicate`` runs every cell on each of them;
    empty: one host.
    """

    provider: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    group: str = ""
    needs: Needs = Needs()
    fleet: Literal["", "shard", "replicate"] = ""


@dataclass(frozen=True, slots=True)
class Until:
    """A cell needs no more repetitions once the interval of its headline's median is narrow enough.

    :ivar least: ok trials that it must have in any case.
    :ivar half_width: half the interval's width, relative to the median: 0.02 for 2 %.
    """

    least: int
    half_width: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Repetitions:
    """How often each cell is run at most, and over how many boots the repetitions are spread.

    :ivar until: when fewer will do; None: they never do.
    """

    count: int = 3
    boots: int = 1
    until: Until | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Order of the trials inside a block; ``seed`` makes the random order repeatable."""

    within_block: Literal["random", "listed"] = "random"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds, in seconds unless the name says otherwise.

    :ivar trial: one trial; then it is killed and counted as ``timeout``.
    :ivar boot: from power-on to an answering SSH server.
    :ivar settle: longest wait for idle CPUs before a trial; past it the trial is ``disturbed``. 0: do not wait.
    :ivar crashes: a trial that has killed its host this often is set aside as ``crashed``.
    """

    trial: float = 60.0
    boot: float = 300.0
    settle: float = 30.0
    crashes: int = 2


@dataclass(frozen=True, slots=True)
class KernelMessages:
    """What the kernel may say during a trial: nothing of this severity or worse that no pattern (``re``) is found in.

    ``level`` is that of syslog(2): 0 is an emergency, 3 an error, 4 a warning.
    """

    level: int = 3
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Noise:
    """What else may go on on a host around a trial; past it the trial is ``disturbed``. None: no limit.

    :ivar retries: how often a trial that was disturbed is run again before it is set aside.
    :ivar steal: share of the time that CPUs had work for which the hypervisor gave to others.
    :ivar throttling: whether a trial is disturbed when a CPU or package is throttled for its temperature.
    :ivar load: of one minute, before the trial.
    :ivar frequency: least, in Hz, of the CPU that worked most, at the end of the trial.
    :ivar memory_per_node: least free memory in bytes, before the trial; ``free_huge_pages_per_node`` likewise.
    :ivar logins: most terminals that are open before or after it.
    """

    retries: int = 2
    steal: float | None = 0.25
    throttling: bool = True
    kernel_log: KernelMessages | None = KernelMessages()
    load: float | None = None
    frequency: float | None = None
    memory_per_node: int | None = None
    free_huge_pages_per_node: int | None = None
    logins: int | None = None


@dataclass(frozen=True, slots=True)
class Tuning:
    """State of the host for the length of a block, and the CPUs (a list such as ``0-3,8``) trials are bound to."""

    settings: tuple[Setting, ...] = ()
    cpus: str = ""


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """What has been published for all cells with these ``levels`` (texts by swept factor).

    ``baseline`` is the published figure of their baseline, None if there is none.
    """

    levels: Mapping[str, str]
    value: float
    baseline: float | None


@dataclass(frozen=True, slots=True)
class Published:
    """Figures of one published table, as far as the cells of an experiment have a row in it.

    ``source``, ``machine``, ``kernel`` and ``method`` are one line each; ``better`` is which way ``unit`` is better;
    ``notes`` are what a reader must know before comparing with these figures.
    """

    dataset: str
    source: str
    machine: str
    kernel: str
    unit: str
    better: Literal["higher", "lower"]
    figures: tuple[PublishedFigure, ...]
    method: str = ""
    notes: tuple[str, ...] = ()

    def figure(self, levels: Mapping[str, str]) -> PublishedFigure | None:
        """Return the figure of a cell with these levels, None if there is none."""
        return next(
            (
                figure
                for figure in self.figures
                if all(levels.get(name) == level for name, level in figure.levels.items())
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the report sets each cell against.

    :ivar metric: what a speed-up is of.
    :ivar baseline: levels (texts by swept factor); the baseline of a cell is the cell that has these and is like it
        in all other swept factors.
    """

    metric: str
    baseline: Mapping[str, str]
    published: Published | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """One YAML file.

    ``content_hash`` is the SHA-256 (hex) of what the file says, after overrides and defaults, not of its bytes:
    comments and layout do not change it, the role's files do not enter it.
    ``noise`` is None where it is not looked at.
    """

    name: str
    description: str
    file: Path
    content_hash: str
    hosts: Hosts
    kernels: tuple[Kernel, ...]
    roles: tuple[Role, ...]
    tuning: Tuning
    benchmark: Benchmark
    sweep: Sweep
    repetitions: Repetitions
    order: Order
    limits: Limits
    allow_unsupported: tuple[Expression, ...]
    noise: Noise | None = Noise()
    compare: Comparison | None = None
