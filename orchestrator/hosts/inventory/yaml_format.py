"""Ansible's YAML format of inventories."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.documents.document import Node, describe_value
from orchestrator.errors import BadInput, Position
from orchestrator.hosts.inventory.patterns import split_port
from orchestrator.hosts.inventory.tree import Tree
from orchestrator.nearest import did_you_mean

_SECTIONS = ("hosts", "children", "vars")


def read(root: Node) -> Tree:
    """Read an inventory from a YAML document."""
    tree = Tree()
    for name, node in _members(root, "the file").items():
        _group(name, node, root.keys.get(name, node.position), tree)
    return tree


def _group(name: str, node: Node, position: Position, tree: Tree) -> None:
    tree.add_group(name, position)
    group = tree.groups[name]
    body = _members(node, f"group '{name}'")
    for key, section in body.items():
        if key not in _SECTIONS:
            hint = did_you_mean(key, _SECTIONS)
            raise BadInput(node.key_position(key).fault(f"unknown key '{key}' of a group; {hint}"))
        members = _members(section, f"{key} of group '{name}'", names=key != "vars")
        for member, inner in members.items():
            place = section.keys.get(member, section.position)
            if key == "hosts":
                _hosts(name, member, inner, place, tree)
            elif key == "vars":
                tree.set_variable(name, member, inner.data(), place)
            else:
                _group(member, inner, place, tree)
                group.children.setdefault(member, place)


def _hosts(group: str, pattern: str, node: Node, position: Position, tree: Tree) -> None:
    name, port = split_port(pattern)
    if not name:
        raise BadInput(position.fault("expected the name of a host"))
    # As for Ansible, any empty value is none: '', 0, false and [].
    variables = _members(node, f"host '{pattern}'") if node.data() else {}
    for host in tree.add_hosts(group, name, port, position):
        for variable, inner in variables.items():
            tree.set_variable(host, variable, inner.data(), node.key_position(variable))


def _members(node: Node, name: str, *, names: bool = False) -> Mapping[str, Node]:
    """Return a mapping; ``names``: one name alone stands for a mapping with that key."""
    if node.content is None:
        return {}
    if names and isinstance(node.content, str):
        return {node.content: Node(node.position, None)}
    if not isinstance(node.content, dict):
        raise BadInput(
            node.position.fault(f"{name}: expected a mapping, found {describe_value(node.data())}")
        )
    return node.content
