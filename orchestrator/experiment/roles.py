"""Where roles are found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Role
from orchestrator.nearest import did_you_mean

_PACKAGE = Path(__file__).resolve().parents[1]


def search_path(experiment: Path, role_path: Sequence[Path] = ()) -> list[Path]:
    """Return the folders that roles are looked up in, first hit wins.

    These are the ones of ``role_path``, ``roles/`` beside or above the experiment file, ``roles/`` of the working
    directory, and the roles that come with the program.
    """
    beside = (folder / "roles" for folder in experiment.absolute().parents)
    installed = _PACKAGE / "share" / "roles"
    own = installed if installed.is_dir() else _PACKAGE.parent / "roles"
    candidates = (*role_path, *beside, Path.cwd() / "roles", own)
    return list(dict.fromkeys(folder for folder in candidates if folder.is_dir()))


def find(name: str, searched: Sequence[Path]) -> Role:
    """Return the role of this name. Raises ``BadInput`` that names the nearest role there is."""
    for folder in searched:
        if (folder / name).is_dir():
            return Role(name, (folder / name).resolve())
    places = ", ".join(str(folder) for folder in searched) or "no folder 'roles' was found"
    raise BadInput(f"there is no role '{name}'; {did_you_mean(name, _names(searched))} (searched: {places})")


def find_all(searched: Sequence[Path]) -> list[Role]:
    """All roles there are, by name; of two of the same name the one that :func:`find` returns."""
    return [find(name, searched) for name in sorted(set(_names(searched)))]


def _names(searched: Sequence[Path]) -> Iterator[str]:
    for folder in searched:
        yield from (entry.name for entry in folder.iterdir() if entry.is_dir())
