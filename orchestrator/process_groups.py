"""Programs of this machine that start others: each has a process group of its own, which ends as a whole.

Whoever ends such a program, at a time limit or because the user wants it, leaves nothing of it behind. What still runs
when this process exits is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any, Literal, overload

from orchestrator import captured

_is_over = False
_begun: set[subprocess.Popen[Any]] = set()
"""Those that may still run. There is no lock: a signal handler may have to end them all."""


def begin(argv: Sequence[Any], **options: Any) -> subprocess.Popen[Any]:
    """Start a program in a group of its own; the options are those of ``Popen``. Whoever begins one ends it.

    Its group is no terminal's: Ctrl-C reaches only this process.
    """
    if _is_over:  # what a thread of a process that exits goes on with
        raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED), argv[0])
    process: subprocess.Popen[Any] = subprocess.Popen(argv, start_new_session=True, **options)
    _begun.difference_update([one for one in tuple(_begun) if one.returncode is not None])
    _begun.add(process)
    return process


def end(process: subprocess.Popen[Any], grace_s: float = 0.0) -> bool:
    """End a program with all that it has started, if it still runs: by SIGTERM, ``grace_s`` seconds later by SIGKILL.

    Returns whether SIGKILL was not needed. Of one whose end was waited for, what it has started goes on. May be called
    twice.
    """
    if process.returncode is None and grace_s:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    if process.returncode is not None:
        return True
    _signal(process, signal.SIGKILL)
    process.wait()
    return False


@overload
def run(argv: Sequence[Any], *, text: Literal[True], **options: Any) -> subprocess.CompletedProcess[str]: ...


@overload
def run(argv: Sequence[Any], **options: Any) -> subprocess.CompletedProcess[bytes]: ...


def run(
    argv: Sequence[Any],
    *,
    input: bytes | None = None,
    timeout: float | None = None,
    check: bool = False,
    most: int = captured.MOST_OUTPUT,
    text: bool = False,
    errors: str = "replace",
    **options: Any,
) -> subprocess.CompletedProcess[Any]:
    """Run a program as ``subprocess.run``, without a terminal: whatever ends the wait for it ends its group.

    :class:`~orchestrator.captured.TooMuchOutput` after ``most`` bytes on stdout; of stderr the end comes back.
    """
    options.setdefault("stdin", subprocess.DEVNULL if input is None else subprocess.PIPE)
    if options.pop("capture_output", False):
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = begin(argv, **options)
    try:
        printed = captured.communicate(process, input, timeout, most)
    finally:
        end(process)
    out, err = (one.decode("utf-8", errors) if text else one for one in printed)
    if check and process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv, out, err)
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


def end_all() -> None:
    """Kill all programs that run, with all that they have started, before this process exits; none begins any more.

    Waits for none; for signal handlers, too.
    """
    global _is_over
    _is_over = True
    for process in tuple(_begun):
        if process.returncode is None:
            _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[Any], number: int) -> None:
    # Nobody has waited for the program: while there is no return code, the number of its group is not another's.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


atexit.register(end_all)
