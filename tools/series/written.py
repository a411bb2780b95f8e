"""Write a branch as the patches of a series, and what they were ported from."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.series.git import git
from tools.series.series import Series

_HEAD = "# What the patches were ported from: digests of changes and message. Written by tools/port-series.\n"


def write_patches(series: Series, tree: Path, base: str, tip: str) -> list[str]:
    """Write the commits behind ``base`` as patches; return the names of the files that changed.

    The same commits give the same bytes in every store: object names are not abbreviated by what is unique there.
    """
    with tempfile.TemporaryDirectory(prefix="series-") as scratch:
        options = ("-q", "--zero-commit", "--no-signature", "--abbrev=12", f"--output-directory={scratch}")
        git(tree, "format-patch", *options, f"{base}..{tip}")
        new = {file.name: file.read_bytes() for file in Path(scratch).iterdir()}
    old = {file.name: file.read_bytes() for file in series.files}
    series.patches.mkdir(exist_ok=True)
    for name in old.keys() - new.keys():
        (series.patches / name).unlink()
    changed = sorted(name for name in new if old.get(name) != new[name])
    for name in changed:
        (series.patches / name).write_bytes(new[name])
    return changed


def read_ported(file: Path) -> dict[str, str]:
    """Return the digests by subject."""
    if not file.is_file():
        return {}
    lines = [
        line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    ]
    fields = [line.split(" ", 2) for line in lines]
    return {subject: f"{changes} {message}" for changes, message, subject in fields}


def write_ported(file: Path, ported: Mapping[str, str]) -> None:
    """Write the digests by subject, in the order of the mapping."""
    lines = [f"{digests} {subject}\n" for subject, digests in ported.items()]
    file.write_text(_HEAD + "".join(lines), encoding="utf-8")
