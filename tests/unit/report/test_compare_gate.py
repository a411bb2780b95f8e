"""``orchestrate compare --fail-on-regression``: what fails (5), what could not be judged (6), what passes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.experiment.model import Status
from orchestrator.results.records import Record
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write

A, B = "20261123T101500000Z-0a1b", "20261124T101500000Z-0a1b"
Gate = Callable[..., subprocess.CompletedProcess[str]]
STEADY = (100.0, 100.01, 100.02, 100.03, 100.04, 100.05)
SLOWER = tuple(1.2 * value for value in STEADY)
#: of two such sides the interval is about ± 3.5 %
UNSTEADY = (96.5, 98.0, 99.5, 100.5, 102.0, 103.5)
NOISY = (60.0, 80.0, 95.0, 105.0, 120.0, 140.0)


def run(results: Path, name: str, cells: Mapping[str, tuple[float, ...]]) -> None:
    """A run with one trial in each boot; a mode without figures is unsupported."""
    records: list[Record] = []
    for mode, values in cells.items():
        records += [
            trial({"mode": mode}, boot, 1.0, value, boot=f"{name}-{boot}")
            for boot, value in enumerate(values)
        ]
        if not values:
            records.append(trial({"mode": mode}, status=Status.UNSUPPORTED, reason="no", allowed=True))
    write(
        results / "quickstart" / name,
        [replace(RUN, run=name, headline="call_latency"), BLOCK, *records, END],
    )


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    def call(
        base: Mapping[str, tuple[float, ...]], new: Mapping[str, tuple[float, ...]], *words: str
    ) -> subprocess.CompletedProcess[str]:
        run(tmp_path, A, base)
        run(tmp_path, B, new)
        return orchestrate("compare", A, B, *words, "--results", str(tmp_path))

    return call


def test_a_cell_that_could_not_be_judged_ends_with_6(tmp_path: Path, gate: Gate) -> None:
    cells = {"serial": STEADY, "copy": NOISY}
    done = gate(cells, {"serial": STEADY, "copy": NOISY[::-1]}, "--fail-on-regression", "5%")
    assert (done.returncode, done.stdout.count("too noisy to say")) == (6, 1)
    assert done.stderr == (
        "orchestrate: 1 of 2 rows cannot be judged, a regression there would go unnoticed; "
        "--allow-unjudged accepts that\n"
    )

    def again(*words: str) -> subprocess.CompletedProcess[str]:
        return orchestrate("compare", A, B, *words, "--results", str(tmp_path))

    allowed = again("--fail-on-regression", "5%", "--allow-unjudged")
    assert (allowed.returncode, allowed.stderr) == (0, "")
    assert "1 of 2 rows cannot be judged" in allowed.stdout
    assert again().returncode == 0
    for format_name in ("json", "csv", "junit", "markdown"):
        assert again("--fail-on-regression", "5%", "--format", format_name).returncode == 6, format_name
    document = json.loads(again("--fail-on-regression", "5%", "--format", "json").stdout)
    assert (document["regressions"], document["unjudged"]) == (0, 1)


def test_a_regression_goes_before(gate: Gate) -> None:
    new = {"serial": SLOWER, "copy": NOISY[::-1]}
    done = gate({"serial": STEADY, "copy": NOISY}, new, "--fail-on-regression", "5%")
    assert (done.returncode, done.stderr) == (5, "")


def test_noise_that_excludes_such_a_regression_passes(gate: Gate) -> None:
    """Whether the difference is larger than 2 % cannot be said. It is not larger than 10 %."""
    words = ("--fail-on-regression", "10%")
    done = gate({"serial": UNSTEADY}, {"serial": UNSTEADY[::-1]}, *words)
    assert "too noisy to say" in done.stdout
    assert "cannot be judged" not in done.stdout
    assert done.returncode == 0


def test_noise_that_does_not_exclude_it_ends_with_6(gate: Gate) -> None:
    words = ("--fail-on-regression", "1%")
    assert gate({"serial": UNSTEADY}, {"serial": UNSTEADY[::-1]}, *words).returncode == 6


@pytest.mark.parametrize(
    ("base", "new", "code"),
    [
        ({"serial": STEADY}, {"serial": STEADY, "copy": STEADY}, 0),  # nothing to get worse than
        ({"serial": STEADY, "copy": ()}, {"serial": STEADY, "copy": ()}, 0),
        ({"serial": STEADY, "copy": STEADY}, {"serial": STEADY}, 5),
        ({"serial": STEADY[:2]}, {"serial": STEADY[:2]}, 6),
    ],
)
def test_cells_without_figures_on_a_side(
    gate: Gate, base: dict[str, tuple[float, ...]], new: dict[str, tuple[float, ...]], code: int
) -> None:
    assert gate(base, new, "--fail-on-regression", "5%").returncode == code


def test_a_run_and_itself_do_not_pass(tmp_path: Path) -> None:
    run(tmp_path, A, {"serial": STEADY})
    words = ("compare", A, A, "--fail-on-regression", "5%", "--results", str(tmp_path))
    assert orchestrate(*words).returncode == 6


def test_unjudged_cells_are_allowed_where_there_is_a_limit(gate: Gate) -> None:
    done = gate({"serial": STEADY}, {"serial": STEADY}, "--allow-unjudged")
    assert done.returncode == 2
    assert "--allow-unjudged needs --fail-on-regression" in done.stderr
