"""Plain text of less than 72 columns, for a reply to a patch."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from orchestrator.analysis.comparison import Row
from orchestrator.report import comparison_text, plain_text
from orchestrator.report.comparison import ComparisonReport
from orchestrator.report.tables import Column
from orchestrator.report.text import NOTHING, plain
from orchestrator.terminal import shell_words

_VERDICT = 16
"""Verdicts are folded to this width."""


def render(compared: ComparisonReport) -> str:
    """Return the comparison as text for mail. What a verdict does not say is in footnotes."""
    parts = [plain_text.paragraph(comparison_text.title(compared))]
    caption = comparison_text.only_metric(compared)
    if caption:
        parts.append(plain_text.paragraph(f"{caption}:"))
    footnotes = {text: f"[{number}]" for number, text in enumerate(_explanations(compared), 1)}
    parts += plain_text.tables(_columns(compared, footnotes))
    parts.append("\n".join(plain_text.paragraph(f"{mark} {text}") for text, mark in footnotes.items()))
    parts.append(plain_text.section("How to read it", comparison_text.notes(compared)))
    for sentence, commands in comparison_text.remedies(compared):
        lines = [plain_text.command(shell_words(command)) for command in commands]
        parts.append("\n".join([plain_text.paragraph(sentence), *lines]))
    parts.append(plain_text.section("Not in any figure", comparison_text.excluded(compared)))
    parts.append(plain_text.section("Runs", (plain(f"{name}: {words}") for name, words in compared.metadata)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _explanations(compared: ComparisonReport) -> Iterator[str]:
    """Yield each reason or note of a row once."""
    yield from dict.fromkeys(text for row in compared.rows if (text := _explanation(row)))


def _explanation(row: Row) -> str:
    return plain("; ".join(filter(None, [row.reason, row.note])))


def _columns(compared: ComparisonReport, footnotes: dict[str, str]) -> list[Column]:
    """Return columns for each factor, for environment and metric if there are several, and for the figures."""
    names = [comparison_text.levels(row) for row in compared.rows]
    factors = list(dict.fromkeys(factor for levels in names for factor in levels))
    keys = [
        Column(plain(factor), tuple(plain(levels.get(factor, NOTHING)) for levels in names), key=True)
        for factor in factors
    ]
    environments = tuple(comparison_text.environment(row, compared) for row in compared.rows)
    if any(environments):
        keys.append(Column("environment", environments, key=True))
    table = comparison_text.table(compared)
    _, metric, base, new, ratio, interval, p, n, _ = (tuple(column) for column in zip(*table, strict=True))
    if not comparison_text.only_metric(compared):
        keys.append(Column("metric", metric, key=True))
    if not keys:
        keys.append(Column("cell", tuple(name for name, *_ in table), key=True))
    verdicts = []
    for row in compared.rows:
        words = [comparison_text.short_verdict(row, compared.rules), footnotes.get(_explanation(row), "")]
        verdicts.append(textwrap.fill(" ".join(filter(None, words)), _VERDICT, break_on_hyphens=False))
    return [
        *keys,
        Column("baseline", base, "right"),
        Column("new", new, "right"),
        Column("ratio", ratio, "right"),
        Column("interval", interval),
        Column("p", p, "right"),
        Column("n (boots)", n),
        Column("verdict", tuple(verdicts)),
    ]
