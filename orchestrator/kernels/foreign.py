"""Packages of another architecture, from this machine's own apt sources, with package lists of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.architectures import Architecture
from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.kernels.apt import Apt, run, write_state
from orchestrator.kernels.locks import locked

LISTS_VALID_S = 24 * 3600
"""Age at which package lists are fetched again. They have 10 MB, and a run opens them for each of its packages."""

_log = logging.getLogger(__name__)


@contextmanager
def opened_foreign(architecture: Architecture) -> Iterator[Apt]:
    """Yield an apt for packages of another architecture. Fetches its lists once a day. Others wait.

    Raises ``KernelError`` if there are none and they cannot be fetched.
    """
    folder = cache_folder() / "suites" / f"own-{architecture.debian}"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{folder.name}.lock")):
        configuration = folder / "apt.conf"
        fetched = folder / "fetched"
        if not (fetched.exists() and time.time() - fetched.stat().st_mtime < LISTS_VALID_S):
            write_state(folder, architecture)
            _update(folder, architecture)
            fetched.touch()
        folder.touch()  # `orchestrate kernel gc` removes old ones
        yield Apt(("-c", str(configuration)), f"this machine's apt sources for {architecture.debian}")


def _update(folder: Path, architecture: Architecture) -> None:
    failure = f"cannot fetch apt's package lists for {architecture.name}"
    try:
        run(["apt-get", "update", "-q", "-c", str(folder / "apt.conf")], folder, failure)
    except KernelError as error:
        # A source without this architecture, or no network: apt uses the lists that there are.
        if not any((folder / "lists").glob("*_Packages*")):
            raise
        _log.warning("%s; using the lists that there are", error)
