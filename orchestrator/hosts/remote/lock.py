"""Who has a host: one run at a time, by a lock on the host that names its holder.

The lock is a file, so that it holds through lost connections and reboots. That of a holder of which we can tell that it
is no more (a process of this very machine) counts for nothing; any other is waited for, or broken knowingly.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from dataclasses import asdict, dataclass

from orchestrator import processes
from orchestrator.errors import HostError
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.timestamps import utc_now

HELD = 3
"""Exit code of ``lock.sh take`` where another holds the lock."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a host.

    :ivar run: id of the run, or what else is done there.
    :ivar controller: name of the machine that controls it; ``since``: ISO 8601, UTC, by its clock.
    :ivar process: names the controlling process among all that its kernel ever had.
    """

    run: str
    user: str
    controller: str
    since: str
    process: str

    @property
    def line(self) -> str:
        """As it stands in the lock."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def is_gone(self) -> bool:
        """Whether it is certain that the holder is no more."""
        kernel, _, process = self.process.rpartition("/")
        return kernel == processes.pid_namespace() and process != processes.identity(
            process.partition("-")[0]
        )

    def __str__(self) -> str:
        return f"{self.run} of {self.user}@{self.controller} since {self.since}"


def ourselves(run: str) -> Holder:
    """The holder that this process is."""
    process = f"{processes.pid_namespace()}/{processes.identity(os.getpid())}"
    return Holder(run, getpass.getuser(), socket.gethostname(), utc_now(), process)


def take(folder: HostFolder, run: str, *, break_lock: bool = False) -> Holder:
    """Take the host for a run and return the lock's new holder.

    What the same run holds, or a holder that is gone, is taken over. ``HostError`` names any other holder, unless its
    lock is to be broken.
    """
    mine, old = ourselves(run), ""
    while True:
        words = (folder.base, mine.line, *([old] if old else []))
        done = folder.host.run(folder.script("lock.sh", "take", *words, accept=(0, HELD)))
        if done.exit_code != HELD:
            return mine
        found = done.stdout.strip()
        holder = _read(found)
        if found == old or not (break_lock or holder.run == run or holder.is_gone):
            raise _held(folder, holder)
        old = found


def check_free(folder: HostFolder) -> None:
    """Raise ``HostError`` where somebody holds the host who may still be there."""
    holder = holder_of(folder)
    if holder is not None and not holder.is_gone:
        raise _held(folder, holder)


def unlock(folder: HostFolder) -> Holder | None:
    """Break the lock, whoever holds it, and return who held it; None: nobody did."""
    line = _line_of(folder)
    if not line:
        return None
    folder.host.run(folder.script("lock.sh", "release", folder.base, line))
    return _read(line)


def release(folder: HostFolder, holder: Holder) -> None:
    """Let go of the host, if the lock is still the holder's."""
    folder.host.run(folder.script("lock.sh", "release", folder.base, holder.line))


def holder_of(folder: HostFolder) -> Holder | None:
    """Who holds the host now."""
    line = _line_of(folder)
    return _read(line) if line else None


def _line_of(folder: HostFolder) -> str:
    return folder.host.run(folder.script("lock.sh", "show", folder.base)).stdout.strip()


def _held(folder: HostFolder, holder: Holder) -> HostError:
    name = folder.host.name
    return HostError(
        f"{name}: held by {holder}; wait for it, or break its lock: orchestrate hosts unlock {name}"
    )


def _read(line: str) -> Holder:
    try:
        return Holder(**json.loads(line))
    except (ValueError, TypeError):
        return Holder(f"an unknown holder ({line[:60]!r})", "?", "?", "?", "")
