"""Signals around a command and around what is restored after it; `test_shell.py` has sessions."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from orchestrator.errors import Interrupted
from orchestrator.hosts import terminal_session


def test_a_signal_that_another_thread_takes_ends_the_command(tmp_path: Path) -> None:
    def take() -> None:
        started.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    started = threading.Event()
    fifo = tmp_path / "fifo"
    subprocess.run(("mkfifo", fifo), check=True)
    thread = threading.Thread(target=take)
    reader = threading.Thread(target=lambda: (fifo.read_text(), started.set()))
    thread.start()
    reader.start()
    late = tmp_path / "late"
    script = 'echo >"$1"; trap "exit 1" HUP; for _ in 1 2 3 4 5 6 7 8; do sleep 1; done; touch "$2"'
    with (
        pytest.raises(Interrupted, match=r"^stopped by SIGTERM$"),
        terminal_session.ending_on_signals(),
    ):
        terminal_session.run(("sh", "-c", script, "sh", str(fifo), str(late)))
    thread.join()
    reader.join()
    assert not late.exists()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_a_second_signal_does_not_skip_what_the_first_has_set_off(second: signal.Signals) -> None:
    restored = []

    def restore() -> None:
        signal.raise_signal(second)
        restored.append(True)

    def work() -> None:
        with terminal_session.ending_on_signals(), contextlib.ExitStack() as cleanup:
            cleanup.callback(restore)
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted, match=r"^stopped by SIGTERM$"):
        work()
    assert restored


def test_no_signal_ends_what_is_held() -> None:
    with terminal_session.ending_on_signals() as signals:
        signals.hold()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            signal.raise_signal(number)


def test_a_deferred_signal_raises_after_the_block() -> None:
    done = []

    def work() -> None:
        with terminal_session.ending_on_signals() as signals, signals.deferred():
            signal.raise_signal(signal.SIGINT)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminal_session.ending_on_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
