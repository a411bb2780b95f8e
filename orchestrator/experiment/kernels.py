"""The section ``kernels`` of an experiment file, and the recipes it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from orchestrator.documents.document import read_file
from orchestrator.documents.draft import Draft
from orchestrator.errors import BadInput
from orchestrator.experiment import schemas
from orchestrator.experiment.model import Kernel, KernelSource, PatchSource, Recipe
from orchestrator.nearest import did_you_mean

BASES = ("tiny", "defconfig", "running")
RECIPES = Path("kernel") / "recipes"
"""Where recipes lie in a folder of roles."""

_KINDS = ("package", "image", "recipe")
_SOURCES = ("package", "tarball", "git", "folder")


def kernels(draft: Draft, folder: Path, roles: Sequence[Path]) -> tuple[Kernel, ...]:
    """Read ``kernels``; paths in it are relative to ``folder``, recipes are looked up in the ``roles`` folders."""
    found = []
    for name, node in draft.members("kernels"):
        if isinstance(node.content, str):
            found.append(Kernel(name, "running" if node.content == "running" else "default"))
        else:
            kernel = _kernel(draft, folder, roles, name)
            if kernel:
                found.append(kernel)
    return tuple(found) or (Kernel("default"),)


def _kernel(draft: Draft, folder: Path, roles: Sequence[Path], name: str) -> Kernel | None:
    section = ("kernels", name)
    node = draft.node.get(*section)
    assert node is not None
    given = node.mapping()
    kinds = [kind for kind in _KINDS if kind in given]
    if len(kinds) != 1:
        draft.fault(node.position, f"kernel '{name}' needs one of the keys {', '.join(_KINDS)}")
        return Kernel(name)
    if "modules" in given and "image" not in given:
        draft.fault(node.keys["modules"], f"'modules' belongs to 'image'; a {kinds[0]} brings its own")
    words = tuple(draft.value(*section, "command_line", default="").split())
    if "package" in given:
        return Kernel(name, "package", package=draft.value(*section, "package"), command_line=words)
    if "image" in given:
        image = _existing(draft, folder, *section, "image")
        modules = (
            _existing(draft, folder, *section, "modules", want_folder=True) if "modules" in given else None
        )
        return Kernel(name, "image", image=image, modules=modules, command_line=words)
    recipe = _recipe(draft, folder, roles, *section, "recipe")
    return Kernel(name, "recipe", recipe=recipe, command_line=words) if recipe else Kernel(name)


def _recipe(draft: Draft, folder: Path, roles: Sequence[Path], *section: str) -> Recipe | None:
    """A recipe that stands in the file itself, or in the file that is named there."""
    text = draft.value(*section)
    if not isinstance(text, str):
        return read_recipe(draft, "", folder, *section)
    try:
        return load_recipe(text, folder, roles)
    except BadInput as error:
        if all(isinstance(fault, str) for fault in error.faults):
            draft.blame(error, *section)
        else:
            draft.faults.extend(fault for fault in error.faults if not isinstance(fault, str))
        return None


def load_recipe(text: str, folder: Path, roles: Sequence[Path]) -> Recipe:
    """Read a recipe's file, found by path (from ``folder``) or by its name in the folders of roles.

    Raises ``BadInput`` with every fault of the file; where there is none, it names the nearest recipe.
    """
    file = find_recipe(text, folder, roles)
    node = read_file(file)
    draft = Draft(node, schemas.check(node, schemas.recipe()))
    recipe = read_recipe(draft, file.stem, file.parent)
    draft.close()
    assert recipe is not None
    return recipe


def recipe_names(roles: Sequence[Path]) -> list[str]:
    """Return the names of all recipes in the folders of roles."""
    return sorted({file.stem for folder in roles for file in (folder / RECIPES).glob("*.yaml")})


def find_recipe(text: str, folder: Path, roles: Sequence[Path]) -> Path:
    """Return the file of a recipe, found as :func:`load_recipe` finds it."""
    if "/" in text or text.endswith((".yaml", ".yml")):
        file = (folder / Path(text).expanduser()).resolve()
        if not file.is_file():
            raise BadInput(f"there is no file '{file}'")
        return file
    for folder in roles:
        if (file := folder / RECIPES / f"{text}.yaml").is_file():
            return file
    raise BadInput(f"there is no recipe '{text}'; {did_you_mean(text, recipe_names(roles))}")


def read_recipe(draft: Draft, name: str, folder: Path, *section: str) -> Recipe | None:
    """Read the recipe at ``section``; its paths start at ``folder``. None, and faults, if it is not sound."""
    faults = len(draft.faults)
    source = _source(draft, folder, *section, "source")
    patches = tuple(_patches(draft, folder, *section, "patches"))
    base = _base(draft, folder, *section, "config", "base")
    fragments = tuple(
        _existing(draft, folder, *section, "config", "fragments", index)
        for index, _ in draft.items(*section, "config", "fragments")
    )
    if base == "tiny" and not fragments and draft.intact(*section):
        position = draft.node.nearest_position(*section, "config")
        draft.fault(position, "base 'tiny' without fragments is a kernel that can do nothing; name fragments")
    if source is None or len(draft.faults) > faults or not draft.intact(*section):
        return None
    compiler = draft.value(*section, "compiler", default="gcc")
    return Recipe(name, source, patches, base, fragments, compiler)


def _source(draft: Draft, folder: Path, *section: str) -> KernelSource | None:
    node = draft.get(*section)
    if node is None:
        return None
    given = node.mapping()
    kinds = [kind for kind in _SOURCES if kind in given]
    if len(kinds) != 1:
        draft.fault(node.position, f"a source needs one of the keys {', '.join(_SOURCES)}")
        return None
    if ("ref" in given) != ("git" in given):
        draft.fault(node.position, "'git' and 'ref' (a branch, a tag or a commit) belong together")
        return None
    (kind,) = kinds
    text = str(given[kind].content)
    if kind == "package":
        return KernelSource("package", text)
    if kind == "tarball":
        return KernelSource("tarball", str(_existing(draft, folder, *section, kind)))
    if kind == "folder":
        return KernelSource("folder", str(_existing(draft, folder, *section, kind, want_folder=True)))
    if "://" not in text and not _is_scp_like(text):
        text = str(_existing(draft, folder, *section, kind, want_folder=True))
    return KernelSource("git", text, str(given["ref"].content))


def _is_scp_like(text: str) -> bool:
    """Whether git takes the text for ``host:path``: a colon before the first slash."""
    return ":" in text.partition("/")[0]


def _patches(draft: Draft, folder: Path, *section: str) -> Iterator[PatchSource]:
    for index, node in draft.items(*section):
        if isinstance(node.content, str):
            path = (folder / Path(node.content).expanduser()).resolve()
            if not path.exists():
                draft.fault(node.position, f"there is no file or folder '{path}'")
            yield PatchSource("path", str(path))
        else:
            yield PatchSource("b4", str(draft.value(*section, index, "b4")))


def _base(draft: Draft, folder: Path, *section: str) -> Any:
    base = draft.value(*section, default=BASES[0])
    if base in BASES:
        return base
    path = (folder / Path(base).expanduser()).resolve()
    if not path.is_file():
        hint = did_you_mean(base, BASES)
        draft.fault(
            draft.node.nearest_position(*section),
            f"'{base}' is neither {', '.join(BASES)} nor a file; {hint}",
        )
    return path


def _existing(draft: Draft, folder: Path, *location: str | int, want_folder: bool = False) -> Path:
    path = (folder / Path(draft.value(*location, default="")).expanduser()).resolve()
    if not (path.is_dir() if want_folder else path.is_file()):
        what = "folder" if want_folder else "file"
        draft.fault(draft.node.nearest_position(*location), f"there is no {what} '{path}'")
    return path
