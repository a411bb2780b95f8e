"""The lock of a host: one run at a time.

The lock is a file with the name of its holder, so it survives lost connections and reboots. A lock is stale if its
holder was a process on this machine that has exited. A stale lock is ignored; any other has to be released or broken.
"""

from __future__ import annotations

import getpass
import json
import logging
import os
import shlex
import socket

import msgspec
from msgspec import Struct, to_builtins

from orchestrator import processes
from orchestrator.activities import doing
from orchestrator.errors import HostError
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.timestamps import utc_now

log = logging.getLogger(__name__)

FAILED, HELD = 1, 3
"""Exit codes of ``lock.sh`` if the lock cannot be written or read, or has another holder."""

TRIES = 10
"""Most tries in a row that find the lock held and then gone; a file system without hard links always looks so."""


class Holder(Struct, frozen=True):
    """The holder of a lock.

    :ivar run: id of the run, or the name of another activity.
    :ivar controller: host name of the controller; ``since``: ISO 8601, UTC, by its clock.
    :ivar process: identifies the controller's process and its boot.
    """

    run: str
    user: str
    controller: str
    since: str
    process: str

    @property
    def line(self) -> str:
        """The line in the lock file."""
        return json.dumps(to_builtins(self), separators=(",", ":"))

    @property
    def is_stale(self) -> bool:
        """Whether the lock is stale: the holder was a process on this machine and has exited."""
        kernel, _, process = self.process.rpartition("/")
        return kernel == processes.pid_namespace() and process != processes.identity(
            process.partition("-")[0]
        )

    def __str__(self) -> str:
        return f"{self.run} of {self.user}@{self.controller} since {self.since}"


def this_process(run: str) -> Holder:
    """Return this process as a holder."""
    process = f"{processes.pid_namespace()}/{processes.identity(os.getpid())}"
    return Holder(run, getpass.getuser(), socket.gethostname(), utc_now(), process)


def take(folder: HostFolder, run: str, *, break_lock: bool = False) -> Holder:
    """Lock the host for a run and return the new holder.

    A lock of the same run and a stale lock are taken over. ``HostError`` names any other holder, unless
    ``break_lock`` is set.
    """
    new, tries = this_process(run), 0
    old: str | None = None
    while True:
        arguments = (folder.base, new.line, *([] if old is None else [old]))
        completed = folder.host.run(folder.script("lock.sh", "take", *arguments, accept=(0, FAILED, HELD)))
        if completed.exit_code not in (FAILED, HELD):
            return new
        line = _line(completed.stdout)
        tries = tries + 1 if line is None else 0
        if completed.exit_code == FAILED or tries == TRIES:
            raise HostError(f"{folder.host.name}: cannot write the lock: {completed.stderr.strip()}")
        if line is None:
            old = None
            continue
        holder = _parse(line)
        if line == old or not (break_lock or holder.run == run or holder.is_stale):
            raise _held(folder, holder)
        old = line


def check_free(folder: HostFolder, run: str = "") -> None:
    """Raise ``HostError`` if the host has a lock that is neither stale nor of ``run``."""
    holder = holder_of(folder)
    if holder is not None and not holder.is_stale and holder.run != run:
        raise _held(folder, holder)


def unlock(folder: HostFolder) -> Holder | None:
    """Remove the lock and return its holder; None if there was no lock."""
    line = _line_of(folder)
    if line is None:
        return None
    folder.host.run(folder.script("lock.sh", "release", folder.base, line))
    return _parse(line)


def release(folder: HostFolder, holder: Holder, *, ends: bool = False) -> None:
    """Remove the lock if it is still the holder's. A lock that is left is a warning: what it was for is done.

    :param ends: the machine ends now, and its lock with it: no warning.
    """
    name = folder.host.name
    try:
        with doing(name, "unlocking"):
            folder.host.run(folder.script("lock.sh", "release", folder.base, holder.line))
    except HostError as error:
        if not ends:
            reason = str(error).removeprefix(f"{name}: ")
            log.warning("%s: its lock is left; %s (%s)", name, _how_to_unlock(name), reason)


def holder_of(folder: HostFolder) -> Holder | None:
    """Return the holder of the lock; None if there is no lock."""
    line = _line_of(folder)
    return None if line is None else _parse(line)


def _line_of(folder: HostFolder) -> str | None:
    shown = folder.host.run(folder.script("lock.sh", "show", folder.base, accept=(0, FAILED)))
    if shown.exit_code:
        raise HostError(f"{folder.host.name}: cannot read the lock: {shown.stderr.strip()}")
    return _line(shown.stdout)


def _line(printed: str) -> str | None:
    """Return the line of a lock as the script prints it, which may be empty; None if there is no lock."""
    return printed.rstrip("\n") if printed else None


def _held(folder: HostFolder, holder: Holder) -> HostError:
    name = folder.host.name
    return HostError(
        f"{name}: locked by {holder}; wait for it; if that run is not active, {_how_to_unlock(name)}"
    )


def _how_to_unlock(name: str) -> str:
    return f"remove the lock with: orchestrate hosts unlock {shlex.quote(name)}"


def _parse(line: str) -> Holder:
    try:
        return msgspec.json.decode(line, type=Holder)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return Holder(f"unknown holder ({line[:60]!r})", "?", "?", "?", "")
