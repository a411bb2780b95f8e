"""Run directories, ``results/<experiment>/<run-id>/``: create, list and find them."""

from __future__ import annotations

import contextlib
import difflib
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from orchestrator.activities import doing
from orchestrator.errors import BadInput, HostError
from orchestrator.paths import DENIED, check_name, is_closed
from orchestrator.results import journal, manifest
from orchestrator.results.files import PRIVATE_FOLDER, open_regular, sync_folder
from orchestrator.results.lock import RunLock, is_abandoned
from orchestrator.results.records import BlockRecord, RunRecord, TrialRecord, is_complete

VARIABLE = "ORCHESTRATE_RESULTS"
LATEST = "latest"

_ID = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{4}")
_NAMED = 3
"""Most ids that an error names."""


class RunFolder(Struct, frozen=True):
    """The directory of one run."""

    path: Path

    @property
    def id(self) -> str:
        """The run's id: UTC time to the millisecond and four random hex digits, so ids sort by time."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """Path of the journal."""
        return self.path / journal.FILE

    @property
    def manifest(self) -> Path:
        """Path of the manifest."""
        return self.path / manifest.FILE


def create(results: Path, experiment: str) -> tuple[RunFolder, RunLock]:
    """Create the directory of a new run, and lock it, so that no other start takes it for an abandoned one.

    No two runs of an experiment share a millisecond, so that ids sort. No directory is left if it cannot be written.
    """
    parent = results / _folder_name(experiment)
    made = missing_folders(results)
    try:
        while True:
            parent.mkdir(parents=True, exist_ok=True)
            run = RunFolder(parent / _new_id())
            try:
                if any(entry.name[:19] == run.id[:19] for entry in parent.iterdir()):
                    continue
                run.path.mkdir(PRIVATE_FOLDER)
            except FileNotFoundError:  # another start has just removed the empty directory
                continue
            try:
                sync_folder(parent)
                return run, RunLock(run.path)
            except BaseException:
                remove(run, made)
                raise
    except OSError as error:
        for folder in (parent, *made):
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise _not_writable(error, parent) from None


def _not_writable(error: OSError, folder: Path) -> HostError:
    return HostError(
        f"{error.filename or folder}: {error.strerror}; set a writable directory with --results or {VARIABLE}"
    )


def missing_folders(results: Path) -> tuple[Path, ...]:
    """Return the results directory and those above it that do not exist, the deepest first.

    Raises ``HostError`` for one in a directory that we may not enter.
    """
    check_name(str(results))
    try:
        return tuple(folder for folder in (results, *results.parents) if not folder.exists())
    except PermissionError as error:
        raise _not_writable(error, results) from None


def remove(run: RunFolder, made: Iterable[Path] = ()) -> None:
    """Remove the directory of a run, and that of its experiment if it is empty then.

    :param made: directories that :func:`create` has made for the run, the deepest first: removed if they are empty.
    """
    shutil.rmtree(run.path, ignore_errors=True)
    for folder in (run.path.parent, *made):
        with contextlib.suppress(OSError):
            folder.rmdir()


def remove_abandoned(results: Path, experiment: str) -> None:
    """Remove the directories of runs of an experiment whose controller was killed before its first record."""
    of_experiment = (run for run in all_runs(results) if run.path.parent.name == _folder_name(experiment))
    for run in of_experiment:
        if not has_begun(run) and is_abandoned(run.path):
            remove(run)


def has_begun(run: RunFolder) -> bool:
    """Whether the journal of a run has a whole line, readable or not; also where nobody can tell."""
    try:
        with open_regular(run.journal) as stream:
            return stream.readline().endswith(b"\n")
    except FileNotFoundError:
        return False
    except OSError:
        return True


def check_writable(results: Path, experiment: str) -> None:
    """Raise what :func:`create` would raise; leave no directory."""
    made = missing_folders(results)
    run, lock = create(results, experiment)
    remove(run, made)
    lock.close()


def all_runs(results: Path) -> list[RunFolder]:
    """Return every run in the results directory, oldest first. ``HostError`` if we may not read that directory."""
    try:
        folders = _entries(results)
    except PermissionError as error:
        raise HostError(
            f"{error.filename}: {error.strerror}; choose another directory with --results or {VARIABLE}"
        ) from None
    entries: list[Path] = []
    for folder in folders:
        with contextlib.suppress(PermissionError):
            entries += _entries(folder)
    runs = (RunFolder(path) for path in entries if is_id(path.name) and (is_closed(path) or path.is_dir()))
    return sorted(runs, key=lambda run: run.id)


def _entries(folder: Path) -> list[Path]:
    """Return what is in a directory; nothing if it is none: it may be removed meanwhile."""
    try:
        return list(folder.iterdir())
    except PermissionError:
        raise
    except OSError:
        return []


def is_id(name: str) -> bool:
    """Whether a directory has the name of a run, which begins with a time that exists."""
    if _ID.fullmatch(name) is None:
        return False
    try:
        datetime.fromisoformat(
            name.partition("Z")[0][:-3]
        )  # without milliseconds: it needs a dot before them
    except ValueError:
        return False
    return True


def find(results: Path, reference: str) -> RunFolder:
    """Return the run that ``reference`` means: ``latest``, an id, the name of an experiment, an unambiguous prefix of
    these, or a directory.

    ``latest`` is the newest run that reached a host, or else the newest run. The name of an experiment means the same
    among its runs.

    Raises ``BadInput`` that names the candidates, or the nearest ids.
    """
    folder = Path(reference)
    check_name(str(folder / manifest.FILE))
    if is_closed(folder / manifest.FILE):
        raise BadInput(f"{folder}: {DENIED}")
    if (folder / journal.FILE).is_file() or (folder / manifest.FILE).is_file():
        return RunFolder(folder.resolve())
    if "/" in reference:
        raise BadInput(_not_a_run(reference))
    runs = all_runs(results)
    if not runs:
        raise BadInput(
            f"no runs in {results}; start one with `orchestrate run EXPERIMENT.yaml`, or name another directory "
            "with --results"
        )
    if reference == LATEST:
        return _newest(runs)
    of_experiments: dict[str, list[RunFolder]] = {}
    for run in runs:
        of_experiments.setdefault(run.path.parent.name, []).append(run)
    if reference in of_experiments:
        return _newest(of_experiments[reference])
    matches = [run for run in runs if reference and run.id.startswith(reference)]
    names = [name for name in of_experiments if reference and name.startswith(reference)]
    if len(matches) == 1 and not names:
        return matches[0]
    if len(names) == 1 and not matches:
        return _newest(of_experiments[names[0]])
    if matches or names:
        candidates = _some([*names, *(run.id for run in matches)])
        what = "run id" if not names else "experiment" if not matches else "run"
        raise BadInput(f"ambiguous {what} '{reference}': it matches {candidates}; type more of it")
    ids = [run.id for run in reversed(runs)]
    near = difflib.get_close_matches(reference, [*of_experiments, *ids], _NAMED)
    hint = f"did you mean {_some(near)}?" if near else f"the newest: {_some(ids)}"
    raise BadInput(
        f"run '{reference}' not found in {results}; {hint} "
        f"('orchestrate results list' shows all, '{LATEST}' is the newest)"
    )


def _not_a_run(folder: str) -> str:
    if not Path(folder).exists():
        return f"{folder}: No such file or directory"
    if all_runs(Path(folder)):
        return f"{folder}: a directory of runs, not a run; use --results {folder}"
    return f"{folder}: not a run: it has no {journal.FILE}"


def unfinished(results: Path, experiment: str, scope: str) -> RunFolder | None:
    """Return the run to resume: the newest of this experiment and scope, unless it is complete."""
    for run in reversed(all_runs(results)):
        if run.path.parent.name != _folder_name(experiment) or scope_of(run) != scope:
            continue
        return None if _is_complete(run) else run
    return None


def _is_complete(run: RunFolder) -> bool:
    """Whether a run has ended with all of its trials; reads all of its journal only if its last line says so."""
    last = journal.last_record(run.journal)
    if not is_complete(last, 0, 0, is_damaged=False):
        return False
    damage: list[str] = []
    ended = planned = 0
    with doing(run.id, "reading the journal"):
        for record in journal.read(run.journal, damage.append):
            if isinstance(record, RunRecord):
                planned = record.trials
            ended += isinstance(record, TrialRecord) and record.final
    return is_complete(last, ended, planned, bool(damage))


def _newest(runs: list[RunFolder]) -> RunFolder:
    return next((run for run in reversed(runs) if _reached_a_host(run)), runs[-1])


def _reached_a_host(run: RunFolder) -> bool:
    """Whether a run has a boot; a run that reached no host has no figures and never will."""
    if is_closed(run.journal):
        return True  # whoever reads it next says so
    if not run.journal.is_file():
        return False
    try:
        return any(isinstance(record, BlockRecord) for record in journal.read(run.journal))
    except BadInput:
        return True


def scope_of(run: RunFolder) -> str | None:
    """Return the scope of a run; None if the journal's first line has none or cannot be read."""
    try:
        first = next(journal.read(run.journal), None)
    except BadInput:
        return None
    return first.scope if isinstance(first, RunRecord) else None


def _folder_name(experiment: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+|^\.+", "-", experiment)


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"[:-3] + f"Z-{secrets.token_hex(2)}"


def _some(ids: Iterator[str] | list[str]) -> str:
    names = list(ids)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
