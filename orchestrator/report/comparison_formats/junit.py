"""JUnit XML for CI: a test case per row. A regression is a failure, a row without a verdict is skipped.

``--fail-on-regression`` sets the limit; without it no row fails.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # nosec B405 # writes XML, reads none
from collections.abc import Iterator

from orchestrator.analysis.comparison import Row
from orchestrator.report import comparison_text
from orchestrator.report.comparison import ComparisonReport
from orchestrator.terminal import command_line


def render(compared: ComparisonReport) -> str:
    """Return the comparison as one test suite."""
    failed = compared.regressions
    skipped = [row for row in compared.rows if row not in failed and not row.verdict.is_decided]
    suite = ET.Element(
        "testsuite",
        name=f"compare {comparison_text.title(compared)}",
        tests=str(len(compared.rows)),
        failures=str(len(failed)),
        skipped=str(len(skipped)),
        errors="0",
    )
    for row in compared.rows:
        case = ET.SubElement(
            suite, "testcase", classname=row.metric.name, name=comparison_text.name(row, compared)
        )
        message = comparison_text.verdict(row, compared.rules) + (f" ({row.note})" if row.note else "")
        if row in failed:
            ET.SubElement(case, "failure", message="; ".join([message, *_figures(row)]))
        elif row in skipped:
            ET.SubElement(case, "skipped", message=message)
        ET.SubElement(case, "system-out").text = "\n".join([message, *_figures(row)])
    notes = [*comparison_text.notes(compared), *comparison_text.excluded(compared)]
    for sentence, commands in comparison_text.remedies(compared):
        notes += [sentence, *map(command_line, commands)]
    ET.SubElement(suite, "system-out").text = "\n".join(notes)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _figures(row: Row) -> Iterator[str]:
    if row.ratio is not None:
        interval = (
            "no interval" if row.interval is None else "interval [{:.6g}, {:.6g}]".format(*row.interval)
        )
        yield f"ratio {row.ratio:.6g}, {interval}"
