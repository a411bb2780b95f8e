"""The files of roles: all faults are reported with their positions before any host is connected."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import BadInput, Position
from orchestrator.experiment.model import Role
from orchestrator.provision.loading import changes_host, load
from orchestrator.provision.tasks import LoadedRole


def role(folder: Path, tasks: str, defaults: str = "", handlers: str = "", **variables: object) -> Role:
    for name, text in (("tasks", tasks), ("defaults", defaults), ("handlers", handlers)):
        if text:
            (folder / f"{name}.yaml").write_text(text)
    position = Position("e.yaml", 7, 7)
    return Role("r", folder, variables, positions={("vars", name): position for name in variables})


def loaded(
    folder: Path, tasks: str, defaults: str = "", handlers: str = "", **variables: object
) -> LoadedRole:
    return load(role(folder, tasks, defaults, handlers, **variables))


def faults(
    folder: Path, tasks: str, defaults: str = "", handlers: str = "", **variables: object
) -> list[str]:
    with pytest.raises(BadInput) as caught:
        loaded(folder, tasks, defaults, handlers, **variables)
    return [line.replace(f"{folder}/", "") for line in str(caught.value).splitlines()]


def test_tasks_in_order_with_their_arguments(tmp_path: Path) -> None:
    tasks = loaded(tmp_path, "- {name: first, command: {argv: [a, b c]}}\n- command: {argv: [d]}\n").tasks
    assert [(task.name, task.module.name, task.arguments.data()["argv"]) for task in tasks] == [
        ("first", "command", ["a", "b c"]),
        ("command", "command", ["d"]),
    ]


def test_a_role_without_tasks(tmp_path: Path) -> None:
    assert load(Role("r", tmp_path)).tasks == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "- {name: x, comand: {argv: [a]}}",
            ["1:13: unknown module or keyword 'comand'; did you mean 'command'?"],
        ),
        ("- {name: x}", ["1:3: no module specified in task"]),
        (
            "- {command: {argv: [a]}, shell: x}",
            ["1:3: conflicting modules: command, shell; a task has exactly one"],
        ),
        ("- command:\n    argv: []\n    beocme: true\n", ["2:11: ", "3:5: unknown key 'beocme'"]),
        (
            "- zzz: {}\n- qqq: {}\n",
            ["1:3: unknown module or keyword 'zzz'", "2:3: unknown module or keyword 'qqq'"],
        ),
        ("- ansible.builtin.shell: x", ["1:3: 'ansible.builtin.shell' is not supported; use 'shell'"]),
        ("- apt: {name: x}", ["1:3: 'apt' is not supported; use 'package'"]),
        ("- {shell: x, wehn: a}", ["1:14: unknown module or keyword 'wehn'; did you mean 'when'?"]),
        ("a: b", ["1:1: expected a list of tasks"]),
        ("- [", ["tasks.yaml:"]),
        ("- {shell: x, register: 1a}", ["1:24: expected a name of letters, digits and '_'"]),
        ("- shell: echo {{ nam }}", ["1:10: undefined variable 'nam'; known: "]),
        ("- {shell: x, when: item == 1}", ["1:20: undefined variable 'item'"]),
        (
            "- {shell: x, when: '{{ facts.cpus > 1 }}'}",
            ["1:20: conditions must not include template delimiters such as '{{ }}'"],
        ),
        ("- {shell: x, when: facts.cpus >}", ["1:20: "]),
        ("- shell: '{{ facts.cpus | nosuch }}'", ["1:10: template error: No filter named 'nosuch'"]),
        ("- shell: '{{ facts.cpus'", ["1:10: template error: unexpected end of template"]),
        ("- {shell: x, notify: restart}", ["1:22: handler 'restart' not found in handlers.yaml"]),
        ('- command: "echo \'a"', ["1:12: invalid command line: No closing quotation"]),
        ("- copy: {dest: /x}", ["1:9: one of the following is required: src, content"]),
        (
            "- copy: {src: x, content: x, dest: /x}",
            ["1:9: parameters are mutually exclusive: src, content"],
        ),
        ("- copy: {src: none, dest: /x}", ["1:15: files/none: no such file or directory"]),
        ("- template: {src: none, dest: /x}", ["1:19: templates/none: no such file or directory"]),
        ("- file: {path: /x, state: link}", ["1:9: src is required for state: link"]),
        ("- file: {path: /, state: absent}", ["1:16: refusing to remove '/'"]),
        ("- file: {path: /x, mode: 644}", ["1:26: expected permissions in octal, in quotes"]),
        ("- hugepages: {3MiB: 1}", ["1:15: '3MiB' is not a page size"]),
        ("- sysctl: {swappiness: 1}", ["1:12: "]),
        ("- wait: {port: 1, path: /x}", ["1:9: parameters are mutually exclusive: path, port, command"]),
        ("- wait: {timeout: 1}", ["1:9: one of the following is required: path, port, command"]),
        ("- service: {name: x, state: stoped}", ["1:29: expected one of", "did you mean 'stopped'?"]),
        (
            "- build: {source: s, program: p, makes: m, static_target: t, static_makes: u}",
            ["s/Makefile: no such file or directory"],
        ),
    ],
)
def test_all_faults_are_reported_with_their_positions(tmp_path: Path, text: str, expected: list[str]) -> None:
    found = faults(tmp_path, text)
    assert all(line.startswith("tasks.yaml") for line in found)
    for fault in expected:
        assert any(fault in line for line in found), found


def test_an_unknown_keyword_is_one_fault(tmp_path: Path) -> None:
    assert len(faults(tmp_path, "- {shell: x, wehn: a}")) == 1


def test_the_value_of_a_template_is_validated(tmp_path: Path) -> None:
    task = "- file:\n    path: /x\n    mode: '{{ permissions }}'\n"
    assert faults(tmp_path, task, "permissions: 7\n") == [
        "defaults.yaml:1:14: expected permissions in octal, in quotes, such as '0644'; found the number 7"
    ]
    assert loaded(tmp_path, task, "permissions: '0600'\n")
    assert loaded(tmp_path, task.replace("permissions", "facts.os"))  # not known yet


def test_unknown_variables(tmp_path: Path) -> None:
    assert (
        "has no variable 'tmiers'; did you mean 'timers'?"
        in faults(tmp_path, "", "timers: []\n", tmiers=[])[0]
    )


def test_recursive_defaults(tmp_path: Path) -> None:
    found = faults(tmp_path, "- shell: echo {{ a }}\n", 'a: "{{ b }}"\nb: "{{ a }}"\n')
    assert found == ["defaults.yaml:1:4: recursive loop in variable 'a': a → b → a"]


def test_template_files_are_checked_without_a_host(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.j2").write_text("one\n{{ good }}\n{{ bad }\n")
    found = faults(tmp_path, "- template: {src: x.j2, dest: /x}", "good: 1\n")
    assert found == ["templates/x.j2:3:1: template error: unexpected '}'"]
    (tmp_path / "templates" / "x.j2").write_text("{{ good }} {{ nam | default('x') }}\n{{ goood }}\n")
    found = faults(tmp_path, "- template: {src: x.j2, dest: /x}", "good: 1\n")
    assert found == ["templates/x.j2:2:1: undefined variable 'goood'; did you mean 'good'?"]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("shell: x", False),
        ("{shell: x, become: true}", True),
        ("copy: {content: x, dest: inside}", False),
        ("copy: {content: x, dest: /outside}", True),
        ("sysctl: {vm.swappiness: 1}", True),
        ("package: {name: x}", True),
        ("{sysctl: {vm.swappiness: 1}, tags: never}", False),
        ("copy: '{{ facts.what }}'", True),
        ("file: {path: '{{ facts.where }}'}", True),
    ],
)
def test_which_roles_change_the_host(tmp_path: Path, task: str, expected: bool) -> None:
    text = f"- {task}\n" if task.startswith("{") else f"- {{{task}}}\n"
    assert changes_host(loaded(tmp_path, text)) is expected


@pytest.mark.parametrize(
    "task",
    [
        "cpu: {deepest_idle_state: '{{ facts.n }}'}",
        "file: '{{ facts.n }}'",
        "service: {name: '{{ facts.n }}', state: stopped}",
        "hugepages: {2MiB: {0: '{{ facts.n }}'}}",
        "copy: {src: '{{ facts.n }}', dest: /x}",
        "shell: {cmd: x, time_limit: '{{ facts.n }}'}",
    ],
)
def test_values_that_depend_on_facts_are_not_checked_yet(tmp_path: Path, task: str) -> None:
    assert loaded(tmp_path, f"- {task}\n").tasks


def test_unknown_tags(tmp_path: Path) -> None:
    (tmp_path / "tasks.yaml").write_text("- {shell: x, tags: [one, two]}\n")
    with pytest.raises(BadInput, match=r"^e\.yaml:1:1: no task has the tag 'tow'; did you mean 'two'\?$"):
        load(Role("r", tmp_path, tags=("one", "tow"), positions={("tags", "tow"): Position("e.yaml", 1, 1)}))
