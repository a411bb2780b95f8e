"""Find the files of an experiment and their paths in a bundle."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from orchestrator import source_tree
from orchestrator.architectures import ARCHITECTURES
from orchestrator.documents.document import read_file
from orchestrator.errors import BadInput
from orchestrator.experiment import overrides as override_texts
from orchestrator.experiment import roles as role_folders
from orchestrator.experiment.kernels import find_recipe, fragment_files
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment, Kernel, Recipe, Role
from orchestrator.paths import is_below
from orchestrator.results.files import open_regular
from orchestrator.results.manifest import Manifest, hash_role
from orchestrator.source_tree import files_below

ROLES = "roles"
_RECORDED = "the bundle has its text as recorded by the run"


class BundledFiles(Struct, frozen=True):
    """The files of an experiment.

    :ivar experiment_file: path of the experiment file in the bundle's ``experiment`` directory.
    :ivar files: current path of every other file, by its path in that directory.
    """

    experiment_file: str
    files: dict[str, Path]


class LoadedExperiment(Struct, frozen=True):
    """The experiment of a run.

    :ivar notes: what its author should know, one line each.
    :ivar updated_role_files: files of the program's own roles that differ from those of the run, as
        ``roles/NAME/FILE``. The program in the bundle is then another version than the run's.
    """

    experiment: Experiment
    updated_role_files: tuple[str, ...]
    notes: tuple[str, ...] = ()


def load_experiment(manifest: Manifest, file: Path | None) -> LoadedExperiment:
    """Load the experiment of a run from the text in its manifest; ``BadInput`` if a file or role of the user that it
    names is missing or was changed since.

    Roles that come with the program may differ, as the program may: a run stays exportable after an update.

    :param file: the experiment file, from which relative paths lead to other files; None: where the run found it.
    """
    path = file or _recorded_path(manifest)
    notes: tuple[str, ...] = ()
    try:
        with io.TextIOWrapper(open_regular(path), encoding="utf-8") as stream:
            is_changed = stream.read() != manifest.experiment_text
        if is_changed:
            notes = (f"{path} was changed since the run; {_RECORDED}",)
    except (OSError, UnicodeDecodeError) as error:
        if file is not None and isinstance(error, OSError):
            raise BadInput(f"{path}: {error.strerror}") from None
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        notes = (f"{path}: {reason}; {_RECORDED}",)
    try:
        experiment = load(path, overrides=manifest.overrides, text=manifest.experiment_text)
    except BadInput as error:
        hint = "if the files of the experiment were moved, give the new path of its file with --experiment"
        raise BadInput(*error.faults, *([hint] if notes and file is None else [])) from None
    program = set(source_tree.files().values())
    faults: list[str] = []
    updated: list[str] = []
    for role in _roles(experiment):
        changes = dict(_changes(manifest, role.name, hash_role(role)))
        if program.isdisjoint(files_below(role.folder.resolve()).values()):
            faults += [
                f"role {role.name}: {name} was {change} since the run" for name, change in changes.items()
            ]
        else:
            updated += [f"{ROLES}/{role.name}/{name}" for name in changes]
    if faults:
        raise BadInput(*faults, "a bundle holds the files that the run used; restore them and export again")
    if experiment.content_hash != manifest.content_hash and not updated:
        raise BadInput(
            f"{path}: the experiment's content hash differs from the run's; "
            "a recipe, a path or the orchestrator was changed since the run"
        )
    return LoadedExperiment(experiment, tuple(updated), notes)


def bundled_files(experiment: Experiment, overrides: Sequence[str], text: str | None = None) -> BundledFiles:
    """Find all files that an experiment uses; ``BadInput`` if it builds a kernel from a source directory.

    :param overrides: the ``--set`` options with which it was loaded.
    :param text: the content of its file, as recorded by a run; None: as it is now.
    """
    recipes = dict(_recipe_files(experiment, overrides, text))
    outside = [
        path
        for kernel in experiment.kernels
        for path in _files_outside_roles(kernel, recipes.get(kernel.name))
    ]
    file = experiment.file.parent.resolve() / experiment.file.name
    root = Path(os.path.commonpath([file.parent, *(path.parent for path in outside)]))
    files = {path.relative_to(root).as_posix(): path for parent in outside for path in _below(parent)}
    _require_inside(root, files.values())
    folders = {role.name: role.folder for role in _roles(experiment)}
    folders |= {
        folder.name: folder for recipe in recipes.values() if (folder := _role_of(recipe)) is not None
    }
    for role_name, folder in folders.items():
        of_role = files_below(folder)
        _require_inside(folder, of_role.values())
        files |= {f"{ROLES}/{role_name}/{name}": path for name, path in of_role.items()}
    return BundledFiles(file.relative_to(root).as_posix(), files)


def _require_inside(folder: Path, files: Iterable[Path]) -> None:
    """Refuse links out of a directory: it may come from others, and only what it holds is meant to be given away."""
    faults = [f"{path}: a link that leads out of {folder}" for path in files if not is_below(folder, path)]
    if faults:
        raise BadInput(*faults)


def require_self_contained(folder: Path, experiment: Experiment) -> None:
    """Raise ``BadInput`` if an experiment that was copied into ``folder`` uses files outside it."""
    faults = [
        f"kernels.{kernel.name}: {path} is not in the bundle; write its path relative to the experiment file"
        for kernel in experiment.kernels
        for path in _paths(kernel)
        if not path.resolve().is_relative_to(folder.resolve())
    ]
    if faults:
        raise BadInput(*faults)


def _recorded_path(manifest: Manifest) -> Path:
    if manifest.experiment_folder:
        return Path(manifest.experiment_folder) / manifest.experiment_file
    arguments = (Path(word) for word in manifest.command_line if Path(word).name == manifest.experiment_file)
    return next(arguments, Path(manifest.experiment_file))


def _roles(experiment: Experiment) -> list[Role]:
    own = experiment.benchmark.role
    listed = list(experiment.roles)
    return listed + ([own] if own and own.name not in [role.name for role in listed] else [])


def _changes(manifest: Manifest, name: str, now: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each file of a role that is not as in the run, and what happened to it."""
    before = manifest.roles.get(name, {})
    for file in sorted({*before, *now}):
        if before.get(file) != now.get(file):
            change = "added" if file not in before else "removed" if file not in now else "changed"
            yield file, change


def _recipe_files(
    experiment: Experiment, overrides: Sequence[str], text: str | None
) -> Iterator[tuple[str, Path]]:
    """Yield each kernel's name and the file of its recipe, if it has one."""
    node = read_file(experiment.file, text)
    override_texts.apply_overrides(node, overrides)
    for kernel in experiment.kernels:
        if kernel.recipe is None or not kernel.recipe.name:
            continue
        recipe = node.get("kernels", kernel.name, "recipe")
        assert recipe is not None
        searched = role_folders.search_path(experiment.file)
        yield kernel.name, find_recipe(str(recipe.content), experiment.file.parent, searched)


def _role_of(recipe: Path) -> Path | None:
    """Return the directory of the role that a recipe belongs to, if any."""
    folder = recipe.parent.parent
    return (
        folder
        if (recipe.parent.name, folder.name, folder.parent.name) == ("recipes", "kernel", ROLES)
        else None
    )


def _files_outside_roles(kernel: Kernel, recipe: Path | None) -> list[Path]:
    """Return the files and directories of a kernel that belong to no role."""
    if kernel.recipe is not None and kernel.recipe.source.kind == "folder":
        raise BadInput(
            f"kernels.{kernel.name}: a bundle cannot hold a source directory ({kernel.recipe.source.location}); "
            "build from a package, a tarball or a git ref with patches"
        )
    role = _role_of(recipe) if recipe else None
    paths = [*([recipe] if recipe else []), *_paths(kernel)]
    return [path for path in paths if role is None or not path.is_relative_to(role)]


def _paths(kernel: Kernel) -> list[Path]:
    """Return the files and directories that a kernel is made of."""
    files = [path for path in (kernel.image, kernel.modules) if path]
    return files + (_recipe_paths(kernel.recipe) if kernel.recipe else [])


def _recipe_paths(recipe: Recipe) -> list[Path]:
    patches = [Path(source.location) for source in recipe.patches if source.kind == "path"]
    base = [recipe.base] if isinstance(recipe.base, Path) else []
    local = recipe.source.kind in ("tarball", "folder") or recipe.source.location.startswith("/")
    source = [Path(recipe.source.location)] if local else []
    fragments = fragment_files(recipe.fragments, *ARCHITECTURES)
    return [*patches, *base, *fragments, *source]


def _below(path: Path) -> Sequence[Path]:
    return list(files_below(path).values()) if path.is_dir() else [path]
