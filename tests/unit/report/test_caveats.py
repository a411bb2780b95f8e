"""Damaged journals and checks that are off are said wherever figures of several runs are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write

A, B = "20261123T101500000Z-0a1b", "20261124T101500000Z-0a1b"
OFF = "idle CPUs (limits.settle: 0)"
NOT_VERIFIED = "Not verified: the benchmark does not report"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Run A; run B, of which nobody checked that CPUs were idle, and a line of whose journal is damaged."""
    for name, unchecked in ((A, ()), (B, (OFF,))):
        trials = [
            trial(
                {"kernel": kernel, "mode": "serial"},
                n,
                3.0,
                300.0 + n,
                details={},
                boot=f"{name}-{kernel}-{n}",
            )
            for kernel in ("stock", "new")
            for n in range(6)
        ]
        opening = replace(RUN, run=name, unchecked=unchecked, headline="call_latency")
        write(tmp_path / "quickstart" / name, [opening, BLOCK, *trials, END])
    journal = tmp_path / "quickstart" / B / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b'"status":"ok"', b'"status":"oK"')
    journal.write_bytes(b"".join(lines))
    return tmp_path


@pytest.mark.parametrize(
    ("command", "format_name", "names"),
    [
        *(("report", name, ("A", "B")) for name in ("table", "markdown", "html")),
        *(("compare", name, ("baseline", "new side")) for name in ("text", "markdown", "html")),
    ],
)
def test_they_name_the_run(results: Path, command: str, format_name: str, names: tuple[str, str]) -> None:
    done = orchestrate(command, A, B, "--format", format_name, "--results", str(results))
    printed = " ".join(done.stdout.replace("\\", "").split())
    first, second = names
    assert f"{second}: Damaged lines of the journal, which are left out: " in printed
    assert f"{second}: Not checked: {OFF}." in printed
    assert f"{first} and {second}: {NOT_VERIFIED}" in printed
    assert f"{first}: Not checked" not in printed


def test_kernels_of_one_run_need_no_name(results: Path) -> None:
    printed = orchestrate("compare", B, "--by", "kernel", "--results", str(results)).stdout
    assert f"\nNot checked: {OFF}.\n" in printed
    assert "\nDamaged lines of the journal" in printed
