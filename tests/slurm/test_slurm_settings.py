"""Settings of nodes: the job itself makes them, where it runs as root, and restores them when it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.slurm.conftest import SlurmUser

SYSCTL = Path("/proc/sys/vm/stat_interval")
ROLE = "- name: rare updates\n  sysctl: {vm.dirty_writeback_centisecs: 612}\n"
SHOW = """
name: show
benchmark:
  name: show
  command:
    - sh
    - -c
    - cd /proc/sys/vm; echo interval=$(cat stat_interval) writeback=$(cat dirty_writeback_centisecs)
  metrics:
    interval: {regex: 'interval=([0-9]+)', unit: count}
    writeback: {regex: 'writeback=([0-9]+)', unit: count}
roles: [rare]
tuning: {sysctl: {vm.stat_interval: 7}}
repetitions: {count: 2, boots: 2}
"""


def write_role(folder: Path, tasks: str) -> None:
    role = folder / "roles" / "rare"
    role.mkdir(parents=True)
    (role / "tasks.yaml").write_text(tasks)


def test_settings_of_tuning_and_roles(user: SlurmUser, tmp_path: Path) -> None:
    before = SYSCTL.read_text()
    write_role(tmp_path, ROLE)
    ended = user.run(user.slurm_file(SHOW, "max_jobs: 1"))
    assert ended.code == 0, ended.err
    user.assert_complete(2)
    assert {trial["metrics"]["interval"]["value"] for trial in user.trials} == {7}
    assert {trial["metrics"]["writeback"]["value"] for trial in user.trials} == {612}
    for block in user.of_type("block"):
        assert block["settings"].get(str(SYSCTL)) == "7", block["settings"]
    assert SYSCTL.read_text() == before
    user.assert_nothing_left()


@pytest.mark.slow
def test_a_setting_that_fails_is_found_before_a_block_is_submitted(user: SlurmUser, tmp_path: Path) -> None:
    before = SYSCTL.read_text()
    write_role(tmp_path, ROLE)
    ended = user.run(user.slurm_file(SHOW.replace("vm.stat_interval: 7", "vm.stat_interval: 7, vm.nope: 1")))
    assert ended.code == 3
    assert "/proc/sys/vm/nope: No such file or directory" in ended.complaints[0]
    assert SYSCTL.read_text() == before
    user.assert_nothing_left()
