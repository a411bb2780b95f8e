"""An inventory that is written on the command line: hosts, separated by commas, as in ``host1,host2,``."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.errors import Position
from orchestrator.hosts.inventory.patterns import split_port
from orchestrator.hosts.inventory.tree import UNGROUPED, Tree


def is_list(path: Path) -> bool:
    """Whether a path is a list of hosts, by Ansible's rule: it has a comma, and there is no such file."""
    return "," in str(path) and not os.path.exists(path)  # noqa: PTH110 - Path.exists() fails on long names


def read(text: str) -> Tree:
    """Return the hosts of a list: names or ``[user@]host[:port]``, possibly with ranges such as ``n[1:4]``."""
    tree = Tree()
    position = Position("--inventory")
    for word in filter(None, (word.strip() for word in text.split(","))):
        user, at, address = word.rpartition("@")
        pattern, port = split_port(address)
        for name in tree.add_hosts(UNGROUPED, f"{user}{at}{pattern}", port, position):
            if at:
                tree.set_variable(name, "ansible_user", user, position)
                tree.set_variable(name, "ansible_host", name.removeprefix(f"{user}@"), position)
    return tree
