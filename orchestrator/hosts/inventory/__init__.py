"""Ansible inventories: hosts, their SSH addresses, groups and variables.

Files in INI and YAML format are read here, with ``group_vars`` and ``host_vars``. What only Ansible can read is read by
its programs (:mod:`orchestrator.hosts.inventory.ansible`). A variable that changes where or how to connect is used or
is a fault. This program adds ``known_hosts_file``, ``jump``, ``power`` and ``console``. All others are for roles.
"""
