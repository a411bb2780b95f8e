"""The journal of a host's runner, line by line.

The runner counts time in seconds since boot; the header of its journal says which moment that is, so times leave here
as ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

import msgspec
from msgspec import Struct, field

from orchestrator.errors import HostError
from orchestrator.hosts.remote.settings import Change
from orchestrator.results.damage import plain
from orchestrator.units import plural

FORMAT = 1
"""Version of the runner's journal; ``format`` in its header."""


class Begin(Struct, frozen=True):
    """A runner takes up its block.

    :ivar epoch: seconds since 1970, UTC, when ``uptime`` seconds had passed since boot.
    """

    boot: str
    epoch: float
    uptime: float

    def time(self, uptime: float) -> str:
        """Return the moment ``uptime`` seconds after boot, ISO 8601 in UTC, in milliseconds."""
        moment = datetime.fromtimestamp(self.epoch + uptime - self.uptime, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Start(Struct, frozen=True):
    """A trial is about to run; ``time``: ISO 8601, UTC."""

    trial: str
    time: str


class Busy(Struct, frozen=True):
    """A process and how many CPUs it uses, 1 being one of them all the time."""

    command: str
    pid: int
    cpus: float


class Waiting(Struct, frozen=True):
    """A trial waits for idle CPUs, in seconds: ``waited`` so far, at most ``limit``. A runner says it once for
    a trial, after some seconds.

    :ivar busy: the processes that use most, the first one most.
    """

    trial: str
    waited: float
    limit: float
    busy: tuple[Busy, ...]


class TrialEnd(Struct, frozen=True):
    """A trial is over; the runner will not run it again.

    :ivar tag: what the controller had attached to the trial.
    :ivar boot: boot id of the host.
    :ivar refused: why it was not run at all (a setting that did not take, no working folder); empty if it ran.
    :ivar exit_code: None if it did not run or ended by ``signal``.
    :ivar timed_out: it was ended at its time limit.
    :ivar start: ISO 8601, UTC, as is ``end``; empty if it did not run.
    :ivar settled: whether the CPUs were idle before it; ``waited``: how long that took, in seconds.
    :ivar busy: if they were not, the processes that used them most meanwhile.
    :ivar strays: it left processes behind, which were ended.
    :ivar changes: its settings, read back.
    :ivar counters: differences of ``/proc/vmstat`` over the trial, those that are not zero.
    :ivar noise: what else went on, see :class:`~orchestrator.results.records.TrialRecord`; empty if it did not run.
    :ivar kernel_log: lines since the previous trial, the newest 200; None where it cannot be read.
    :ivar stdout: the last 96 KiB; ``stdout_cut``: there was more before. ``stderr``: the last 16 KiB; ``stderr_cut``.
        Bytes that are not UTF-8 are replaced, NUL bytes and line ends at the end dropped.
    :ivar usage: what it used: ``user`` and ``system``, seconds of CPU; ``memory_peak``, bytes; ``processes_peak``;
        null: not known. ``of``: ``cgroup``, all its processes, or ``waited``, those that were waited for, with the
        memory of the largest. Empty if it did not run, and in journals of older versions.
    """

    trial: str
    tag: Mapping[str, Any]
    boot: str
    refused: str
    exit_code: int | None
    signal: int | None
    timed_out: bool
    start: str
    end: str
    settled: bool
    waited: float
    strays: bool
    changes: tuple[Change, ...]
    counters: Mapping[str, int]
    noise: Mapping[str, Any]
    kernel_log: tuple[str, ...] | None
    stdout: str
    stdout_cut: bool
    stderr: str
    stderr_cut: bool = False
    busy: tuple[Busy, ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """What the trial's settings were when it ran: path to value, read back."""
        return {change.path: change.in_effect for change in self.changes}


class End(Struct, frozen=True):
    """The runner has ended. ``failed``: it could not restore settings; ``detail`` names them."""

    reason: Literal["complete", "stopped", "failed"]
    detail: str


Event = Begin | Start | Waiting | TrialEnd | End


class _Node(TypedDict):
    node: int
    free_memory: int
    free_huge_pages: int


class _Measured(TypedDict):
    load: float
    worked: float
    stolen: float
    throttled: int | None
    logins: int
    nodes: list[_Node]


class _Noise(_Measured, total=False):
    frequency: int | None


class _Usage(TypedDict, total=False):
    of: str
    user: float | None
    system: float | None
    memory_peak: int | None
    processes_peak: int | None


class _BeginLine(Struct, frozen=True, tag_field="event", tag="begin"):
    format: int
    boot: str = ""
    epoch: float = 0.0
    uptime: float = 0.0


class _StartLine(Struct, frozen=True, tag_field="event", tag="start"):
    trial: str
    uptime: float


class _WaitingLine(Struct, frozen=True, tag_field="event", tag="waiting"):
    trial: str
    waited: float
    limit: float
    busy: tuple[Busy, ...]


class _TrialLine(Struct, frozen=True, tag_field="event", tag="trial"):
    trial: str
    tag: dict[str, Any]
    refused: str
    exit: int | None
    signal: int | None
    timed_out: bool
    start: float | None
    end: float | None
    settled: bool
    waited: float
    strays: bool
    settings: tuple[Change, ...]
    counters: dict[str, int]
    kernel_log: tuple[str, ...] | None
    stdout: str
    stdout_cut: bool
    stderr: str
    stderr_cut: bool | None = None
    busy: tuple[Busy, ...] = ()
    noise: _Noise | None = None
    usage: _Usage | None = None


class _EndLine(Struct, frozen=True, tag_field="event", tag="end"):
    reason: Literal["complete", "stopped", "failed"]
    detail: str


_decode = msgspec.json.Decoder(_BeginLine | _StartLine | _WaitingLine | _TrialLine | _EndLine).decode
"""What a host sends is not trusted: a line of another shape is an error of the host, not of this program."""

_ADVICE = "remove its directory"

MOST_LINES = 1000
"""Of each trial, and as many besides: it has three each time that it is begun. A host that never ends has more."""

MOST_SIZE = 64 << 20
"""Characters, likewise. A line of a trial has a few MiB at most: what it printed, escaped."""


class Reader:
    """Turns the lines of one journal, in their order, into events.

    :param place: host and path of the journal, for messages.
    :param trials: most trials that may be in it, each as often as it was begun.
    """

    def __init__(self, place: str = "host journal", trials: int = 0) -> None:
        self._place = place
        self._trials = trials
        self._lines = 0
        self._size = 0
        self._begin: Begin | None = None

    def read(self, line: str | bytes) -> Event | None:
        """Return the event of a line; None for one that a power cut has torn (its trial will be run again).

        Raises :class:`~orchestrator.errors.HostError` for a journal that another version of the runner wrote, and for
        what no runner writes.
        """
        self._lines += 1
        self._size += len(line)
        if self._lines > MOST_LINES * (1 + self._trials) or self._size > MOST_SIZE * (1 + self._trials):
            trials = plural(self._trials, "trial")
            raise HostError(f"{self._place}: longer than a journal of {trials} can be; {_ADVICE}")
        if isinstance(line, bytes):
            line = line.decode(errors="replace")
        try:
            document = _decode(line)
        except msgspec.ValidationError as error:
            raise HostError(f"{self._place}: line {self._lines}: {plain(error)}; {_ADVICE}") from None
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return None
        try:
            return self._event(document)
        except (ValueError, OverflowError, OSError):
            raise HostError(f"{self._place}: line {self._lines}: no such time; {_ADVICE}") from None

    def _event(self, line: _BeginLine | _StartLine | _WaitingLine | _TrialLine | _EndLine) -> Event:
        if isinstance(line, _BeginLine):
            return self._take_begin(line)
        if isinstance(line, _EndLine):
            return End(line.reason, line.detail)
        if self._begin is None:
            raise HostError(f"{self._place}: line {self._lines} is not a journal header; {_ADVICE}")
        if isinstance(line, _StartLine):
            return Start(line.trial, self._begin.time(line.uptime))
        if isinstance(line, _WaitingLine):
            return Waiting(line.trial, line.waited, line.limit, line.busy)
        return _trial_end(line, self._begin)

    def _take_begin(self, line: _BeginLine) -> Begin:
        if line.format != FORMAT:
            raise HostError(
                f"{self._place}: format {line.format}, this version reads {FORMAT}; finish the run with the "
                "version that started it, or remove its directory"
            )
        self._begin = Begin(line.boot, line.epoch, line.uptime)
        return self._begin


def _trial_end(line: _TrialLine, begin: Begin) -> TrialEnd:
    # Runners of 0.1 kept the beginning of stdout and did not tell whether stderr was cut: figures come last.
    end_is_lost = line.stdout_cut and line.stderr_cut is None
    return TrialEnd(
        trial=line.trial,
        tag=line.tag,
        boot=begin.boot,
        refused=line.refused,
        exit_code=line.exit,
        signal=line.signal,
        timed_out=line.timed_out,
        start="" if line.start is None else begin.time(line.start),
        end="" if line.end is None else begin.time(line.end),
        settled=line.settled,
        waited=line.waited,
        strays=line.strays,
        changes=line.settings,
        counters=line.counters,
        noise=line.noise or {},
        kernel_log=line.kernel_log,
        stdout="" if end_is_lost else line.stdout,
        stdout_cut=line.stdout_cut,
        stderr=line.stderr,
        stderr_cut=line.stderr_cut or False,
        busy=line.busy,
        usage=line.usage or {},
    )
