"""Sysctls whose names are likely misspelt: a warning, and no more than that."""

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
