"""Tables for papers: `orchestrate report RUN --format latex`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.results.records import FactorInfo, Record
from tests.reports import Reported, render
from tests.run_samples import BLOCK, END, RUN, trial, write

NAMES = ("[a*b]", "*", "50%_$#&", "~^\\{x}", "--mode", "<|>", "`'\"", "é 中 µ\u202e", "plain")
OPENING = replace(
    RUN,
    experiment="a_b & 100 %",
    trials=len(NAMES) * 6,
    unchecked=("noise (noise: false)",),
    factors=(FactorInfo("some_name", NAMES),),
)


@pytest.fixture
def source(tmp_path: Path) -> str:
    found: list[Record] = [OPENING]
    for boot in range(6):
        found.append(replace(BLOCK, boot=f"boot-{boot}"))
        found += [trial({"some_name": name}, boot, 2.0 + boot / 100, boot=f"boot-{boot}") for name in NAMES]
    folder = write(tmp_path / "x" / RUN.run, [*found, END])
    text: str = render(Reported(tmp_path, folder, ("throughput",)), "latex")
    return text


def rows(source: str) -> list[list[str]]:
    body = source.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    return [line.removesuffix(" \\\\").split(" & ") for line in body.splitlines()]


def test_a_row_has_the_median_with_its_interval_and_a_heading_its_unit(source: str) -> None:
    head = source.partition("\\toprule\n")[2].partition("\\midrule")[0]
    assert head == " &  & throughput \\\\\nsome\\_name & n & (GiB/s) \\\\\n"
    name, n, figure = rows(source)[-1]
    assert (name, n) == ("plain", "6")
    assert re.fullmatch(r"2\.025 \{\[\}2\.0\d\d, 2\.0\d\d\{\]\}", figure)


def test_special_characters_are_escaped(source: str) -> None:
    assert [row[0] for row in rows(source)] == [
        "{[}a{*}b{]}",
        "{*}",
        r"50\%\_\$\#\&",
        r"\textasciitilde{}\textasciicircum{}\textbackslash{}\{x\}",
        "-{}-mode",
        r"\textless{}\textbar{}\textgreater{}",
        "{`}'''",
        r"é {[}U+4E2D{]} \ensuremath{\mu}",
        "plain",
    ]
    assert r"\label{tab:a-b-100}" in source


def test_comments_have_the_run_its_content_hash_and_the_command(source: str) -> None:
    comments = [line for line in source.splitlines() if line.startswith("% ")]
    assert comments[0] == f"% run {RUN.run}, content hash {RUN.content_hash}"
    assert comments[1].endswith(f": orchestrate report {RUN.run} --format latex --metric throughput")


def test_checks_that_are_off_are_below_the_table(source: str) -> None:
    assert "Not checked: noise (noise: false)." in source.partition("\\end{tabular}")[2]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex (package texlive-latex-base)")
def test_it_compiles(source: str, tmp_path: Path) -> None:
    (tmp_path / "table.tex").write_text(source, encoding="utf-8")
    (tmp_path / "main.tex").write_text(
        "\\documentclass[twocolumn]{article}\\usepackage{booktabs}\\begin{document}\\input{table}\\end{document}\n"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout.decode(errors="replace")
    assert b"Overfull" not in done.stdout
    assert (tmp_path / "main.pdf").is_file()
