"""A command with our terminal, and signals around it: Ctrl-C is for the command, a closed terminal ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from orchestrator import activities
from orchestrator.errors import ExitCode, HostError, Interrupted

END_S = 5.0
"""Seconds that a command has to end when its terminal is closed."""

TOGETHER_S = 1.0
"""Signals that come within this time are one request."""

ENDING = (signal.SIGTERM, signal.SIGHUP)
TYPED = (signal.SIGINT, signal.SIGQUIT)
"""What a terminal sends to all programs in front when keys are pressed."""

SSH_FAILED = 255
"""Exit code of ``ssh`` for an error of its own; also if Ctrl-C has ended it."""

Handler = Callable[[int, FrameType | None], None]


def has_terminal() -> bool:
    """Whether a command of ours would have a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def run(argv: Sequence[str]) -> int:
    """Run a command with our streams; return its exit code, 128 and more if a signal ended it, as a shell does.

    SIGTERM and SIGHUP end the command and raise ``Interrupted``, if :func:`ending_on_signals` is in effect. Only in the
    main thread.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    typed: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        typed.append(number)  # and no more. Unlike SIG_IGN, this is not inherited by the command.

    with _our_terminal(), _handled(TYPED, note), activities.muted():
        try:
            process = subprocess.Popen(argv)
        except OSError as error:
            raise HostError(f"{argv[0]}: {error.strerror}") from error
        try:
            code = process.wait()
        except BaseException:
            _end(process)
            raise
    if code == SSH_FAILED and signal.SIGINT in typed:
        return ExitCode.INTERRUPTED
    return code if code >= 0 else 128 - code


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise ``Interrupted``, as Ctrl-C raises ``KeyboardInterrupt``, so that all is restored.

    A SIGHUP that is ignored, as under nohup(1), stays ignored.
    """
    numbers = [one for one in ENDING if signal.getsignal(one) is not signal.SIG_IGN]

    def interrupt(number: int, _frame: FrameType | None) -> None:
        raise Interrupted(f"stopped by {signal.Signals(number).name}")

    with _handled(numbers, interrupt):
        yield


@contextmanager
def restoring(what: str) -> Iterator[None]:
    """Let no signal end the block, which restores a host; Ctrl-C once more, later, gives it up.

    :param what: what may not be restored then, and how to do it.
    """
    began = time.monotonic()

    def give_up(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and time.monotonic() - began > TOGETHER_S:
            with contextlib.suppress(OSError):
                os.write(2, f"orchestrate: interrupted; {what}\n".encode())
            os._exit(ExitCode.INTERRUPTED)

    with _handled((*ENDING, *TYPED), give_up):
        yield


@contextmanager
def _handled(numbers: Sequence[int], handler: Handler) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def _our_terminal() -> Iterator[None]:
    """Take the terminal back as it was: a shell that was killed leaves it raw, and to its own jobs."""
    try:
        attributes = termios.tcgetattr(0)
    except (termios.error, OSError):
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(termios.error, OSError):
            _take_terminal(attributes)


def _take_terminal(attributes: list[Any]) -> None:
    # Whoever is not in front and changes a terminal is stopped, unless this is ignored.
    ignored = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        if os.tcgetpgrp(0) != os.getpgrp():
            os.tcsetpgrp(0, os.getpgrp())
        termios.tcsetattr(0, termios.TCSADRAIN, attributes)
    finally:
        signal.signal(signal.SIGTTOU, ignored)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command as a closed terminal does; kill it if it does not end."""
    process.send_signal(signal.SIGHUP)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
