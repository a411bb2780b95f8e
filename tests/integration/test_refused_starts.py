"""What ``run`` refuses before its first trial: ``--check`` refuses it in the same words, and nothing is left of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.calls import orchestrate
from tests.images import bz_image
from tests.integration.administrator import role
from tests.integration.sshd import Sshd
from tests.running import Ended, User

ANY = """
name: any
benchmark: {command: [sh, -c, 'echo x={n}'], metrics: {x: {key_value: x, unit: count}}}
factors: {n: [1, 2]}
repetitions: 1
"""

REFUSED = {
    "a CPU more than there is": ("hosts: {needs: {cpus: 4000}}", 3, "testhost: needs 4000 CPUs, host has"),
    "no such program": ("", 3, "testhost: frobnicate: command not found"),
    "a boot that the provider cannot do": ("", 2, "the ssh provider cannot reboot its hosts"),
    "too long": ("", 2, "limits.max_hours is 1e-06, but the run takes about"),
    "no such CPU": ("tuning: {placement: {cpus: 0-4000}}", 3, "tuning.placement.cpus: no CPU "),
    "an assertion of a role": ("roles: [mine]", 3, "testhost: role mine: assert: not this host"),
}
"""Sections of the file, exit code and message; see also the options below."""

OPTIONS = {
    "no such program": ("benchmark.command=[frobnicate, '{n}']",),
    "a boot that the provider cannot do": ("repetitions={count: 2, boots: 2}",),
    "too long": ("limits.max_hours=0.000001",),
}


def call(user: User, *words: str | Path) -> Ended:
    """Run a command in this process."""
    done = orchestrate(*map(str, words), folder=user.folder, COLUMNS="200")
    return Ended(done.returncode, done.stdout, done.stderr)


def run(user: User, *words: str | Path) -> Ended:
    return call(user, "run", *words, *user.options)


def nothing_is_left(user: User) -> None:
    assert not (user.folder / "results").exists()
    assert "No runs yet" in call(user, "results", "list").out
    latest = call(user, "report", "latest")
    assert (latest.code, latest.complaints[0].partition(";")[0]) == (2, "no runs in results")


def refused_alike(user: User, *words: str | Path) -> Ended:
    """Check, then run; return how the run ended."""
    checked, ended = run(user, *words, "--check"), run(user, *words)
    assert (checked.code, checked.complaints) == (ended.code, ended.complaints), (checked, ended)
    return ended


NO_SOURCE = "{source: {git: file:///none/at/all, ref: v1}, config: {base: defconfig}}"
OTHERWISE: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "an unknown option": (2, "No such option", ("--no-such-option",)),
    "an option without a number": (2, "Invalid value for '--first'", ("--first", "0")),
    "options that exclude each other": (2, "--new and --resume are mutually exclusive", ("--new", "--resume")),
    "a key that there is not": (2, "unknown key 'repetition'", ("--set", "repetition=1")),
    "no cell": (2, "no cell matches", ("--where", "n == 3")),
    "a predicate that is none": (2, "syntax error", ("--where", "n = 1")),
    "no run to resume": (2, "no unfinished run of this experiment", ("--resume",)),
    "no such run": (2, "no runs in results", ("--resume=20261124T101500000Z-0a1b",)),
    "no such inventory": (2, "'none.ini' does not exist", ("--inventory", "none.ini")),
    "no such host": (3, "no host or group 'others'", ("--inventory", "hosts.ini", "--host", "others")),
    "no such image": (2, "none: No such file or directory", ("--set", "kernels={mine: {image: none}}")),
    "no such recipe": (2, "recipe 'linux-0' not found", ("--set", "kernels={mine: {recipe: linux-0}}")),
    "a kernel that cannot be built": (
        4, "none/at/all", ("--set", f"kernels={{mine: {{recipe: {NO_SOURCE}}}}}"),
    ),
    "a guest that cannot be": (
        2, "must be a multiple of 1MiB", ("--provider", "qemu", "--set", "hosts.qemu.nodes=[{memory: 1}]"),
    ),
    "a batch system that is not here": (3, "this machine: ", ("--provider", "slurm")),
    "needs, and --new": (3, "needs 4000 CPUs", ("--new", "--set", "hosts.needs.cpus=4000")),
    "needs, below directories that are not there": (
        3, "needs 4000 CPUs", ("--set", "hosts.needs.cpus=4000", "--results", "results/of/mine"),
    ),
}  # fmt: skip
"""Exit code, message and options of refusals on this machine."""


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_refused_start_leaves_the_folder_as_it_was(local_user: User, name: str) -> None:
    code, message, options = OTHERWISE[name]
    (local_user.folder / "hosts.ini").write_text("mine\n")
    file = local_user.file(ANY)
    before = sorted(local_user.folder.rglob("*"))
    ended = run(local_user, file, *options)
    assert (ended.code, message in ended.err) == (code, True), ended.err
    assert sorted(local_user.folder.rglob("*")) == before


@pytest.mark.parametrize("name", REFUSED)
def test_a_check_refuses_what_the_run_refuses(user: User, name: str) -> None:
    section, code, message = REFUSED[name]
    role(user, tasks="- assert: {that: ['1 == 2'], fail_msg: not this host}\n")
    words = [word for option in OPTIONS.get(name, ()) for word in ("--set", option)]
    ended = refused_alike(user, user.file(f"{ANY}{section}\n"), *words)
    assert ended.code == code
    assert message in ended.complaints[0]
    nothing_is_left(user)


def test_all_that_a_host_lacks_is_said_at_once(user: User) -> None:
    file = user.file(
        ANY.replace("[sh, -c, 'echo x={n}']", "[frobnicate, '{n}']")
        + "hosts: {needs: {cpus: 4000, numa_nodes: 900, mode: exchange}}\ntuning: {placement: {cpus: 0-4000}}\n"
    )
    ended = refused_alike(user, file)
    assert ended.code == 3
    starts = ["needs 4000 CPUs", "needs 900 NUMA nodes", "needs a kernel with the mode exchange"]
    starts += ["frobnicate: command not found", "tuning.placement.cpus: no CPU "]
    assert len(ended.complaints) == len(starts), ended.complaints
    for start, line in zip(starts, ended.complaints, strict=True):
        assert line.startswith(f"testhost: {start}")
    nothing_is_left(user)


def test_all_that_a_provider_cannot_do_is_said_at_once(local_user: User) -> None:
    file = local_user.file(ANY + "tuning: {sysctl: {vm.stat_interval: 7}}\n")
    options = ["--set", "repetitions={count: 2, boots: 2}", "--set", "limits.max_hours=0.000001"]
    ended = refused_alike(local_user, file, *options)
    assert ended.code == 2
    changes, boots, hours = ended.complaints
    assert "allow it with --allow-local-changes" in changes
    assert "the local provider cannot reboot its hosts" in boots
    assert "but the run takes about" in hours
    nothing_is_left(local_user)


def test_changes_of_this_machine_that_are_not_allowed(local_user: User) -> None:
    ended = refused_alike(local_user, local_user.file(ANY + "tuning: {sysctl: {vm.stat_interval: 7}}\n"))
    assert ended.code == 2
    assert "allow it with --allow-local-changes" in ended.complaints[0]
    nothing_is_left(local_user)


@pytest.mark.changes_settings
@pytest.mark.skipif(os.geteuid() != 0, reason="changes a sysctl")
def test_a_setting_that_the_host_does_not_have(user: User) -> None:
    ended = refused_alike(user, user.file(ANY + "tuning: {sysctl: {vm.no_such_thing: 1}}\n"))
    assert ended.code == 3
    assert "cannot change settings: /proc/sys/vm/no_such_thing: No such file" in ended.complaints[0]
    nothing_is_left(user)


def test_another_kernel_than_the_requested_one(user: User) -> None:
    """The run records why each trial did not run, so it is no refused start."""
    (user.folder / "other").write_bytes(bz_image("6.6.6-other"))
    file = user.file(ANY + "kernels: {mine: {image: other}}\n")
    checked, ended = run(user, file, "--check"), run(user, file)
    assert checked.code == ended.code == 1
    (line,) = checked.out.splitlines()
    assert line.startswith("testhost: not running kernel 'mine': release is ")
    assert line in ended.err
    assert user.statuses == {"wrong_kernel": 2}


def test_runs_that_cannot_be_resumed(user: User) -> None:
    file = user.file(ANY)
    ended = refused_alike(user, file, "--resume")
    assert (ended.code, user.run_folders) == (2, [])
    assert run(user, file).code == 0
    (folder,) = user.run_folders
    ended = refused_alike(user, file, "--first", "1", "--resume", folder.name)
    assert ended.code == 2
    assert "cannot resume run" in ended.complaints[0]
    other = user.file(ANY.replace("name: any", "name: other"), "other.yaml")
    ended = refused_alike(user, other, "--resume", folder.name)
    assert ended.complaints == [f"run {folder.name} belongs to experiment 'any', not to 'other'"]
    assert user.run_folders == [folder]


def test_results_that_cannot_be_written(user: User) -> None:
    (user.folder / "results").mkdir()
    (user.folder / "results/any").write_text("a file")
    ended = refused_alike(user, user.file(ANY))
    assert ended.code == 3
    assert "set a writable directory with --results" in ended.complaints[0]


@contextmanager
def another_run(user: User) -> Iterator[None]:
    """The lock of a run of another controller on the host."""
    lock = user.base / "lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    holder = {
        "run": "another",
        "user": "she",
        "controller": "desk",
        "since": "today",
        "process": "elsewhere/1-2",
    }
    lock.write_text(json.dumps(holder) + "\n")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def test_a_host_that_another_run_has(user: User) -> None:
    file = user.file(ANY)
    with another_run(user):
        ended = refused_alike(user, file)
        assert ended.code == 3
        assert "testhost: locked by another of she@desk since today" in ended.complaints[0]
        nothing_is_left(user)
        assert run(user, file, "--check", "--break-lock").code == 0
        assert (user.base / "lock").exists(), "a check takes no lock"


def test_a_host_that_does_not_answer(user: User, sshd: Sshd) -> None:
    user.options = ("--host", "127.0.0.1:1", "--ssh-config", str(sshd.ssh_config))
    ended = refused_alike(user, user.file(ANY))
    assert ended.code == 3
    assert "Connection refused" in ended.complaints[0]
    nothing_is_left(user)


@pytest.mark.parametrize("fleet", ["shard", "replicate"])
def test_a_fleet_without_a_host_that_can_be_used(user: User, sshd: Sshd, fleet: str) -> None:
    variables = (
        f"ansible_host=127.0.0.1 ansible_user={sshd.address.user} known_hosts_file={sshd.folder}/known_hosts "
        f"ansible_ssh_private_key_file={sshd.folder}/user_key"
    )
    inventory = user.folder / "hosts.ini"
    inventory.write_text(f"[lab]\nn1 ansible_port={sshd.port} {variables}\nn2 ansible_port=1 {variables}\n")
    user.options = ("--inventory", str(inventory))
    hosts = f"hosts: {{provider: ssh, group: lab, fleet: {fleet}, needs: {{cpus: 4000}}}}\n"
    ended = refused_alike(user, user.file(ANY + hosts))
    first, second = ended.complaints
    assert ended.code == 3
    assert first.startswith("n1: needs 4000 CPUs, host has ")
    assert second == "n2: connect to host 127.0.0.1 port 1: Connection refused"
    nothing_is_left(user)


def test_a_check_that_passes_leaves_nothing(user: User) -> None:
    checked = run(user, user.file(ANY), "--check")
    assert (checked.code, checked.out, checked.err) == (0, "testhost: nothing would change\n", "")
    assert not (user.folder / "results").exists()


def test_a_run_that_was_refused_once_and_then_starts_is_a_new_one(user: User) -> None:
    file = user.file(ANY)
    with another_run(user):
        assert run(user, file).code == 3
    ended = run(user, file)
    assert ended.code == 0, ended.err
    assert "resuming" not in ended.err
    user.assert_complete(2)


def test_a_refused_start_does_not_touch_the_runs_before_it(user: User) -> None:
    file = user.file(ANY)
    assert run(user, file).code == 0
    again = run(user, file, "--new", "--set", "hosts.needs.cpus=4000")
    assert again.code == 3
    user.assert_complete(2)


def test_numa_nodes_that_a_guest_would_have(local_user: User) -> None:
    nodes = len([path for path in Path("/sys/devices/system/node").glob("node[0-9]*") if _has_memory(path)])
    file = local_user.file("benchmark: {role: migbench}\n")
    ended = run(local_user, file, "--set", f"hosts.needs.numa_nodes={nodes + 1}")
    assert ended.code == 3
    host = f"local: needs {nodes + 1} NUMA nodes, host has {nodes}"
    hint = "; to run in a guest that meets the needs: --provider qemu" if nodes == 1 else ""
    assert ended.complaints == [host + hint]
    many = run(local_user, file, "--set", "hosts.needs.numa_nodes=128")
    assert many.complaints == [f"local: needs 128 NUMA nodes, host has {nodes}"]
    nothing_is_left(local_user)


def _has_memory(node: Path) -> bool:
    return subprocess.run(["grep", "-q", "MemTotal: *[1-9]", node / "meminfo"], check=False).returncode == 0
