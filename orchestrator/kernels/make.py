"""Run make at low priority, with a log and progress reports. It ends with this process."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator import process_groups
from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.kernels import programs
from orchestrator.kernels.ingredients import Ingredients
from orchestrator.kernels.workspace import BuildKilled, Workspace
from orchestrator.units import plural

ProgressCallback = Callable[[str], None]
"""Called with a short text about the progress of a build."""

NICENESS = 10
"""What ``nice`` adds by default. At 19 a build gets a hundredth of a CPU beside two busy programs."""

STOP_LIMIT_S = 20.0
NEARLY_FULL = 16 * 1024**2
"""Free bytes below which a failure counts as "no space left"."""

_STEP = re.compile(r"^\s+[A-Z][A-Z0-9+\[\]]*\s+\S")
_ERROR = re.compile(r"(: (fatal )?error: |^make.*\*\*\* |: not found$|: command not found$)")


class Make:
    """Runs make in a workspace, with the same toolchain and variables each time."""

    def __init__(
        self,
        workspace: Workspace,
        ingredients: Ingredients,
        release_suffix: str,
        on_progress: ProgressCallback,
    ) -> None:
        self._workspace = workspace
        self._on_progress = on_progress
        compiler = ingredients.toolchain.compiler
        architecture = ingredients.architecture
        ccache = "ccache " if shutil.which("ccache") else ""
        host_compiler = compiler if architecture.is_native else "gcc"
        self._words = [
            *(
                "make",
                "-C",
                str(workspace.source),
                f"O={workspace.build}",
                f"-j{len(os.sched_getaffinity(0))}",
            ),
            *(f"CC={ccache}{compiler}", f"HOSTCC={ccache}{host_compiler}", f"LOCALVERSION={release_suffix}"),
        ]
        if not architecture.is_native:
            self._words += [f"ARCH={architecture.kernel}", f"CROSS_COMPILE={architecture.gnu}-"]
        self._environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("KBUILD_", "KCONFIG_"))
            },
            "LC_ALL": "C",
            # Reproducible builds: the same ingredients give the same build id on every machine.
            "KBUILD_BUILD_TIMESTAMP": "1970-01-01",
            "KBUILD_BUILD_USER": "orchestrate",
            "KBUILD_BUILD_HOST": "kernel",
            "KBUILD_BUILD_VERSION": "1",
            "CCACHE_BASEDIR": str(cache_folder()),
            "CCACHE_NOHASHDIR": "1",
        }
        self.steps = 0

    def __call__(self, *targets: str, **variables: str) -> None:
        """Make the targets. Raises ``KernelError`` with the first error of the compiler or make."""
        words = [*self._words, *targets, *(f"{name}={value}" for name, value in variables.items())]
        argv = ["setpriv", "--pdeathsig", "TERM", "nice", "-n", str(NICENESS), *words]
        with self._workspace.log.open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"$ {' '.join(words)}\n")
            log.flush()
            process = process_groups.begin(
                argv,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            _lower_autogroup(process.pid)
            try:
                errors = self._follow(process, log.write)
                code = process.wait()
            except BaseException:
                # It then removes incomplete files.
                if not process_groups.end(process, STOP_LIMIT_S):
                    raise BuildKilled("the build was killed") from None
                raise
        if code:
            raise self._failure(errors, targets)

    def _follow(self, process: subprocess.Popen[str], write: Callable[[str], int]) -> Sequence[str]:
        """Log the output of make to its end; return its error lines, or the last lines if there are none."""
        assert process.stdout is not None
        errors: list[str] = []
        last: deque[str] = deque(maxlen=3)
        for line in process.stdout:
            write(line)
            if _STEP.match(line):
                self.steps += 1
                self._on_progress(
                    f"{plural(self.steps, 'step')}, {line.split()[-1].removeprefix(f'{self._workspace.build}/')}"
                )
            else:
                last.append(line.strip())
                if _ERROR.search(line) or programs.NO_SPACE in line:
                    errors.append(line.strip())
        return errors or list(last)

    def _failure(self, errors: Sequence[str], targets: Sequence[str]) -> KernelError:
        reason = errors[0] if errors else "no output"
        # Some programs do not print why they cannot write.
        if (
            any(programs.NO_SPACE in line for line in errors)
            or shutil.disk_usage(self._workspace.folder).free < NEARLY_FULL
        ):
            message = f"no space left in {self._workspace.folder}; free disk space and try again ({reason})"
            return BuildKilled(message)
        return KernelError(f"make {' '.join(targets)}: {reason} (log: {self._workspace.log})")


def _lower_autogroup(pid: int) -> None:
    """Lower the priority of a session: with autogroups, ``nice`` applies only within the session."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS), encoding="ascii")
