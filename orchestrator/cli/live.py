"""The part of the screen that shows a run while it goes on: a line for each host, and a bar for the run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from orchestrator import activities
from orchestrator.activities import Shown
from orchestrator.terminal import visible

REFRESHES_PER_S = 1.0
"""Seconds are shown; where the host is this machine, each refresh disturbs its trials."""
LINES_LEFT = 4
"""Lines of the terminal that are not for hosts: the bar, the count of other hosts, and room for messages."""


class Screen(Progress):
    """The lines of the hosts above the bar of the run; never more than the terminal has."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
        )
        self._terminal = console
        super().__init__(*columns, console=console, refresh_per_second=REFRESHES_PER_S)

    def get_renderable(self) -> RenderableType:
        """Return what is shown at the moment."""
        return _Cropped(Group(*self.get_renderables()))

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the lines of the hosts, then the bar."""
        most = max(1, self._terminal.size.height - LINES_LEFT)
        for line in host_lines(activities.current(), most):
            yield Text(visible(line), no_wrap=True, overflow="ellipsis")
        yield from super().get_renderables()


class _Cropped:
    """Shows lines cut at the width of the terminal, also when a message above it is printed that may wrap."""

    def __init__(self, content: RenderableType) -> None:
        self._content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._content, options.update(no_wrap=False, overflow="ellipsis"))


def host_lines(now: list[Shown], most: int) -> Iterator[str]:
    """Yield a line for each host in the order of their names, at most ``most``; the last one may say "and 37 more"."""
    now = sorted(now, key=_by_name)
    shown = now if len(now) <= most else now[: most - 1]
    name_width = max((len(one.who) for one in shown), default=0)
    counts = [f"{one.done}/{one.total}" if one.total else "" for one in shown]
    count_width = max(map(len, counts), default=0)
    for one, count in zip(shown, counts, strict=True):
        label = f"{one.label}: " if one.label else ""
        doing = f"{label}{one.what}, {one.seconds:.0f} s{one.bound}"
        yield (
            f"{one.who:{name_width}}  {count:>{count_width}}  {doing}"
            if count_width
            else (f"{one.who:{name_width}}  {doing}" if name_width else doing)
        )
    if len(now) > len(shown):
        yield f"... and {len(now) - len(shown)} more"


def _by_name(one: Shown) -> list[str | int]:
    """Sort ``n10`` after ``n9``."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", one.who)]
