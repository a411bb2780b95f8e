"""``--set key.key=value``: values from the command line replace values of the file."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.documents.document import MAX_DEPTH, Node, describe_value, read_text
from orchestrator.errors import BadInput, Fault, Position

#: mappings whose keys may contain dots: the rest is one key, unless the file has a key that is a prefix of it
_DOTTED = (
    ("factors",),
    ("derive",),
    ("tuning", "sysctl"),
    ("tuning", "sysfs"),
    ("benchmark", "arguments"),
    ("compare", "baseline"),
)


def apply_overrides(node: Node, overrides: Sequence[str]) -> None:
    """Apply overrides such as ``repetitions.count=5`` or ``factors.threads=[1, 2]`` to ``node`` in place.

    The value is YAML. An empty value (``factors.threads=``) removes the key. Raises ``BadInput`` with every invalid
    override.
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
    if len(path) > MAX_DEPTH:
        raise BadInput(position.fault(f"nested more than {MAX_DEPTH} levels deep"))
    for depth, key in enumerate(path):
        if not isinstance(node.content, dict):
            parent = ".".join(path[:depth])
            message = f"'{parent}' is not a mapping but {describe_value(node.data())}; replace it as a whole"
            raise BadInput(position.fault(message))
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
        prefixes = [key for key in document.mapping(*prefix) if rest.startswith(f"{key}.")]
        key = max(prefixes, key=len, default=rest)
        return [*prefix, key, *(rest[len(key) + 1 :].split(".") if key != rest else [])]
    return steps
