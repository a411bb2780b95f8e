"""Print the hosts that Ansible's ``--limit`` leaves, as JSON by pattern. Run as a program: ``INVENTORY PATTERN...``."""

from __future__ import annotations

import json
import sys


def main() -> None:
    from ansible.errors import AnsibleError
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
    left = {}
    for pattern in sys.argv[2:]:
        inventory = InventoryManager(loader=DataLoader(), sources=[sys.argv[1]])
        try:
            inventory.subset(pattern)
            left[pattern] = [host.name for host in inventory.list_hosts("all")]
        except AnsibleError:
            left[pattern] = []
    json.dump(left, sys.stdout)


if __name__ == "__main__":
    main()
