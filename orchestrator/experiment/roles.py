"""Find roles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Role
from orchestrator.nearest import did_you_mean
from orchestrator.paths import check_name, check_reachable, is_closed

_PACKAGE = Path(__file__).resolve().parents[1]


def search_path(experiment: Path, role_path: Sequence[Path] = ()) -> list[Path]:
    """Return the directories to search for roles, in order.

    These are ``role_path``, ``roles/`` in the directory of the experiment file and in its parents, ``roles/`` in the
    working directory, and the roles that are part of this package.
    """
    above = (folder / "roles" for folder in experiment.absolute().parents)
    installed = _PACKAGE / "share" / "roles"
    packaged = installed if installed.is_dir() else _PACKAGE.parent / "roles"
    candidates = (*role_path, *above, Path.cwd() / "roles", packaged)
    return list(dict.fromkeys(folder for folder in candidates if not is_closed(folder) and folder.is_dir()))


def find(name: str, role_path: Sequence[Path]) -> Role:
    """Return the first role with this name.

    Raises ``BadInput`` with the closest name if there is none, and for a directory that we may not enter.
    """
    check_name(name)
    for folder in role_path:
        check_reachable(folder / name)
        if (folder / name).is_dir():
            return Role(name, (folder / name).resolve())
    searched = ", ".join(str(folder) for folder in role_path) or "no directory 'roles' exists"
    raise BadInput(f"role '{name}' not found; {did_you_mean(name, _names(role_path))} (searched: {searched})")


def find_all(role_path: Sequence[Path]) -> list[Role]:
    """Return all roles by name; of several with one name, the one that :func:`find` returns."""
    return [find(name, role_path) for name in sorted(set(_names(role_path)))]


def _names(role_path: Sequence[Path]) -> Iterator[str]:
    for folder in role_path:
        yield from (entry.name for entry in folder.iterdir() if entry.is_dir())
