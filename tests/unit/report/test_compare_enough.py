"""``orchestrate compare`` on what it cannot judge: too few boots, or too much noise, and the command that is enough."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from orchestrator.analysis import enough
from orchestrator.analysis.comparison import Rules, compare, judge
from orchestrator.analysis.samples import Sample
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Repetitions
from orchestrator.results import manifest
from orchestrator.results.records import MetricInfo
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write
from tests.unit.report.test_commands_to_paste import pasted

A, B = "20261123T101500000Z-0a1b", "20261124T101500000Z-0a1b"
Compare = Callable[..., subprocess.CompletedProcess[str]]
FILE = """
version: 1
benchmark: {command: [sh, -c, "echo x=1"], metrics: {x: {key_value: x, unit: s, better: lower}}}
repetitions: 2
"""


def run(
    results: Path,
    name: str,
    boots: int = 6,
    noise: float = 0.002,
    words: Sequence[str] = (),
    modes: Sequence[str] = ("serial",),
    host: str = "guest-1",
    worst: str = "",
) -> None:
    """A run of two trials in each boot; boots differ by ``noise``, those of mode ``worst`` by far more.

    With ``words``, it has the manifest of a command.
    """
    rng = np.random.default_rng(sum(map(ord, name)))
    noises = {
        mode: np.linspace(-5, 5, boots) if mode == worst else rng.normal(0, noise, boots) for mode in modes
    }
    records = [
        trial({"mode": mode}, 2 * boot + place, 1.0, float(latency), boot=f"{name}-{boot}", host=host)
        for mode in modes
        for boot, latency in enumerate(100 * np.exp(noises[mode]))
        for place in range(2)
    ]
    opening = replace(RUN, run=name, headline="call_latency", repetitions=Repetitions(2 * boots, boots))
    folder = write(results / "quickstart" / name, [opening, BLOCK, *records, END])
    if words:
        file = results / "sweep.yaml"
        file.write_text(FILE)
        manifest.save(folder, manifest.begin(load(file), name, [], ["/opt/x/orchestrate", *words]))


@pytest.fixture
def compared(tmp_path: Path) -> Compare:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return orchestrate("compare", *words, "--results", str(tmp_path))

    return call


def test_too_few_boots_have_the_command_with_enough(tmp_path: Path, compared: Compare) -> None:
    run(tmp_path, A, 2, words=("run", "sweep.yaml", "--where", "mode == 'serial'", "--set", "repetitions=4"))
    run(tmp_path, B, 6, words=("run", "sweep.yaml", "--new"))
    printed = compared(A, B).stdout
    assert "  too few boots to say\n    2 and 6 boots are too few to distinguish 1 cell" in printed
    assert "Too few boots: 1 row; a verdict needs 6 boots per side at least. Enough would be:\n" in printed
    assert "too noisy" not in printed
    _, _, after = printed.partition("Enough would be:\n")
    command = after.partition("\n\n")[0]
    assert pasted(command) == (
        *("run", "sweep.yaml", "--where", "mode == 'serial'", "--new"),
        *("--set", "repetitions={count: 12, boots: 6}"),
    )


def test_the_command_that_is_printed_is_one_that_the_program_takes(tmp_path: Path, compared: Compare) -> None:
    """The file has the short form of repetitions, so that single keys of it could not be set."""
    for name in (A, B):
        run(tmp_path, name, 1, words=("run", str(tmp_path / "sweep.yaml")))
    ((words, same),) = [
        each["commands"] for each in json.loads(compared(A, B, "--format", "json").stdout)["enough"]
    ]
    assert words == same
    assert words[:2] == ["orchestrate", "run"]
    options = [word for word in words[2:] if word != "--new"]
    planned = orchestrate("plan", *options)
    assert planned.returncode == 0, planned.stderr
    assert "12 trials" in planned.stdout


@pytest.mark.parametrize("format_name", ["text", "markdown", "junit", "html"])
def test_a_command_that_made_both_runs_is_to_be_run_for_each(
    tmp_path: Path, compared: Compare, format_name: str
) -> None:
    for name in (A, B):
        run(tmp_path, name, 2, words=("run", "sweep.yaml"))
    printed = compared(A, B, "--format", format_name).stdout
    assert "Enough would be, once for each side:" in " ".join(printed.split())
    assert printed.count("orchestrate run sweep.yaml --new") == 1
    (remedy,) = json.loads(compared(A, B, "--format", "json").stdout)["enough"]
    first, second = remedy["commands"]
    assert first == second


@pytest.mark.parametrize(
    ("words", "repeated"),
    [
        (["--limit", "4", "-o", "x.csv", "--format", "csv"], ["--first", "4"]),
        (["--limit=4", "--output=x.csv", "--format=csv", "-vv", "-ox.csv"], ["--first=4"]),
        (["-v", "--limit", "numa1", "--verbose", "--set", "a=1"], ["--limit", "numa1", "--set", "a=1"]),
        (
            ["--resume", "--break-lock", "--resume=2026", "--set=repetitions=3", "--host", "h"],
            ["--host", "h"],
        ),
    ],
)
def test_the_command_of_an_older_version_is_one_of_this_version(
    tmp_path: Path, compared: Compare, words: list[str], repeated: list[str]
) -> None:
    run(tmp_path, A, 2, words=("run", "sweep.yaml", *words))
    run(tmp_path, B, 6)
    (remedy,) = json.loads(compared(A, B, "--format", "json").stdout)["enough"]
    (command,) = remedy["commands"]
    assert command[2 : command.index("--new")] == ["sweep.yaml", *repeated]


def test_too_noisy_boots_say_how_many_would_be_enough(tmp_path: Path, compared: Compare) -> None:
    run(tmp_path, A, 6, noise=0.03)
    run(tmp_path, B, 6, noise=0.03)
    document = json.loads(compared(A, B, "--format", "json").stdout)
    (row,) = document["rows"]
    assert row["verdict"] == "too noisy"
    assert row["enough"] > 6
    (remedy,) = document["enough"]
    assert remedy["units"] == row["enough"]
    count = 2 * row["enough"]
    repetitions = f"repetitions={{count: {count}, boots: {row['enough']}}}"
    command = ["orchestrate", "run", "EXPERIMENT.yaml", "--new", "--set", repetitions]
    assert remedy["commands"] == [command, command]
    for format_name in ("text", "markdown", "junit"):
        printed = compared(A, B, "--format", format_name).stdout
        assert f"Too noisy: 1 row; about {row['enough']} boots per side" in printed, format_name
        assert "--new --set 'repetitions=" in printed.replace("&#x27;", "'"), format_name
    assert f",{row['enough']}," in compared(A, B, "--format", "csv").stdout


def test_rows_for_which_no_number_is_enough_are_told_apart(tmp_path: Path, compared: Compare) -> None:
    for name in (A, B):
        run(tmp_path, name, 6, noise=0.03, modes=("serial", "mbind"), worst="mbind")
    document = json.loads(compared(A, B, "--format", "json").stdout)
    assert [(row["verdict"], row["enough"] is None) for row in document["rows"]] == [
        ("too noisy", False),
        ("too noisy", True),
    ]
    printed = compared(A, B).stdout
    assert "Verdicts: 2 too noisy." in printed
    assert "Too noisy: 1 of 2 rows; about " in printed


def test_trials_of_one_boot_need_more_trials(tmp_path: Path, compared: Compare) -> None:
    for name in (A, B):
        run(tmp_path, name, 1)
    (remedy,) = json.loads(compared(A, B, "--unit", "trial", "--format", "json").stdout)["enough"]
    assert remedy["commands"][0][-1] == "repetitions=6"


def test_more_boots_are_not_asked_of_this_machine(tmp_path: Path, compared: Compare) -> None:
    for name in (A, B):
        run(tmp_path, name, 1, host="local")
    printed = compared(A, B).stdout
    assert "too few boots to say" in printed
    assert "no spread between boots; use --unit trial" in printed
    assert "more boots" not in printed
    assert "orchestrate run" not in printed


def test_a_judged_comparison_has_no_advice(tmp_path: Path, compared: Compare) -> None:
    for name in (A, B):
        run(tmp_path, name, 8, noise=0.0001)
    assert "nough" not in compared(A, B).stdout


@pytest.mark.parametrize(
    ("sides", "family", "boots"),
    [(2, 1, 6), (2, 23, 6), (2, 24, 7), (2, 250, 8), (2, 251, None), (1, 1, 6), (1, 25, 10), (1, 251, None)],
)
def test_the_fewest_boots_are_those_of_the_permutation_test(
    sides: int, family: int, boots: int | None
) -> None:
    """The numbers of docs/statistics.md."""
    assert enough.fewest(sides, family, 0.95) == boots


def test_the_number_for_noisy_boots_is_that_of_the_formula() -> None:
    """Ratio 1.03, one standard error 0.01: (1.960 + 0.842)^2 * (0.01 * sqrt 6 / ln 1.03)^2 = 5.39, so one more boot."""
    low, high = (1.03 * float(np.exp(z * 0.01)) for z in (-1.959964, 1.959964))
    assert enough.for_noise(1.03, (low, high), (6, 6), 1, 0.95, 0.02) == 7
    low, high = (1.03 * float(np.exp(z * 0.03)) for z in (-1.959964, 1.959964))
    assert enough.for_noise(1.03, (low, high), (6, 6), 1, 0.95, 0.02) == 49
    # inside the margin: (1.960 + 1.282)^2 * (0.01 * sqrt 6 / ln 1.02)^2 = 16.08
    low, high = (float(np.exp(z * 0.01)) for z in (-1.959964, 1.959964))
    assert enough.for_noise(1.0, (low, high), (6, 6), 1, 0.95, 0.02) == 17
    assert enough.for_noise(1.0, (low, high), (6, 6), 1, 0.95, 0) is None


def test_so_many_boots_do_give_a_verdict() -> None:
    """Boots that differ by 2 %, sides by 3 %: with the number that the formula gives, most comparisons are judged."""
    rng = np.random.default_rng(7)
    metric, rules = MetricInfo("latency", "us", "lower"), Rules()

    def sample(centre: float, boots: int) -> Sample:
        units = tuple((float(value),) for value in centre * np.exp(rng.normal(0, 0.02, boots)))
        return Sample("a", {"mode": "a"}, "metal", "", units, ())

    # The interval of a median is wider than that of a mean by sqrt(pi / 2).
    error = 0.02 * np.sqrt(2 / 6 * np.pi / 2)
    low, high = (1 / 1.03 * float(np.exp(z * error)) for z in (-1.96, 1.96))
    boots = enough.for_noise(1 / 1.03, (low, high), (6, 6), 1, 0.95, 0.02)
    assert boots is not None
    rows = [
        judge(compare(metric, [sample(100, boots)], [sample(103, boots)], (), rules), rules)[0]
        for _ in range(60)
    ]
    judged = sum(row.verdict == "slower" for row in rows)
    assert judged >= 0.7 * len(rows), (boots, judged)
