"""The inventory: which machines there are and how to reach them, in Ansible's YAML form.

Read are the names Ansible gives to what we need: ``ansible_host``, ``ansible_port``, ``ansible_user``,
``ansible_ssh_private_key_file``; ours beside them: ``known_hosts_file``, ``jump``. Other variables are kept for roles.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import BadInput, Fault
from orchestrator.hosts.ssh import SshAddress


@dataclass(frozen=True, slots=True)
class Inventory:
    """Hosts by name with their variables, and groups by name with the names of all hosts in them, children included."""

    file: str = "(no inventory)"
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def group(self, name: str) -> tuple[str, ...]:
        """Names of the hosts in a group; ``BadInput`` names the nearest group where there is none of that name."""
        if name not in self.groups:
            near = difflib.get_close_matches(name, self.groups, 1)
            hint = (
                f"; did you mean {near[0]!r}?"
                if near
                else f"; groups here: {', '.join(self.groups) or 'none'}"
            )
            raise BadInput(f"{self.file}: no group {name!r}{hint}")
        return self.groups[name]

    def address(self, name: str) -> SshAddress:
        """How to reach ``name``: a host of the inventory, or else ``[user@]host[:port]`` as SSH knows it."""
        variables = self.hosts.get(name)
        if variables is None:
            return parse_address(name)
        try:
            return _address(name, variables)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{self.file}: host {name!r}: {error}") from error


def parse_address(text: str) -> SshAddress:
    """Read ``[user@]host[:port]``; an IPv6 address with a port stands in brackets. ``BadInput`` if it is not that."""
    user, _, place = text.rpartition("@")
    host, port = place, ""
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    elif place.count(":") == 1:
        host, _, port = place.partition(":")
    if not host or (port and not port.isdecimal()) or any(c.isspace() for c in text) or host.startswith("-"):
        raise BadInput(f"--host {text!r}: expected a host of the inventory, or [user@]host[:port]")
    return SshAddress(host, user or None, int(port) if port else None)


def _address(name: str, variables: Mapping[str, Any]) -> SshAddress:
    def path(key: str) -> Path | None:
        return Path(str(variables[key])).expanduser() if key in variables else None

    return SshAddress(
        host=str(variables.get("ansible_host", name)),
        user=str(variables["ansible_user"]) if "ansible_user" in variables else None,
        port=int(variables["ansible_port"]) if "ansible_port" in variables else None,
        identity_file=path("ansible_ssh_private_key_file"),
        known_hosts_file=path("known_hosts_file"),
        jump=str(variables["jump"]) if "jump" in variables else None,
    )


def load(path: Path) -> Inventory:
    """Read an inventory file; ``BadInput`` names the place of a fault."""
    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise BadInput(Fault(str(path), 0, 0, f"cannot read the inventory: {error.strerror}")) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise BadInput(Fault(str(path), line, column, f"not YAML: {error}".splitlines()[0])) from error
    hosts: dict[str, dict[str, Any]] = {}
    groups: dict[str, tuple[str, ...]] = {}
    try:
        for group in _mapping(document, "the file"):
            _read_group(group, document[group], {}, hosts, groups)
    except TypeError as error:
        raise BadInput(Fault(str(path), 0, 0, str(error))) from error
    except RecursionError:
        raise BadInput(Fault(str(path), 0, 0, "a group contains itself")) from None
    return Inventory(str(path), hosts, groups)


def _read_group(
    name: str,
    content: Any,
    inherited: Mapping[str, Any],
    hosts: dict[str, dict[str, Any]],
    groups: dict[str, tuple[str, ...]],
) -> tuple[str, ...]:
    """Enter a group and its children; a host's own variables win over its group's, those over the parent's."""
    body = _mapping(content, f"group {name!r}")
    variables = {**inherited, **_mapping(body.get("vars"), f"vars of group {name!r}")}
    members: list[str] = []
    for host, own in _mapping(body.get("hosts"), f"hosts of group {name!r}").items():
        entry = hosts.setdefault(str(host), {})
        entry.update({**variables, **_mapping(own, f"host {host!r}")})
        members.append(str(host))
    for child, its_content in _mapping(body.get("children"), f"children of group {name!r}").items():
        members.extend(_read_group(str(child), its_content, variables, hosts, groups))
    known = groups.get(name, ())
    groups[name] = tuple(dict.fromkeys((*known, *members)))
    return groups[name]


def _mapping(content: Any, what: str) -> Mapping[str, Any]:
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise TypeError(f"{what}: expected a mapping, found {type(content).__name__}")
    return content
