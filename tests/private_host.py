"""A private view of our directory on this machine, so that tests run beside each other on it as root."""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import tempfile
from pathlib import Path

from orchestrator.hosts.remote.folder import ROOT_BASE

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
"""From <sched.h> and <sys/mount.h>; Python has `os.unshare` from 3.12 on."""


def own_host_folder() -> None:
    """Give this process, and those that it starts, an empty directory in place of :data:`ROOT_BASE`; root only."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    folder = tempfile.mkdtemp(prefix="host-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Path(ROOT_BASE).mkdir(parents=True, exist_ok=True)
    calls = (
        libc.unshare(CLONE_NEWNS),
        libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None),
        libc.mount(folder.encode(), ROOT_BASE.encode(), None, MS_BIND, None),
    )
    if any(calls):
        raise OSError(ctypes.get_errno(), "cannot mount a private directory")
