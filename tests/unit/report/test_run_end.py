"""The end of a run: the table and three lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from orchestrator.environments import describe
from orchestrator.experiment.model import Status
from orchestrator.report import run_end
from orchestrator.report.model import open_report
from orchestrator.results.records import Record
from orchestrator.results.runs import RunFolder
from tests import eventful_run
from tests.run_samples import BLOCK, END, RUN, trial, write

SERIAL, COPY = {"mode": "serial"}, {"mode": "copy"}
GOOD = [trial(mode, n, 3.0, 600.0) for mode in (SERIAL, COPY) for n in range(2)]
FOLDER = Path("results/quickstart/1")


def text_of(results: Path, records: Sequence[Record], verbose: bool = False) -> str:
    folder = write(results / "run", records)
    with open_report(results, RunFolder(folder)) as report:
        return run_end.render(report, FOLDER, verbose)


def summary(results: Path, *records: Record) -> list[str]:
    """Return the lines below the table."""
    return text_of(results, [RUN, BLOCK, *records]).split("\n\n")[-1].splitlines()


def test_a_good_run_ends_with_its_table_a_legend_and_three_lines(tmp_path: Path) -> None:
    text = text_of(tmp_path, [replace(RUN, trials=4), BLOCK, *GOOD, END])
    title, table, legend, lines = text.rstrip("\n").split("\n\n")
    assert title.startswith("quickstart, run ")
    assert table.splitlines()[0].split()[:2] == ["mode", "n"]
    assert legend == "Figures are medians of the n ok trials ± half the range (2 to 4 trials)."
    assert lines.splitlines() == [
        "Trust: 4 of 4 trials ok; all pages on target, 0 bytes wrong; settings read back; no trial disturbed by noise.",
        f"Environment: vm-icount, {describe('vm-icount')}",
        f"Full report: orchestrate report {FOLDER}",
    ]


def test_the_legend_tells_what_intervals_are(tmp_path: Path) -> None:
    records = [trial(SERIAL, n, 3.0 + 0.01 * n, 600.0 - n) for n in range(8)]
    legend = text_of(tmp_path, [replace(RUN, trials=8), BLOCK, *records, END]).split("\n\n")[2]
    assert legend == (
        "Figures are medians of the n ok trials. "
        "[low, high]: 95 % interval of the median or of the ratio of medians."
    )


def test_a_run_without_figures_has_no_legend(tmp_path: Path) -> None:
    failed = trial(COPY, 9, status=Status.FAILED, reason="contents lost")
    assert "Figures are" not in text_of(tmp_path, [RUN, BLOCK, failed])


def test_verbose_adds_the_notes(tmp_path: Path) -> None:
    records = [replace(RUN, trials=4), BLOCK, *GOOD, END]
    brief, verbose = text_of(tmp_path / "a", records), text_of(tmp_path / "b", records, verbose=True)
    assert "Each row was run 2 times, in 1 boot." in verbose
    assert "Each row" not in brief
    assert verbose.splitlines()[-3:] == brief.splitlines()[-3:]


def test_what_went_wrong_is_in_the_first_line(tmp_path: Path) -> None:
    failed = trial(COPY, 9, status=Status.FAILED, reason="contents lost")
    crashed = trial(COPY, 8, status=Status.CRASHED, reason="died", final=False)
    line, output, *_ = summary(tmp_path, *GOOD, crashed, failed)
    assert output == (
        f"Output of trial {failed.trial}: orchestrate results show {FOLDER} --trial {failed.trial} --text"
    )
    assert line == (
        "Trust: 4 of 5 trials ok (failed 1); not complete, 12 trials planned; failed: contents lost; "
        "all pages on target, 0 bytes wrong; settings read back; no trial disturbed by noise; 1 attempt repeated."
    )


def test_without_an_ok_trial_nothing_is_said_of_settings(tmp_path: Path) -> None:
    refused = trial(SERIAL, 0, status=Status.FAILED, reason="setting /proc/sys/vm/nosuch: missing")
    line, *_ = summary(tmp_path, refused)
    assert "settings read back" not in line


def test_verification_errors_and_missing_verification_are_named(tmp_path: Path) -> None:
    wrong = {"verification": {"pages": 16, "pages_on_target": 15, "bytes_checked": 4096, "bytes_wrong": 0}}
    line, *_ = summary(tmp_path / "a", trial(SERIAL, 0, 3.0), trial(COPY, 0, 3.0, details=wrong))
    assert "; verification errors in 1 of 2 rows; " in line
    line, *_ = summary(tmp_path / "b", trial(SERIAL, 0, 3.0, details=None))
    assert "; pages and bytes not verified; " in line


def test_several_environments_and_none(tmp_path: Path) -> None:
    kvm = trial(SERIAL, 7, 3.0, environment="vm-kvm")
    _, environment, _ = summary(tmp_path / "a", *GOOD, kvm)
    assert environment == "Environment: vm-icount, vm-kvm; their figures are kept separate"
    _, environment, _ = summary(tmp_path / "b")
    assert environment == "Environment: none, no trial has run"


def test_allowed_statuses_are_marked(tmp_path: Path) -> None:
    dma = trial({"mode": "dma"}, status=Status.UNSUPPORTED, reason="no engine", allowed=True)
    noisy = trial(SERIAL, 5, status=Status.DISTURBED, reason="logins", final=False)
    line, *_ = summary(tmp_path, *GOOD, dma, noisy, END)
    assert line.startswith("Trust: 4 of 5 trials ok (unsupported 1, allowed); ")
    assert line.endswith("; 1 trial disturbed: logins; 1 attempt repeated.")


def test_each_reason_is_given_by_status_with_its_number_where_there_are_several(tmp_path: Path) -> None:
    huge, no_flag = "this kernel has no 1GiB transparent huge pages", "this kernel (mainline) has no flag"
    refused = [trial(mode, 5, status=Status.UNSUPPORTED, reason=no_flag) for mode in (SERIAL, COPY)]
    other = trial(SERIAL, 6, status=Status.UNSUPPORTED, reason=huge)
    line, *_ = summary(tmp_path / "a", *GOOD, *refused, other)
    assert f"; unsupported: {no_flag} (2), {huge} (1); " in line
    few = [trial(SERIAL, n, status=Status.FAILED, reason=f"reason {n}") for n in range(5, 10)]
    line, *_ = summary(tmp_path / "b", *few)
    assert line.count("reason ") == 3
    assert " and 2 more reasons; " in line


def test_memory_that_is_too_small_is_not_called_noise(tmp_path: Path) -> None:
    words = "node 0 has 939 MiB free, 10 MiB of it reserved; 200000 MiB required"
    full = trial(SERIAL, 5, status=Status.DISTURBED, reason=words)
    line, *_ = summary(tmp_path, *GOOD, full, END)
    assert f"; disturbed: {words}; " in line
    assert line.endswith("; settings read back; 1 trial disturbed.")


def test_the_legend_names_the_column_of_the_numbers_of_trials(tmp_path: Path) -> None:
    records = [trial({"n": level}, n, 3.0, 600.0) for level in "12" for n in range(2)]
    _, table, legend, _ = text_of(tmp_path, [replace(RUN, trials=4), BLOCK, *records, END]).split("\n\n")
    assert table.split()[:2] == ["n", "trials"]
    assert legend.startswith("Figures are medians of the ok trials")


def test_an_eventful_run_has_a_line_more_for_the_output_of_a_trial(tmp_path: Path) -> None:
    folder = eventful_run.make(tmp_path)
    with open_report(tmp_path, RunFolder(folder)) as report:
        lines = run_end.summary_lines(report, folder)
    assert [line.partition(" ")[0] for line in lines] == ["Trust:", "Output", "Environment:", "Full"]
    assert all(line.isprintable() for line in lines)


def test_checks_that_are_off_are_said_and_noise_is_not_denied(tmp_path: Path) -> None:
    off = ("idle CPUs before trials (limits.settle: 0)", "noise (noise: false)")
    records = [replace(RUN, trials=4, unchecked=off), BLOCK, *GOOD, END]
    trust = next(line for line in text_of(tmp_path, records).splitlines() if line.startswith("Trust: "))
    assert trust.endswith(f"settings read back; not checked: {', '.join(off)}.")
    assert "no trial disturbed" not in trust


def test_setups_of_one_host_are_told_apart_by_their_kernels(tmp_path: Path) -> None:
    facts = {"nodes": [{"cpus": "0-1", "memory": 2 << 30}]}
    patched = replace(BLOCK, block=1, boot="another", kernel="patched", facts=facts)
    text = text_of(tmp_path, [replace(RUN, trials=4), BLOCK, patched, *GOOD, END], verbose=True)
    assert "Host guest-1 (1 boot of stock): 1 NUMA node (node 0: CPUs 0-1, 1 GiB)." in text
    assert "Host guest-1 (1 boot of patched): 1 NUMA node (node 0: CPUs 0-1, 2 GiB)." in text
