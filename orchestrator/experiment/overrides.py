"""``--set key.key=value``: values from the command line take the place of those in the file."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.documents.document import Node, describe_value, read_text
from orchestrator.errors import BadInput, Fault, Position

#: mappings whose keys may hold dots: what follows is one key, unless the file has a key that it starts with
_DOTTED = (
    ("factors",),
    ("derive",),
    ("tuning", "sysctl"),
    ("tuning", "sysfs"),
    ("benchmark", "arguments"),
    ("compare", "baseline"),
)


def apply(node: Node, overrides: Sequence[str]) -> None:
    """Change ``node`` in place by texts such as ``repetitions.count=5`` or ``factors.threads=[1, 2]``.

    The value is YAML; without a value (``factors.threads=``) the key is taken away. Raises ``BadInput`` with
    every override that makes no sense.
    """
    faults: list[Fault | str] = []
    for text in overrides:
        try:
            _apply(node, text)
        except BadInput as error:
            faults += error.faults
    if faults:
        raise BadInput(*faults)


def _apply(node: Node, text: str) -> None:
    name = f"--set {text}"
    path_text, equals, value_text = text.partition("=")
    position = Position(name)
    if not equals or not path_text:
        raise BadInput(position.fault("expected key=value, such as repetitions.count=5"))
    path = _path(path_text, node)
    for depth, key in enumerate(path):
        if not isinstance(node.content, dict):
            held = ".".join(path[:depth])
            raise BadInput(position.fault(f"'{held}' holds {describe_value(node.data())}; set it as a whole"))
        if depth == len(path) - 1:
            break
        node.keys.setdefault(key, position)
        node = node.content.setdefault(key, Node(position, {}))
    assert isinstance(node.content, dict)
    if value_text:
        node.keys[key] = position
        node.content[key] = read_text(value_text, name, positions=False)
    else:
        node.content.pop(key, None)


def _path(text: str, document: Node) -> list[str]:
    steps = text.split(".")
    for prefix in _DOTTED:
        if tuple(steps[: len(prefix)]) != prefix or len(steps) == len(prefix):
            continue
        rest = ".".join(steps[len(prefix) :])
        inside = [key for key in document.mapping(*prefix) if rest.startswith(f"{key}.")]
        key = max(inside, key=len, default=rest)
        return [*prefix, key, *(rest[len(key) + 1 :].split(".") if key != rest else [])]
    return steps
