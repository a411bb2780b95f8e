"""What an experiment is made of, as files with their places in a bundle."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.documents.document import read_file
from orchestrator.errors import BadInput
from orchestrator.experiment import overrides as override_texts
from orchestrator.experiment import roles as role_folders
from orchestrator.experiment.kernels import find_recipe
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment, Kernel, Recipe, Role
from orchestrator.results.manifest import Manifest, hash_role
from orchestrator.source_tree import files_below

ROLES = "roles"


@dataclass(frozen=True, slots=True)
class BundledFiles:
    """An experiment that is to travel.

    :ivar experiment: as it was found here.
    :ivar file: path of the experiment file in its new folder.
    :ivar files: where each file lies now, by its path in the new folder; the experiment file is not among them.
    """

    experiment: Experiment
    file: str
    files: dict[str, Path]


def experiment_of(manifest: Manifest, file: Path | None) -> Experiment:
    """Return the experiment of a run as it was, with the roles as they were.

    :param file: the experiment file, if it is not where the run found it.

    Raises ``BadInput`` where file or roles are no longer there, or no longer what the run had.
    """
    place = file or _place(manifest)
    try:
        text = place.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"{place}: {error.strerror}; say with --experiment where the run's file is now"
        ) from None
    if text != manifest.experiment_text:
        raise BadInput(
            f"{place} is not what it was when the run began; put that back, or name a copy: --experiment"
        )
    experiment = load(place, overrides=manifest.overrides)
    faults = [
        fault for role in _roles(experiment) for fault in _changes(manifest, role.name, hash_role(role))
    ]
    if faults:
        commit = f" (commit {manifest.commit})" if manifest.commit else ""
        raise BadInput(*faults, f"a bundle holds what the run had; put that back{commit} and export again")
    if experiment.content_hash != manifest.content_hash:
        raise BadInput(
            f"{place} does not mean what it did when the run began: recipes, paths, or this program are others"
        )
    return experiment


def bundled_files(experiment: Experiment, overrides: Sequence[str]) -> BundledFiles:
    """Find all files that an experiment uses, with these overrides; ``BadInput`` for what cannot travel."""
    recipes = dict(_recipe_files(experiment, overrides))
    loose = [path for kernel in experiment.kernels for path in _loose_files(kernel, recipes.get(kernel.name))]
    file = experiment.file.parent.resolve() / experiment.file.name
    root = Path(os.path.commonpath([file.parent, *(path.parent for path in loose)]))
    files = {path.relative_to(root).as_posix(): path for one in loose for path in _below(one)}
    for role in _roles(experiment):
        files |= {f"{ROLES}/{role.name}/{name}": path for name, path in files_below(role.folder).items()}
    for recipe in recipes.values():
        if (folder := _role_of(recipe)) is not None:
            files |= {f"{ROLES}/{folder.name}/{name}": path for name, path in files_below(folder).items()}
    return BundledFiles(experiment, file.relative_to(root).as_posix(), files)


def check_arrived(folder: Path, experiment: Experiment) -> None:
    """Raise ``BadInput`` where an experiment that was copied into ``folder`` still uses a file from elsewhere."""
    faults = [
        f"kernels.{kernel.name}: {path} is not in the bundle; write its path relative to the experiment file"
        for kernel in experiment.kernels
        for path in _paths(kernel)
        if not path.resolve().is_relative_to(folder.resolve())
    ]
    if faults:
        raise BadInput(*faults)


def _place(manifest: Manifest) -> Path:
    if manifest.experiment_folder:
        return Path(manifest.experiment_folder) / manifest.experiment_file
    named = (Path(word) for word in manifest.command_line if Path(word).name == manifest.experiment_file)
    return next(named, Path(manifest.experiment_file))


def _roles(experiment: Experiment) -> list[Role]:
    own = experiment.benchmark.role
    listed = list(experiment.roles)
    return listed + ([own] if own and own.name not in [role.name for role in listed] else [])


def _changes(manifest: Manifest, name: str, now: dict[str, str]) -> Iterator[str]:
    before = manifest.roles.get(name, {})
    for file in sorted({*before, *now}):
        if before.get(file) != now.get(file):
            word = "is new" if file not in before else "is gone" if file not in now else "has changed"
            yield f"role {name}: {file} {word} since the run"


def _recipe_files(experiment: Experiment, overrides: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """The file of each kernel's recipe that has one, by the kernel's name."""
    node = read_file(experiment.file)
    override_texts.apply_overrides(node, overrides)
    for kernel in experiment.kernels:
        if kernel.recipe is None or not kernel.recipe.name:
            continue
        text = node.get("kernels", kernel.name, "recipe")
        assert text is not None
        searched = role_folders.search_path(experiment.file)
        yield kernel.name, find_recipe(str(text.content), experiment.file.parent, searched)


def _role_of(recipe: Path) -> Path | None:
    """The role that a recipe is part of, if it is of one."""
    folder = recipe.parent.parent
    return (
        folder
        if (recipe.parent.name, folder.name, folder.parent.name) == ("recipes", "kernel", ROLES)
        else None
    )


def _loose_files(kernel: Kernel, recipe: Path | None) -> list[Path]:
    """Files and folders of a kernel that are not part of a role."""
    if kernel.recipe is not None and kernel.recipe.source.kind == "folder":
        raise BadInput(
            f"kernels.{kernel.name}: a source folder ({kernel.recipe.source.location}) does not fit into a bundle; "
            "build from a package, a tarball or a git ref with patches"
        )
    role = _role_of(recipe) if recipe else None
    paths = [*([recipe] if recipe else []), *_paths(kernel)]
    return [path for path in paths if role is None or not path.is_relative_to(role)]


def _paths(kernel: Kernel) -> list[Path]:
    """Files and folders that a kernel is made of."""
    given = [path for path in (kernel.image, kernel.modules) if path]
    return given + (_recipe_paths(kernel.recipe) if kernel.recipe else [])


def _recipe_paths(recipe: Recipe) -> list[Path]:
    patches = [Path(source.location) for source in recipe.patches if source.kind == "path"]
    base = [recipe.base] if isinstance(recipe.base, Path) else []
    local = recipe.source.kind in ("tarball", "folder") or recipe.source.location.startswith("/")
    source = [Path(recipe.source.location)] if local else []
    return [*patches, *base, *recipe.fragments, *source]


def _below(path: Path) -> Sequence[Path]:
    return list(files_below(path).values()) if path.is_dir() else [path]
