"""A run as its user sees it: a progress bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from orchestrator.cli.output import echo
from orchestrator.execution.observer import Observer
from orchestrator.experiment.model import Status
from orchestrator.plan.model import Block
from orchestrator.results.records import BlockRecord, TrialRecord
from orchestrator.results.runs import RunFolder
from orchestrator.terminal import visible
from orchestrator.units import plural

BUILD_LINES_S = 20.0
"""How often a build tells a pipe how far it is."""


class Terminal:
    """A :class:`~orchestrator.execution.launch.UserInterface` on stderr, so that stdout is the result.

    :param show: prints the result of a run.
    """

    def __init__(self, verbose: int, show: Callable[[RunFolder], None] = lambda _: None) -> None:
        self._verbose = verbose
        self._show = show

    def building(self, name: str) -> AbstractContextManager[Callable[[str], None]]:
        """Show how far the build of a kernel is."""
        return building(name)

    def progress(self) -> AbstractContextManager[Observer]:
        """Show how far the run is."""
        return _progress(self._verbose)

    def say(self, text: str) -> None:
        """Print a line."""
        echo(text, err=True)

    def ended_early(self, folder: RunFolder) -> None:
        """Print the result of the trials that have ended, if any."""
        self._show(folder)


@contextmanager
def _progress(verbose: int) -> Iterator[Observer]:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        yield PlainLines(console, verbose)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield ProgressBar(bar, verbose)


class PlainLines:
    """One line for each thing that happens."""

    def __init__(self, console: Console, verbose: int) -> None:
        self._console = console
        self._verbose = verbose
        self._trials = 0
        self._done = 0
        self._began = time.monotonic()

    def run_begins(self, trials: int, done: int) -> None:
        """See :class:`Observer`."""
        self._trials, self._done = trials, done

    def block_begins(self, block: Block, trials: int) -> None:
        """See :class:`Observer`."""
        self._say(f"block {block.index}: kernel {block.kernel}, boot {block.boot}, {plural(trials, 'trial')}")

    def host_ready(self, record: BlockRecord) -> None:
        """See :class:`Observer`."""
        release = record.facts.get("release", "unknown kernel")
        self._say(f"{record.host}: {release}, {record.environment}, clock: {record.clock}")

    def trial_ends(self, record: TrialRecord) -> None:
        """See :class:`Observer`."""
        self._done += record.final
        if self._verbose or (record.status is not Status.OK and not record.allowed):
            self._say(describe(record))
        elif self._done % 10 == 0 or self._done == self._trials:
            self._say(f"{self._done} of {self._trials} trials")

    def note(self, text: str) -> None:
        """See :class:`Observer`."""
        self._say(text)

    def _say(self, text: str) -> None:
        spent = time.monotonic() - self._began
        self._console.print(f"[{spent:7.1f} s] {visible(text)}", markup=False)


class ProgressBar:
    """A bar with the current block and the time that is left."""

    def __init__(self, bar: Progress, verbose: int) -> None:
        self._bar = bar
        self._verbose = verbose
        self._task = bar.add_task("starting", total=None)

    def run_begins(self, trials: int, done: int) -> None:
        """See :class:`Observer`."""
        self._bar.update(self._task, total=trials, completed=done)

    def block_begins(self, block: Block, trials: int) -> None:
        """See :class:`Observer`."""
        text = visible(f"block {block.index}, kernel {block.kernel}: booting")
        self._bar.update(self._task, description=escape(text))

    def host_ready(self, record: BlockRecord) -> None:
        """See :class:`Observer`."""
        text = visible(f"block {record.block}, {record.host}, {record.environment}")
        self._bar.update(self._task, description=escape(text))

    def trial_ends(self, record: TrialRecord) -> None:
        """See :class:`Observer`."""
        if record.final:
            self._bar.advance(self._task)
        if self._verbose or (record.status is not Status.OK and not record.allowed):
            self.note(describe(record))

    def note(self, text: str) -> None:
        """See :class:`Observer`."""
        self._bar.console.print(visible(text), markup=False)


def describe(record: TrialRecord) -> str:
    """One line on a trial: which, where, what became of it and why."""
    cell = ", ".join(f"{name}={text}" for name, text in record.factors.items())
    reason = f": {record.reason}" if record.reason else ""
    again = "" if record.final else " (will be tried again)"
    return f"trial {record.trial} on {record.host} [{cell}]: {record.status}{reason}{again}"


@contextmanager
def building(name: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr how far the build of a kernel is: one line that changes, or one every while in a pipe."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if console.is_terminal:
        with console.status(f"{name}: beginning") as status:
            yield lambda text: status.update(f"{name}: {escape(visible(text))}")
        return
    began = time.monotonic()
    due = began

    def say(text: str) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            console.print(f"[{now - began:7.1f} s] {name}: {visible(text)}", markup=False)
            due = now + BUILD_LINES_S

    yield say
