"""Roles applied to scripted hosts: order of tasks, number of round trips, messages."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from orchestrator.errors import BadInput, CommandFailed, HostError
from orchestrator.experiment.model import Role
from orchestrator.hosts.base import Host
from orchestrator.hosts.inventory import ansible
from orchestrator.hosts.inventory.inventory import load as load_inventory
from orchestrator.hosts.printing import PrintingHost
from orchestrator.provision.engine import run_role
from orchestrator.provision.loading import load
from orchestrator.provision.target import Target
from tests.unit.provision.probed_host import ProbedHost, commands, run

# --- variables -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task_vars", "variables", "inventory", "expected"),
    [
        ("", {}, {}, "default"),
        ("", {}, {"a": "inventory"}, "inventory"),
        ("", {"a": "experiment"}, {"a": "inventory"}, "experiment"),
        (", vars: {a: task}", {"a": "experiment"}, {"a": "inventory"}, "task"),
        (", vars: {a: '{{ b }}'}", {"b": "through"}, {}, "through"),
        (", loop: [1], vars: {a: '{{ item }}'}", {}, {}, "1"),
    ],
)
def test_precedence_of_variables(
    tmp_path: Path, task_vars: str, variables: dict[str, str], inventory: dict[str, str], expected: str
) -> None:
    host = ProbedHost()
    run(
        tmp_path,
        f"- {{command: 'echo {{{{ a }}}}'{task_vars}}}\n",
        host,
        defaults="a: default\nb: x\n",
        variables=variables,
        inventory=inventory,
    )
    assert commands(host) == [f"echo {expected}"]


def test_values_keep_their_types_and_results_are_not_rendered(tmp_path: Path) -> None:
    host = ProbedHost()
    host.answer("^danger", stdout="{{ a }}\n")
    tasks = """
- {command: danger, register: said}
- command: {argv: [echo, "{{ said.stdout }}", "{{ numbers | sum }}", "n{{ numbers[0] }}"]}
- {command: "echo {{ item.k }}", loop: "{{ pairs }}", when: item.k > 1, register: looped}
- {command: "echo {{ looped.results | map(attribute='skipped') | list }}"}
"""
    run(tmp_path, tasks, host, defaults="a: 1\nnumbers: [1, 2]\npairs: [{k: 1}, {k: 2}]\n")
    assert commands(host) == ["danger", "echo '{{ a }}' 3 n1", "echo 2", "echo '[True,' 'False]'"]


def test_templates_are_sandboxed(tmp_path: Path) -> None:
    for text in ("{{ ''.__class__.__mro__ }}", "{{ facts.__init__.__globals__ }}", "{{ range(99999999) }}"):
        with pytest.raises(BadInput, match=r"tasks\.yaml:1:12: "):
            run(tmp_path, f'- command: "{text}"\n', facts={"x": 1})


def test_facts_are_gathered_only_if_a_task_uses_them(tmp_path: Path) -> None:
    host = ProbedHost()
    run(tmp_path, "- command: a\n", host)
    assert host.trips == ["a"]
    run(tmp_path, "- {command: 'echo {{ facts.cpus }}', when: facts.cpus > 1}\n", host, facts={"cpus": 4})
    assert host.trips[1:] == ["echo 4"]


def test_arguments_that_depend_on_facts_are_validated_on_the_host(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"tasks\.yaml:1:9: one of the following is required: src, content"):
        run(tmp_path, "- copy: '{{ facts.what }}'\n", facts={"what": {"dest": "/x"}})
    with pytest.raises(BadInput, match=r"tasks\.yaml:1:29: expected an integer"):
        run(tmp_path, "- cpu: {deepest_idle_state: '{{ facts.n }}'}\n", facts={"n": "deep"})


def test_the_name_of_a_task_is_rendered(tmp_path: Path) -> None:
    results = run(tmp_path, "- {name: 'say {{ a }}', command: x, loop: [1]}\n", defaults="a: it\n")
    assert [result.task for result in results] == ["say it (1)"]


# --- tasks ----------------------------------------------------------------------------------------------------


def test_a_role_without_changes_takes_one_round_trip(tmp_path: Path) -> None:
    host = ProbedHost()
    host.answer("probe.sh needed", exit_code=1)
    host.answer("probe.sh packages", stdout="manager=apt\nmake\n")
    host.answer("runner.sh settings check", stdout="")
    tasks = "- package: {name: make}\n- sysctl: {vm.swappiness: 1}\n- command: {argv: [x], creates: /x}\n"
    results = run(tmp_path, tasks, host)
    assert [result.status for result in results] == ["ok", "ok", "ok"]
    assert len(host.trips) == 1
    assert len(host.trips[0]) == 3


def test_a_change_invalidates_what_was_read_ahead(tmp_path: Path) -> None:
    host = ProbedHost()
    host.answer("probe.sh packages", stdout="manager=apt\n", times=2)
    host.answer("probe.sh packages", stdout="manager=apt\na\nb\n")
    results = run(tmp_path, "- package: {name: a}\n- package: {name: b}\n", host)
    assert [result.status for result in results] == ["changed", "ok"]


def test_a_change_without_effect_is_an_error(tmp_path: Path) -> None:
    host = ProbedHost()
    host.answer("probe.sh packages", stdout="manager=dnf\n")
    with pytest.raises(
        HostError,
        match=r"n1: role r: it: change had no effect: package a: requested 'present', actual 'absent'",
    ):
        run(tmp_path, "- {name: it, package: {name: a}}\n", host)
    assert any("dnf install -y" in line for line in host.commands)


FOUND = "path=/x\nkind={kind}\nmode=644\nowner=mm\ngroup=mm\n"


@pytest.mark.parametrize(
    ("task", "kind", "actions"),
    [
        ("file: {path: /x}", "absent", ["put /x"]),
        ("file: {path: /x}", "file", []),
        ("file: {path: /x, mode: '0600'}", "file", ["chmod 0600 /x"]),
        ("file: {path: /x, owner: me}", "file", ["chown -h me /x"]),
        ("file: {path: /x, state: directory}", "absent", ["mkdir -p -- /x"]),
        ("file: {path: /x, state: absent}", "directory", ["rm -rf -- /x"]),
        ("file: {path: /x, state: absent}", "absent", []),
        ("copy: {content: new, dest: /x}", "file\nsha256=0", ["put /x", "chown -h mm:mm /x"]),
    ],
)
def test_actions_on_files(tmp_path: Path, task: str, kind: str, actions: list[str]) -> None:
    host = ProbedHost()
    host.answer(
        "probe.sh files", stdout=FOUND.format(kind=kind) if kind != "absent" else "path=/x\nkind=absent\n"
    )
    with contextlib.suppress(HostError):  # a scripted host never changes, so verification fails
        run(tmp_path, f"- {task}\n", host)
    assert [*(f"put {path}" for path in host.files), *commands(host)] == actions


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ("file: {path: /x}", "directory"),
        ("copy: {content: x, dest: /x}", "directory"),
        ("file: {path: /x, state: directory}", "file"),
        ("file: {path: /x, src: /y}", "directory"),
        ("file: {path: /x, src: /y}", "file"),
    ],
)
def test_a_path_of_another_kind_is_not_replaced(tmp_path: Path, task: str, kind: str) -> None:
    host = ProbedHost()
    host.answer("probe.sh files", stdout=FOUND.format(kind=kind))
    with pytest.raises(HostError, match=rf"cannot create \w+ '/x': {kind} already exists"):
        run(tmp_path, f"- {task}\n", host)
    assert not commands(host)
    assert not host.files


@pytest.mark.parametrize(
    ("manager", "command"),
    [("apt", "apt-get install"), ("dnf", "dnf install"), ("zypper", "zypper --non-interactive")],
)
def test_package_managers(tmp_path: Path, manager: str, command: str) -> None:
    host = ProbedHost()
    host.answer("probe.sh packages", stdout=f"manager={manager}\n", times=1)
    host.answer("probe.sh packages", stdout=f"manager={manager}\nnumactl\n{manager}-only\n")
    task = "- package: {name: {apt: [numactl, apt-only], dnf: [numactl, dnf-only], zypper: zypper-only}}\n"
    (result,) = run(tmp_path, task, host)
    assert result.changed
    (line,) = commands(host)
    assert command in line
    assert f"{manager}-only" in line


def test_check_mode_runs_only_commands_declared_to_change_nothing(tmp_path: Path) -> None:
    host = ProbedHost()
    host.answer("^look", stdout="3\n")
    tasks = """
- {command: look, register: seen, changed_when: false}
- {command: act, when: seen.stdout == '3', register: acted}
- {command: never, when: acted.stdout != ''}
"""
    results = run(tmp_path, tasks, host, check=True)
    assert [result.status for result in results] == ["ok", "changed", "skipped"]
    assert commands(host) == ["look"]


def test_handlers_run_once_at_the_end_in_the_order_of_their_file(tmp_path: Path) -> None:
    host = ProbedHost()
    tasks = """
- {command: one, notify: [second, first]}
- {command: two, notify: second, changed_when: "'x' in seen.stdout", register: seen}
- {command: three, notify: second}
"""
    names = {"first": "{command: h1, notify: third", "second": "{command: h2", "third": "{command: h3"}
    handlers = "".join(f"- {body}, name: {name}}}\n" for name, body in names.items())
    run(tmp_path, tasks, host, handlers=handlers)
    assert commands(host) == ["one", "two", "three", "h1", "h2", "h3"]


def test_a_service_is_restarted_after_its_settings_are_changed(tmp_path: Path) -> None:
    host = ProbedHost()
    line = '{{"path": "enabled:x.service", "before": "disabled", "asked": "enabled", "found": "{}", "verdict": "{}"}}'
    host.answer("runner.sh settings check", stdout=line.format("disabled", "differs"))
    host.answer("runner.sh settings apply", stdout=line.format("enabled", "changed"))
    (result,) = run(tmp_path, "- service: {name: x, state: restarted, enabled: true}\n", host)
    assert [str(difference) for difference in result.differences] == [
        "enabled:x.service: disabled → enabled",
        "service:x.service: not restarted → restarted",
    ]
    assert "runner.sh settings apply" in host.commands[-2]
    assert host.commands[-1] == "systemctl restart -- x.service"


def test_failed_tasks(tmp_path: Path) -> None:
    host = ProbedHost()
    host.answer("^warns", stdout="WARNING\n")
    host.answer("^breaks", exit_code=2, stderr="broken")
    with pytest.raises(
        HostError, match=r"n1: role r: command: failed_when is true: 'WARN' in result.stdout: WARNING"
    ):
        run(tmp_path, "- {command: warns, failed_when: \"'WARN' in result.stdout\"}\n", host)
    with pytest.raises(CommandFailed, match=r"n1: role r: command: exit code 2 from breaks: broken"):
        run(tmp_path, "- command: breaks\n", host)
    tasks = "- {command: breaks, ignore_errors: true, register: it}\n- {command: mends, when: it is failed}\n"
    results = run(tmp_path, tasks, host)
    assert [result.status for result in results] == ["failed", "changed"]


def test_become(tmp_path: Path) -> None:
    host = ProbedHost(root=False)
    tasks = "- command: mine\n- {command: roots, become: true}\n- {command: also mine, become: false}\n"
    run(tmp_path, tasks, host)
    assert commands(host) == ["mine", "sudo -n -- roots", "also mine"]
    host = ProbedHost(root=False)
    run(tmp_path, tasks, host, inventory={"ansible_become": "true"})
    assert commands(host) == ["sudo -n -- mine", "sudo -n -- roots", "also mine"]


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("ansible_become_user", "postgres", "'postgres' is not supported, only root"),
        ("ansible_become_method", "su", "'su' is not supported, only sudo"),
        ("ansible_sudo_exe", "/opt/doas", "'/opt/doas' is not supported, only sudo"),
        ("ansible_become_flags", "-i", "'-i' is not supported"),
    ],
)
def test_another_way_to_become_root_is_a_fault_with_its_place(
    tmp_path: Path, variable: str, value: str, message: str
) -> None:
    (tmp_path / "hosts").write_text(f"[g]\nn1 {variable}={value}\n")
    inventory = load_inventory(tmp_path / "hosts").variables("n1")
    run(tmp_path, "- command: mine\n", inventory=inventory)
    with pytest.raises(BadInput, match=rf"hosts:2:1: host 'n1': {variable}: {message}"):
        run(tmp_path, "- {command: roots, become: true}\n", inventory=inventory)


def test_encrypted_and_unsafe_values_of_the_inventory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ansible, "program", lambda name: None)
    text = "g: {hosts: {n1: {a: !unsafe '{{ x }}', b: !vault '$ANSIBLE_VAULT;1.1;AES256'}}}"
    (tmp_path / "hosts.yml").write_text(text)
    inventory = load_inventory(tmp_path / "hosts.yml").variables("n1")
    host = ProbedHost()
    run(tmp_path, "- command: {argv: [echo, '{{ a }}']}\n", host, defaults="a: 1\n", inventory=inventory)
    assert commands(host) == ["echo '{{ x }}'"]
    with pytest.raises(BadInput, match=r"hosts\.yml:1:\d+: b is encrypted with ansible-vault"):
        run(tmp_path, "- command: {argv: [echo, '{{ b }}']}\n", defaults="b: 1\n", inventory=inventory)


def test_a_string_is_not_a_condition(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"tasks\.yaml:1:\d+: the condition is the string 'yes', not a boolean"
    ):
        run(tmp_path, "- {command: x, when: a}\n", defaults="a: 'yes'\n")


def test_a_run_does_not_reboot(tmp_path: Path) -> None:
    with pytest.raises(
        HostError,
        match="a role cannot reboot the host during a run",
    ):
        run(tmp_path, "- reboot: {}\n")


def test_a_reboot_is_verified_by_the_boot_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.provision.modules.reboot.PAUSE_S", 0)
    host, after = ProbedHost(), ProbedHost()
    host.answer("^cat /proc/sys/kernel/random/boot_id", stdout="one\n")
    after.answer("^cat /proc/sys/kernel/random/boot_id", stdout="two\n")
    after.answer("^uname", stdout="new\n")
    connections = iter([HostError("connection refused"), host, after])

    def reconnect() -> Host:
        connection = next(connections)
        if isinstance(connection, HostError):
            raise connection
        return connection

    target = Target(host, "/base", tmp_path, reconnect=reconnect)
    (tmp_path / "tasks.yaml").write_text("- reboot: {}\n- {command: uname, register: r}\n")
    results = run_role(target, load(Role("r", tmp_path)))
    assert results[1].result["stdout"] == "new"


def test_a_host_of_another_architecture_without_a_compiler(tmp_path: Path) -> None:
    host = ProbedHost()
    host.answer("probe.sh program", stdout="machine=riscv128\n")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "Makefile").touch()
    text = "- build: {source: files, program: p, makes: p, static_target: static, static_makes: p-static}\n"
    with pytest.raises(
        HostError,
        match=r"n1: .*no C compiler on n1.* the host is riscv128, .*; install make and a C compiler on n1",
    ):
        run(tmp_path, text, host)


def test_a_missing_cross_compiler_is_named_with_its_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setenv("PATH", "")
    host = ProbedHost()
    host.answer("probe.sh program", stdout="machine=aarch64\n")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "Makefile").touch()
    text = "- build: {source: files, program: p, makes: p, static_target: static, static_makes: p-static}\n"
    with pytest.raises(
        HostError,
        match="none for arm64 on the controller; install gcc-aarch64-linux-gnu and libc6-dev-arm64-cross on",
    ):
        run(tmp_path, text, host)


def test_a_dry_run_prints_the_commands(tmp_path: Path) -> None:
    printed: list[str] = []
    host = PrintingHost("n1", printed.append)
    tasks = """
- package: {name: make}
- sysctl: {vm.swappiness: 1}
- {command: "echo {{ facts.cpus }}", when: facts.cpus > 2}
- copy: {content: x, dest: /etc/x}
- {command: "echo {{ item }}", loop: "{{ facts.what }}"}
- {command: count, register: counted, failed_when: counted.stdout != '3'}
- assert: {that: counted.stdout == '3'}
- {name: "on {{ facts.os }}", command: last}
- reboot: {}
"""
    run(tmp_path, tasks, host)
    text = "\n".join(printed)
    for expected in (
        "apt-get install",
        "runner.sh settings apply /base",
        "put /etc/x",
        "last",
        "systemctl reboot",
    ):
        assert expected in text
