"""The source tree of the orchestrator: its files and its hash, for manifests and bundles."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
GENERATED = frozenset({"build", "prebuilt", "__pycache__"})
"""Directories with generated files."""

SHARED = {"roles": "roles", "experiments": "experiments", "reference": "results/reference", "tree": "."}
"""Directories below ``share`` of an installed package, with their path in the source tree (see pyproject.toml)."""

TREE = (
    "orchestrator",
    "roles",
    "experiments",
    "results/reference",
    "docs",
    "tools",
    "pyproject.toml",
    "requirements/run.txt",
    "Makefile",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
)
"""The parts of the source tree that are needed to install and understand it, without the tests."""


def files() -> dict[str, Path]:
    """Return the current location of each file by its path in the source tree, sorted.

    Works in a checkout and in an installed package.
    """
    share = PACKAGE / "share"
    if share.is_dir():
        tree = {f"orchestrator/{name}": path for name, path in files_below(PACKAGE).items()}
        tree = {name: path for name, path in tree.items() if not path.is_relative_to(share)}
        for folder, location in SHARED.items():
            prefix = "" if location == "." else f"{location}/"
            tree |= {prefix + name: path for name, path in files_below(share / folder).items()}
        return dict(sorted(tree.items()))
    tree = {}
    for top in TREE:
        path = PACKAGE.parent / top
        inner = files_below(path) if path.is_dir() else {".": path}
        tree |= {top if name == "." else f"{top}/{name}": file for name, file in inner.items()}
    return dict(sorted(tree.items()))


@cache
def source_hash() -> str:
    """Return the SHA-256 (hex) of the names and contents of the package's files, without the roles."""
    lines = [
        f"{sha256(path)}  {name}\n"
        for name, path in files_below(PACKAGE).items()
        if not name.startswith("share/")
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def files_below(folder: Path) -> dict[str, Path]:
    """Return the files below a directory by their relative path, sorted, without generated files."""
    files = {}
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if path.is_file() and not GENERATED.intersection(relative.parts):
            files[relative.as_posix()] = path
    return dict(sorted(files.items()))


def sha256(path: Path) -> str:
    """Return the SHA-256 (hex) of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
