"""What reaches a terminal, or a pipe."""

from __future__ import annotations

import threading
import time

import click

from orchestrator.terminal import visible

_BEGAN = time.monotonic()
_lock = threading.RLock()
_last_on_stderr = _BEGAN


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text on stdout, or stderr, see :func:`visible`; ``nl``: with a line end. Lines of threads do not mix."""
    with _lock:
        click.echo(visible(str(text)), err=err, nl=nl)
    if err:
        spoken()


def progress_line(text: str) -> None:
    """Print a line of progress on stderr, with the seconds since this program has started."""
    echo(f"[{time.monotonic() - _BEGAN:7.1f} s] {text}", err=True)


def spoken() -> None:
    """Note that stderr shows something new."""
    global _last_on_stderr
    _last_on_stderr = time.monotonic()


def silence() -> float:
    """Return for how many seconds stderr has shown nothing new."""
    return time.monotonic() - _last_on_stderr
