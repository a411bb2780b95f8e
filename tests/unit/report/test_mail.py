"""The mail format: its content and its width."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrator.report import plain_text
from orchestrator.report.tables import Column
from orchestrator.results import manifest
from orchestrator.results.records import FactorInfo, Record
from tests import eventful_run
from tests.reports import Reported, render
from tests.run_samples import BLOCK, END, RUN, trial, write


def mail_of(folder: Path) -> str:
    return render(Reported(folder.parents[1], folder), "mail")


def joined(text: str) -> str:
    """The text without the ends of its lines."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> str:
    return mail_of(eventful_run.make(tmp_path_factory.mktemp("results")))


def test_no_line_has_72_columns(mail: str) -> None:
    assert max(map(len, mail.splitlines())) < 72
    assert all(line == line.rstrip() for line in mail.splitlines())


def test_setup_and_method_come_before_the_figures(mail: str) -> None:
    starts = [
        mail.index(word)
        for word in ("All there is.", "vm-icount: an emulated guest", "Machine:", "Kernel base:", "Kernel new:",
                     "Settings, as read back:", "Method:", "GiB/s", "How to read it:", "Excluded:", "Experiment:")
    ]  # fmt: skip
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    "words",
    [
        "2 NUMA nodes (node 0: CPUs 0-15, 64 GiB; node 1: CPUs 16-31, 64 GiB); QEMU 7.2.22 on Host CPU, Linux 6.1.0",
        "series: 2 patches, 0001-mm.patch to 0002-mm.patch",
        "base: git 0123abcd",
        "config: tiny and 3 options, SHA-256 of it as reported by the kernel cccccccccccc",
        "kernel.numa_balancing: 0",
        "Each row was run 4 to 6 times, in 2 boots.",  # of the four of both kernels
        "Figures are medians of the n ok trials ± half the range (2 to 4 trials).",
        "26 of 146 trials.",
        "unsupported (24 trials, allowed;",
        "modelled (m), from modelled_throughput: computed by the benchmark as if",
        "Note on rfc2017-cover: Says nothing of 4 KiB pages.",
        "Method of the published figures: move_pages across sockets.",
        "warmup_pages = 1",
    ],
)
def test_it_is_complete(mail: str, words: str) -> None:
    assert words in joined(mail)


def test_figures_are_those_of_the_table(tmp_path: Path) -> None:
    folder = eventful_run.make(tmp_path)
    table = render(Reported(tmp_path, folder), "table")
    assert isinstance(table, str)
    figures = r"(?<=\s)\d+\.\d+(?: ± <?\d[\d.]*)?(?=\s)"
    assert set(re.findall(figures, table)) <= set(re.findall(figures, mail_of(folder)))


@pytest.mark.parametrize(
    ("description", "begins"),
    [
        ("Who is faster?", "Who is faster?"),
        ("It is!", "It is!"),
        ("All there is", "All there is."),
        ("It is.", "It is."),
    ],
)
def test_a_description_keeps_its_punctuation(tmp_path: Path, description: str, begins: str) -> None:
    folder = eventful_run.make(tmp_path)
    text = f"version: 1\nname: eventful\ndescription: {description}\n"
    manifest.save(folder, replace(eventful_run.PROVENANCE, experiment_text=text))
    assert mail_of(folder).splitlines()[0] == begins


def test_different_command_lines_name_their_kernel(tmp_path: Path) -> None:
    lines = {"base": "quiet", "new": "quiet numa=fake=2"}
    blocks: list[Record] = [
        replace(BLOCK, block=n, kernel=kernel, boot=kernel, facts={"command_line": line})
        for n, (kernel, line) in enumerate(lines.items())
    ]
    trials = [trial({"kernel": kernel}, 0, 3.0, boot=kernel) for kernel in lines]
    folder = write(tmp_path / "quickstart" / RUN.run, [RUN, *blocks, *trials, END])
    report = Reported(tmp_path, folder)
    assert "kernel command line of new: quiet numa=fake=2" in mail_of(folder)
    assert "Kernel command line of base: quiet." in str(render(report, "table"))
    page = str(render(report, "html"))
    assert re.search(r"Command line of new</dt><dd>quiet numa=fake=2<", page)


def test_modes_that_occur_are_explained_and_no_others(tmp_path: Path) -> None:
    meanings = {"serial": "one call", "copy": "a plain copy", "dma": "an engine copies"}
    opening = replace(RUN, meanings={"mode": meanings})
    trials = [trial({"mode": mode}, 0, 3.0) for mode in ("serial", "copy", "new one")]
    folder = write(tmp_path / "quickstart" / RUN.run, [opening, BLOCK, *trials, END])
    legend = "mode: serial = one call; copy = a plain copy."
    assert legend in joined(mail_of(folder))
    report = Reported(tmp_path, folder)
    for format_name in ("table", "html", "markdown"):
        assert legend in str(render(report, format_name))


def test_figures_with_intervals_are_called_medians(tmp_path: Path) -> None:
    trials = [trial({"mode": "serial"}, n, 3.0 + n / 100, 5.0) for n in range(8)]
    mail = joined(mail_of(write(tmp_path / "quickstart" / RUN.run, [RUN, BLOCK, *trials, END])))
    assert "Figures are medians of the n ok trials. - [low, high]: 95 % interval" in mail


def test_missing_verification_is_noted(tmp_path: Path) -> None:
    trials = [trial({"mode": mode}, 0, 3.0, details=None) for mode in ("serial", "copy")]
    mail = joined(mail_of(write(tmp_path / "quickstart" / RUN.run, [RUN, BLOCK, *trials, END])))
    assert "Not verified: the benchmark does not report locations and contents of pages." in mail
    assert "not checked" not in mail


def test_labels_become_footnotes(tmp_path: Path) -> None:
    label = {"name": "dma (software channel)", "means": "threads copied"}
    records: list[Record] = [RUN, BLOCK]
    for mode in ("serial", "copy"):
        details = {"label": label} if mode == "copy" else None
        records += [trial({"mode": mode}, n, 3.0 + n / 100, details=details) for n in range(2)]
    mail = mail_of(write(tmp_path / "quickstart" / RUN.run, [*records, END]))
    assert "copy [1]" in mail
    assert "[1] dma (software channel): threads copied." in mail.splitlines()
    assert "label" not in mail


@pytest.mark.parametrize("length", [30, 60, 200])
def test_names_of_any_length_keep_the_width(tmp_path: Path, length: int) -> None:
    levels = ["+".join(["exchange"] * length)[:length], "x" * length]
    factors = (
        FactorInfo("mode", tuple(levels)),
        *(FactorInfo(f"factor{n}" * 4, ("1", "2")) for n in range(4)),
    )
    opening = replace(RUN, factors=factors)
    trials = [
        trial({"mode": mode, **{f"factor{n}" * 4: one for n in range(4)}}, k, 1e9 + k, 3.0)
        for mode in levels
        for one in ("1", "2")
        for k in range(3)
    ]
    mail = mail_of(write(tmp_path / "quickstart" / RUN.run, [opening, BLOCK, *trials, END]))
    assert max(map(len, mail.splitlines())) < 72
    assert "1000000001" in mail


_WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=90)


@example([("0", "0" * width, False, True) for width in (6, 6, 8, 8, 8, 12, 12)])  # names alone are too wide
@example(
    [("0", "0" * width + "\u2e80", False, False) for width in (2, 3, 6, 8, 9, 11, 13)]
)  # of double width
@given(st.lists(st.tuples(_WORDS, _WORDS, st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_any_columns_fit(parts: list[tuple[str, str, bool, bool]]) -> None:
    columns = [
        Column(heading, (word, "1"), "right" if right else "left", key) for heading, word, right, key in parts
    ]
    for table in plain_text.tables(columns):
        assert max(map(len, table.splitlines())) <= plain_text.WIDTH


@given(_WORDS, st.integers(5, 40))
def test_folding_loses_nothing(word: str, width: int) -> None:
    lines = plain_text.fold(word, width).split("\n")
    assert "".join(line.strip() for line in lines) == word
    assert max(map(len, lines)) <= width


def test_kernels_are_in_the_order_of_the_file_whichever_was_booted_first(tmp_path: Path) -> None:
    folder = eventful_run.make(tmp_path)
    kernels = dict(reversed(eventful_run.PROVENANCE.kernels.items()))
    assert list(kernels) == ["new", "base"]
    manifest.save(folder, replace(eventful_run.PROVENANCE, kernels=kernels))
    text = mail_of(folder)
    assert text.index("Kernel base:") < text.index("Kernel new:")


def test_a_long_heading_is_broken_between_its_parts(tmp_path: Path) -> None:
    name = "sysctl.vm.compaction_proactiveness"
    factors = (FactorInfo(name, ("0", "20")), FactorInfo("mode", ("serial", "mbind")))
    trials = [
        trial({name: level, "mode": mode}, 0, 3.0, boot="b")
        for level in ("0", "20")
        for mode in ("serial", "mbind")
    ]
    folder = write(tmp_path / "quickstart" / RUN.run, [replace(RUN, factors=factors), BLOCK, *trials, END])
    words = mail_of(folder).split()
    assert {"sysctl.vm.", "compaction_", "proactiveness"} <= set(words)
