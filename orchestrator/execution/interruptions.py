"""Machines that their cloud takes away before their deadline: the running trial ends if it can, the others go back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.errors import HostError
from orchestrator.execution.stopping import Stopping
from orchestrator.hosts.base import Machine

POLL_S = 5.0
"""As AWS recommends for notices of interruptions; they come two minutes before the end."""


@contextmanager
def leaving_in_time(stop: Stopping, machine: Machine, note: Callable[[str], None]) -> Iterator[None]:
    """Ask to leave the machine once its cloud interrupts it, see :meth:`Stop.leave_machine`.

    :param note: takes a line about the interruption; called from another thread as well.
    """
    ask = machine.interruption
    if ask is None:
        yield
        return

    def leave_if_interrupted() -> bool:
        reason = ask()
        if reason and not stop.level:
            note(f"{machine.name}: {reason}")
            stop.leave_machine(reason)
        return bool(reason)

    def watch() -> None:
        while not over.wait(POLL_S):
            if leave_if_interrupted():
                return

    over = threading.Event()
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    except HostError:  # whatever failed may have failed because the machine is going
        leave_if_interrupted()
        raise
    finally:
        over.set()
        thread.join()
