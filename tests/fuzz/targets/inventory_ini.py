"""Inventories in INI format."""

from __future__ import annotations

from tests.fuzz import mutation
from tests.fuzz.inventories import read_all
from tests.fuzz.target import Target

HOSTS = rb"""
# comment
[web]
node[01:03].example ansible_user=root ansible_port=2222
n4 ansible_host=10.0.0.4 ansible_ssh_common_args='-o ProxyJump=b' power='{"command": "true"}'
[2001:db8::1]:22
[all:children]
web
db
[db]
db[a:c] ansible_connection=local # x
[db:vars]
ansible_ssh_private_key_file=~/.ssh/id
a=['x', 1, {'y': None}]
b="{{ c }}"
"""

TARGET = Target(
    "inventory-ini",
    lambda data: read_all("hosts.ini", data),
    ("orchestrator.hosts.inventory",),
    lambda: [HOSTS, b"localhost ansible_connection=local\n", b"n1 ansible_host=10.0.0.1\n"],
    mutation.text(
        b"[x:children]",
        b"[x:vars]",
        b"[1:99999]",
        b"[a:z]",
        b"ansible_port=",
        b"ansible_host=",
        b"((",
        b"1e9",
    ),
)
