"""Sysctls of accelerated page migration on a kernel that has the series' directory instead; in a mount namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.experiment.model import Setting
from orchestrator.experiment.settings import sysctl_path
from orchestrator.hosts.remote.settings import Change, encode_settings, parse_changes
from tests.host_shells import SHELLS, HostFolder
from tests.integration.machine import Machine, write
from tests.running import User

MM, DEBUG = "/sys/kernel/mm/migration_accel", "/sys/kernel/debug/migration_accel"
POLICIES = {f"{MM}/policy/{name}": "none" for name in ("exchange", "mempolicy_mbind", "syscall_or_cpuset")}
FILES = {
    f"{MM}/version": "3",
    f"{MM}/threads": "4",
    f"{MM}/threads_node": "destination",
    f"{MM}/batch_folios": "512",
    f"{MM}/exchange_method": "words",
    f"{MM}/offload/dma/channels": "0",
    f"{MM}/offload/dma/all_channels": "0",
    f"{MM}/offload/timeout_ms": "5000",
    f"{DEBUG}/take_turns": "0",
    f"{DEBUG}/phase_times": "0",
    **POLICIES,
}
NAMES = {  # by sysctl: the file, and values of the sysctl with those of the file
    "vm.limit_mt_num": (f"{MM}/threads", [("8", "8"), ("1", "1")]),
    "vm.mt_copy_node": (f"{MM}/threads_node", [("1", "source"), ("0", "destination")]),
    "vm.concur_batch_folios": (f"{MM}/batch_folios", [("64", "64"), ("1", "1")]),
    "vm.exchange_bounce_page": (f"{MM}/exchange_method", [("1", "bounce_page"), ("0", "words")]),
    "vm.limit_dma_chans": (f"{MM}/offload/dma/channels", [("16", "16"), ("1", "1")]),
    "vm.use_all_dma_chans": (f"{MM}/offload/dma/all_channels", [("1", "1"), ("0", "0")]),
    "vm.dma_copy_timeout_ms": (f"{MM}/offload/timeout_ms", [("250", "250"), ("1", "1")]),
    "vm.mt_take_turns": (f"{DEBUG}/take_turns", [("1", "1"), ("0", "0")]),
    "vm.migrate_phase_times": (f"{DEBUG}/phase_times", [("1", "1"), ("0", "0")]),
}

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="needs to be root, with unshare"
)


class Kernel:
    """A host on which ``/sys``, and if asked for ``/proc/sys/vm``, has other files."""

    def __init__(self, host: HostFolder) -> None:
        self.host = host
        self.root = host.folder / "kernel"
        self.put({**FILES, "/vm/swappiness": "60"})

    def put(self, files: dict[str, str]) -> None:
        write(self.root, {name.lstrip("/"): text for name, text in files.items()})

    def state(self) -> dict[str, str]:
        return {path: (self.root / path.lstrip("/")).read_text().strip() for path in FILES}

    def settings(self, verb: str, *lines: Setting, old: bool = False) -> tuple[int, list[Change]]:
        """Run ``runner settings``. ``old``: the files of ``/proc/sys/vm`` are those of the directory ``vm``."""
        mounts = [(self.root / "sys", "/sys"), *[(self.root / "vm", "/proc/sys/vm")] * old]
        script = "".join(f"mount --bind '{here}' '{there}' && " for here, there in mounts)
        script += f"PATH='{self.host.environment['PATH']}' exec /usr/bin/env sh \"$@\""
        words = ("sh", "-c", script, "sh", self.host.runner_script, "settings", verb, self.host.base)
        ended = subprocess.run(
            ("unshare", "--mount", "--propagation", "private", *words),
            input=encode_settings(lines),
            capture_output=True,
            check=False,
        )
        assert ended.stderr == b""
        return ended.returncode, parse_changes(ended.stdout.decode())


@pytest.fixture(params=SHELLS)
def kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kernel]:
    folder = HostFolder(request.param, tmp_path)
    yield Kernel(folder)
    folder.close()


def setting(name: str, value: str) -> Setting:
    return Setting(sysctl_path(name), value)


@pytest.mark.parametrize("which", [0, 1])
def test_each_name_sets_the_file_and_is_restored(kernel: Kernel, which: int) -> None:
    requested = [setting(name, values[which][0]) for name, (_, values) in NAMES.items()]
    wanted = {path: values[which][1] for path, values in NAMES.values()}
    code, changes = kernel.settings("apply", *requested)
    assert (code, {change.path: (change.before, change.requested, change.actual) for change in changes}) == (
        0,
        {path: (FILES[path], value, value) for path, value in wanted.items()},
    )
    assert kernel.state() == FILES | wanted
    code, changes = kernel.settings("diff")
    assert (code, {change.path: change.actual for change in changes}) == (0, wanted)
    assert kernel.settings("restore")[0] == 0
    assert kernel.state() == FILES


def test_threads_for_everybody_are_a_policy_of_every_reason(kernel: Kernel) -> None:
    special = {f"{MM}/policy/exchange": "parallel concurrent"}
    kernel.put(special)
    threads, plain = setting("vm.mt_page_copy", "1"), setting("vm.mt_page_copy", "0")
    assert [change.verdict for change in kernel.settings("check", threads)[1]] == ["differs"] * 3
    code, changes = kernel.settings("apply", threads)
    assert (code, [(change.path, change.actual) for change in changes]) == (
        0,
        [(path, "parallel") for path in POLICIES],
    )
    assert kernel.settings("apply", plain)[0] == 0
    assert kernel.state() == FILES
    assert kernel.settings("restore")[0] == 0
    assert kernel.state() == FILES | special


def test_a_value_that_the_file_refuses(kernel: Kernel) -> None:
    path = kernel.root / f"{MM}/threads_node".lstrip("/")
    path.unlink()
    path.symlink_to("/proc/sys/kernel/ostype")
    code, (change,) = kernel.settings("apply", setting("vm.mt_copy_node", "2"))
    assert (code, change) == (1, Change(f"{MM}/threads_node", "Linux", "2", "Linux", "refused"))
    code, (change,) = kernel.settings("apply", setting("vm.mt_copy_node", "1"))
    assert (code, change.requested, change.verdict) == (1, "source", "refused")


@pytest.mark.parametrize("sysctl_first", [True, False])
def test_one_file_by_two_names_with_two_values(kernel: Kernel, sysctl_first: bool) -> None:
    path = f"{MM}/threads"
    both = [setting("vm.limit_mt_num", "8"), Setting(path, "2")]
    both = both if sysctl_first else both[::-1]
    for verb in ("check", "apply"):
        code, changes = kernel.settings(verb, *both)
        (fault,) = (change for change in changes if change.is_error)
        assert (code, str(fault)) == (
            1,
            f"{path}: conflicting values {both[0].value!r} and {both[1].value!r}, one by its name as a sysctl",
        )
    assert kernel.settings("restore")[0] == 0
    assert kernel.state() == FILES
    code, changes = kernel.settings("apply", setting("vm.limit_mt_num", "2"), Setting(path, "2"))
    assert (code, [change.verdict for change in changes]) == (0, ["changed", "changed"])


def test_a_file_among_those_of_a_sysctl_may_have_a_value_of_its_own(kernel: Kernel) -> None:
    own = Setting(f"{MM}/policy/exchange", "none")
    assert kernel.settings("apply", setting("vm.mt_page_copy", "1"), own)[0] == 0
    values = {path: "none" if path == own.path else "parallel" for path in POLICIES}
    assert kernel.state() == FILES | values


def test_other_settings_keep_their_names(kernel: Kernel) -> None:
    others = (setting("vm.swappiness", "1"), Setting(f"{MM}/threads_node", "source"))
    changes = kernel.settings("apply", *others, old=True)[1]
    assert [change.path for change in changes] == ["/proc/sys/vm/swappiness", f"{MM}/threads_node"]
    assert kernel.settings("restore", old=True)[0] == 0


def test_a_kernel_that_has_the_sysctl(kernel: Kernel) -> None:
    kernel.put({"/vm/mt_copy_node": "0"})
    code, changes = kernel.settings("apply", setting("vm.mt_copy_node", "1"), old=True)
    assert (code, changes) == (0, [Change("/proc/sys/vm/mt_copy_node", "0", "1", "1", "changed")])
    assert kernel.state() == FILES


def test_the_path_of_a_missing_file_is_the_one_of_this_kernel(kernel: Kernel) -> None:
    asked = setting("vm.migrate_phase_times", "1")
    shutil.rmtree(kernel.root / DEBUG.lstrip("/"))
    assert kernel.settings("apply", asked) == (1, [Change(f"{DEBUG}/phase_times", "", "1", "", "missing")])
    shutil.rmtree(kernel.root / MM.lstrip("/"))
    assert kernel.settings("apply", asked) == (1, [Change(asked.path, "", "1", "", "missing")])


EXPERIMENT = f"""
tuning: {{sysctl: {{vm.migrate_phase_times: 1, vm.mt_page_copy: 1}}}}
benchmark:
  command: [sh, -c, 'echo x=$(cat {MM}/threads)']
  metrics: {{x: {{key_value: x, unit: count}}}}
factors: {{sysctl.vm.limit_mt_num: [1, 8], sysctl.vm.mt_copy_node: [1]}}
repetitions: 1
"""


@pytest.mark.changes_settings
def test_an_experiment_with_the_old_names(admin: User, machine: Machine) -> None:
    write(machine.root, {path.lstrip("/"): text for path, text in FILES.items()})
    before = machine.state()
    file = admin.file(EXPERIMENT)
    checked = admin.run(file, "--check")
    assert f"tuning: {DEBUG}/phase_times: 0 → 1" in checked.out
    ended = admin.run(file)
    assert ended.code == 0, ended.err
    assert machine.state() == before
    tuned = {f"{DEBUG}/phase_times": "1", **dict.fromkeys(POLICIES, "parallel")}
    assert [block["settings"] for block in admin.of_type("block")] == [tuned]
    assert len(admin.trials) == 2
    for trial in admin.trials:
        threads = trial["factors"]["sysctl.vm.limit_mt_num"]
        assert trial["metrics"]["x"]["value"] == int(threads)
        assert trial["settings"] == {f"{MM}/threads": threads, f"{MM}/threads_node": "source"}
    mail = admin.orchestrate("report", "latest", "--format", "mail").out
    assert f"  - {DEBUG}/phase_times: 1\n" in mail
