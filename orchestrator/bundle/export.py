"""Write a run into a bundle."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from msgspec import Struct

import orchestrator
from orchestrator import source_tree
from orchestrator.activities import doing
from orchestrator.bundle import archive, checksums, collect, crate, layout, programs, readme, sbom, signature
from orchestrator.bundle import contents as run_contents
from orchestrator.bundle.contents import RunContents
from orchestrator.bundle.layout import Description, Program
from orchestrator.bundle.requirements import requirements
from orchestrator.bundle.scrub import Scrubber, refuse_leftovers
from orchestrator.errors import BadInput, OrchestratorError
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment
from orchestrator.paths import check_name
from orchestrator.report import caveats, format_names, render
from orchestrator.report.model import open_report
from orchestrator.results import journal, manifest
from orchestrator.results.manifest import Manifest
from orchestrator.results.records import BlockRecord
from orchestrator.results.runs import RunFolder
from orchestrator.timestamps import seconds

_NOT_EXPORTED = frozenset({"controller.lock"})
_REPORT_FILES = {
    "junit": "junit.xml",
    "latex": "report.tex",
    "mail": "mail.txt",
    "markdown": "report.md",
    "table": "report.txt",
}
"""File name by report format, if it is not ``report.FORMAT``."""
_LAYOUT = frozenset({layout.EXPERIMENT, collect.ROLES, "files", "recipes", "templates"})
"""Folders that are found by their names."""
_NO_REPORT = frozenset({"parquet"})
"""Left out: pyarrow is an optional dependency, and the file can be made from the journal."""
_GENERIC_HOSTS = frozenset({"local", "guest", "localhost"})
"""Host names that providers use on every machine; scrubbing keeps them."""


class ExportOptions(Struct, frozen=True):
    """Options of an export.

    :ivar output: path of the bundle; None: the run's name in the working directory.
    :ivar as_folder: write a directory instead of an archive.
    :ivar scrub: replace secrets, hosts, users and addresses by placeholders; ``words``: and these words.
    :ivar experiment: the experiment file, beside which its other files are; None: where the run found it.
    :ivar key: the SSH key to sign the bundle with; None: no signature.
    """

    output: Path | None = None
    as_folder: bool = False
    scrub: bool = False
    words: tuple[str, ...] = ()
    experiment: Path | None = None
    key: Path | None = None


class Exported(Struct, frozen=True):
    """An exported bundle: its path, id and number of files, and notes for its author, one line each.

    :ivar signature: the file beside it; None: it was not signed.
    """

    path: Path
    identity: str
    files: int
    notes: tuple[str, ...]
    signature: Path | None = None


def export(run: RunFolder, options: ExportOptions) -> Exported:
    """Write the bundle of a run; a failed export leaves no files.

    The experiment is that of the manifest, whatever became of its file. Raises ``BadInput`` if the run is unfinished,
    if a role of the user was changed since the run, or if a name cannot be scrubbed from a file.
    """
    contents = run_contents.read(run)
    _require_finished(contents)
    provenance = contents.manifest
    name = f"{provenance.experiment}-{provenance.run}"
    target = (options.output or Path(name if options.as_folder else f"{name}.tar")).absolute()
    _require_new(target)
    if not target.parent.is_dir():
        raise BadInput(f"{target.parent}: not a directory")
    if options.key is not None:
        signature.require_key(options.key)
    loaded = collect.load_experiment(provenance, options.experiment)
    try:
        temporary_directory = tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-")
    except OSError as error:
        raise BadInput(f"cannot create a directory in {target.parent}: {error.strerror}") from None
    with doing(target.name, "writing the bundle"), temporary_directory as temporary:
        folder = Path(temporary) / name
        builder = _BundleBuilder(contents, loaded, folder, options)
        files_of_experiment = collect.bundled_files(
            loaded.experiment, provenance.overrides, provenance.experiment_text
        )
        identity = builder.build(files_of_experiment)
        if folder.name != builder.folder.name:
            folder = builder.folder
            target = target if options.output else target.with_name(target.name.replace(name, folder.name))
            _require_new(target)
        signed = Path(temporary) / "signature"
        if options.key is not None:
            signed.write_bytes(signature.sign(folder / layout.SUMS, options.key))
        files = len(checksums.list_files(folder))
        packed = folder
        if not options.as_folder:
            packed = Path(temporary) / "archive"
            archive.pack(folder, packed, max(0, int(seconds(provenance.ended) or 0)))
        if options.key is not None:
            signed.rename(signature.beside(target))
        packed.rename(target)
    beside = None if options.key is None else signature.beside(target)
    return Exported(target, identity, files, tuple(builder.notes), beside)


def _require_new(target: Path) -> None:
    """Refuse to replace a bundle. An old signature would be one of another bundle."""
    for path in (target, signature.beside(target)):
        check_name(str(path))
        if os.path.lexists(path):
            raise BadInput(f"{path} already exists; remove it, or choose another path with --output")


class _BundleBuilder:
    """Builds the directory of a bundle."""

    def __init__(
        self, contents: RunContents, loaded: collect.LoadedExperiment, folder: Path, options: ExportOptions
    ) -> None:
        self.notes = [*loaded.notes]
        self._original = contents
        self._loaded = loaded
        self._folder = folder
        self._options = options
        self._program = source_tree.files()

    @property
    def folder(self) -> Path:
        """The directory of the bundle; scrubbing may have changed its name."""
        return self._folder

    def build(self, bundled_files: collect.BundledFiles) -> str:
        """Write every file of the bundle and return the bundle's id."""
        original = self._original
        self._copy(layout.EXPERIMENT, bundled_files.files)
        _require_portable(bundled_files.experiment_file)
        file = self._folder / layout.EXPERIMENT / bundled_files.experiment_file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(original.manifest.experiment_text, encoding="utf-8")
        experiment = self._load_copy(file, original.manifest)
        self._copy(layout.RUN, {p.name: p for p in sorted(original.folder.path.iterdir()) if _exported(p)})
        if original.damage:  # nobody could say which names a damaged line has
            journal.copy_readable(original.folder.journal, self._folder / layout.RUN / journal.FILE)
            self.notes += caveats.damaged(original.damage)
        lines = requirements(original.manifest.packages)
        (self._folder / layout.REQUIREMENTS).write_text("".join(lines), encoding="utf-8")
        contents = original.moved(RunFolder(self._folder / layout.RUN))
        scrubber: Scrubber | None = None
        changed_role_files: tuple[str, ...] = ()
        if self._options.scrub or self._options.words:
            scrubber, changed_role_files = self._scrub()
            self._folder = self._folder.rename(self._folder.with_name(_scrubbed(scrubber, self._folder.name)))
            contents = run_contents.read(RunFolder(self._folder / layout.RUN))
            file = self._folder / layout.EXPERIMENT / _scrubbed(scrubber, bundled_files.experiment_file)
            experiment = load(file, overrides=contents.manifest.overrides)
        self._copy(layout.PROGRAM, self._program)
        description = self._describe(contents, experiment, scrubber, changed_role_files)
        self._write_derived(description, contents, experiment)
        if scrubber:
            written = [self._folder / name for name in checksums.list_files(self._folder)]
            refuse_leftovers(scrubber, self._folder, written)
        return checksums.write(self._folder)

    def _copy(self, part: str, files: dict[str, Path]) -> None:
        for name, path in files.items():
            _require_portable(name)
            target = self._folder / part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(archive.EXECUTABLE if path.stat().st_mode & 0o100 else archive.PLAIN)

    def _load_copy(self, file: Path, provenance: Manifest) -> Experiment:
        """Load the experiment in the bundle; ``BadInput`` if it is not the same experiment there."""
        experiment = load(file, overrides=provenance.overrides)
        collect.require_self_contained(self._folder / layout.EXPERIMENT, experiment)
        if experiment.content_hash != self._loaded.experiment.content_hash:
            raise BadInput(
                f"{file.name}: has paths that point to other files from within the bundle; "
                "write them relative to the experiment file"
            )
        return experiment

    # --- scrubbing ---

    def _scrub(self) -> tuple[Scrubber, tuple[str, ...]]:
        """Put placeholders into the files of the run and its user; return also the files of roles that changed."""
        program_text = b"\n".join(path.read_bytes() for path in self._program.values())
        versions = frozenset(version.encode() for version in self._original.manifest.packages.values())
        scrubber = Scrubber(program_text, versions)
        for word in self._options.words:
            scrubber.add("word", word)
        if self._options.scrub:
            for name in sorted(self._original.hosts - _GENERIC_HOSTS):
                scrubber.add_host(name)
        files = [self._folder / name for name in checksums.list_files(self._folder)]
        scrubbed = [path for path in files if self._needs_scrubbing(path)]
        for path in scrubbed if self._options.scrub else []:
            scrubber.collect(path)
        changed = [path for path in scrubbed if scrubber.replace_in(path)]
        for path in (*scrubbed, *self._folders_of(scrubbed)):
            renamed = path.with_name(_scrubbed(scrubber, path.name))
            if renamed != path:
                path.rename(renamed)
        if scrubber.public_names:
            self.notes.append(
                f"replaced only as whole words, as they are also words of the program: "
                f"{', '.join(scrubber.public_names)}; search the bundle for what remains of them"
            )
        roles = f"{layout.EXPERIMENT}/{collect.ROLES}/"
        names = (_scrubbed(scrubber, path.relative_to(self._folder).as_posix()) for path in changed)
        return scrubber, tuple(name for name in names if name.startswith(roles))

    def _folders_of(self, files: list[Path]) -> list[Path]:
        """Return the folders with files of the user, inner ones first."""
        relative = {folder for path in files for folder in path.relative_to(self._folder).parents}
        inner_first = sorted(relative, key=lambda folder: len(folder.parts), reverse=True)
        return [self._folder / folder for folder in inner_first if folder.parts[1:]]

    def _needs_scrubbing(self, path: Path) -> bool:
        """Whether a file comes from the run or its user; those of the program are public."""
        first = path.relative_to(self._folder).parts[0]
        return first not in (layout.PROGRAM, layout.REQUIREMENTS) and not self._is_published(path)

    def _is_published(self, path: Path) -> bool:
        """Whether a file is an unchanged file of a role that comes with the program."""
        part, _, name = path.relative_to(self._folder).as_posix().partition("/")
        published = self._program.get(name) if part == layout.EXPERIMENT else None
        return published is not None and published.read_bytes() == path.read_bytes()

    # --- files made from the others ---

    def _describe(
        self,
        contents: RunContents,
        experiment: Experiment,
        scrubber: Scrubber | None,
        changed_role_files: tuple[str, ...],
    ) -> Description:
        """Write ``bundle.json``."""
        provenance = contents.manifest
        description = Description(
            run=provenance.run,
            experiment=provenance.experiment,
            experiment_file=experiment.file.relative_to(self._folder).as_posix(),
            content_hash=experiment.content_hash,
            overrides=provenance.overrides,
            where=provenance.where,
            limit=provenance.limit,
            ended=provenance.ended,
            environments=contents.environments,
            program=Program(
                version=orchestrator.__version__,
                commit=manifest.commit(),
                source_hash=source_tree.source_hash(),
                run_version=provenance.version,
                run_commit=provenance.commit,
                run_source_hash=provenance.source,
            ),
            scrubbed=scrubber.counts if scrubber else {},
            changed_role_files=changed_role_files,
            updated_role_files=self._loaded.updated_role_files,
        )
        if not description.program.made_the_run:
            self.notes.append("the orchestrator in the bundle is not the one that made the run")
        if updated := description.updated_role_files:
            self.notes.append(
                f"role files from the orchestrator in the bundle, not from the run: {', '.join(updated)}"
            )
        if outside := programs.unpackaged(programs.needed(experiment, contents)):
            self.notes.append(
                f"not in the bundle: {', '.join(outside)}; whoever reproduces the run must have what its README lists, "
                "unless a role builds it"
            )
        layout.write(self._folder, description)
        return description

    def _write_derived(self, description: Description, contents: RunContents, experiment: Experiment) -> None:
        boots = [_environment(block) for block in contents.blocks]
        layout.write_json(self._folder / layout.ENVIRONMENT, boots)
        role = experiment.benchmark.role
        layout.write_json(
            self._folder / layout.SBOM, sbom.document(contents.manifest, role.name if role else "")
        )
        self._write_reports(contents.folder)
        readme.write(self._folder, description, contents, experiment)
        names = checksums.list_files(self._folder)
        about = readme.about(experiment)
        document = crate.document(self._folder, names, description, contents.manifest, about)
        layout.write_json(self._folder / layout.CRATE, document)

    def _write_reports(self, run: RunFolder) -> None:
        """Write the report in every format; one that cannot be made here is left out, with a note."""
        reports = self._folder / layout.REPORT
        reports.mkdir()
        with open_report(self._folder / "nowhere", run) as report:
            for name in (name for name in format_names() if name not in _NO_REPORT):
                try:
                    content: str | bytes = render(report, name)
                except (OrchestratorError, ImportError) as error:
                    self.notes.append(f"no report in format {name}: {error}")
                    continue
                raw = content.encode() if isinstance(content, str) else content
                (reports / _REPORT_FILES.get(name, f"report.{name}")).write_bytes(raw)


def _require_finished(contents: RunContents) -> None:
    if contents.complete:
        return
    raise BadInput(
        f"run {contents.manifest.run} is unfinished: {contents.ended_trials} of {contents.planned_trials} trials; "
        "repeat its `orchestrate run` command to resume"
    )


def _require_portable(name: str) -> None:
    """Raise ``BadInput`` for a file name that ``sha256sum`` or tar would write in another way."""
    if layout.is_portable(name):
        return
    raise BadInput(
        f"{name!r}: a bundle cannot hold a file name with a backslash, a line break or bytes that are not UTF-8; "
        "rename the file"
    )


def _scrubbed(scrubber: Scrubber, name: str) -> str:
    """Return the name or path of a file with every name replaced; folders of the layout keep theirs."""
    parts = name.split("/")
    return "/".join(part if part in _LAYOUT else scrubber.replace(part.encode()).decode() for part in parts)


def _exported(path: Path) -> bool:
    return path.is_file() and path.name not in _NOT_EXPORTED and not path.name.startswith(".")


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
