"""Runs a program that must not outlive whoever started it. Executed as a script, with nothing but the standard library.

    python guard.py FOLDER PROGRAM [ARGUMENT ...]      with the read end of a pipe as standard input

Ends the program when the pipe's last writer is gone, however it went, and removes FOLDER at the end in every case.
Should the guard itself be killed, the kernel ends the program for it. Exit code: that of the program.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(folder: str, argv: list[str]) -> int:
    """Start, watch, end."""
    libc = ctypes.CDLL(None, use_errno=True)
    guard = os.getpid()

    def die_with_guard() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(1)

    try:
        program = subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=die_with_guard)
        ended = os.pidfd_open(program.pid)
        readable, _, _ = select.select([sys.stdin.fileno(), ended], [], [])
        if ended not in readable:
            program.kill()
        return program.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]) & 0xFF)
