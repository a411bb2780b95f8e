"""Parser of Ansible inventory files in YAML or INI format: groups with their hosts, children and variables."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.documents.document import Node, describe_value, read_text
from orchestrator.errors import BadInput, Position
from orchestrator.nearest import did_you_mean

MAX_HOSTS = 100_000
_RANGE = re.compile(r"\[([0-9]+|[A-Za-z]):([0-9]+|[A-Za-z])(?::([0-9]+))?\]")
_HEADER = re.compile(r"\[([^\[\]:]+)(?::([a-z]+))?\]")
_YAML_START = re.compile(r"---|\{|[^\s=]+:(\s|$)")


@dataclass(slots=True)
class Group:
    """A group of an inventory file; hosts and children in the order of the file."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    children: dict[str, Position] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)


Groups = dict[str, Group]


def read_groups(path: Path) -> Groups:
    """Read an inventory file in either format. ``BadInput`` gives the position of an error."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(Position(str(path)).fault(f"cannot read inventory: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise BadInput(Position(str(path)).fault(f"not UTF-8: {error.reason}")) from error
    lines = (line for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#;")
    first = next(lines, "")
    if path.suffix in (".yaml", ".yml", ".json") or (path.suffix != ".ini" and _YAML_START.match(first)):
        return _from_yaml(read_text(text, str(path)))
    return _from_ini(text, str(path))


# --- YAML ------------------------------------------------------------------------------------------------------


def _from_yaml(root: Node) -> Groups:
    groups: Groups = {}
    for name, node in _mapping(root, "the file").items():
        _yaml_group(name, node, groups)
    return groups


def _yaml_group(name: str, node: Node, groups: Groups) -> None:
    group = groups.setdefault(name, Group())
    body = _mapping(node, f"group '{name}'")
    known = ("hosts", "children", "vars")
    for key in body:
        if key not in known:
            raise BadInput(
                node.key_position(key).fault(f"unknown key '{key}' of a group; {did_you_mean(key, known)}")
            )
    for pattern, host_node in _mapping(body.get("hosts"), f"hosts of group '{name}'").items():
        variables = _mapping(host_node, f"host '{pattern}'")
        for host in expand(pattern, host_node.position):
            group.hosts.setdefault(host, {}).update({key: inner.data() for key, inner in variables.items()})
    for key, inner in _mapping(body.get("vars"), f"vars of group '{name}'").items():
        group.variables[key] = inner.data()
    for child, inner in _mapping(body.get("children"), f"children of group '{name}'").items():
        group.children[child] = inner.position
        _yaml_group(child, inner, groups)


def _mapping(node: Node | None, name: str) -> Mapping[str, Node]:
    if node is None or node.content is None:
        return {}
    if not isinstance(node.content, dict):
        raise BadInput(
            node.position.fault(f"{name}: expected a mapping, found {describe_value(node.data())}")
        )
    return node.content


# --- INI -------------------------------------------------------------------------------------------------------


def _from_ini(text: str, name: str) -> Groups:
    groups: Groups = {}
    section, part = "ungrouped", "hosts"
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        position = Position(name, number, len(raw) - len(raw.lstrip()) + 1)
        if not line or line[0] in "#;":
            continue
        header = _HEADER.fullmatch(re.sub(r"\s+#.*$", "", line))
        if header:
            section, part = header[1].strip(), header[2] or "hosts"
            if part not in ("hosts", "children", "vars"):
                hint = did_you_mean(part, ("hosts", "children", "vars"))
                raise BadInput(position.fault(f"unknown section type ':{part}'; {hint}"))
            groups.setdefault(section, Group())
            continue
        if line.startswith("[") and "]" not in line:
            raise BadInput(position.fault("expected a section such as [group], or a host"))
        _ini_line(line, position, part, groups.setdefault(section, Group()))
    for group in list(groups.values()):
        for child, position in group.children.items():
            if child not in groups:
                raise BadInput(position.fault(f"no such group '{child}'; {did_you_mean(child, groups)}"))
    return groups


def _ini_line(line: str, position: Position, part: str, group: Group) -> None:
    if part == "vars":
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise BadInput(position.fault("expected name=value"))
        group.variables[key.strip()] = _literal(value.strip())
        return
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        raise BadInput(position.fault(f"cannot be split into words: {error}")) from None
    if part == "children":
        if len(words) != 1:
            raise BadInput(position.fault("expected one group name"))
        group.children[words[0]] = position
        return
    variables: dict[str, Any] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise BadInput(position.fault(f"'{word}': expected name=value after the host's name"))
        variables[key] = _literal(value)
    pattern, colon, port = words[0].rpartition(":")
    if colon and port.isdecimal() and "]" not in port and pattern.count(":") == pattern.count("["):
        variables.setdefault("ansible_port", int(port))
    else:
        pattern = words[0]
    for host in expand(pattern, position):
        group.hosts.setdefault(host, {}).update(variables)


def _literal(text: str) -> Any:
    """Return a value of the INI format: a Python literal (3, True, ['a']) or text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


# --- ranges ----------------------------------------------------------------------------------------------------


def expand(pattern: str, position: Position) -> Iterator[str]:
    """Yield the names that a pattern such as ``node[01:16]`` or ``rack[a:c]-[1:9:2]`` expands to."""
    match = _RANGE.search(pattern)
    if match is None:
        if "[" in pattern and ":" in pattern and not pattern.startswith("["):
            raise BadInput(position.fault(f"'{pattern}': expected a range such as node[01:16] or node[a:f]"))
        yield pattern
        return
    first, last, step = match[1], match[2], int(match[3] or 1)
    if first.isdecimal() != last.isdecimal() or not step:
        raise BadInput(position.fault(f"'{match[0]}': expected a range such as [01:16], [a:f] or [1:9:2]"))
    if first.isdecimal():
        bounds = range(int(first), int(last) + 1, step)
        names = (f"{number:0{len(first) if first.startswith('0') else 1}d}" for number in bounds)
    else:
        bounds = range(ord(first), ord(last) + 1, step)
        names = (chr(number) for number in bounds)
    if not 0 < len(bounds) <= MAX_HOSTS:
        raise BadInput(position.fault(f"'{match[0]}' expands to {len(bounds)} hosts (limit: {MAX_HOSTS})"))
    for name in names:
        yield from expand(f"{pattern[: match.start()]}{name}{pattern[match.end() :]}", position)
