"""Print what ``ansible-inventory --list`` and Ansible's SSH plugin make of inventories, as JSON by path.

Run as a program: ``FOLDER INVENTORY...``. Ansible is loaded once; each inventory is read in a process of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

NAMES = {"host": "host", "port": "port", "user": "remote_user", "key": "private_key_file"}
DEFAULT_TIMEOUT = 10
ARGUMENTS = ("ssh_args", "ssh_common_args", "ssh_extra_args")


def read(folder: str, inventory: str) -> dict[str, Any]:
    from ansible.cli.inventory import InventoryCLI
    from ansible.playbook.play_context import PlayContext
    from ansible.plugins.loader import connection_loader

    os.chdir(folder)
    output = Path("listed.json")
    with contextlib.suppress(SystemExit):
        InventoryCLI(["ansible-inventory", "-i", inventory, "--list", "--output", str(output)]).run()
    listed = json.loads(output.read_text())
    output.unlink()
    addresses = {}
    for host, variables in listed["_meta"]["hostvars"].items():
        plugin = connection_loader.get("ssh", PlayContext(), os.devnull)
        plugin.set_options(var_options={"inventory_hostname": host, **variables})
        addresses[host] = {name: plugin.get_option(option) for name, option in NAMES.items()}
        if addresses[host]["key"]:
            addresses[host]["key"] = str(Path(addresses[host]["key"]).expanduser())
        words = {name: shlex.split(plugin.get_option(name)) for name in ARGUMENTS}
        early = words["ssh_args"] if "ansible_ssh_args" in variables else []
        if not plugin.get_option("host_key_checking"):
            early += ["-o", "StrictHostKeyChecking=no"]
        if plugin.get_option("timeout") != DEFAULT_TIMEOUT:
            early += ["-o", f"ConnectTimeout={plugin.get_option('timeout')}"]
        addresses[host]["words"] = [*early, *words["ssh_common_args"], *words["ssh_extra_args"]]
    return {"listed": listed, "addresses": addresses}


def main() -> None:
    import ansible.cli.inventory  # noqa: F401
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
    for path in sys.argv[1:]:
        folder, _, inventory = path.partition("//")
        pid = os.fork()
        if not pid:
            try:
                result = read(folder, inventory)
                Path(folder, "ansible.json").write_text(json.dumps(result))
            finally:
                os._exit(0)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
