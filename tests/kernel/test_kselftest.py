"""The test that the series brings to the kernel's own: what it finds, in TAP."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator import architectures
from tests.kernel.conftest import SERIES, on, recipe
from tests.kernel.kselftest import build_kselftest
from tests.kernel.lab import Lab

PATCHES = Path(__file__).parents[2] / "roles/kernel/files" / SERIES / "patches"
TOTALS = re.compile(r"^# Totals: pass:(\d+) fail:(\d+) xfail:0 xpass:0 skip:(\d+) error:0$", re.MULTILINE)

LEAST = 15
"""Of 18 tests; those of providers are skipped where there is none."""


def passes(lab: Lab, folder: Path) -> None:
    architecture = architectures.find(lab.layout.arch)
    lab.put(build_kselftest(recipe("accel").source, PATCHES, architecture, folder), "/root/migration_accel")
    output = lab.run("/root/migration_accel")
    totals = TOTALS.search(output)
    assert totals, output
    assert output.startswith("TAP version 13\n")
    passed, failed, _ = map(int, totals.groups())
    assert passed >= LEAST
    assert failed == 0


@on("two_nodes")
def test_kselftest(lab: Lab, tmp_path: Path) -> None:
    passes(lab, tmp_path)


@on("arm64", "ppc64le")
@pytest.mark.architectures
def test_kselftest_on_another_architecture(lab: Lab, tmp_path: Path) -> None:
    passes(lab, tmp_path)
