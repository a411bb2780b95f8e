"""Settings whose names or values are likely misspelt: a warning, and no more than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.experiment.loader import load

TEXT = """\
version: 1
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
tuning: {sysctl: {NAME: 10}}
factors: {sysctl.OTHER: [0, 1]}
"""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("vm.swapiness", "vm.swappiness"),
        ("vm/zone_reclaim_mod", "vm.zone_reclaim_mode"),
        ("kernel.numa_balacning", "kernel.numa_balancing"),
        ("vm.swappiness", ""),
        ("kernel.randomize_va_space", ""),
        ("vm.mt_page_copy", ""),
        ("vm.limit_mt_num", ""),
        ("net.core.rmem_maxx", ""),
    ],
)
def test_a_name_like_a_known_one_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, meant: str
) -> None:
    file = tmp_path / "a.yaml"
    for text, position in (
        (TEXT.replace("NAME", name).replace("OTHER", "vm.laptop_mode"), "3:19"),
        (TEXT.replace("OTHER", name).replace("NAME", "vm.laptop_mode"), "4:11"),
    ):
        caplog.clear()
        file.write_text(text)
        load(file)
        shown = f"{file}:{position}: warning: unknown sysctl '{name}'; did you mean '{meant}'?"
        assert [record.getMessage() for record in caplog.records] == [shown] * bool(meant)


FILES = """\
version: 1
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
tuning: {sysfs: {NAME: VALUE}}
"""
FACTOR = """\
version: 1
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
factors: {sysfs.NAME: [VALUE]}
"""
MM = "/sys/kernel/mm"
THP = f"{MM}/transparent_hugepage"
SIZE = "hugepages-64kB"


@pytest.mark.parametrize("text", [FILES, FACTOR])
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        (f"{THP}/defarg", f"{THP}/defrag"),
        (f"{MM}/transparent_hugepages/enabled", f"{THP}/enabled"),
        (f"{THP}/{SIZE}/enabeld", f"{THP}/{SIZE}/enabled"),
        (f"{MM}/migration_accel/treads", f"{MM}/migration_accel/threads"),
        (f"{MM}/numa/demotion_enable", f"{MM}/numa/demotion_enabled"),
        (f"{THP}/{SIZE}/enabled", ""),
        (f"{THP}/new_in_eight", ""),
        (f"{MM}/migration_accel/policy/demotion", ""),
        (f"{MM}/damon/admin/kdamonds/nr_kdamonds", ""),
        ("/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepage", ""),
    ],
)
def test_a_file_like_a_known_one_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, name: str, meant: str
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text.replace("NAME", name).replace("VALUE", "1"))
    load(file)
    ending = f": warning: unknown file '{name}'; did you mean '{meant}'?"
    messages = [record.getMessage() for record in caplog.records if "unknown file" in record.getMessage()]
    assert [message.endswith(ending) for message in messages] == [True] * bool(meant)


@pytest.mark.parametrize("text", [FILES, FACTOR])
@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        (f"{THP}/enabled", "alwyas", "always, madvise, never"),
        (f"{THP}/{SIZE}/enabled", "defer", "always, inherit, madvise, never"),
        (f"{THP}/{SIZE}/enabled", "inherit", ""),
        (f"{THP}/defrag", "defer+madvise", ""),
        (f"{THP}/use_zero_page", "yes", ""),
        (f"{MM}/elsewhere/enabled", "alwyas", ""),
    ],
)
def test_a_word_that_a_file_does_not_take_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, name: str, value: str, known: str
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text.replace("NAME", name).replace("VALUE", f'"{value}"'))
    load(file)
    column = text.replace("NAME", name).splitlines()[2].index("VALUE") + 1
    shown = f"{file}:3:{column}: warning: unknown value '{value}' of '{name}'; known: {known}"
    assert [record.getMessage() for record in caplog.records] == [shown] * bool(known)
