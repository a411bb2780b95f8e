"""One controller per run: an advisory lock on a file in the run's directory.

The kernel releases the lock when the holder exits or dies. ``flock``, not ``lockf``: a POSIX lock would be lost as soon
as any part of the process opened and closed the file again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
from pathlib import Path

from orchestrator.errors import BadInput, HostError
from orchestrator.results.files import PRIVATE, open_regular, require_regular

FILE = "controller.lock"

_NAME = re.compile(r"process \d+ on (.+)\n")


def is_abandoned(folder: Path) -> bool:
    """Whether a run is named as that of a process of this machine, and is not locked: the process was killed.

    The kernel tells, not the process id: it may be that of another PID namespace, or be used again.
    """
    try:
        with open_regular(folder / FILE) as file:
            named = _NAME.fullmatch(file.read(200).decode(errors="replace"))
            if named is None or named[1] != socket.gethostname():
                return False
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False


def holder(folder: Path) -> str:
    """Return the process that holds the lock of a run, such as ``1234 on numa1``; empty if none does.

    A run that names no process is not looked at: its next start must not find the lock taken.
    """
    named = ""
    try:
        with open_regular(folder / FILE, os.O_NOFOLLOW) as file:
            named = file.read(200).decode(errors="replace").strip()
            if named:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return ""
    except BlockingIOError:
        return named.removeprefix("process ")
    except OSError:
        return ""


class RunLock:
    """Held from construction to :meth:`close`; the file names the holder, for error messages and :func:`is_abandoned`.

    Raises ``BadInput`` while another process (or another lock of this one) holds it, ``HostError`` if the file cannot
    be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        self._file = -1
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
            require_regular(self._file)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        except BlockingIOError:
            holder = os.pread(self._file, 200, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise BadInput(
                f"{folder}: the run is locked by {holder or 'another process'}; "
                "wait until it ends, or stop it, then repeat the command"
            ) from None
        except OSError as error:
            if self._file >= 0:
                os.close(self._file)
            raise HostError(f"{path}: {error.strerror}; the results directory must be writable") from None

    def close(self) -> None:
        """Release the lock; may be called twice. The file stays, as removing it would race with the next holder."""
        if self._file >= 0:
            with contextlib.suppress(OSError):  # a file system that has become read-only
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1
