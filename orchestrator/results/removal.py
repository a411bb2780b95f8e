"""The state of runs, and their removal."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import BadInput, HostError
from orchestrator.results import journal, lock, runs
from orchestrator.results.lock import RunLock
from orchestrator.results.records import EndRecord, Record
from orchestrator.results.runs import RunFolder

COMPLETE = "complete"
INTERRUPTED = "interrupted"
RUNNING = "running"
UNREADABLE = "unreadable"

_REMOVED = ".removed-"
"""Begins the name of a directory that is being removed: it is not that of a run."""


class Selection(Struct, frozen=True):
    """Which runs to remove: those that fulfil each condition.

    :ivar keep: not the newest so many of each experiment. ``older_than``: started before so many seconds.
    :ivar unfinished: not complete.
    """

    keep: int = 0
    older_than: float = 0.0
    unfinished: bool = False


def state(run: RunFolder, recorded: str) -> str:
    """Return ``running`` and the process if a run is active, otherwise its state by its journal, ``recorded``."""
    holder = lock.holder(run.path)
    return f"{RUNNING}: {holder}" if holder else recorded


def recorded_state(run: RunFolder) -> str:
    """Return whether the last line of a journal ends the run: ``complete``, ``interrupted`` or ``unreadable``."""
    if unreadable(run):
        return UNREADABLE
    last = _last_record(run)
    return COMPLETE if isinstance(last, EndRecord) and last.complete else INTERRUPTED


def unreadable(run: RunFolder) -> str:
    """Return why the last line of a journal cannot be read; empty if it can, or if there is none."""
    try:
        _last_record(run)
    except BadInput as error:
        return str(error)
    except OSError as error:
        return f"{run.journal}: {error.strerror}"
    return ""


def _last_record(run: RunFolder) -> Record | None:
    try:
        return journal.last_whole_record(run.journal)
    except FileNotFoundError:  # its controller was killed before the first record
        return None


def find(results: Path, references: Iterable[str]) -> list[RunFolder]:
    """Return the runs that are meant, each once.

    Raises ``BadInput`` for one that is not in the results directory, is reached by a link, or is active.
    """
    found = [runs.find(results, reference) for reference in references]
    unique = {run.path.resolve(): run for run in found}
    faults = [fault for run in unique.values() if (fault := _refused(results, run))]
    if faults:
        raise BadInput(*faults)
    return list(unique.values())


def select(results: Path, selection: Selection, warn: Callable[[str], None]) -> Iterator[RunFolder]:
    """Yield the runs to remove, oldest first. Runs that are active or reached by a link are left out.

    :param warn: told of each run that is kept because nobody knows whether it is complete.
    """
    newer: Counter[str] = Counter()
    now = datetime.now(UTC)
    chosen = []
    for run in reversed(runs.all_runs(results)):
        newer[run.path.parent.name] += 1
        if newer[run.path.parent.name] <= selection.keep:
            continue
        if (now - started(run)).total_seconds() < selection.older_than:
            continue
        if _refused(results, run):
            continue
        if selection.unfinished:
            fault = unreadable(run)
            if fault:
                warn(f"{fault}; the run is kept")
            if fault or recorded_state(run) == COMPLETE:
                continue
        chosen.append(run)
    yield from reversed(chosen)


def remove(results: Path, run: RunFolder) -> bool:
    """Remove the directory of a run, and that of its experiment if it is empty then; return whether it was there.

    It is renamed first: a run is listed whole, or not at all. Raises ``BadInput`` if it is active, ``HostError`` if it
    cannot be removed, or only in part.
    """
    fault = _refused(results, run)
    if fault:
        raise BadInput(fault)
    if not run.path.exists():
        return False
    aside = run.path.with_name(f"{_REMOVED}{run.id}")
    with contextlib.closing(RunLock(run.path)):
        try:
            run.path.rename(aside)
        except OSError as error:
            raise HostError(f"{run.path}: {error.strerror}; not removed") from None
        _delete(aside, run.path)
    return True


def left(results: Path) -> list[Path]:
    """Return the directories that removals have left which were killed, or failed in part. Links are left out."""
    return sorted(
        folder
        for folder in results.glob(f"*/{_REMOVED}*")
        if runs.is_id(folder.name.removeprefix(_REMOVED))
        and not (folder.is_symlink() or folder.parent.is_symlink())
        and folder.is_dir()
    )


def removed_run(folder: Path) -> str:
    """Return the experiment and id of the run of which :func:`left` has found a directory."""
    return f"{folder.parent.name}/{folder.name.removeprefix(_REMOVED)}"


def finish(folder: Path) -> None:
    """Remove what a removal has left, see :func:`left`. Raises ``HostError`` as :func:`remove`."""
    _delete(folder, folder.parent / folder.name.removeprefix(_REMOVED))


def _delete(aside: Path, run: Path) -> None:
    """Delete the renamed directory of a run, and that of its experiment if it is empty then."""
    while aside.exists():
        try:
            shutil.rmtree(aside)
        except FileNotFoundError:  # another process deletes it, too
            continue
        except OSError as error:
            name = Path(error.filename or aside).name  # shutil gives it with or without its directory
            raise HostError(
                f"{run}: removed in part: {name}: {error.strerror}; the rest is in {aside}"
            ) from None
    with contextlib.suppress(OSError):
        run.parent.rmdir()


def size(run: RunFolder) -> int:
    """Return the bytes of a run's files; links are not followed."""
    total = 0
    for folder, _, names in os.walk(run.path):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total


def started(run: RunFolder) -> datetime:
    """Return when a run started, by its id."""
    return datetime.strptime(run.id.partition("Z")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)


def _refused(results: Path, run: RunFolder) -> str:
    """Return why a run is not removed; empty if it may be."""
    folder = run.path
    if folder.is_symlink() or folder.parent.is_symlink():
        return f"{folder}: a link; remove it with rm"
    if folder.resolve().parent.parent != results.resolve() or not runs.is_id(run.id):
        return f"{folder}: not a run in the results directory {results}"
    holder = lock.holder(folder)
    return f"{folder}: the run is active: process {holder}" if holder else ""
