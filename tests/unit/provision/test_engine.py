"""Roles applied to hosts of paper: what depends on what, how often the host is asked, and what is said of it."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BadInput, CommandFailed, HostError
from orchestrator.experiment.model import Role
from orchestrator.hosts.base import Host
from orchestrator.hosts.printing import PrintingHost
from orchestrator.hosts.testing import ScriptedHost
from orchestrator.provision.engine import Target, run_role
from orchestrator.provision.loading import load
from orchestrator.provision.module import TaskResult


class PaperHost(ScriptedHost):
    """Answers a batch of looks one by one, as ``probe.sh all`` does.

    :ivar trips: the lines it was given, a batch as a list.
    """

    def __init__(self, name: str = "n1", root: bool = True) -> None:
        super().__init__(name, root)
        self.trips: list[Any] = []

    def _execute(self, line: str, stdin: bytes | None, time_limit: float) -> tuple[int, bytes, bytes]:
        words = shlex.split(line)
        if words[1:2] != ["/base/bin/probe.sh"] or words[2] != "all":
            self.trips.append(line)
            return super()._execute(line, stdin, time_limit)
        self.trips.append(words[3:])
        printed = b""
        for inner in words[3:]:
            code, out, err = super()._execute(inner, None, time_limit)
            body = out + err + f"\n!{code}".encode()
            printed += b"".join(b" " + part + b"\n" for part in body.split(b"\n")) + b"#\n"
        return 0, printed, b""


def run(
    folder: Path,
    tasks: str,
    host: Host | None = None,
    *,
    defaults: str = "",
    handlers: str = "",
    given: Mapping[str, Any] | None = None,
    **target: Any,
) -> list[TaskResult]:
    for name, text in (("tasks", tasks), ("defaults", defaults), ("handlers", handlers)):
        (folder / f"{name}.yaml").write_text(text)
    role = load(Role("r", folder, given or {}))
    return run_role(Target(host or PaperHost(), "/base", folder, **target), role)


def commands(host: PaperHost) -> list[str]:
    return [line for line in host.commands if "/bin/" not in line]


# --- variables -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task_vars", "given", "inventory", "expected"),
    [
        ("", {}, {}, "default"),
        ("", {}, {"a": "inventory"}, "inventory"),
        ("", {"a": "experiment"}, {"a": "inventory"}, "experiment"),
        (", vars: {a: task}", {"a": "experiment"}, {"a": "inventory"}, "task"),
        (", vars: {a: '{{ b }}'}", {"b": "through"}, {}, "through"),
        (", loop: [1], vars: {a: '{{ item }}'}", {}, {}, "1"),
    ],
)
def test_which_value_wins(
    tmp_path: Path, task_vars: str, given: dict[str, str], inventory: dict[str, str], expected: str
) -> None:
    host = PaperHost()
    run(
        tmp_path,
        f"- {{command: 'echo {{{{ a }}}}'{task_vars}}}\n",
        host,
        defaults="a: default\nb: x\n",
        given=given,
        variables=inventory,
    )
    assert commands(host) == [f"echo {expected}"]


def test_values_keep_their_types_and_results_are_not_filled_in_again(tmp_path: Path) -> None:
    host = PaperHost()
    host.answer("^danger", stdout="{{ a }}\n")
    tasks = """
- {command: danger, register: said}
- command: {argv: [echo, "{{ said.stdout }}", "{{ numbers | sum }}", "n{{ numbers[0] }}"]}
- {command: "echo {{ item.k }}", loop: "{{ pairs }}", when: item.k > 1, register: looped}
- {command: "echo {{ looped.results | map(attribute='skipped') | list }}"}
"""
    run(tmp_path, tasks, host, defaults="a: 1\nnumbers: [1, 2]\npairs: [{k: 1}, {k: 2}]\n")
    assert commands(host) == ["danger", "echo '{{ a }}' 3 n1", "echo 2", "echo '[True,' 'False]'"]


def test_templates_are_closed_to_everything_but_data(tmp_path: Path) -> None:
    for text in ("{{ ''.__class__.__mro__ }}", "{{ facts.__init__.__globals__ }}", "{{ range(99999999) }}"):
        with pytest.raises(BadInput, match=r"tasks\.yaml:1:12: "):
            run(tmp_path, f'- command: "{text}"\n', facts={"x": 1})


def test_facts_are_asked_for_only_where_a_task_uses_them(tmp_path: Path) -> None:
    host = PaperHost()
    run(tmp_path, "- command: a\n", host)
    assert host.trips == ["a"]
    run(tmp_path, "- {command: 'echo {{ facts.cpus }}', when: facts.cpus > 1}\n", host, facts={"cpus": 4})
    assert host.trips[1:] == ["echo 4"]


def test_arguments_that_only_a_host_can_complete_are_checked_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"tasks\.yaml:1:9: needs one of the keys src and content"):
        run(tmp_path, "- copy: '{{ facts.what }}'\n", facts={"what": {"dest": "/x"}})
    with pytest.raises(BadInput, match=r"tasks\.yaml:1:29: expected a whole number"):
        run(tmp_path, "- cpu: {deepest_idle_state: '{{ facts.n }}'}\n", facts={"n": "deep"})


def test_a_name_is_filled_in(tmp_path: Path) -> None:
    outcomes = run(tmp_path, "- {name: 'say {{ a }}', command: x, loop: [1]}\n", defaults="a: it\n")
    assert [outcome.task for outcome in outcomes] == ["say it (1)"]


# --- what happens ----------------------------------------------------------------------------------------------


def test_what_nothing_is_changed_by_takes_one_round_trip(tmp_path: Path) -> None:
    host = PaperHost()
    host.answer("probe.sh needed", exit_code=1)
    host.answer("probe.sh packages", stdout="manager=apt\nmake\n")
    host.answer("settings.sh check", stdout="")
    tasks = "- package: {name: make}\n- sysctl: {vm.swappiness: 1}\n- command: {argv: [x], creates: /x}\n"
    outcomes = run(tmp_path, tasks, host)
    assert [outcome.status for outcome in outcomes] == ["ok", "ok", "ok"]
    assert len(host.trips) == 1
    assert len(host.trips[0]) == 3


def test_what_was_read_ahead_is_forgotten_when_something_changes(tmp_path: Path) -> None:
    host = PaperHost()
    host.answer("probe.sh packages", stdout="manager=apt\n", times=2)
    host.answer("probe.sh packages", stdout="manager=apt\na\nb\n")
    outcomes = run(tmp_path, "- package: {name: a}\n- package: {name: b}\n", host)
    assert [outcome.status for outcome in outcomes] == ["changed", "ok"]


def test_a_change_that_does_not_take_names_asked_and_found(tmp_path: Path) -> None:
    host = PaperHost()
    host.answer("probe.sh packages", stdout="manager=dnf\n")
    with pytest.raises(
        HostError, match=r"n1: role r: it: did not take: package a: asked 'present', found 'absent'"
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
def test_what_is_done_with_files(tmp_path: Path, task: str, kind: str, actions: list[str]) -> None:
    host = PaperHost()
    host.answer(
        "probe.sh files", stdout=FOUND.format(kind=kind) if kind != "absent" else "path=/x\nkind=absent\n"
    )
    with contextlib.suppress(HostError):  # nothing changes on paper, so nothing takes
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
def test_what_is_of_another_kind_is_not_replaced(tmp_path: Path, task: str, kind: str) -> None:
    host = PaperHost()
    host.answer("probe.sh files", stdout=FOUND.format(kind=kind))
    with pytest.raises(HostError, match=rf"/x: expected \w+ or nothing, found {kind}"):
        run(tmp_path, f"- {task}\n", host)
    assert not commands(host)
    assert not host.files


@pytest.mark.parametrize(
    ("manager", "command"),
    [("apt", "apt-get install"), ("dnf", "dnf install"), ("zypper", "zypper --non-interactive")],
)
def test_package_managers(tmp_path: Path, manager: str, command: str) -> None:
    host = PaperHost()
    host.answer("probe.sh packages", stdout=f"manager={manager}\n", times=1)
    host.answer("probe.sh packages", stdout=f"manager={manager}\nnumactl\n{manager}-only\n")
    task = "- package: {name: {apt: [numactl, apt-only], dnf: [numactl, dnf-only], zypper: zypper-only}}\n"
    (outcome,) = run(tmp_path, task, host)
    assert outcome.changed
    (line,) = commands(host)
    assert command in line
    assert f"{manager}-only" in line


def test_a_check_changes_nothing_but_reads_what_says_that_it_only_reads(tmp_path: Path) -> None:
    host = PaperHost()
    host.answer("^look", stdout="3\n")
    tasks = """
- {command: look, register: seen, changed_when: false}
- {command: act, when: seen.stdout == '3', register: acted}
- {command: never, when: acted.stdout != ''}
"""
    outcomes = run(tmp_path, tasks, host, check=True)
    assert [outcome.status for outcome in outcomes] == ["ok", "changed", "skipped"]
    assert commands(host) == ["look"]


def test_handlers_run_once_at_the_end_in_their_own_order(tmp_path: Path) -> None:
    host = PaperHost()
    tasks = """
- {command: one, notify: [second, first]}
- {command: two, notify: second, changed_when: "'x' in seen.stdout", register: seen}
- {command: three, notify: second}
"""
    names = {"first": "{command: h1, notify: third", "second": "{command: h2", "third": "{command: h3"}
    handlers = "".join(f"- {body}, name: {name}}}\n" for name, body in names.items())
    run(tmp_path, tasks, host, handlers=handlers)
    assert commands(host) == ["one", "two", "three", "h1", "h2", "h3"]


def test_what_counts_as_failed(tmp_path: Path) -> None:
    host = PaperHost()
    host.answer("^warns", stdout="WARNING\n")
    host.answer("^breaks", exit_code=2, stderr="broken")
    with pytest.raises(
        HostError, match=r"n1: role r: command: failed_when holds: 'WARN' in result.stdout: WARNING"
    ):
        run(tmp_path, "- {command: warns, failed_when: \"'WARN' in result.stdout\"}\n", host)
    with pytest.raises(CommandFailed, match=r"n1: role r: command: exit code 2 from breaks: broken"):
        run(tmp_path, "- command: breaks\n", host)
    tasks = "- {command: breaks, ignore_errors: true, register: it}\n- {command: mends, when: it is failed}\n"
    outcomes = run(tmp_path, tasks, host)
    assert [outcome.status for outcome in outcomes] == ["failed", "changed"]


def test_who_runs_a_command(tmp_path: Path) -> None:
    host = PaperHost(root=False)
    tasks = "- command: mine\n- {command: roots, become: true}\n- {command: also mine, become: false}\n"
    run(tmp_path, tasks, host)
    assert commands(host) == ["mine", "sudo -n -- roots", "also mine"]
    host = PaperHost(root=False)
    run(tmp_path, tasks, host, variables={"ansible_become": "true"})
    assert commands(host) == ["sudo -n -- mine", "sudo -n -- roots", "also mine"]


def test_a_condition_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"tasks\.yaml:1:\d+: is neither true nor false but the text 'yes'"):
        run(tmp_path, "- {command: x, when: a}\n", defaults="a: 'yes'\n")


def test_a_reboot_is_not_a_runs_to_make(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="apply the role first, with `orchestrate role apply`"):
        run(tmp_path, "- reboot: {}\n")


def test_a_reboot_is_proven_by_the_boot_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.provision.modules.reboot.PAUSE_S", 0)
    host, after = PaperHost(), PaperHost()
    host.answer("^cat /proc/sys/kernel/random/boot_id", stdout="one\n")
    after.answer("^cat /proc/sys/kernel/random/boot_id", stdout="two\n")
    after.answer("^uname", stdout="new\n")
    came = iter([HostError("away"), host, after])

    def reconnect() -> Host:
        next_ = next(came)
        if isinstance(next_, HostError):
            raise next_
        return next_

    target = Target(host, "/base", tmp_path, reconnect=reconnect)
    (tmp_path / "tasks.yaml").write_text("- reboot: {}\n- {command: uname, register: r}\n")
    outcomes = run_role(target, load(Role("r", tmp_path)))
    assert outcomes[1].result["stdout"] == "new"


def test_a_host_of_another_architecture_without_a_compiler(tmp_path: Path) -> None:
    host = PaperHost()
    host.answer("probe.sh program", stdout="machine=riscv128\n")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "Makefile").touch()
    text = "- build: {source: files, program: p, makes: p, static_target: static, static_makes: p-static}\n"
    with pytest.raises(
        HostError, match=r"n1: .*no C compiler there.*riscv128 there\); install make and a C compiler on n1"
    ):
        run(tmp_path, text, host)


def test_a_dry_run_prints_what_a_run_would_execute(tmp_path: Path) -> None:
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
    for expected in ("apt-get install", "settings.sh apply /base", "put /etc/x", "last", "systemctl reboot"):
        assert expected in text
