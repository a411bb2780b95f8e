"""``manifest.json``: the provenance of a run, written when the run starts and completed when it ends."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageMetadata
from pathlib import Path
from typing import Any, TypedDict

from msgspec import Struct, convert, field, to_builtins
from msgspec.structs import replace

import orchestrator
from orchestrator import process_groups, source_tree
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Experiment, Role
from orchestrator.results.damage import plain
from orchestrator.results.files import open_regular, write_whole
from orchestrator.results.migrations import MANIFEST, UnreadableFormat, upgrade
from orchestrator.timestamps import utc_now

FILE = "manifest.json"
FORMAT = 1
OWN_PACKAGE = "migration-orchestrator"
_BYTES = ("command_line", "experiment_file", "experiment_folder")
"""Keys with words of the operating system, in which Python writes a byte that is not UTF-8 as a surrogate."""
_NO_CHARACTER = re.compile("[\ud800-\udfff]")
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class _Package(TypedDict, total=False):
    package: str
    version: str
    suite: str
    sha256: Mapping[str, str]


class _Patch(TypedDict):
    name: str
    sha256: str


class _Ingredients(TypedDict, total=False):
    source: str
    compiler: str
    linker: str
    package: _Package
    patches: tuple[_Patch, ...]
    config: Mapping[str, Any]


class _KnownKernel(TypedDict, total=False):
    release: str
    build_id: str
    hash: str
    config_hash: str
    patches: tuple[str, ...]
    recipe: str
    source: str
    config: str
    compiler: str
    package: _Package
    ingredients: _Ingredients


class _Known(TypedDict, total=False):
    """The properties of kernels that reports and bundles read; a manifest may tell more."""

    kernels: Mapping[str, _KnownKernel]


class Manifest(Struct, frozen=True):
    """Provenance of a run. Hashes are SHA-256 in hex, times ISO 8601 in UTC.

    :ivar content_hash: of the experiment, see :class:`~orchestrator.experiment.model.Experiment`.
    :ivar experiment_text: content of the experiment file.
    :ivar experiment_folder: directory of the experiment file; empty in runs of older versions.
    :ivar where: the predicates of ``--where``; ``limit``: the number of ``--first``, 0 without it (once called
        ``--limit``).
    :ivar defaults: options that named the hosts without being on the command line, by name: ``value``, and ``source``,
        an environment variable or a project file.
    :ivar source: SHA-256 over the orchestrator's own files, see :func:`orchestrator.source_tree.source_hash`; empty
        in runs of older versions.
    :ivar commit: of the source tree of the orchestrator; empty outside of one; with ``-dirty`` if it had changes.
    :ivar packages: version of every installed Python package, by name.
    :ivar licences: of these packages, as CycloneDX writes them: ``expression``, in SPDX's form, or ``name``; empty in
        runs of older versions.
    :ivar controller: facts of the machine that ran the orchestrator.
    :ivar roles: role to file (relative to the role's folder) to hash.
    :ivar benchmark: hash of the benchmark's binary on the host; empty if no role built it.
    :ivar programs: programs of the trials, by the first word of the command: ``path`` on the host, ``sha256`` and
        ``package`` (with its version), as far as reported by the host.
    :ivar runners: of the runner, by ``uname -m`` of the hosts: ``source``, the hash of its sources, and ``sha256``.
    :ivar kernels: properties of each kernel, by its name in the file.
    :ivar complete: None while the run is in progress.
    """

    run: str
    experiment: str
    content_hash: str
    seed: int
    experiment_file: str
    experiment_text: str
    overrides: tuple[str, ...]
    command_line: tuple[str, ...]
    started: str
    version: str
    commit: str
    python: str
    packages: Mapping[str, str]
    controller: Mapping[str, Any]
    roles: Mapping[str, Mapping[str, str]]
    benchmark: str = ""
    kernels: Mapping[str, Any] = field(default_factory=dict)
    ended: str = ""
    complete: bool | None = None
    experiment_folder: str = ""
    where: tuple[str, ...] = ()
    limit: int = 0
    source: str = ""
    programs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    runners: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    licences: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def program_hashes(self) -> dict[str, str]:
        """The hash of each program that trials begin with, by its file name, as far as the hosts report it."""
        found = {Path(name).name: known.get("sha256", "") for name, known in self.programs.items()}
        return {name: digest for name, digest in found.items() if digest}


def begin(
    experiment: Experiment,
    run: str,
    overrides: Iterable[str],
    command_line: Iterable[str],
    where: Iterable[str] = (),
    first: int = 0,
    defaults: Mapping[str, Mapping[str, str]] | None = None,
) -> Manifest:
    """Return the manifest of a run that starts now; reads the experiment file and hashes its roles."""
    roles = {role.name: role for role in experiment.roles}
    packages = _packages()
    if experiment.benchmark.role:
        roles[experiment.benchmark.role.name] = experiment.benchmark.role
    return Manifest(
        run=run,
        experiment=experiment.name,
        content_hash=experiment.content_hash,
        seed=experiment.order.seed,
        experiment_file=experiment.file.name,
        experiment_text=experiment.file.read_text(encoding="utf-8"),
        overrides=tuple(overrides),
        command_line=tuple(command_line),
        started=utc_now(),
        version=orchestrator.__version__,
        commit=commit(),
        python=platform.python_version(),
        packages={name: metadata["Version"] for name, metadata in packages.items()},
        controller=_controller(),
        roles={name: hash_role(role) for name, role in roles.items()},
        experiment_folder=str(experiment.file.absolute().parent),
        where=tuple(where),
        limit=first,
        defaults=defaults or {},
        source=source_tree.source_hash(),
        licences={name: licence for name, metadata in packages.items() if (licence := _licence(metadata))},
    )


def finish(
    folder: Path,
    complete: bool,
    benchmark: str = "",
    kernels: Mapping[str, Any] | None = None,
    programs: Mapping[str, Mapping[str, str]] | None = None,
    runners: Mapping[str, Mapping[str, str]] | None = None,
) -> Manifest:
    """Complete the manifest in ``folder`` at the end of a run; arguments that are not given change nothing."""
    manifest = load(folder)
    manifest = replace(
        manifest,
        ended=utc_now(),
        complete=complete,
        benchmark=benchmark or manifest.benchmark,
        kernels={**manifest.kernels, **(kernels or {})},
        programs={**manifest.programs, **(programs or {})},
        runners={**manifest.runners, **(runners or {})},
    )
    save(folder, manifest)
    return manifest


def save(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json`` into the run's directory, atomically."""
    write_whole(folder / FILE, json.dumps({"format": FORMAT} | to_builtins(manifest), indent=2) + "\n")


def exists(folder: Path) -> bool:
    """Whether a run has a manifest."""
    return (folder / FILE).exists()


def load(folder: Path) -> Manifest:
    """Read ``manifest.json``; ``BadInput`` if it is missing, damaged or of a newer format."""
    path = folder / FILE
    try:
        with open_regular(path) as stream:
            document = json.loads(stream.read().decode("utf-8"))
        if not isinstance(document, dict):
            raise BadInput(f"{path}: not a JSON object")
        document = upgrade(_unicode(document), FORMAT, MANIFEST)
        convert(document, _Known)
        return convert(document, Manifest)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except UnreadableFormat as error:
        raise BadInput(f"{path}: {error}") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{path}: damaged: {plain(error)}") from None


def _unicode(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy with a question mark for each character that is none; bytes of paths and commands stay."""
    return {
        key: json.loads(
            (_NO_BYTE if key in _BYTES else _NO_CHARACTER).sub("?", json.dumps(value, ensure_ascii=False))
        )
        for key, value in document.items()
    }


def hash_role(role: Role) -> dict[str, str]:
    """Return the SHA-256 of each source file of a role, by its path in the role; build products are left out."""
    return {name: source_tree.sha256(path) for name, path in source_tree.files_below(role.folder).items()}


def commit() -> str:
    """Return the commit of the source tree of this package; empty if the package is installed elsewhere."""
    folder = Path(orchestrator.__file__).parent
    if not _git(folder, "ls-files", "__init__.py"):
        return ""
    head = _git(folder, "rev-parse", "HEAD")
    return head + ("-dirty" if head and _git(folder, "status", "--porcelain", "--", ".") else "")


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = process_groups.run(
            ["git", "-C", folder, *arguments], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _packages() -> dict[str, PackageMetadata]:
    """Return the metadata of every installed Python package, by its name."""
    packages = (distribution.metadata for distribution in importlib.metadata.distributions())
    return dict(sorted(((one["Name"], one) for one in packages), key=lambda item: item[0].lower()))


def _licence(metadata: PackageMetadata) -> dict[str, str]:
    """Return the licence of a package, see :class:`Manifest`; empty if it does not name one."""
    if expression := metadata.get_all("License-Expression", []):
        return {"expression": expression[0]}
    classifiers = (text.split(" :: ") for text in metadata.get_all("Classifier", []))
    names = [words[-1] for words in classifiers if words[0] == "License" and words[-1] != "OSI Approved"]
    names = names or metadata.get_all("License", [])
    name = ", ".join(names)
    return {"name": name} if name and name != "UNKNOWN" and "\n" not in name else {}


def _controller() -> dict[str, Any]:
    system = platform.uname()
    return {
        "host": system.node,
        "system": f"{system.system} {system.release}",
        "machine": system.machine,
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }
