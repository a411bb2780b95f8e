"""The program itself as files: what it is made of, so that a run can say which program made it, and carry it along."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
NOT_SOURCE = frozenset({"build", "__pycache__"})
"""Folders that hold what was made from their surroundings."""

SHARED = {"roles": "roles", "experiments": "experiments", "reference": "results/reference", "tree": "."}
"""Folders of an installed package's ``share`` by what they are in a source tree; pyproject.toml puts them there."""

TREE = (
    "orchestrator",
    "roles",
    "experiments",
    "results/reference",
    "docs",
    "tools",
    "pyproject.toml",
    "Makefile",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
)
"""What of a source tree is needed to install the program and to understand it; its tests are not."""


def files() -> dict[str, Path]:
    """Return the program's source tree: where each file lies now, by its path in the tree, sorted.

    From a checkout, or put together again from an installed package.
    """
    share = PACKAGE / "share"
    if share.is_dir():
        found = {f"orchestrator/{name}": path for name, path in files_below(PACKAGE).items()}
        found = {name: path for name, path in found.items() if not path.is_relative_to(share)}
        for folder, place in SHARED.items():
            prefix = "" if place == "." else f"{place}/"
            found |= {prefix + name: path for name, path in files_below(share / folder).items()}
        return dict(sorted(found.items()))
    found = {}
    for top in TREE:
        path = PACKAGE.parent / top
        inner = files_below(path) if path.is_dir() else {".": path}
        found |= {top if name == "." else f"{top}/{name}": file for name, file in inner.items()}
    return dict(sorted(found.items()))


@cache
def source_hash() -> str:
    """Return the SHA-256 (hex) over names and contents of the package's own files; roles have hashes of their own."""
    lines = [
        f"{sha256(path)}  {name}\n"
        for name, path in files_below(PACKAGE).items()
        if not name.startswith("share/")
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def files_below(folder: Path) -> dict[str, Path]:
    """Return the files below a folder by their path in it, sorted; what was made from them is left out."""
    found = {}
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if path.is_file() and not NOT_SOURCE.intersection(relative.parts):
            found[relative.as_posix()] = path
    return dict(sorted(found.items()))


def sha256(path: Path) -> str:
    """Return the SHA-256 (hex) of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
