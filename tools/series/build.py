"""Build parts of a kernel in a directory that is kept, and remember what the compiler said of each object."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import KernelError
from orchestrator.kernels import programs
from orchestrator.kernels.config import parse as parse_config
from tools.series.architectures import Target
from tools.series.diagnostics import Diagnostic, Diagnostics, has_errors, parse

LOG_LINES = 3


class Build:
    """A directory with objects of one architecture and configuration.

    :ivar diagnostics: what was said when each object in the directory was made, also by earlier runs.
    :ivar places: a place of each diagnostic that this run has seen.
    """

    def __init__(
        self, source: Path, folder: Path, target: Target, options: str, jobs: int | None = None
    ) -> None:
        programs.require(
            "make", "flex", "bison", "bc", "nice", "perl", f"{target.prefix}gcc", f"{target.prefix}ld"
        )
        self.target = target
        self.places: dict[Diagnostic, str] = {}
        self._source = source
        self._folder = folder
        self._options = options
        self._jobs = jobs or len(os.sched_getaffinity(0))
        self._file = folder / "diagnostics.json"
        self._unclean = folder / "unclean"
        if self._unclean.exists():  # what an interrupted make has said of the objects it made is lost
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.diagnostics = self._load()

    def configure(self) -> dict[str, str]:
        """Make ``.config`` of the options that the source knows, all others off; return its values."""
        fragment = self._folder / "options.config"
        fragment.write_text(self._options, encoding="utf-8")
        completed = self._make(["allnoconfig"], {"KCONFIG_ALLCONFIG": str(fragment)})
        config = self._folder / ".config"
        if completed.returncode or not config.is_file():
            last = " / ".join(completed.stdout.splitlines()[-LOG_LINES:])
            raise KernelError(f"make allnoconfig failed for {self.target.name}: {last}")
        return parse_config(config.read_text(encoding="utf-8"))

    def make(self, names: Sequence[str], *variables: str) -> Diagnostics:
        """Make objects and directories with ``W=1``, as far as possible; return what was said of those made now."""
        self._unclean.touch()
        words = ["--keep-going", "--output-sync=target", "W=1", *variables, *names]
        completed = self._make(words)
        output = completed.stdout
        if completed.returncode and not has_errors(self._parse(output)[0]):
            # Kbuild makes some objects, such as of arch/x86/lib, from two directories at once, and one may fail.
            completed = self._make(words)
            output += completed.stdout
        found, places = self._parse(output)
        if completed.returncode and not has_errors(found):
            last = " / ".join(completed.stdout.splitlines()[-LOG_LINES:])
            found.setdefault("", Counter())[Diagnostic("make", "error", last)] += 1
        self.places |= places
        kept = {name: counter for name, counter in self.diagnostics.items() if name and self._is_there(name)}
        self.diagnostics = {name: counter for name, counter in (kept | found).items() if counter}
        with (self._folder / "make.log").open("a", encoding="utf-8") as log:
            log.write(output)
        self._save()
        self._unclean.unlink()
        return found

    def _parse(self, output: str) -> tuple[Diagnostics, dict[Diagnostic, str]]:
        return parse(output.splitlines(), str(self._source))

    def _make(
        self, words: Sequence[str], environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        ccache = "ccache " if shutil.which("ccache") else ""
        prefix = self.target.prefix
        variables = [f"ARCH={self.target.kernel}", f"CROSS_COMPILE={prefix}", f"CC={ccache}{prefix}gcc"]
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KBUILD_", "KCONFIG_", "MAKE"))
        }
        return subprocess.run(
            [
                "nice",
                "-n",
                "10",
                "make",
                f"-j{self._jobs}",
                "-C",
                self._source,
                f"O={self._folder}",
                *variables,
                *words,
            ],
            env={**clean, "LC_ALL": "C", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )

    def _is_there(self, name: str) -> bool:
        """Whether the source of a target still is, so that its diagnostics are of use."""
        path = self._source / name
        return path.exists() or any(path.with_suffix(suffix).is_file() for suffix in (".c", ".S"))

    def _load(self) -> Diagnostics:
        if not self._file.is_file():
            return {}
        content = json.loads(self._file.read_text(encoding="utf-8"))
        return {
            name: Counter({Diagnostic(file, kind, text): count for file, kind, text, count in found})
            for name, found in content.items()
        }

    def _save(self) -> None:
        content = {
            name: [(*diagnostic, count) for diagnostic, count in found.items()]
            for name, found in self.diagnostics.items()
        }
        self._file.write_text(json.dumps(content), encoding="utf-8")
