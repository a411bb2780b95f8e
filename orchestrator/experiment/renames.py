"""Arguments and metrics that a benchmark has renamed: experiment files may use their former names."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping

from orchestrator.documents.document import Node
from orchestrator.documents.draft import Draft
from orchestrator.errors import Position

log = logging.getLogger(__name__)

#: mappings with a name as key
_MAPPINGS: tuple[tuple[str, ...], ...] = (
    ("benchmark", "arguments"),
    ("factors",),
    ("derive",),
    ("compare", "baseline"),
)
#: values that are names or expressions
_VALUES: tuple[tuple[str, ...], ...] = (
    ("benchmark", "headline"),
    ("benchmark", "breakdown"),
    ("zip",),
    ("derive",),
    ("include",),
    ("exclude",),
    ("allow_unsupported",),
    ("compare", "metric"),
    ("compare", "published", "columns"),
)


def apply(draft: Draft, renamed: Mapping[str, str]) -> None:
    """Replace former names in ``draft`` and log a warning for each. Both names at once are a fault."""
    if not renamed:
        return
    used: dict[str, Position] = {}
    for path in _MAPPINGS:
        _rename_keys(draft, path, renamed, used)
    names = re.compile(rf"(?<![\w.'\"])(?:{'|'.join(map(re.escape, renamed))})(?![\w.'\"])")
    for path in _VALUES:
        for leaf in _texts(draft.node.get(*path)):
            for name in names.findall(leaf.text):
                used.setdefault(name, leaf.position)
            leaf.content = leaf.text = names.sub(lambda match: renamed[match[0]], leaf.text)
    for name, position in used.items():
        log.warning("%s", position.fault(f"'{name}' has been renamed to '{renamed[name]}'"))


def _rename_keys(
    draft: Draft, path: tuple[str, ...], renamed: Mapping[str, str], used: dict[str, Position]
) -> None:
    node = draft.node.get(*path)
    if node is None or not isinstance(node.content, dict):
        return
    for name in [name for name in node.content if name in renamed and draft.is_valid(*path, name)]:
        used.setdefault(name, node.keys[name])
        if renamed[name] in node.content:
            draft.add_fault(
                node.keys[name],
                f"'{name}' is the old name of '{renamed[name]}', which is also given; remove one",
            )
    names = {name: renamed[name] if name in used else name for name in node.content}
    node.keys = {names[name]: position for name, position in node.keys.items() if name in names}
    node.content = {names[name]: value for name, value in node.content.items()}


def _texts(node: Node | None) -> Iterator[Node]:
    """All texts below ``node``."""
    if node is None:
        return
    if isinstance(node.content, dict):
        for inner in node.content.values():
            yield from _texts(inner)
    elif isinstance(node.content, list):
        for inner in node.content:
            yield from _texts(inner)
    elif isinstance(node.content, str):
        yield node
