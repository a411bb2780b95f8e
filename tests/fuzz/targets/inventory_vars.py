"""``group_vars`` and ``host_vars`` beside an inventory."""

from __future__ import annotations

from tests.fuzz import mutation, scratch
from tests.fuzz.inventories import read
from tests.fuzz.target import Target

VARS = b"ansible_user: root\nansible_port: 22\nx: !vault $ANSIBLE_VAULT;1.1;AES256\ny: {z: [1, yes, 0x1f]}\n"


def run(data: bytes) -> None:
    scratch.write("vars/group_vars/web/a.yml", data)
    scratch.write("vars/host_vars/n1.yaml", data)
    read(scratch.write("vars/hosts.ini", b"[web]\nn1\nn2 ansible_port=3\n"))


TARGET = Target(
    "inventory-vars",
    run,
    (
        "orchestrator.hosts.inventory.vars_files",
        "orchestrator.hosts.inventory.variables",
        "orchestrator.hosts.inventory.connection",
        "orchestrator.hosts.inventory.yaml11",
    ),
    lambda: [VARS, b"$ANSIBLE_VAULT;1.1;AES256\n3031\n", b'{"ansible_host": "h"}'],
    mutation.yaml_document(
        "ansible_host", "ansible_port", "ansible_connection", "ansible_ssh_common_args", "power"
    ),
)
