"""Paths of a role that must stay below its directory, or below the working directory: roles come from others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput
from orchestrator.paths import is_below
from orchestrator.provision.templates import is_template


def faults(folder: Path, arguments: Node, names: tuple[str, ...], what: str) -> Iterator[tuple[Node, str]]:
    """Yield a fault for each argument whose path, links followed, leads out of a directory.

    :param what: the directory, in words.
    """
    for name in names:
        node = arguments.mapping().get(name)
        if node is None or not isinstance(node.content, str) or is_template(node.content):
            continue
        if node.text.startswith("/") or ".." in PurePosixPath(node.text).parts:
            yield node, f"'{node.text}' must be a path below {what}, without '..'"
        elif not is_below(folder, folder / node.text):
            yield node, f"{folder / node.text}: a link that leads out of {what}"


def check(folder: Path, path: Path) -> Path:
    """Return a file found below a directory; ``BadInput`` if it is a link that leads out of it."""
    if not is_below(folder, path):
        raise BadInput(f"{path}: a link that leads out of {folder}")
    return path
