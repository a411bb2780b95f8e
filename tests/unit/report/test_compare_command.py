"""``orchestrate compare`` on synthetic journals, as users and CI run it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from orchestrator.experiment.model import Comparison, Published, PublishedFigure, Status
from orchestrator.results.records import FactorInfo, RunRecord
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write

A, B = "20261123T101500000Z-0a1b", "20261124T101500000Z-0a1b"
Compare = Callable[..., subprocess.CompletedProcess[str]]


def run(
    results: Path,
    name: str,
    factor: float = 1.0,
    boots: int = 6,
    seed: int = 0,
    kernels: tuple[str, ...] = ("stock",),
) -> None:
    """A run of two modes, whose latency is ``factor`` (by kernel: to its power) times 100 us; one trial crashed."""
    rng = np.random.default_rng(seed)
    records = []
    for power, kernel in enumerate(kernels):
        centre = 100 * factor ** (power if len(kernels) > 1 else 1)
        for mode in ("serial", "copy"):
            for number in range(boots * 3):
                latency = centre * float(np.exp(rng.normal(0, 0.002)))
                boot = f"{name}-{kernel}-{number % boots}"
                changes = {"boot": boot, "environment": "vm-icount"}
                records.append(
                    trial({"kernel": kernel, "mode": mode}, number, 1 / latency, latency, **changes)
                )
    records.append(
        trial(
            {"kernel": kernels[0], "mode": "copy"},
            999,
            status=Status.CRASHED,
            reason="the host died",
            boot="x",
        )
    )
    write(results / "quickstart" / name, [replace(RUN, run=name), BLOCK, *records, END])


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return orchestrate("compare", *words, "--results", str(tmp_path))

    return call


def test_a_regression_exits_with_5_in_every_format(tmp_path: Path, compare: Compare) -> None:
    run(tmp_path, A, seed=1)
    run(tmp_path, B, factor=1.1, seed=2)
    gate = ("--metric", "call_latency", "--fail-on-regression", "5%")
    text = compare(A, B, *gate)
    assert text.returncode == 5, text.stderr
    assert text.stdout.count("  slower") == 2
    assert "crashed" in text.stdout
    assert "the host died" in text.stdout
    document = json.loads(compare(A, B, *gate, "--format", "json").stdout)
    assert document["regressions"] == 2
    assert [row["verdict"] for row in document["rows"]] == ["slower", "slower"]
    assert document["rows"][0]["ratio"] == pytest.approx(1 / 1.1, rel=0.01)
    assert document["rows"][0]["interval"][1] < 1
    assert document["rows"][1]["base"]["excluded"][0]["status"] == "crashed"
    lines = list(csv.DictReader(io.StringIO(compare(A, B, *gate, "--format", "csv").stdout)))
    assert [line["verdict"] for line in lines] == ["slower", "slower"]
    suite = ET.fromstring(compare(A, B, *gate, "--format", "junit").stdout)
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert "slower" in compare(A, B, *gate, "--format", "markdown").stdout
    for format_name in ("text", "json", "csv", "junit", "markdown"):
        ended = compare(A, B, "--format", format_name)
        assert ended.returncode == 0
        for method in ("Efron 1987", "permutation test", "Holm 1979"):
            assert method in ended.stdout, format_name


@pytest.mark.parametrize("format_", ["json", "csv", "text", "markdown", "junit"])
def test_figures_beyond_use_enter_no_comparison(tmp_path: Path, compare: Compare, format_: str) -> None:
    """Versions before read 6.9e-310, which is what memory holds that was not initialised."""
    run(tmp_path, A, seed=1)
    run(tmp_path, B, factor=7e-312, seed=2)
    ended = compare(A, B, "--metric", "call_latency", "--format", format_)
    assert ended.returncode == 0, ended.stderr
    assert "Infinity" not in ended.stdout


def test_two_equal_runs_pass(tmp_path: Path, compare: Compare) -> None:
    run(tmp_path, A, seed=1)
    run(tmp_path, B, seed=2)
    done = compare(A, B, "--fail-on-regression", "5%")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("no difference larger than 2 %") == 2


def test_kernels_of_one_run(tmp_path: Path, compare: Compare) -> None:
    run(tmp_path, A, factor=0.9, kernels=("stock", "fast"))
    done = compare(A, "--by", "kernel")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("kernel=fast / stock") == 2
    assert done.stdout.count("  faster") == 2
    turned = compare(A, "--by", "kernel", "--baseline", "fast", "--fail-on-regression", "5")
    assert turned.returncode == 5
    suite = ET.fromstring(
        compare(
            A, "--by", "kernel", "--baseline", "fast", "--fail-on-regression", "5", "--format", "junit"
        ).stdout
    )
    assert all("ratio 0." in failure.get("message", "") for failure in suite.iter("failure"))
    assert suite.get("failures") == "2"
    wrong = compare(A, "--by", "kernel", "--baseline", "fats")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "fast" in wrong.stderr


def test_a_cell_whose_figures_are_gone_is_a_regression(tmp_path: Path, compare: Compare) -> None:
    run(tmp_path, A)
    records = [trial({"mode": m}, 0, status=Status.CRASHED, reason="oops") for m in ("serial", "copy")]
    write(tmp_path / "quickstart" / B, [replace(RUN, run=B), BLOCK, *records, END])
    done = compare(A, B, "--fail-on-regression", "5%")
    assert done.returncode == 5
    assert done.stdout.count("no trial of the new side has a figure") == 2
    assert compare(A, B).returncode == 0
    gate = ET.fromstring(compare(A, B, "--fail-on-regression", "5%", "--format", "junit").stdout)
    no_gate = ET.fromstring(compare(A, B, "--format", "junit").stdout)
    assert (gate.get("failures"), gate.get("skipped")) == ("2", "0")
    assert (no_gate.get("failures"), no_gate.get("skipped")) == ("0", "2")


def test_rows_without_a_verdict_are_counted(tmp_path: Path, compare: Compare) -> None:
    for name in (A, B):
        run(tmp_path, name, boots=1)
    done = compare(A, B, "--fail-on-regression", "5%")
    assert done.returncode == 6
    assert "2 of 2 rows cannot be judged, a regression there would go unnoticed" in done.stdout
    suite = ET.fromstring(compare(A, B, "--fail-on-regression", "5%", "--format", "junit").stdout)
    assert (suite.get("tests"), suite.get("skipped")) == ("2", "2")
    assert (
        "one boot on a side gives no spread between boots; run more boots, or use --unit trial" in done.stdout
    )
    assert "p: no row could be tested." in done.stdout
    assert "permutation test of trials" in compare(A, B, "--unit", "trial").stdout


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, ""),
        ({"experiment": "sweep"}, "Different experiments: quickstart and sweep."),
        (
            {"content_hash": "d" * 64},
            f"The experiment was changed between the runs: content hashes {'c0ffee' * 2} and {'d' * 12}.",
        ),
    ],
)
@pytest.mark.parametrize("form", ["text", "markdown"])
def test_different_experiments_are_named(
    tmp_path: Path, compare: Compare, changes: dict[str, str], line: str, form: str
) -> None:
    for name, opening in ((A, RUN), (B, replace(RUN, **changes))):
        records = [trial({"mode": "serial"}, n, 1.0, 100.0, boot=str(n)) for n in range(6)]
        write(tmp_path / "quickstart" / name, [replace(opening, run=name), BLOCK, *records, END])
    done = compare(A, B, "--format", form)
    assert line in done.stdout
    assert ("xperiment" in done.stdout) == bool(line)
    assert json.loads(compare(A, B, "--format", "json").stdout)["difference"] == line


@pytest.mark.parametrize("fleet", ["", "replicate"])
def test_machines_that_differ_are_named(tmp_path: Path, compare: Compare, fleet: str) -> None:
    other = replace(BLOCK, host="guest-2", facts={"nodes": [{"memory": 1 << 30}] * 2})
    for name, block in ((A, BLOCK), (B, other)):
        records = [trial({"mode": "serial"}, n, 1.0, 100.0, boot=str(n)) for n in range(6)]
        write(tmp_path / "quickstart" / name, [replace(RUN, run=name, fleet=fleet), block, *records, END])
    difference = (
        f"guest-2 of run {B} differs from guest-1 of run {A}: NUMA nodes: 2, not 1; memory: 2048 MiB, "
    )
    assert (difference.strip() in " ".join(compare(A, B).stdout.split())) == (not fleet)
    assert json.loads(compare(A, B, "--format", "json").stdout)["difference"].startswith(difference) == (
        not fleet
    )


def test_environments_are_mixed_by_force_only(tmp_path: Path, compare: Compare) -> None:
    run(tmp_path, A)
    metal = [
        trial({"mode": mode}, number, 0.01, 100.0, boot=str(number), environment="metal")
        for mode in ("serial", "copy")
        for number in range(6)
    ]
    write(tmp_path / "quickstart" / B, [replace(RUN, run=B), BLOCK, *metal, END])
    refused = compare(A, B)
    assert refused.returncode == 2
    assert "environments differ: vm-icount and metal" in refused.stderr
    for format_name in ("text", "json", "csv", "junit", "markdown"):
        forced = compare(A, B, "--force-mixed-environments", "--format", format_name)
        assert "MIXED ENVIRONMENTS: vm-icount against metal" in forced.stdout, format_name


def test_rows_name_their_environment_where_there_are_several(tmp_path: Path, compare: Compare) -> None:
    records = [
        trial({"mode": "serial"}, number, 0.01, 100.0, boot=str(number), environment=environment)
        for environment, numbers in (("metal", range(6)), ("vm-icount", range(6, 12)))
        for number in numbers
    ]
    for name in (A, B):
        write(tmp_path / "quickstart" / name, [replace(RUN, run=name), BLOCK, *records, END])
    for format_name in ("text", "junit", "markdown"):
        text = compare(A, B, "--format", format_name).stdout
        assert all(f"mode=serial, {environment}" in text for environment in ("metal", "vm-icount")), (
            format_name
        )


@pytest.mark.parametrize(
    "words",
    [
        (A,),
        (A, A, "--by", "kernel"),
        (A, A, "--baseline", "stock"),
        (A, A, "--margin", "lots"),
        (A, A, "--fail-on-regression", "100%"),
        (A, A, "--confidence", "20%"),
        (A, A, "--metric", "throughputt"),
        (A, A, "--metric", "tlb_shootdowns"),
        (A, "--by", "kernel"),
        (A, "1999"),
    ],
)
def test_bad_input_ends_with_2(tmp_path: Path, compare: Compare, words: tuple[str, ...]) -> None:
    run(tmp_path, A)
    done = compare(*words)
    assert done.returncode == 2
    assert not done.stdout


def test_other_commands_do_not_import_numpy() -> None:
    code = (
        "import sys, contextlib, runpy\n"
        "from orchestrator.cli import orchestrate\n"
        "import orchestrator.cli.run, orchestrator.cli.compare, orchestrator.cli.validate, orchestrator.report.model\n"
        "import orchestrator.execution.launch, orchestrator.execution.block\n"
        "orchestrate.main(['compare', '--help'], standalone_mode=False)\n"
        "assert not {'numpy', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


PUBLISHED = Published(
    dataset="rfc2017-cover",
    source="Zi Yan, linux-mm, 2017-02-17, some@id",
    machine="2 x Intel E5-2640v3",
    kernel="mmotm",
    unit="GiB/s (2^30)",
    better="higher",
    figures=(PublishedFigure({"mode": "serial"}, 3.0, 3.0), PublishedFigure({"mode": "copy"}, 8.6, 3.0)),
)


def run_like_the_published(results: Path, environment: str, opening: RunRecord = RUN) -> None:
    """Serial is what was published, copy is half as fast; parallel was not published."""
    compare = Comparison("throughput", {"mode": "serial"}, PUBLISHED)
    records = [replace(opening, run=A, compare=compare), BLOCK]
    rng = np.random.default_rng(1)
    for mode, centre in (("serial", 3.0), ("copy", 4.3), ("parallel", 5.0)):
        for number in range(16):
            value = centre * float(np.exp(rng.normal(0, 0.001)))
            changes = {"boot": f"b{number % 8}", "environment": environment}
            records.append(trial({"mode": mode}, number, value, **changes))
    write(results / "quickstart" / A, records)


def test_a_run_against_published_figures(tmp_path: Path, compare: Compare) -> None:
    run_like_the_published(tmp_path, "metal")
    done = compare(A, "--published", "--format", "json", "--fail-on-regression", "5%")
    assert done.returncode == 5, done.stderr
    rows = {row["factors"]["mode"]: row for row in json.loads(done.stdout)["rows"]}
    assert {mode: row["verdict"] for mode, row in rows.items()} == {
        "serial": "no difference",
        "copy": "slower",
        "parallel": "not compared",
    }
    assert rows["parallel"]["reason"] == "no published figure for this cell"
    low, high = rows["copy"]["interval"]
    assert low < rows["copy"]["ratio"] < high
    assert rows["copy"]["ratio"] == pytest.approx(0.5, abs=0.001)
    assert rows["copy"]["p"] == pytest.approx(2 / 2**8)
    text = " ".join(compare(A, "--published").stdout.split())
    assert text.startswith(
        f"run {A} compared with rfc2017-cover (Zi Yan, linux-mm, 2017-02-17, some@id), 2 x Intel"
    )
    assert "published figure without spread" in text
    assert "16 (8)" in text
    assert "permutation of the signs of boots" in text
    assert "MIXED" not in text


def test_published_figures_without_a_unit_are_not_compared(tmp_path: Path, compare: Compare) -> None:
    nameless = Comparison("throughput", {"mode": "serial"}, replace(PUBLISHED, unit=" "))
    write(
        tmp_path / "quickstart" / A,
        [replace(RUN, run=A, compare=nameless), BLOCK, trial({"mode": "serial"}, 0, 3.0)],
    )
    refused = compare(A, "--published")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "metric throughput: the unit is" in refused.stderr


def test_a_guest_and_published_figures_are_compared_by_force_only(tmp_path: Path, compare: Compare) -> None:
    run_like_the_published(tmp_path, "vm-icount")
    refused = compare(A, "--published")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "environments differ: metal and vm-icount" in refused.stderr
    forced = compare(A, "--published", "--force-mixed-environments")
    assert forced.stdout.count("MIXED ENVIRONMENTS: metal against vm-icount") == 2


def test_what_cannot_be_compared_with_published_figures(tmp_path: Path, compare: Compare) -> None:
    run(tmp_path, B)
    assert "has no published figures" in compare(B, "--published").stderr
    metrics = (replace(RUN.metrics[0], unit="pages/s"), *RUN.metrics[1:])
    run_like_the_published(tmp_path, "metal", replace(RUN, metrics=metrics))
    error = compare(A, "--published").stderr
    assert "the unit is GiB/s (2^30) in rfc2017-cover, pages/s in run" in error
    for words in ((A, B, "--published"), (A, "--published", "--metric", "throughput")):
        assert compare(*words).returncode == 2


def test_replicated_cells_are_compared_on_the_same_host(tmp_path: Path, compare: Compare) -> None:
    """Host b is twice as slow as a; neither run has all of them."""
    for name, hosts in ((A, ("a", "b")), (B, ("b", "c"))):
        opening = replace(RUN, run=name, fleet="replicate", factors=(FactorInfo("host", hosts), *RUN.factors))
        found = [
            trial({"host": host, "mode": "serial"}, k, latency=100.0 + 100 * (host == "b") + k % 2, host=host)
            for host in hosts
            for k in range(8)
        ]
        boots = [replace(record, boot=f"{name}{record.host}{record.repetition}") for record in found]
        write(tmp_path / "quickstart" / name, [opening, BLOCK, *boots, END])
    document = json.loads(compare(A, B, "--metric", "call_latency", "--format", "json").stdout)
    rows = {row["factors"]["host"]: (row["ratio"], row["reason"]) for row in document["rows"]}
    assert rows == {
        "a": (None, "the new side has no such cell"),
        "b": (1.0, ""),
        "c": (None, "the baseline has no such cell"),
    }


@pytest.mark.parametrize("words", [(A, B), (B, A), (B, "--by", "kernel"), (B, "--published")])
def test_a_run_in_which_no_trial_has_ended_has_no_figures(
    tmp_path: Path, compare: Compare, words: tuple[str, ...]
) -> None:
    run(tmp_path, A)
    write(tmp_path / "quickstart" / B, [replace(RUN, run=B), BLOCK])
    done = compare(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == f"orchestrate: run {B} has no figures: no trial has ended; repeat its `orchestrate run` command to resume\n"
    )


def test_a_comparison_goes_to_a_file(tmp_path: Path, compare: Compare) -> None:
    for name in (A, B):
        run(tmp_path, name)
    printed = compare(A, B, "--format", "json").stdout
    done = compare(A, B, "--format", "json", "-o", str(tmp_path / "verdict.json"))
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "verdict.json").read_text() == printed
    refused = compare(A, B, "-o", str(tmp_path / "nowhere" / "verdict"))
    assert refused.returncode == 2
    assert "No such file or directory" in refused.stderr


def test_a_ratio_without_an_interval_says_so_in_junit(tmp_path: Path, compare: Compare) -> None:
    for name in (A, B):
        run(tmp_path, name, boots=2)
    text = compare(A, B, "--format", "junit").stdout
    assert ", no interval" in text
    assert "None" not in text


def test_different_hosts_are_noted(tmp_path: Path, compare: Compare) -> None:
    for name, host in ((A, "one"), (B, "other")):
        write(
            tmp_path / "quickstart" / name, [replace(RUN, run=name), BLOCK, trial({}, latency=1.0, host=host)]
        )
    assert "other hosts: one against other" in compare(A, B, "--metric", "call_latency").stdout
