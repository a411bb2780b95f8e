"""A command with our terminal, and signals around it: Ctrl-C is for the command, a closed terminal ends it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from orchestrator import activities, exits
from orchestrator.errors import ExitCode, HostError, Interrupted

END_S = 5.0
"""Seconds that a command has to end when its terminal is closed."""

LOOK_S = 10.0
"""Seconds after which a command is looked at, should no signal tell that it has ended."""

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

    with _our_terminal(), _handled(TYPED, note), activities.muted(), _woken() as woken:
        try:
            process = subprocess.Popen(argv)
        except OSError as error:
            raise HostError(f"{argv[0]}: {error.strerror}") from error
        try:
            code = _wait(process, woken)
        except BaseException:
            _end(process)
            raise
    if code == SSH_FAILED and signal.SIGINT in typed:
        return ExitCode.INTERRUPTED
    return code if code >= 0 else 128 - code


class Signals:
    """What signals that end a program do in a block of :func:`ending_on_signals`.

    The first one raises an exception. Later ones do nothing, so that what the exception sets off is not skipped, except
    for Ctrl-C once more, later: it gives the restoration up.
    """

    def __init__(self, not_restored: str, typed: Handler) -> None:
        self._not_restored = not_restored
        self._typed = typed
        self._ending_since: float | None = None
        self._is_deferring = False
        self._deferred = 0

    def take(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; the handler of all of them."""
        if self._ending_since is not None:
            if number == signal.SIGINT and time.monotonic() - self._ending_since > exits.TOGETHER_S:
                self._give_up()
            return
        self._ending_since = time.monotonic()
        if self._is_deferring:
            self._deferred = number
        else:
            self._raise(number, frame)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let a signal wait for the end of the block, which does something on a host wholly or not at all."""
        self._is_deferring = True
        try:
            yield
        finally:
            self._is_deferring = False
        if self._deferred:
            self._raise(self._deferred, None)

    def hold(self) -> None:
        """Let no signal raise an exception from now on: what comes restores a host."""
        self._ending_since = time.monotonic()

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            self._typed(number, frame)
        raise Interrupted(f"stopped by {signal.Signals(number).name}")

    def _give_up(self) -> None:
        exits.interrupted("; ".join(filter(None, ("orchestrate: interrupted", self._not_restored))))


@contextmanager
def ending_on_signals(not_restored: str = "") -> Iterator[Signals]:
    """Let SIGTERM, SIGHUP and SIGQUIT raise ``Interrupted``, and Ctrl-C ``KeyboardInterrupt``, so that all is restored.

    Only in the main thread. A signal that is ignored, as SIGHUP is under nohup(1), stays ignored.

    :param not_restored: what may not be restored if Ctrl-C ends the restoration, and how to do it.
    """
    numbers = [one for one in (*ENDING, *TYPED) if signal.getsignal(one) is not signal.SIG_IGN]
    earlier = signal.getsignal(signal.SIGINT)
    signals = Signals(not_restored, earlier if callable(earlier) else signal.default_int_handler)
    with _handled(numbers, signals.take):
        yield signals


@contextmanager
def _handled(numbers: Sequence[int], handler: Handler) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def _woken() -> Iterator[int]:
    """A file descriptor that can be read when a signal has come, also that of a child that has ended.

    Of two signals that come together another thread may take one, which wakes no system call of the main thread.
    """
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        with _handled((signal.SIGCHLD,), lambda _number, _frame: None):
            yield reading
    finally:
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


def _wait(process: subprocess.Popen[bytes], woken: int) -> int:
    """Wait for a command; signals are handled as they come."""
    while (code := process.poll()) is None:
        select.select([woken], [], [], LOOK_S)
        with contextlib.suppress(BlockingIOError):
            os.read(woken, 4096)
    return code


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
