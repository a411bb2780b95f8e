"""What Ansible prints of inventories that only it can read: scripts, directories, plugins; and of templates."""

from __future__ import annotations

from tests.fuzz import ansible_stub, mutation, scratch
from tests.fuzz.inventories import read
from tests.fuzz.target import Target

LISTED = rb"""{"_meta": {"hostvars": {"n1": {"ansible_host": "10.0.0.1", "ansible_port": 22, "x": [1, {"y": 2}],
"s": {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n3031"}, "u": {"__ansible_unsafe": "{{ x }}"}}, "n2": {}}},
"all": {"children": ["ungrouped", "web"]}, "web": {"hosts": ["n1", "n2"], "children": ["deep"]}, "ungrouped": {}}"""
RESOLVED = rb"""n1 | SUCCESS => {
    "msg": {"ansible_user": "root", "ansible_port": 22}
}
n2 | FAILED! => {
    "msg": "Task failed: undefined variable"
}
"""
HOSTS = b"[web]\nn1 ansible_user='{{ who }}'\nn2 ansible_port='{{ port }}'\n"


def run(data: bytes) -> None:
    ansible_stub.answer().write_bytes(data)
    if b" => {" in data:
        read(scratch.write("templates/hosts.ini", HOSTS))
    else:
        read(scratch.write("listed/hosts/n", b"n1\n").parent)


TARGET = Target(
    "inventory-ansible",
    run,
    ("orchestrator.hosts.inventory.ansible", "orchestrator.hosts.inventory.reading"),
    lambda: [LISTED, RESOLVED],
    mutation.json_document(
        "_meta", "hostvars", "hosts", "children", "__ansible_vault", "__ansible_unsafe", "msg"
    ),
)
