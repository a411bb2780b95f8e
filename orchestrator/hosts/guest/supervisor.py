"""Runs a program that must not outlive its parent. Executed as a script; uses the standard library only.

    python supervisor.py FOLDER PROGRAM [ARGUMENT ...]      stdin: the read end of a pipe

Kills the program when the last writer of the pipe has exited, and removes FOLDER at the end. If the supervisor is
killed, the kernel kills the program. Exit code: that of the program.
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
    """Run the program until it exits or the pipe is closed."""
    libc = ctypes.CDLL(None, use_errno=True)
    supervisor = os.getpid()

    def die_with_supervisor() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)

    try:
        program = subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=die_with_supervisor)
        exited = os.pidfd_open(program.pid)
        readable, _, _ = select.select([sys.stdin.fileno(), exited], [], [])
        if exited not in readable:
            program.kill()
        return program.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]) & 0xFF)
