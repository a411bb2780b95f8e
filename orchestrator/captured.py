"""What programs print, up to a limit that holds while they print: some print without end."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import subprocess
import time
from typing import Any

MOST_OUTPUT = 64 * 1024**2
"""Bytes of standard output that a program may print, unless more is expected of it."""

MOST_ERRORS = 4 * 1024**2
"""Bytes of standard error that are kept, the last ones: messages quote the last lines."""

_PIECE = 65536


class TooMuchOutput(subprocess.SubprocessError):
    """A program has printed more than so many bytes on standard output."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most / 2**20:g}MiB of output")


def keep_last(errors: bytearray, data: bytes) -> None:
    """Append what a program has printed on standard error, and drop what is older than :data:`MOST_ERRORS`."""
    errors += data
    del errors[:-MOST_ERRORS]


def last_line(*printed: str) -> str:
    """Return the last line of the first text that has one; empty if none has."""
    stripped = (text.strip() for text in printed)
    return next((text for text in stripped if text), "").rpartition("\n")[2]


def communicate(
    process: subprocess.Popen[Any],
    stdin: bytes | None = None,
    time_limit: float | None = None,
    most: int = MOST_OUTPUT,
) -> tuple[bytes, bytes]:
    """Return what a process prints on its pipes until it has exited: ``Popen.communicate`` with limits.

    ``TimeoutExpired`` after ``time_limit`` seconds, :class:`TooMuchOutput` after ``most`` bytes on stdout; it may still
    run then. Of stderr the end comes back, see :func:`keep_last`.

    :param stdin: for its pipe, if it has one.
    """
    deadline = math.inf if time_limit is None else time.monotonic() + time_limit
    rest = memoryview(stdin or b"")
    output, errors = bytearray(), bytearray()

    def left() -> float | None:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise subprocess.TimeoutExpired(process.args, time_limit or 0)
        return None if seconds == math.inf else seconds

    def feed(pipe: int) -> bool:
        nonlocal rest
        try:
            rest = rest[os.write(pipe, rest) :]
        except BrokenPipeError:  # a program need not read all
            return False
        return bool(rest)

    def read_output(pipe: int) -> bool:
        data = os.read(pipe, _PIECE)
        output.extend(data)
        if len(output) > most:
            raise TooMuchOutput(most)
        return bool(data)

    def read_errors(pipe: int) -> bool:
        data = os.read(pipe, _PIECE)
        keep_last(errors, data)
        return bool(data)

    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as opened:
        for pipe, event, step in (
            (process.stdin, selectors.EVENT_WRITE, feed),
            (process.stdout, selectors.EVENT_READ, read_output),
            (process.stderr, selectors.EVENT_READ, read_errors),
        ):
            if pipe is not None:
                os.set_blocking(opened.enter_context(pipe).fileno(), False)
                selector.register(pipe, event, (pipe, step))
        while selector.get_map():
            for key, _ in selector.select(left()):
                pipe, step = key.data
                if not step(key.fd):
                    selector.unregister(pipe)
                    pipe.close()
    process.wait(left())
    return bytes(output), bytes(errors)
