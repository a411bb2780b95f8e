"""make, as a job of low priority that ends with us, writes a log and tells how far it is."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.kernels import programs
from orchestrator.kernels.ingredients import Ingredients
from orchestrator.kernels.workspace import Killed, Workspace

ProgressCallback = Callable[[str], None]

STOP_LIMIT_S = 20.0
NEARLY_FULL = 16 * 1024**2
"""Bytes: a build that fails where less is free has failed for that."""

_STEP = re.compile(r"^\s+[A-Z][A-Z0-9+\[\]]*\s+\S")
_FAULT = re.compile(r"(: (fatal )?error: |^make.*\*\*\* |: not found$|: command not found$)")


class Make:
    """Runs make in a workspace, always with the same toolchain and the same words."""

    def __init__(
        self, place: Workspace, ingredients: Ingredients, release_suffix: str, say: ProgressCallback
    ) -> None:
        self._place = place
        self._say = say
        compiler = ingredients.toolchain.compiler
        cached = f"ccache {compiler}" if shutil.which("ccache") else compiler
        self._words = [
            *("make", "-C", str(place.source), f"O={place.build}", f"-j{len(os.sched_getaffinity(0))}"),
            *(f"CC={cached}", f"HOSTCC={cached}", f"LOCALVERSION={release_suffix}"),
        ]
        self._environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("KBUILD_", "KCONFIG_"))
            },
            "LC_ALL": "C",
            # Equal ingredients shall make equal bytes, hence the same build id on every machine.
            "KBUILD_BUILD_TIMESTAMP": "1970-01-01",
            "KBUILD_BUILD_USER": "orchestrate",
            "KBUILD_BUILD_HOST": "kernel",
            "KBUILD_BUILD_VERSION": "1",
            "CCACHE_BASEDIR": str(cache_folder()),
            "CCACHE_NOHASHDIR": "1",
        }
        self.steps = 0

    def __call__(self, *targets: str, **variables: str) -> None:
        """Make the targets; ``KernelError`` with the first fault that the compiler or make named."""
        words = [*self._words, *targets, *(f"{name}={value}" for name, value in variables.items())]
        argv = ["setpriv", "--pdeathsig", "TERM", "nice", "-n", "19", *words]
        with self._place.log.open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"$ {' '.join(words)}\n")
            log.flush()
            process = subprocess.Popen(
                argv,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C reaches us, and we end it
            )
            _share_little(process.pid)
            try:
                faults = self._follow(process, log.write)
                code = process.wait()
            except BaseException:
                self._end(process)
                raise
        if code:
            raise self._failure(faults, targets)

    def _follow(self, process: subprocess.Popen[str], write: Callable[[str], int]) -> Sequence[str]:
        """Read make's output to its end; return the lines that name a fault, or else the last ones."""
        assert process.stdout is not None
        faults: list[str] = []
        last: deque[str] = deque(maxlen=3)
        for line in process.stdout:
            write(line)
            if _STEP.match(line):
                self.steps += 1
                self._say(f"{self.steps} steps, {line.split()[-1].removeprefix(f'{self._place.build}/')}")
            else:
                last.append(line.strip())
                if _FAULT.search(line) or programs.FULL in line:
                    faults.append(line.strip())
        return faults or list(last)

    def _end(self, process: subprocess.Popen[str]) -> None:
        """Ask make and its children to end, as they then remove half-written files; kill them if they do not."""
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Killed("the build had to be killed") from None

    def _failure(self, faults: Sequence[str], targets: Sequence[str]) -> KernelError:
        told = faults[0] if faults else "make gave no reason"
        # Not each program that cannot write says why.
        if (
            any(programs.FULL in line for line in faults)
            or shutil.disk_usage(self._place.folder).free < NEARLY_FULL
        ):
            message = (
                f"no space left in {self._place.folder}; make room and give the same command again ({told})"
            )
            return Killed(message)
        return KernelError(f"make {' '.join(targets)}: {told} (log: {self._place.log})")


def _share_little(pid: int) -> None:
    """Give a session a small share of the CPUs: where the scheduler groups by session, `nice` counts only within."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text("19", encoding="ascii")
