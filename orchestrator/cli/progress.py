"""A run as its user sees it: a live view on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.markup import escape

from orchestrator.activities import doing, muted
from orchestrator.cli.live import Screen
from orchestrator.cli.output import echo, progress_line
from orchestrator.errors import one_line
from orchestrator.execution.observer import Observer
from orchestrator.experiment.model import Status
from orchestrator.plan.model import Block
from orchestrator.results.records import BlockRecord, TrialRecord
from orchestrator.results.runs import RunFolder
from orchestrator.terminal import visible
from orchestrator.units import plural

BUILD_LINES_S = 9.0
"""How often a build tells a pipe how far it is: every 10 s there is a line."""


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
    console = _console()
    if not console.is_interactive:
        yield PlainLines(verbose)
        return
    with muted(), Screen(console) as screen:
        yield LiveView(screen, verbose)


def _console() -> Console:
    """Return stderr; interactive if it is a terminal that can move its cursor."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


class PlainLines:
    """One line for each thing that happens."""

    def __init__(self, verbose: int) -> None:
        self._verbose = verbose
        self._trials = 0
        self._done = 0

    def run_begins(self, trials: int, done: int) -> None:
        """See :class:`Observer`."""
        self._trials, self._done = trials, done

    def block_begins(self, block: Block, trials: int) -> None:
        """See :class:`Observer`."""
        self.note(f"block {block.index}: kernel {block.kernel}, boot {block.boot}, {plural(trials, 'trial')}")

    def host_ready(self, record: BlockRecord) -> None:
        """See :class:`Observer`."""
        release = record.facts.get("release", "unknown kernel")
        self.note(f"{record.host}: {release}, {record.environment}, clock: {record.clock}")

    def trial_ends(self, record: TrialRecord) -> None:
        """See :class:`Observer`."""
        self._done += record.final
        if self._verbose or (record.status is not Status.OK and not record.allowed):
            self.note(describe(record))
        elif self._done % 10 == 0 or self._done == self._trials:
            self.note(f"{self._done} of {self._trials} trials")

    def note(self, text: str) -> None:
        """See :class:`Observer`."""
        progress_line(text)


class LiveView:
    """Messages above the :class:`Screen`, whose bar counts the trials of the run."""

    def __init__(self, screen: Screen, verbose: int) -> None:
        self._screen = screen
        self._verbose = verbose
        self._task = screen.add_task("starting", total=None)

    def run_begins(self, trials: int, done: int) -> None:
        """See :class:`Observer`."""
        self._screen.update(self._task, total=trials, completed=done, description="trials")

    def block_begins(self, block: Block, trials: int) -> None:
        """See :class:`Observer`; the line of the host shows it."""

    def host_ready(self, record: BlockRecord) -> None:
        """See :class:`Observer`; the line of the host shows it."""

    def trial_ends(self, record: TrialRecord) -> None:
        """See :class:`Observer`."""
        if record.final:
            self._screen.advance(self._task)
        if self._verbose or (record.status is not Status.OK and not record.allowed):
            self.note(describe(record))

    def note(self, text: str) -> None:
        """See :class:`Observer`."""
        self._screen.console.print(visible(one_line(text)), markup=False)


def describe(record: TrialRecord) -> str:
    """One line on a trial: which, where, what became of it and why."""
    cell = ", ".join(f"{name}={text}" for name, text in record.factors.items())
    reason = f": {record.reason}" if record.reason else ""
    again = "" if record.final else " (will be tried again)"
    return f"trial {record.trial} on {record.host} [{cell}]: {record.status}{reason}{again}"


@contextmanager
def building(name: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr how far the build of a kernel is: one line that changes, or one every while in a pipe."""
    try:
        with _build_progress(name) as say:
            yield say
    except KeyboardInterrupt:  # make has ended and has removed what is not complete
        echo(f"orchestrate: {name} is not built yet; the same command continues the build", err=True)
        raise


@contextmanager
def _build_progress(name: str) -> Iterator[Callable[[str], None]]:
    console = _console()
    began = time.monotonic()
    if console.is_interactive:
        with muted(), console.status(f"{name}: beginning") as status:
            yield lambda text: status.update(
                f"{name}: {escape(visible(text))}, {time.monotonic() - began:.0f} s"
            )
        return
    due = began

    with doing(name, "building") as activity:

        def say(text: str) -> None:
            nonlocal due
            now = time.monotonic()
            activity.rename(f"building: {text}")
            if now >= due:
                progress_line(f"{name}: {text}")
                due = now + BUILD_LINES_S

        yield say
