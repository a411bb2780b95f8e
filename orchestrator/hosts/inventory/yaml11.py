"""YAML as Ansible reads it: version 1.1 (``yes`` is true, ``010`` is eight), merge keys, ``!vault`` and ``!unsafe``.

A file that is valid JSON is read as JSON, whatever its name.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import yaml

from orchestrator.documents.document import Converter, Node, read_text
from orchestrator.errors import Position
from orchestrator.hosts.inventory.variables import EncryptedValue, Unsafe

_MERGE = "tag:yaml.org,2002:merge"
_VALUE = "tag:yaml.org,2002:value"
_VAULT = ("!vault", "!vault-encrypted")
_UNSAFE = "!unsafe"


def read(text: str, name: str) -> Node:
    """Read JSON, or else YAML; ``name`` is the file name in faults. Raises ``BadInput`` with every fault."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return read_text(text, name, converter=_AnsibleYaml)
    # In JSON, tabs are only between values; YAML has none there.
    return read_text(text.replace("\t", " "), name, converter=_AnsibleJson)


class _AnsibleYaml(Converter):
    """Converts YAML 1.1 with the tags of Ansible. The values may be of :class:`EncryptedValue` and :class:`Unsafe`."""

    resolver = yaml.resolver.Resolver
    tags = (*Converter.tags, "tag:yaml.org,2002:timestamp", _VALUE, *_VAULT, _UNSAFE)

    def mapping(self, node: yaml.MappingNode, position: Position, depth: int) -> Node:
        """Convert a mapping; its own keys take precedence over those that it merges."""
        own = [(key, value) for key, value in node.value if key.tag != _MERGE]
        merged = [value for key, value in node.value if key.tag == _MERGE]
        result = super().mapping(yaml.MappingNode(node.tag, own), position, depth)
        members: dict[str, Node] = {}
        keys: dict[str, Position] = {}
        for source in merged:
            converted = self.convert(source, depth + 1)
            parts = converted.content if isinstance(converted.content, list) else [converted]
            for part in reversed(parts):
                if not isinstance(part.content, dict):
                    self.faults.append(part.position.fault("'<<': expected a mapping or a list of mappings"))
                    continue
                members.update(part.content)
                keys.update(part.keys)
        return Node(position, {**members, **result.content}, keys={**keys, **result.keys})  # type: ignore[dict-item]

    def scalar(self, node: yaml.Node, position: Position) -> Node:
        """Convert a scalar by the rules of YAML 1.1."""
        text = str(node.value)
        value: Any
        if node.tag in _VAULT:
            value = EncryptedValue(text)
        elif node.tag == _UNSAFE:
            value = Unsafe(text)
        else:
            try:
                value = yaml.constructor.SafeConstructor().construct_object(node)
            except (ValueError, yaml.YAMLError):
                kind = node.tag.rpartition(":")[2]
                self.faults.append(position.fault(f"'{text[:40]}' is not a valid {kind}"))
                value = None
        return Node(position, value.isoformat() if isinstance(value, date) else value, text)


class _AnsibleJson(_AnsibleYaml):
    """Converts JSON, whose numbers (``1e3``) and pairs of ``\\u`` escapes YAML reads as other strings."""

    def scalar(self, node: yaml.Node, position: Position) -> Node:
        """Convert a scalar by the rules of JSON."""
        text = str(node.value)
        if isinstance(node, yaml.ScalarNode) and not node.style:
            return Node(position, json.loads(text), text)
        return Node(position, text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), text)
