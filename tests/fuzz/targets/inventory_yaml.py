"""Inventories in YAML format."""

from __future__ import annotations

from tests.fuzz import mutation
from tests.fuzz.inventories import read_all
from tests.fuzz.target import Target

HOSTS = rb"""
all:
  hosts:
    n[1:3]: {ansible_host: 10.0.0.1, ansible_port: 22, ansible_user: root}
    n4: {ansible_ssh_extra_args: "-o Port=3", power: {ipmi: {address: a, user: b, password_file: c}}}
  vars: {ansible_connection: ssh, x: 0o17, y: yes, z: 2001-01-01, t: 1:30, ansible_ssh_private_key_file: ~/.ssh/x}
  children:
    web: {hosts: {n1: null, n5: }, vars: {a: [1, {b: 2}]}}
    db: {children: {deep: {hosts: {n6: {}}}}}
"""
VAULTED = rb"""
all: {hosts: {n1: {ansible_user: !vault "$ANSIBLE_VAULT;1.1;AES256\n3031", p: !unsafe "{{ x }}", q: "{{ p }}"}}}
"""
KEYS = (
    "hosts",
    "children",
    "vars",
    "plugin",
    "ansible_host",
    "ansible_port",
    "ansible_connection",
    "ansible_user",
)

TARGET = Target(
    "inventory-yaml",
    lambda data: read_all("hosts.yaml", data),
    ("orchestrator.hosts.inventory",),
    lambda: [HOSTS, VAULTED, b'{"all": {"hosts": {"n1": {"ansible_port": 22}}}}', b"plugin: x\n"],
    mutation.yaml_document(*KEYS),
)
