"""Read the section ``kernels`` of an experiment file, and recipe files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from orchestrator.documents.document import read_file
from orchestrator.documents.draft import Draft
from orchestrator.errors import BadInput
from orchestrator.experiment import schemas
from orchestrator.experiment.model import Kernel, KernelSource, PatchSource, Recipe, Suite
from orchestrator.nearest import did_you_mean
from orchestrator.paths import check_name, check_reachable, user_path

BASES = ("tiny", "defconfig", "running")
RECIPES = Path("kernel") / "recipes"
"""Location of recipes in a directory of roles."""

_KINDS = ("package", "image", "recipe")
_SOURCES = ("package", "tarball", "git", "folder")
_SUITE = ("version", "mirror", "keyring")
"""Keys that belong to ``suite``."""


def read_kernels(draft: Draft, folder: Path, roles: Sequence[Path]) -> tuple[Kernel, ...]:
    """Read ``kernels``.

    :param folder: base of relative paths.
    :param roles: directories of roles to search for recipes.
    """
    kernels = []
    for name, node in draft.members("kernels"):
        if isinstance(node.content, str):
            kernels.append(Kernel(name, "running" if node.content == "running" else "default"))
        else:
            kernel = _kernel(draft, folder, roles, name)
            if kernel:
                kernels.append(kernel)
    return tuple(kernels) or (Kernel("default"),)


def fragment_files(fragments: Iterable[Path], *architectures: str) -> Iterator[Path]:
    """Yield each fragment, and after it the files ``NAME.ARCHITECTURE.config`` beside it that exist."""
    for file in fragments:
        yield file
        siblings = (file.with_name(f"{file.stem}.{name}{file.suffix}") for name in architectures)
        yield from (sibling for sibling in siblings if sibling.is_file())


def _kernel(draft: Draft, folder: Path, roles: Sequence[Path], name: str) -> Kernel | None:
    section = ("kernels", name)
    node = draft.node.get(*section)
    assert node is not None
    section_keys = node.mapping()
    kinds = [kind for kind in _KINDS if kind in section_keys]
    if len(kinds) != 1:
        draft.add_fault(
            node.position, f"kernel '{name}': expected exactly one of the keys {', '.join(_KINDS)}"
        )
        return Kernel(name)
    if "modules" in section_keys and "image" not in section_keys:
        draft.add_fault(node.keys["modules"], f"'modules' requires 'image'; a {kinds[0]} has its own modules")
    suite = _suite(draft, folder, *section)
    words = tuple(draft.value(*section, "command_line", default="").split())
    if "package" in section_keys:
        package = draft.value(*section, "package")
        return Kernel(name, "package", package=package, command_line=words, suite=suite)
    if "image" in section_keys:
        image = _existing(draft, folder, *section, "image")
        modules = (
            _existing(draft, folder, *section, "modules", is_folder=True)
            if "modules" in section_keys
            else None
        )
        return Kernel(name, "image", image=image, modules=modules, command_line=words)
    recipe = _recipe(draft, folder, roles, *section, "recipe")
    return Kernel(name, "recipe", recipe=recipe, command_line=words) if recipe else Kernel(name)


def _recipe(draft: Draft, folder: Path, roles: Sequence[Path], *section: str) -> Recipe | None:
    """Read an inline recipe, or the recipe file that the section names."""
    text = draft.value(*section)
    if not isinstance(text, str):
        return read_recipe(draft, "", folder, *section)
    try:
        return load_recipe(text, folder, roles)
    except BadInput as error:
        if all(isinstance(fault, str) for fault in error.faults):
            draft.add_error(error, *section)
        else:
            draft.faults.extend(fault for fault in error.faults if not isinstance(fault, str))
        return None


def load_recipe(text: str, folder: Path, roles: Sequence[Path]) -> Recipe:
    """Read a recipe file, given its path (relative to ``folder``) or its name in the directories of roles.

    Raises ``BadInput`` with every fault of the file, or with the closest name if there is no such recipe.
    """
    file = find_recipe(text, folder, roles)
    node = read_file(file)
    draft = Draft(node, schemas.check(node, schemas.recipe()))
    recipe = read_recipe(draft, file.stem, file.parent)
    draft.raise_faults()
    assert recipe is not None
    return recipe


def recipe_names(roles: Sequence[Path]) -> list[str]:
    """Return the names of all recipes in the directories of roles."""
    return sorted({file.stem for folder in roles for file in (folder / RECIPES).glob("*.yaml")})


def find_recipe(text: str, folder: Path, roles: Sequence[Path]) -> Path:
    """Return the path of a recipe file; see :func:`load_recipe`."""
    if "/" in text or text.endswith((".yaml", ".yml")):
        file = user_path(text, folder)
        check_reachable(file)
        if not file.is_file():
            raise BadInput(_path_error(file, is_folder=False))
        return file
    check_name(text)
    for folder in roles:
        if (file := folder / RECIPES / f"{text}.yaml").is_file():
            return file
    raise BadInput(f"recipe '{text}' not found; {did_you_mean(text, recipe_names(roles))}")


def read_recipe(draft: Draft, name: str, folder: Path, *section: str) -> Recipe | None:
    """Read the recipe at ``section``. Adds faults and returns None if it is invalid.

    :param folder: base of relative paths.
    """
    fault_count = len(draft.faults)
    source = _source(draft, folder, *section, "source")
    patches = tuple(_patches(draft, folder, *section, "patches"))
    base = _base(draft, folder, *section, "config", "base")
    fragments = tuple(
        _existing(draft, folder, *section, "config", "fragments", index)
        for index, _ in draft.items(*section, "config", "fragments")
    )
    if base == "tiny" and not fragments and draft.is_valid(*section):
        position = draft.node.nearest_position(*section, "config")
        draft.add_fault(position, "base 'tiny' requires 'fragments': without them everything is disabled")
    if source is None or len(draft.faults) > fault_count or not draft.is_valid(*section):
        return None
    compiler = draft.value(*section, "compiler", default="gcc")
    return Recipe(name, source, patches, base, fragments, compiler)


def _source(draft: Draft, folder: Path, *section: str) -> KernelSource | None:
    node = draft.get(*section)
    if node is None:
        return None
    section_keys = node.mapping()
    kinds = [kind for kind in _SOURCES if kind in section_keys]
    if len(kinds) != 1:
        draft.add_fault(node.position, f"source: expected exactly one of the keys {', '.join(_SOURCES)}")
        return None
    if ("ref" in section_keys) != ("git" in section_keys):
        draft.add_fault(node.position, "'git' and 'ref' (a branch, a tag or a commit) must be used together")
        return None
    (kind,) = kinds
    suite = _suite(draft, folder, *section)
    text = str(section_keys[kind].content)
    if kind == "package":
        return KernelSource("package", text, suite=suite)
    if kind == "tarball":
        return KernelSource("tarball", str(_existing(draft, folder, *section, kind)))
    if kind == "folder":
        return KernelSource("folder", str(_existing(draft, folder, *section, kind, is_folder=True)))
    if "://" not in text and not _is_scp_like(text):
        text = str(_existing(draft, folder, *section, kind, is_folder=True))
    return KernelSource("git", text, str(section_keys["ref"].content))


def _suite(draft: Draft, folder: Path, *section: str) -> Suite | None:
    node = draft.node.get(*section)
    assert node is not None
    keys = node.mapping()
    if "suite" not in keys:
        for key in _SUITE:
            if key in keys:
                draft.add_fault(node.keys[key], f"'{key}' requires 'suite'")
        return None
    if "package" not in keys:
        draft.add_fault(node.keys["suite"], "'suite' requires 'package'")
        return None
    values = {key: str(draft.value(*section, key, default="")) for key in ("suite", *_SUITE)}
    keyring = values["keyring"] and str(_path(draft, folder, values["keyring"], *section, "keyring") or "")
    return Suite(values["suite"], values["version"], values["mirror"], keyring)


def _is_scp_like(text: str) -> bool:
    """Whether git reads the text as ``host:path``: a colon before the first slash."""
    return ":" in text.partition("/")[0]


def _patches(draft: Draft, folder: Path, *section: str) -> Iterator[PatchSource]:
    for index, node in draft.items(*section):
        is_text = isinstance(node.content, str)
        keys = {"path"} if is_text else {"path", "b4"} & set(node.mapping())
        if len(keys) != 1:
            draft.add_fault(node.position, "exactly one of 'path' and 'b4' is required")
            continue
        (kind,) = keys
        place: list[Any] = [*section, index, *([] if is_text else [kind])]
        location = str(node.content if is_text else draft.value(*place))
        first = 0 if is_text else int(draft.value(*section, index, "first", default=0))
        if kind == "b4":
            yield PatchSource("b4", location, first)
            continue
        path = _path(draft, folder, location, *place)
        if path and not path.exists():
            draft.add_fault(node.position, _path_error(path, is_folder=False))
        yield PatchSource("path", str(path), first)


def _base(draft: Draft, folder: Path, *section: str) -> Any:
    base = draft.value(*section, default=BASES[0])
    if base in BASES:
        return base
    path = _path(draft, folder, base, *section)
    if path and not path.is_file():
        hint = did_you_mean(base, BASES)
        draft.add_fault(
            draft.node.nearest_position(*section),
            f"expected one of {', '.join(BASES)} or the path of a file; found '{base}'; {hint}",
        )
    return path


def _existing(draft: Draft, folder: Path, *location: str | int, is_folder: bool = False) -> Path:
    path = _path(draft, folder, draft.value(*location, default=""), *location)
    if path and not (path.is_dir() if is_folder else path.is_file()):
        draft.add_fault(draft.node.nearest_position(*location), _path_error(path, is_folder))
    return path or Path()


def _path(draft: Draft, folder: Path, text: str, *location: str | int) -> Path | None:
    """Return a path; None, with a fault, if no file can have it, or if we may not look at it."""
    try:
        path = user_path(text, folder)
        check_reachable(path)
        return path
    except BadInput as error:
        draft.add_error(error, *location)
        return None


def _path_error(path: Path, is_folder: bool) -> str:
    """Return why a path is not the file or directory that is required."""
    if not path.exists():
        return f"{path}: No such file or directory"
    if is_folder:
        return f"{path}: Not a directory"
    return f"{path}: Is a directory" if path.is_dir() else f"{path}: not a regular file"
