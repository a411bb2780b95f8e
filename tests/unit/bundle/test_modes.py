"""The cells that smoke, short and full run."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.bundle.modes import Mode, plan, reduction
from orchestrator.experiment.loader import load

EXPERIMENT = """
version: 1
hosts: {provider: ssh, group: numa}
benchmark:
  command: [sh, -c, "echo x=1 # {mode} {threads} {size} {load}"]
  metrics: {x: {key_value: x, unit: count, better: higher}}
factors:
  mode: [serial, parallel, dma]
  threads: [1, 2, 4, 8]
  size: [4KiB, 64KiB, 2MiB, 1GiB]
  load: [-1, 0, 1.5]
exclude:
  - (mode == 'serial') != (threads == 2)
repetitions: {count: 10, boots: 2}
compare: {baseline: {mode: serial, size: 2MiB}}
"""


def levels(
    tmp_path: Path, mode: Mode, where: tuple[str, ...] = (), limit: int = 0
) -> tuple[int, int, dict[str, set[str]]]:
    """Return repetitions, boots and the levels of each factor in a mode."""
    file = tmp_path / "sweep.yaml"
    file.write_text(EXPERIMENT)
    reduced = reduction(load(file), mode, in_guest=True)
    experiment = load(file, overrides=reduced.overrides)
    cells = list(plan(experiment, where, reduced.where, limit, ()).cells())
    kept = {name: {cell.levels[name].text for cell in cells} for name in ("mode", "threads", "size", "load")}
    return experiment.repetitions.count, experiment.repetitions.boots, kept


def test_smoke_keeps_modes_threads_and_the_ends_and_baseline_of_other_numbers(tmp_path: Path) -> None:
    count, boots, kept = levels(tmp_path, "smoke")
    assert (count, boots) == (2, 1)
    assert kept == {
        "mode": {"serial", "parallel", "dma"},
        "threads": {"1", "2", "4", "8"},
        "size": {"4KiB", "2MiB", "1GiB"},
        "load": {"-1", "1.5"},
    }


def test_smoke_runs_in_a_guest_unless_a_host_is_named(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(EXPERIMENT)
    overrides = reduction(load(file), "smoke", in_guest=True).overrides
    hosts = load(file, overrides=overrides).hosts
    assert (hosts.provider, hosts.group, hosts.fleet) == ("qemu", "", "")
    overrides = reduction(load(file), "smoke", in_guest=False).overrides
    assert load(file, overrides=overrides).hosts.provider == "ssh"


def test_short_keeps_all_cells(tmp_path: Path) -> None:
    count, boots, kept = levels(tmp_path, "short")
    assert (count, boots) == (3, 1)
    assert len(kept["size"]) == 4


def test_full_runs_the_original_plan(tmp_path: Path) -> None:
    assert levels(tmp_path, "full")[:2] == (10, 2)


@pytest.mark.parametrize("mode", ["smoke", "full"])
def test_where_and_limit_of_the_run_apply_in_every_mode(tmp_path: Path, mode: Mode) -> None:
    assert levels(tmp_path, mode, where=("mode == 'dma'",))[2]["mode"] == {"dma"}
    assert len(levels(tmp_path, mode, limit=1)[2]["size"]) == 1


def test_a_reduction_that_leaves_no_cell_is_ignored(tmp_path: Path) -> None:
    assert levels(tmp_path, "smoke", where=("size == '64KiB'",))[2]["size"] == {"64KiB"}


def test_a_limit_beyond_all_cells_keeps_all(tmp_path: Path) -> None:
    assert levels(tmp_path, "full", limit=10**30) == levels(tmp_path, "full")
