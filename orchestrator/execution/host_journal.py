"""The journal of a host's runner, line by line.

The runner counts time in seconds since boot; the header of its journal says which moment that is, so times leave here
as ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from orchestrator.errors import HostError
from orchestrator.hosts.remote.settings import Change, change_of

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


class TrialEnd(Struct, frozen=True):
    """A trial is over; the runner will not run it again.

    :ivar tag: what the controller had attached to the trial.
    :ivar boot: boot id of the host.
    :ivar refused: why it was not run at all (a setting that did not take, no working folder); empty if it ran.
    :ivar exit_code: None if it did not run or ended by ``signal``.
    :ivar timed_out: it was ended at its time limit.
    :ivar start: ISO 8601, UTC, as is ``end``; empty if it did not run.
    :ivar settled: whether the CPUs were idle before it; ``waited``: how long that took, in seconds.
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
    usage: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """What the trial's settings were when it ran: path to value, read back."""
        return {change.path: change.in_effect for change in self.changes}


class End(Struct, frozen=True):
    """The runner has ended. ``failed``: it could not restore settings; ``detail`` names them."""

    reason: Literal["complete", "stopped", "failed"]
    detail: str


Event = Begin | Start | TrialEnd | End


class Reader:
    """Turns the lines of one journal, in their order, into events.

    :param place: host and path of the journal, for messages.
    """

    def __init__(self, place: str = "host journal") -> None:
        self._place = place
        self._begin: Begin | None = None

    def read(self, line: str | bytes) -> Event | None:
        """Return the event of a line; None for one that a power cut has torn (its trial will be run again).

        Raises :class:`~orchestrator.errors.HostError` for a journal that another version of the runner wrote.
        """
        if isinstance(line, bytes):
            line = line.decode(errors="replace")
        try:
            document = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return None
        if document["event"] == "begin":
            return self._take_begin(document)
        if document["event"] == "end":
            return End(document["reason"], document["detail"])
        if self._begin is None:
            raise HostError(
                f"{self._place}: line 1 is not a journal header; remove its directory and repeat the command"
            )
        if document["event"] == "start":
            return Start(document["trial"], self._begin.time(document["uptime"]))
        return self._trial_end(document, self._begin)

    def _take_begin(self, document: Mapping[str, Any]) -> Begin:
        if document["format"] != FORMAT:
            raise HostError(
                f"{self._place}: format {document['format']}, this version reads {FORMAT}; finish the run with the "
                "version that started it, or remove its directory and repeat the command"
            )
        self._begin = Begin(document["boot"], float(document["epoch"]), float(document["uptime"]))
        return self._begin

    @staticmethod
    def _trial_end(document: Mapping[str, Any], begin: Begin) -> TrialEnd:
        start, end = document["start"], document["end"]
        log = document["kernel_log"]
        # Runners of 0.1 kept the beginning of stdout and did not tell whether stderr was cut: figures come last.
        end_is_lost = document["stdout_cut"] and "stderr_cut" not in document
        return TrialEnd(
            trial=document["trial"],
            tag=document["tag"],
            boot=begin.boot,
            refused=document["refused"],
            exit_code=document["exit"],
            signal=document["signal"],
            timed_out=document["timed_out"],
            start="" if start is None else begin.time(start),
            end="" if end is None else begin.time(end),
            settled=document["settled"],
            waited=float(document["waited"]),
            strays=document["strays"],
            changes=tuple(change_of(outcome) for outcome in document["settings"]),
            counters=document["counters"],
            noise=document.get("noise") or {},
            kernel_log=None if log is None else tuple(log),
            stdout="" if end_is_lost else document["stdout"],
            stdout_cut=document["stdout_cut"],
            stderr=document["stderr"],
            stderr_cut=document.get("stderr_cut", False),
            usage=document.get("usage") or {},
        )
