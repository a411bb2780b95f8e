"""``orchestrate results`` and ``orchestrate report``, as users run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.experiment.model import Status
from orchestrator.results.records import MetricInfo
from tests import calls
from tests.run_samples import BLOCK, END, RUN, trial, write

Verb = Callable[..., "subprocess.CompletedProcess[str]"]
IN_A_PROCESS = [sys.executable, "-c", "from orchestrator.cli import main; main()"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    failed = trial({"mode": "copy"}, status=Status.FAILED, reason="contents lost")
    write(
        folder / "quickstart" / RUN.run, [RUN, BLOCK, trial({"mode": "serial"}, throughput=3.0), failed, END]
    )
    write(folder / "other" / "20261124T101500000Z-ffff", [RUN])
    return folder


@pytest.fixture
def orchestrate(results: Path) -> Verb:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return calls.orchestrate(*arguments, ORCHESTRATE_RESULTS=str(results), **environment)

    return run


def test_list_names_every_run(orchestrate: Verb) -> None:
    done = orchestrate("results", "list")
    assert (done.returncode, done.stderr) == (0, "")
    head, _, first, second = done.stdout.splitlines()
    assert head.split() == ["run", "experiment", "started", "trials", "not", "ok", "environment", "state"]
    assert first.split() == [
        *(RUN.run, "quickstart", RUN.time, "2", "of", "12", "failed", "1", "vm-icount", "complete")
    ]
    assert second.split()[-1] == "interrupted"


def test_list_says_how_to_make_the_first_run(orchestrate: Verb, tmp_path: Path) -> None:
    done = orchestrate("results", "list", "--results", str(tmp_path / "none"))
    assert done.returncode == 0
    assert "orchestrate run" in done.stdout


def test_a_damaged_run_is_named_and_the_others_listed(orchestrate: Verb, results: Path) -> None:
    path = results / "other" / "20261124T101500000Z-ffff" / "journal.jsonl"
    path.write_bytes(b"?\n" + path.read_bytes())
    done = orchestrate("results", "list")
    assert RUN.run in done.stdout
    assert f"orchestrate: {path}:1:1: not JSON" in done.stderr


SHOW, EXPORT = ("results", "show", "other"), ("export", "other", "--output", "x")
NOT_REGULAR = "Not a regular file"


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["fifo", "device"]
)
@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("journal.jsonl", ("results", "list"), NOT_REGULAR),
        ("journal.jsonl", SHOW, NOT_REGULAR),
        ("journal.jsonl", ("results", "show", "other", "--trial", "1"), NOT_REGULAR),
        ("journal.jsonl", ("report", "other"), NOT_REGULAR),
        ("journal.jsonl", ("results", "prune", "-n", "--unfinished"), NOT_REGULAR),
        ("manifest.json", SHOW, NOT_REGULAR),
        ("manifest.json", EXPORT, NOT_REGULAR),
        ("controller.lock", ("results", "list"), ""),
        ("controller.lock", SHOW, ""),
        ("controller.lock", ("results", "prune", "-n", "--unfinished"), ""),
        ("controller.lock", ("results", "rm", "-y", "other"), NOT_REGULAR),
    ],
)
def test_a_fifo_or_a_device_as_a_file_of_a_run_is_not_read(
    orchestrate: Verb,
    results: Path,
    make: Callable[[Path], None],
    name: str,
    words: tuple[str, ...],
    told: str,
) -> None:
    run = results / "other" / "20261124T101500000Z-ffff"
    (run / name).unlink(missing_ok=True)
    make(run / name)
    done = orchestrate(*words)
    complaint = f"{name}: {told}" if told else ""
    assert complaint in done.stdout + done.stderr
    assert done.stderr.count("\n") <= 2
    if words[1] == "list":
        assert RUN.run in done.stdout


def test_show_prints_the_provenance_of_a_run(orchestrate: Verb) -> None:
    done = orchestrate("results", "show", "20261123")
    assert (done.returncode, done.stderr) == (0, "")
    assert "block 0: stock on guest-1, vm-icount, clock instructions" in done.stdout
    assert "not ok: failed 1" in done.stdout
    assert "journal.jsonl" in done.stdout


def test_show_prints_all_of_one_trial(orchestrate: Verb) -> None:
    record = trial({"mode": "copy"})
    done = orchestrate("results", "show", RUN.run, "--trial", record.trial[:6])
    assert json.loads(done.stdout)["reason"] == "contents lost"
    done = orchestrate("results", "show", RUN.run, "--trial", "zzz")
    assert done.returncode == 2
    assert "trial 'zzz' not found in run" in done.stderr


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"details": "one\ntwo\n", "stderr": "three\n"}, {"stdout": "one\ntwo\n", "stderr": "three\n"}),
        ({"details": {"x": 1}}, {"details": {"x": 1}, "stderr": ""}),
        (
            {"details": {"x": 1}, "stdout": 'one\n{"x": 1}\n'},
            {"details": {"x": 1}, "stdout": 'one\n{"x": 1}\n', "stderr": ""},
        ),
        ({"details": ""}, {"stdout": "", "stderr": ""}),
    ],
)
def test_show_prints_the_output_of_a_trial_once(
    orchestrate: Verb, results: Path, changes: dict[str, object], expected: dict[str, object]
) -> None:
    record = trial({"mode": "output"}, **changes)
    write(results / "other" / "20261125T101500000Z-ffff", [RUN, BLOCK, record])
    document = json.loads(orchestrate("results", "show", "20261125", "--trial", record.trial).stdout)
    assert {name: document[name] for name in ("details", "stdout", "stderr") if name in document} == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"details": "one\ntwo\n", "stderr": "th\x1bree\n"},
            ["stdout:", "  one", "  two", "stderr:", "  th\\u001bree"],
        ),
        ({"details": {"x": 1}}, ["stdout, a JSON document:", "  {", '    "x": 1', "  }", "stderr: empty"]),
        ({"details": {"x": 1}, "stdout": "one\n"}, ["stdout:", "  one", "stderr: empty"]),
        (
            {"details": "", "stderr": "e" * 2000},
            ["stdout: empty", "stderr, the last 2000 characters:", "  " + "e" * 2000],
        ),
        ({"details": "a", "cut": ("stdout",)}, ["stdout, the last 1 character:", "  a", "stderr: empty"]),
    ],
)
def test_show_prints_the_output_of_a_trial_as_lines(
    orchestrate: Verb, results: Path, changes: dict[str, object], expected: list[str]
) -> None:
    timed_out = {"status": Status.TIMEOUT, "reason": "timed out after 5s (limits.trial)", "exit_code": None}
    record = trial({"mode": "output"}, **timed_out, **changes)
    write(results / "other" / "20261125T101500000Z-ffff", [RUN, BLOCK, record])
    done = orchestrate("results", "show", "20261125", "--trial", record.trial, "--text")
    assert (done.returncode, done.stderr) == (0, "")
    assert "status: timeout: timed out after 5s (limits.trial)\n" in done.stdout
    assert done.stdout.splitlines()[-len(expected) :] == expected


def test_text_is_of_one_trial(orchestrate: Verb) -> None:
    done = orchestrate("results", "show", "20261123", "--text")
    assert (done.returncode, "--text requires --trial ID" in done.stderr) == (2, True)


def test_show_names_trials_that_are_not_ok_and_lists_all(orchestrate: Verb, results: Path) -> None:
    folder = results / "other" / "20261125T101500000Z-ffff"
    good = trial({"mode": "serial"}, 1, 3.0)
    failed = [trial({"mode": "copy"}, n, status=Status.FAILED, reason=f"lost {n}\n" * 99) for n in range(12)]
    write(folder, [RUN, BLOCK, good, *failed])
    shown = orchestrate("results", "show", "20261125").stdout
    named = [line for line in shown.splitlines() if line.startswith("trial ")]
    assert named[0].startswith(
        f"trial {failed[0].trial}: failed, kernel=stock, mode=copy, repetition 0, guest-1: lost 0 lost 0 "
    )
    assert (len(named), max(map(len, named)) < 240) == (10, True)
    assert "... and 2 more trials not ok\n" in shown
    assert f"list all trials: orchestrate results show {folder} --trials\n" in shown
    listed = orchestrate("results", "show", str(folder), "--trials").stdout.splitlines()[2:]
    assert [line.split()[0] for line in listed] == [record.trial for record in [*failed, good]]
    done = orchestrate("results", "show", str(folder), "--trials", "--trial", "1")
    assert (done.returncode, "mutually exclusive" in done.stderr) == (2, True)


@pytest.mark.parametrize("format_name", ["table", "markdown", "csv", "json"])
def test_report_prints_each_format(orchestrate: Verb, format_name: str) -> None:
    done = orchestrate("report", RUN.run, "--format", format_name)
    assert (done.returncode, done.stderr) == (0, "")
    assert "serial" in done.stdout
    assert "\x1b" not in done.stdout


def test_report_takes_a_folder_and_latest(orchestrate: Verb, results: Path, tmp_path: Path) -> None:
    folder = results / "quickstart" / RUN.run
    moved = folder.rename(tmp_path / "moved")
    by_folder = orchestrate("report", str(moved))
    assert by_folder.returncode == 0
    assert "3.000" in by_folder.stdout
    assert "No trial has ended yet." in orchestrate("report", "latest").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "20261125"], "the newest: 20261124"),
        (["report", RUN.run, "--metric", "speed"], "known: call_latency, throughput, tlb_shootdowns (all: "),
        (["report", RUN.run, "--format", "docx"], "'docx' is not one of 'csv', 'html', 'json'"),
        (
            ["results", "show", "2026"],
            f"ambiguous run id '2026': it matches {RUN.run}, 20261124T101500000Z-ffff; type more of it",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(orchestrate: Verb, arguments: list[str], words: str) -> None:
    done = orchestrate(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_of_many_metrics_the_nearest_are_named(results: Path, orchestrate: Verb) -> None:
    metrics = tuple(MetricInfo(f"metric_{n}", "us") for n in range(42))
    name = RUN.run.replace("23T", "27T")
    write(results / "quickstart" / name, [replace(RUN, run=name, metrics=metrics), BLOCK, trial({}), END])
    done = orchestrate("report", name, "--metric", "speed")
    assert done.returncode == 2
    assert "the closest of 42 known names: " in done.stderr
    assert done.stderr.count("metric_") == 5
    assert "--format json" in done.stderr
    assert len(done.stderr) < 300


def test_a_metric_that_no_trial_has_is_explained(orchestrate: Verb) -> None:
    done = orchestrate("report", RUN.run, "--metric", "tlb_shootdowns")
    assert "No tlb_shootdowns in any row: the benchmark did not report it" in done.stdout
    assert "No throughput in any row" not in orchestrate("report", RUN.run).stdout


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("found, but the unit of '308MiB/s' is not 'GiB/s'", False),
        ("not the whole number: '1,69'", False),
        ("not found in stdout; last line: done", True),
    ],
)
def test_the_first_reason_for_a_missing_metric_is_given(
    results: Path, orchestrate: Verb, reason: str, hint: bool
) -> None:
    name = RUN.run.replace("23T", "28T")
    missing = [{"tlb_shootdowns": reason}, {"tlb_shootdowns": "another reason"}]
    trials = [replace(trial({}, repetition=n), missing=missing[n]) for n in range(2)]
    write(results / "quickstart" / name, [replace(RUN, run=name), BLOCK, *trials, END])
    shown = " ".join(orchestrate("report", name, "--metric", "tlb_shootdowns").stdout.split())
    assert f"No tlb_shootdowns in any row: {reason}." in shown
    assert ("Some metrics need an option" in shown) is hint
    assert "another reason" not in shown


def test_missing_metrics_of_a_trial_are_listed_by_reason(results: Path, orchestrate: Verb) -> None:
    name = RUN.run.replace("23T", "29T")
    record = replace(
        trial({}), missing={"a": "not found in stdout", "b": "no number", "c": "not found in stdout"}
    )
    write(results / "quickstart" / name, [replace(RUN, run=name), BLOCK, record, END])
    lines = orchestrate("results", "show", name, "--trial", record.trial[:6], "--text").stdout.splitlines()
    assert [line for line in lines if line.startswith("no ")] == [
        "no a, c: not found in stdout",
        "no b: no number",
    ]


@pytest.mark.parametrize("words", [["report", RUN.run], ["results", "list"], ["schema"]])
def test_a_full_standard_output_is_named(results: Path, words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*IN_A_PROCESS, *words],
            env={**os.environ, "ORCHESTRATE_RESULTS": str(results)},
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        3,
        "orchestrate: cannot write to standard output: No space left on device\n",
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_terminal_works(results: Path, encoding: str) -> None:
    done = subprocess.run(
        [*IN_A_PROCESS, "report", RUN.run, "--results", str(results)],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
