"""Print the counts of count.py as a Markdown table of instructions per page, by function or by group of functions."""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabulate import tabulate

OTHERS = "others"
"""The row of functions without one of their own."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", type=Path, help="the output of count.py")
    parser.add_argument(
        "--least", type=float, default=2.0, metavar="PERCENT", help="leave out functions with less"
    )
    parser.add_argument(
        "--groups", type=Path, metavar="FILE", help='lines "NAME: PATTERN"; the first match counts'
    )
    options = parser.parse_args()
    counts = json.loads(options.counts.read_text(encoding="utf-8"))
    columns = {kernel: _per_page(each, options.groups) for kernel, each in counts.items()}
    shown = _shown(columns, 0.0 if options.groups else options.least)
    totals = [column.total() for column in columns.values()]
    others = [column.total() - sum(column[name] for name in shown) for column in columns.values()]
    measured = [each["call_latency_ns"] / each["pages"] for each in counts.values()]
    rows = [[name, *(_number(column[name]) for column in columns.values())] for name in shown]
    for name, figures in ((OTHERS, others), ("total", totals), ("call latency, ns per page", measured)):
        rows.append([name, *map(_number, figures)])
    align = ["left", *["right"] * len(counts)]
    header = ["group" if options.groups else "function", *counts]
    print(tabulate(rows, header, tablefmt="pipe", colalign=align, disable_numparse=True))


def _per_page(counts: Mapping[str, Any], groups: Path | None) -> Counter[str]:
    """Return the instructions per page of each function or group."""
    lines = groups.read_text(encoding="utf-8").splitlines() if groups else []
    patterns = [
        (name, re.compile(pattern.strip()))
        for name, _, pattern in (line.partition(":") for line in lines)
        if pattern
    ]
    per_page: Counter[str] = Counter()
    for function, count in counts["functions"].items():
        group = next((name for name, pattern in patterns if pattern.fullmatch(function)), OTHERS)
        per_page[group if groups else function] += count / counts["pages"]
    return per_page


def _shown(columns: Mapping[str, Counter[str]], least: float) -> list[str]:
    """Return the names with a share of a kernel's instructions of at least ``least`` percent, the largest first."""
    share: dict[str, float] = {}
    for column in columns.values():
        for name, count in column.items():
            share[name] = max(share.get(name, 0.0), count / column.total() * 100)
    return [
        name
        for name in sorted(share, key=lambda name: -share[name])
        if name != OTHERS and share[name] >= least
    ]


def _number(count: float) -> str:
    return f"{count:.0f}" if count >= 0.5 else "–"


if __name__ == "__main__":
    main()
