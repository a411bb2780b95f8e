"""A dry run prints what a run executes: the commands of a real run, on a real sshd, are compared with those printed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from orchestrator.execution.dry_run import dry_run
from orchestrator.execution.launch import run_experiment
from orchestrator.execution.request import RunRequest
from orchestrator.experiment.loader import load
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command
from orchestrator.hosts.provider import ProviderRequest
from orchestrator.hosts.providers.ssh import SshProvider
from orchestrator.hosts.ssh import SshHost
from orchestrator.plan import Plan
from tests.calls import orchestrate
from tests.integration.machine import Machine

FILE = """
version: 1
benchmark: {command: [sh, -c, 'echo x={n}'], metrics: {x: {key_value: x, unit: s}}}
factors: {n: [1, 2]}
tuning: {sysctl: {vm.swappiness: 10}}
roles: [{role: greeting}]
repetitions: 2
limits: {settle: 0s}
noise: false
"""
ROLE = "- {name: greet, copy: {content: hello, dest: /etc/motd.orchestrate}}\n"


class Quiet:
    """A user interface that shows nothing."""

    def building(self, name: str) -> AbstractContextManager[Any]:
        return nullcontext(lambda text: None)

    def progress(self) -> AbstractContextManager[Any]:
        return nullcontext(self)

    def say(self, text: str) -> None: ...

    run_begins = block_begins = host_ready = trial_ends = note = lambda self, *_: None


class Recorder:
    """Keeps the commands that hosts execute, as a dry run prints them."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self._is_putting = False

    @contextlib.contextmanager
    def recording(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        run, put, batches = Host.run, Host.put, SshHost.batches

        def recorded_run(host: Host, command: Command) -> Any:
            prepared = host.prepare(command)  # may run a command itself
            if not self._is_putting:
                self.commands.append(str(prepared))
            return run(host, command)

        def recorded_put(host: Host, content: Path | bytes, path: str, *words: Any, **options: Any) -> None:
            self.commands.append(f"put {path}")
            self._is_putting = True
            put(host, content, path, *words, **options)
            self._is_putting = False

        def recorded_batches(host: SshHost, command: Command) -> Iterator[list[str] | None]:
            self.commands.append(str(host.prepare(command)))
            return batches(host, command)

        with monkeypatch.context() as patch:
            patch.setattr(Host, "run", recorded_run)
            patch.setattr(Host, "put", recorded_put)
            patch.setattr(SshHost, "batches", recorded_batches)
            yield


def comparable(line: str, run: str) -> str:
    """A command without what differs from run to run: ids, times, and sizes of what is sent."""
    line = line.replace(run, "RUN")
    line = re.sub(r"'\{\"run\":.*?\}'", "HOLDER", line)
    line = re.sub(r"^put (\S+).*", r"put \1", line)
    return re.sub(r"  < \d+ bytes?$", "  < stdin", line)


@pytest.mark.changes_settings
def test_the_commands_of_a_dry_run_are_those_of_a_run(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    (project / "roles/greeting").mkdir(parents=True)
    (project / "roles/greeting/tasks.yaml").write_text(ROLE)
    (project / "e.yaml").write_text(FILE)
    plan = Plan(load(project / "e.yaml"))
    request = ProviderRequest(
        plan.experiment.hosts.needs, {}, host="testhost", ssh_config=machine.sshd.ssh_config
    )

    printed: list[str] = []
    dry_run(plan, SshProvider(request), tmp_path / "cache", printed.append)
    assert not (machine.root / "ours/bin").exists()
    assert not (machine.root / "etc/motd.orchestrate").exists()

    recorder = Recorder()
    with recorder.recording(monkeypatch):
        result = run_experiment(
            RunRequest(plan, SshProvider(request), project / "results", tmp_path / "cache"), Quiet()
        )
    assert result.exit_code == 0

    dry = [comparable(line, "RUN") for line in printed if not line.startswith(("#", "    < "))]
    real = [comparable(line, result.folder.id) for line in recorder.commands]
    assert dry == real
    assert len(real) > 25


BOOTING = """
version: 1
benchmark: {command: [sh, -c, 'echo x={n}'], metrics: {x: {key_value: x, unit: s}}}
kernels: {own: default, again: {package: linux-image-cloud-amd64, command_line: quiet}}
factors: {kernel: [own, again], n: [1, 2]}
repetitions: 1
hosts: {provider: ssh, group: lab}
limits: {settle: 0s}
"""
BOOT_COMMAND = re.compile(r"^(?:' sh (state|install|once|reboot|remove)\b|# block (\d))", re.MULTILINE)


def printed_for(tmp_path: Path, hosts: str, *options: str) -> str:
    """Return what a dry run prints for hosts of an inventory; none of them exists."""
    (tmp_path / "e.yaml").write_text(BOOTING)
    (tmp_path / "hosts.yaml").write_text(f"lab: {{hosts: {hosts}}}\n")
    ended = orchestrate("run", "e.yaml", "--inventory", "hosts.yaml", *options, "--dry-run", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert not (tmp_path / "results").exists()
    return ended.stdout


def test_boots_of_a_machine_are_printed(tmp_path: Path) -> None:
    """As BootableMachine boots it: boot.sh installs a kernel, selects it once, and removes it at the end."""
    printed = printed_for(tmp_path, "{m1: {power: none}}")
    calls = [call or block for call, block in BOOT_COMMAND.findall(printed) if call != "state"]
    assert calls == ["0", "reboot", "1", "remove", "install", "once", "reboot", "reboot", "remove"]
    put = [line.split()[1] for line in printed.splitlines() if line.startswith("put /boot")]
    assert put == ["/boot/orchestrate/vmlinuz", "/boot/orchestrate/watchdog.sh"]
    assert re.search(r"^' sh install RELEASE-again [0-9a-f]{12} quiet 300$", printed, re.MULTILINE)


def test_a_machine_that_is_not_booted_prints_no_boot(tmp_path: Path) -> None:
    calls = [call for call, _ in BOOT_COMMAND.findall(printed_for(tmp_path, "{m1: {}}"))]
    assert calls == ["", ""]


@pytest.mark.parametrize(
    ("fleet", "expected"),
    [
        ("shard", ["0: at most 2 trials, in shards, m1", "1: at most 2 trials, in shards, m1"]),
        ("replicate", ["0: 2 trials, m1", "2: 2 trials, m1"]),
    ],
)
def test_each_host_of_a_fleet_is_printed(tmp_path: Path, fleet: str, expected: list[str]) -> None:
    hosts = "{m1: {power: none}, m2: {power: none}}"
    printed = printed_for(tmp_path, hosts, "--set", f"hosts.fleet={fleet}")
    heads = re.findall(r"^# block (\d): kernel \w+, boot 0, (.*)$", printed, re.MULTILINE)
    assert [f"{index}: {rest}" for index, rest in heads[:2]] == expected
    assert [rest.endswith("m2") for _, rest in heads] == [False, False, True, True]
    assert len(re.findall("^' sh once$", printed, re.MULTILINE)) == 2


def test_nothing_of_a_role_is_executed(tmp_path: Path) -> None:
    files = tmp_path / "roles" / "bm" / "files"
    files.mkdir(parents=True)
    (files / "Makefile").write_text(
        f"all static:\n\ttouch {tmp_path}/executed; mkdir -p build; touch build/bm\n"
    )
    task = "- build: {source: files, program: bm, makes: build/bm, static_target: static, static_makes: build/bm}\n"
    (files.parent / "tasks.yaml").write_text(task)
    printed = printed_for(tmp_path, "{m1: {}}", "--set", "roles=[bm]")
    assert "/roles/bm/bm" in printed
    assert not (tmp_path / "executed").exists()
