"""What reaches a terminal, or a pipe."""

from __future__ import annotations

import os
import re
import sys
import threading
import time

import click

from orchestrator import activities
from orchestrator.errors import one_line
from orchestrator.terminal import visible

_BEGAN = time.monotonic()
_lock = threading.RLock()
_last_on_stderr = _BEGAN
_PLACE = re.compile(r"(.+?):[1-9][0-9]*:(?:[1-9][0-9]*:)? ")


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text on stdout, or stderr, see :func:`visible`; ``nl``: with a line end. Lines of threads do not mix."""
    shown = visible(str(text)) + ("\n" if nl else "")
    if not err:
        with _lock, activities.muted():  # a pager may take its time
            click.echo(shown, nl=False)
        return
    with _lock:
        # Not by click, which writes to the stream below that of rich: a live view makes room for what it is told of.
        sys.stderr.write(shown)
        sys.stderr.flush()
    spoken()


def progress_line(text: str) -> None:
    """Print a line of progress on stderr, with the seconds since this program has started."""
    echo(f"[{time.monotonic() - _BEGAN:7.1f} s] {one_line(text)}", err=True)


def spoken() -> None:
    """Note that stderr shows something new."""
    global _last_on_stderr
    _last_on_stderr = time.monotonic()


def silence() -> float:
    """Return for how many seconds stderr has shown nothing new."""
    return time.monotonic() - _last_on_stderr


def complain(line: str) -> None:
    """Print a line of an error or a warning on stderr, after the name of this program.

    A line that begins with a position in a file is printed as compilers do, without the name: editors and terminals
    make it a link.
    """
    place = _PLACE.match(line)
    is_link = place is not None and os.path.isfile(place[1])  # noqa: PTH113 - Path.is_file() fails on long names
    echo(line if is_link else f"orchestrate: {line}", err=True)
