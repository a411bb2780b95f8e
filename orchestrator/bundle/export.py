"""From a run to its bundle."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orchestrator
from orchestrator import source_tree
from orchestrator.bundle import archive, checksums, collect, crate, layout, readme
from orchestrator.bundle.layout import Description
from orchestrator.bundle.requirements import requirements
from orchestrator.bundle.scrub import Scrubber, refuse_leftovers
from orchestrator.errors import BadInput, OrchestratorError
from orchestrator.experiment.loader import load
from orchestrator.report import format_names, render
from orchestrator.report.model import open_report
from orchestrator.results import journal, manifest
from orchestrator.results.manifest import Manifest
from orchestrator.results.records import BlockRecord, EndRecord, RunRecord, TrialRecord
from orchestrator.results.runs import RunFolder

NOT_OF_THE_RUN = frozenset({"controller.lock"})
_SUFFIXES = {"table": "report.txt", "markdown": "report.md", "mail": "mail.txt", "junit": "junit.xml"}
_LEFT_OUT = frozenset({"parquet"})
"""Forms for programs that who wants them makes of the journal; not everyone has the library."""
_NAMELESS = frozenset({"local", "guest", "localhost"})
"""Hosts that providers name so, on every machine."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How a bundle is wanted.

    :ivar output: the archive or folder to make; None: one of the run's name, in the working directory.
    :ivar as_folder: a folder instead of an archive.
    :ivar scrub: put stand-ins in place of secrets, hosts, users and addresses; ``words``: and of these.
    :ivar experiment: the experiment file, if it is not where the run found it.
    """

    output: Path | None = None
    as_folder: bool = False
    scrub: bool = False
    words: tuple[str, ...] = ()
    experiment: Path | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that was made; ``notes``: what its maker should know, one line each."""

    path: Path
    identity: str
    files: int
    notes: tuple[str, ...]


def export(run: RunFolder, wish: ExportOptions) -> Exported:
    """Write the bundle of a run; nothing is left where that fails.

    Raises ``BadInput`` where the run is unfinished, where the experiment or its roles are no longer what the run had,
    and where a name that was to be scrubbed cannot be.
    """
    provenance = manifest.load(run.path)
    _require_finished(run, provenance)
    name = f"{provenance.experiment}-{provenance.run}"
    target = (wish.output or Path(name if wish.as_folder else f"{name}.tar")).absolute()
    if target.exists():
        raise BadInput(f"{target} is there already; name another place with --output, or remove it")
    if not target.parent.is_dir():
        raise BadInput(f"{target.parent} is no folder")
    experiment = collect.experiment_of(provenance, wish.experiment)
    try:
        making = tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-")
    except OSError as error:
        raise BadInput(f"{target.parent} cannot be written to: {error.strerror}") from None
    with making as temporary:
        folder = Path(temporary) / name
        bundle = _Making(run, provenance, folder, wish)
        identity = bundle.make(collect.bundled_files(experiment, provenance.overrides))
        files = len(checksums.everything(folder))
        if wish.as_folder:
            folder.rename(target)
        else:
            packed = Path(temporary) / "archive"
            archive.pack(folder, packed, int(_time(provenance.ended)))
            packed.rename(target)
    return Exported(target, identity, files, tuple(bundle.notes))


class _Making:
    """A bundle's folder while it is made."""

    def __init__(self, run: RunFolder, provenance: Manifest, folder: Path, wish: ExportOptions) -> None:
        self.notes: list[str] = []
        self._run = run
        self._manifest = provenance
        self._folder = folder
        self._wish = wish
        self._program = source_tree.files()

    def make(self, bundled_files: collect.BundledFiles) -> str:
        """Make all of it and return the bundle's id."""
        self._copy(layout.EXPERIMENT, bundled_files.files)
        file = self._folder / layout.EXPERIMENT / bundled_files.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self._manifest.experiment_text, encoding="utf-8")
        self._check_arrived(file)
        of_run = {p.name: p for p in sorted(self._run.path.iterdir()) if _is_of_the_run(p)}
        self._copy(layout.RUN, of_run)
        lines = requirements(self._manifest.packages)
        (self._folder / layout.REQUIREMENTS).write_text("".join(lines), encoding="utf-8")
        scrubber, changed = self._scrub() if self._wish.scrub or self._wish.words else (None, ())
        self._copy(layout.PROGRAM, self._program)
        description = self._describe(file, scrubber, changed)
        self._write_derived(description, file)
        if scrubber:
            written = [self._folder / name for name in checksums.everything(self._folder)]
            refuse_leftovers(scrubber, self._folder, written)
        return checksums.seal(self._folder)

    def _copy(self, part: str, files: dict[str, Path]) -> None:
        for name, path in files.items():
            target = self._folder / part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(archive.EXECUTABLE if path.stat().st_mode & 0o100 else archive.PLAIN)

    def _check_arrived(self, file: Path) -> None:
        arrived = load(file, overrides=self._manifest.overrides)
        collect.check_arrived(self._folder / layout.EXPERIMENT, arrived)
        if arrived.content_hash != self._manifest.content_hash:
            raise BadInput(f"{file.name} means something else in the bundle; write its paths relative to it")

    # --- scrubbing ---

    def _scrub(self) -> tuple[Scrubber, tuple[str, ...]]:
        """Put stand-ins into what comes from the run and its user; return also which files of roles that changed."""
        own = b"\n".join(path.read_bytes() for path in self._program.values())
        scrubber = Scrubber(own, frozenset(v.encode() for v in self._manifest.packages.values()))
        for word in self._wish.words:
            scrubber.add("word", word)
        if self._wish.scrub:
            for name in sorted(_hosts(self._run, self._manifest) - _NAMELESS):
                scrubber.add_host(name)
        files = [self._folder / name for name in checksums.everything(self._folder)]
        ours = [path for path in files if self._is_ours(path) and path.name != layout.REQUIREMENTS]
        for path in ours if self._wish.scrub else []:
            scrubber.collect(path)
        changed = [path for path in ours if scrubber.replace_in(path)]
        for path in ours:
            renamed = path.with_name(scrubber.replace(path.name.encode()).decode())
            if renamed != path:
                path.rename(renamed)
        if scrubber.common:
            self.notes.append(
                f"replaced as whole words only, as the program's own files hold them too: {', '.join(scrubber.common)}"
            )
        roles = f"{layout.EXPERIMENT}/{collect.ROLES}/"
        names = (path.relative_to(self._folder).as_posix() for path in changed)
        return scrubber, tuple(name for name in names if name.startswith(roles))

    def _is_ours(self, path: Path) -> bool:
        """Whether a file of the bundle is none of the program's own."""
        return path.relative_to(self._folder).parts[0] != layout.PROGRAM and not self._is_published(path)

    def _is_published(self, path: Path) -> bool:
        """Whether a role's file is one that comes with the program, unchanged."""
        name = (
            path.relative_to(self._folder / layout.EXPERIMENT).as_posix()
            if layout.EXPERIMENT in path.parts
            else ""
        )
        own = self._program.get(name)
        return own is not None and own.read_bytes() == path.read_bytes()

    # --- what is made of the rest ---

    def _describe(self, file: Path, scrubber: Scrubber | None, changed: Sequence[str]) -> Description:
        """Write ``bundle.json``."""
        provenance = manifest.load(self._folder / layout.RUN)
        loaded = load(file, overrides=provenance.overrides)
        trials = (
            r for r in journal.read(self._folder / layout.RUN / journal.FILE) if isinstance(r, TrialRecord)
        )
        description = Description(
            run=provenance.run,
            experiment=provenance.experiment,
            file=file.relative_to(self._folder).as_posix(),
            content_hash=loaded.content_hash,
            overrides=provenance.overrides,
            where=provenance.where,
            limit=provenance.limit,
            ended=provenance.ended,
            environments=tuple(sorted({trial.environment for trial in trials})),
            program={
                "version": orchestrator.__version__,
                "commit": manifest.commit(),
                "source": source_tree.source_hash(),
                "run_version": provenance.version,
                "run_commit": provenance.commit,
                "run_source": provenance.source,
            },
            scrubbed=scrubber.counts if scrubber else {},
            changed=tuple(changed),
        )
        if description.program["source"] != provenance.source:
            self.notes.append(
                "the program in the bundle is not the one that made the run; the bundle says so"
            )
        layout.write(self._folder, description)
        return description

    def _write_derived(self, description: Description, file: Path) -> None:
        run = RunFolder(self._folder / layout.RUN)
        blocks = [r for r in journal.read(run.journal) if isinstance(r, BlockRecord)]
        layout.write_json(self._folder / layout.ENVIRONMENT, [_environment(block) for block in blocks])
        self._write_reports(run)
        provenance = manifest.load(run.path)
        experiment = load(file, overrides=provenance.overrides)
        about = experiment.description or f"The experiment {experiment.name}."
        readme.write(self._folder, readme.Facts(description, provenance, experiment, run, tuple(blocks)))
        names = checksums.everything(self._folder)
        document = crate.document(self._folder, names, description, provenance, about)
        layout.write_json(self._folder / layout.CRATE, document)

    def _write_reports(self, run: RunFolder) -> None:
        """Write the report in every form there is; one that cannot be made here is left out, with a note."""
        reports = self._folder / layout.REPORT
        reports.mkdir()
        with open_report(self._folder / "nowhere", run) as report:
            for form in (form for form in format_names() if form not in _LEFT_OUT):
                try:
                    content: str | bytes = render(report, form)
                except (OrchestratorError, ImportError) as error:
                    self.notes.append(f"no report in the form {form}: {error}")
                    continue
                raw = content.encode() if isinstance(content, str) else content
                (reports / _SUFFIXES.get(form, f"report.{form}")).write_bytes(raw)


def _require_finished(run: RunFolder, provenance: Manifest) -> None:
    last = journal.last_record(run.journal)
    if isinstance(last, EndRecord) and last.complete and provenance.complete:
        return
    ended = sum(isinstance(record, TrialRecord) and record.final for record in journal.read(run.journal))
    wanted = next((r.trials for r in journal.read(run.journal) if isinstance(r, RunRecord)), 0)
    raise BadInput(
        f"run {provenance.run} is unfinished: {ended} of {wanted} trials; "
        "`orchestrate run` with the experiment carries it on"
    )


def _is_of_the_run(path: Path) -> bool:
    return path.is_file() and path.name not in NOT_OF_THE_RUN and not path.name.startswith(".")


def _hosts(run: RunFolder, provenance: Manifest) -> set[str]:
    """Names of all machines of a run: hosts, and the one that the orchestrator ran on."""
    names = {str(provenance.controller.get("host", ""))}
    for record in journal.read(run.journal):
        if isinstance(record, RunRecord):
            names.update(record.hosts)
        elif isinstance(record, BlockRecord | TrialRecord):
            names.add(record.host)
    return names - {""}


def _environment(block: BlockRecord) -> dict[str, object]:
    return {
        "block": block.block,
        "host": block.host,
        "boot": block.boot,
        "environment": block.environment,
        "clock": block.clock,
        "kernel": block.kernel,
        "kernel_hash": block.kernel_hash,
        "facts": dict(block.facts),
        "settings": dict(block.settings),
        "proof": [dict(part) for part in block.proof],
    }


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
