"""apt for packages of this machine, or of another architecture in an apt state of its own.

The sources and keys are those of this machine. Its package lists and installed packages are not changed, and root is
not needed.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.architectures import Architecture
from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.kernels.locks import locked
from orchestrator.kernels.programs import failure_reason

QUERY_LIMIT_S = 60
DOWNLOAD_LIMIT_S = 900
LISTS_VALID_S = 24 * 3600
"""Age at which package lists of an own state are fetched again."""

_CONFIGURATION = """\
APT::Architecture "{debian}";
APT::Architectures {{ "{debian}"; }};
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Dir::State "{folder}";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}";
"""


_FETCH_FAILED = re.compile(r"^E: Failed to fetch (.*)$", re.MULTILINE)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Apt:
    """apt's programs for an architecture."""

    architecture: Architecture

    def show(self, package: str) -> str:
        """Return the fields of the version that apt would install; empty if apt knows none. Raises ``KernelError``."""
        argv = ["apt-cache", "show", "--no-all-versions", package]
        try:
            completed = subprocess.run(
                argv,
                env=self._environment(),
                capture_output=True,
                text=True,
                timeout=QUERY_LIMIT_S,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            reason = failure_reason(error, "apt-cache")
            raise KernelError(f"apt-cache show {package} failed: {reason}") from error
        return completed.stdout

    def download(self, package: str, folder: Path) -> Path:
        """Download ``NAME=VERSION`` into an empty directory; return the file. Raises ``KernelError``."""
        argv = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", package]
        run(argv, folder, f"cannot download {package}", self._environment())
        files = list(folder.glob("*.deb"))
        if len(files) != 1:
            raise KernelError(f"cannot download {package}: apt-get created no package file")
        return files[0]

    def download_with_dependencies(self, packages: Sequence[str], folder: Path) -> list[Path]:
        """Download packages and all that they depend on into an empty directory. Raises ``KernelError``.

        For other architectures only: on this machine apt leaves out what is installed.
        """
        (folder / "partial").mkdir()
        argv = ["apt-get", "install", "-q", "-y", "--download-only", "-o", f"Dir::Cache::archives={folder}"]
        failure = f"cannot download {', '.join(packages)} for {self.architecture.name}"
        run([*argv, *packages], folder, failure, self._environment())
        return sorted(folder.glob("*.deb"))

    def _environment(self) -> dict[str, str] | None:
        """Return the environment of apt's programs; fetches the package lists if there are none or they are old."""
        if self.architecture.is_native:
            return None
        folder = cache_folder() / "apt" / self.architecture.debian
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C"}
        with locked(folder.with_name(f"{folder.name}.lock")):
            fetched = folder / "fetched"
            if fetched.exists() and time.time() - fetched.stat().st_mtime < LISTS_VALID_S:
                return environment
            for name in ("lists/partial", "archives/partial"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / "status").touch()
            text = _CONFIGURATION.format(debian=self.architecture.debian, folder=folder)
            (folder / "apt.conf").write_text(text, encoding="utf-8")
            failure = f"cannot fetch apt's package lists for {self.architecture.name}"
            try:
                run(["apt-get", "update", "-q"], folder, failure, environment)
            except KernelError as error:
                # A source without this architecture, or no network: apt uses the lists that there are.
                if not any((folder / "lists").glob("*_Packages*")):
                    raise
                _log.warning("%s", error)
            fetched.touch()
        return environment


def run(argv: list[str], folder: Path, failure: str, environment: dict[str, str] | None = None) -> None:
    """Run a program. Raises ``KernelError`` with ``failure`` and the reason that it printed."""
    try:
        subprocess.run(
            argv,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        # The last line of `apt-get update` names no source.
        named = _FETCH_FAILED.search(getattr(error, "stderr", None) or "")
        raise KernelError(f"{failure}: {named[1] if named else failure_reason(error, argv[0])}") from error
