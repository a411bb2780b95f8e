"""Read an inventory: the files that this program reads exactly, everything else by Ansible."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from orchestrator.documents.document import Node, read_string
from orchestrator.errors import BadInput, Position
from orchestrator.extras import installation
from orchestrator.hosts.inventory import ansible, host_list, ini, yaml11, yaml_format
from orchestrator.hosts.inventory.connection import USED
from orchestrator.hosts.inventory.tree import ALL, Tree
from orchestrator.hosts.inventory.variables import Variables, contains_template
from orchestrator.hosts.inventory.vars_files import VAULT, VarsFiles, encrypted_names, is_encrypted

Hosts = dict[str, Variables]
Groups = dict[str, tuple[str, ...]]

_YAML = (".yaml", ".yml", ".json")
_YAML_START = re.compile(r"---|\{|[^\s=]+:(\s|$)")
_INI_START = re.compile(r"\[[\w.:-]+\]\s*(#.*)?$")
_PROGRAM = (b"#!", b"\x7fELF")


def read(path: Path) -> tuple[Hosts, Groups]:
    """Return the variables of each host, and the hosts of each group; ``all`` is the last group."""
    tree: Tree | None
    was_encrypted = False
    if host_list.is_list(path):
        tree = host_list.read(str(path))
    elif kind := _needs_ansible(path):
        return _from_ansible(path, kind)
    else:
        tree, was_encrypted = _tree(path)
    if tree is None:
        return _from_ansible(path, "the configuration of an inventory plugin")
    if was_encrypted:
        for variables in (*tree.hosts.values(), *(group.variables for group in tree.groups.values())):
            variables.secret.update(variables)
    groups = tree.members()
    # Ansible reads these directories also in the working directory.
    folders = dict.fromkeys((path.parent.resolve(), Path.cwd()))
    hosts = tree.variables(groups, VarsFiles(list(folders)))
    _resolve_templates(path, hosts)
    return hosts, groups


def _tree(path: Path) -> tuple[Tree | None, bool]:
    """Return the groups of a file, None if it configures a plugin of Ansible; and whether it was encrypted."""
    text = read_string(path)
    was_encrypted = text.startswith(VAULT)
    if was_encrypted:
        opened = ansible.decrypt_file(path)
        if opened is None:
            raise BadInput(
                Position(str(path)).fault(
                    "encrypted with ansible-vault; set ANSIBLE_VAULT_PASSWORD_FILE and install Ansible: "
                    f"{installation('ansible')}"
                )
            )
        text = opened
    if _is_yaml(path, text):
        root = yaml11.read(text, str(path))
        if isinstance(root.content, dict) and _is_plugin(root):
            return None, was_encrypted
        return yaml_format.read(root), was_encrypted
    return ini.read(text, str(path)), was_encrypted


def _needs_ansible(path: Path) -> str:
    """Return what an inventory is that only Ansible can read; empty for a file in INI or YAML format."""
    if path.is_dir():
        return "a directory of inventories"
    if path.suffix == ".toml":
        return "an inventory in TOML format"
    if path.is_file() and os.access(path, os.X_OK):
        with path.open("rb") as stream:
            if stream.read(4).startswith(_PROGRAM):
                return "an inventory script"
    return ""


def _is_yaml(path: Path, text: str) -> bool:
    lines = (line for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#;")
    first = next(lines, "")
    if path.suffix in _YAML:
        return not _INI_START.match(first)  # as Ansible, which tries INI where YAML makes no sense
    return path.suffix != ".ini" and bool(_YAML_START.match(first))


def _is_plugin(root: Node) -> bool:
    plugin = root.get("plugin")
    return plugin is not None and isinstance(plugin.content, str)


def _from_ansible(path: Path, kind: str) -> tuple[Hosts, Groups]:
    """Return what ``ansible-inventory --list`` prints."""
    listed = ansible.list_inventory(path, kind)
    position = Position(str(path))
    hosts: Hosts = {}
    groups: Groups = {name: _members(name, listed.groups) for name in listed.groups if name != ALL}
    everyone = dict.fromkeys(
        (*_members(ALL, listed.groups), *(host for name in groups for host in groups[name]))
    )
    # Values that were in encrypted files are printed like others.
    is_folder = path.is_dir()
    all_secret = any(is_encrypted(file) for file in (path.iterdir() if is_folder else (path,)))
    secret = encrypted_names(dict.fromkeys(((path if is_folder else path.parent).resolve(), Path.cwd())))
    for host in everyone:
        hosts[host] = Variables()
        for name, value in listed.hostvars.get(host, {}).items():
            hosts[host].assign(name, value, position)
        hosts[host].secret.update(hosts[host] if all_secret else secret)
    _resolve_templates(path, hosts)
    return hosts, {**groups, ALL: tuple(everyone)}


def _members(name: str, groups: Mapping[str, ansible.Group]) -> tuple[str, ...]:
    """Return the hosts of a group and of its children, in the order of their first mention."""
    members: dict[str, None] = {}
    seen: set[str] = set()
    left = [name]
    while left:
        name = left.pop()
        if name not in seen and (group := groups.get(name)):
            seen.add(name)
            members |= dict.fromkeys(group.hosts)
            left += reversed(group.children)
    return tuple(members)


def _resolve_templates(path: Path, hosts: Hosts) -> None:
    """Let Ansible resolve the templates in variables that connections use. Without Ansible they stay."""
    templates = {
        host: names
        for host, variables in hosts.items()
        if (names := [name for name in USED if name in variables and contains_template(variables[name])])
    }
    if not templates:
        return
    every_name = sorted({name for names in templates.values() for name in names})
    resolved = ansible.resolve(path, templates, every_name)
    for host, names in templates.items():
        if not resolved:
            return
        values = resolved.get(host)
        for name in names:
            position = hosts[host].positions[name]
            if not isinstance(values, dict) or values.get(name) is None:
                reason = values if isinstance(values, str) else "undefined variable"
                text = f"host {host!r}: {name}: {hosts[host][name]!r}: {reason}"
                raise BadInput(position.fault(text))
            hosts[host][name] = values[name]
