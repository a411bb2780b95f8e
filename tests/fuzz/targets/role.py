"""Roles of others: tasks, defaults and templates, as they are checked."""

from __future__ import annotations

from orchestrator.experiment.model import Role
from orchestrator.provision.loading import load
from tests.fuzz import mutation, scratch, seeds
from tests.fuzz.target import Target

TASKS = rb"""
- name: Settings
  sysctl: {name: vm.swappiness, value: "{{ swappiness }}"}
  when: "ansible_facts is defined or swappiness > 1"
  loop: [1, 2]
- copy: {dest: "{{ role_path }}/x", content: "{{ text | upper }}", mode: "0644"}
  register: done
- command: {argv: [echo, "{{ item }}"]}
  loop: "{{ items }}"
  changed_when: "'x' in result.stdout"
  notify: again
  tags: [a]
"""
DEFAULTS = b"swappiness: 1\ntext: hello\nitems: [a, b]\n"
KEYS = (
    *(
        "name",
        "when",
        "loop",
        "register",
        "notify",
        "tags",
        "become",
        "no_log",
        "vars",
        "changed_when",
        "failed_when",
    ),
    *(
        "sysctl",
        "copy",
        "file",
        "template",
        "command",
        "shell",
        "service",
        "package",
        "assert",
        "wait",
        "build",
        "limits",
    ),
)


def run(data: bytes) -> None:
    file = scratch.write("role/tasks.yaml", data)
    scratch.write("role/defaults.yaml", DEFAULTS)
    scratch.write("role/handlers.yaml", b"- name: again\n  command: {argv: ['true']}\n")
    load(Role("role", file.parent))


TARGET = Target(
    "role",
    run,
    (
        "orchestrator.provision.loading",
        "orchestrator.provision.checking",
        "orchestrator.provision.tasks",
        "orchestrator.provision.templating",
        "orchestrator.provision.templates",
    ),
    lambda: [TASKS, *seeds.read("roles/*/tasks.yaml")],
    mutation.yaml_document(*KEYS),
    seconds=7.0,  # a role that is only checked may take five, see docs/security.md
)
