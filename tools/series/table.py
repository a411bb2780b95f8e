"""The table of two series: what of one the other has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tabulate import tabulate

from tools.series.changes import differing
from tools.series.commits import Commit


class Row(NamedTuple):
    """A patch: ``same``, ``adapted``, ``upstream``, ``missing`` or ``only in TO``; a remark.

    :ivar differing: changes that differ, apart from the lines around them.
    """

    subject: str
    kind: str
    differing: int
    remark: str = ""


def rows(
    origin: Sequence[Commit],
    target: Sequence[Commit],
    upstream: Mapping[str, str],
    ported: Mapping[str, str],
    name: str,
) -> list[Row]:
    """Return a row for each patch of ``origin``, then one for each that only ``target`` (called ``name``) has."""
    counterparts = {commit.subject: commit for commit in target}
    known = {commit.subject for commit in origin}
    table = [_row(patch, counterparts.get(patch.subject), upstream, ported) for patch in origin]
    return table + [
        Row(commit.subject, f"only in {name}", 0) for commit in target if commit.subject not in known
    ]


def _row(
    patch: Commit, counterpart: Commit | None, upstream: Mapping[str, str], ported: Mapping[str, str]
) -> Row:
    if patch.subject in upstream:
        return Row(patch.subject, "upstream", 0, upstream[patch.subject])
    if counterpart is None:
        return Row(patch.subject, "missing", 0)
    count = differing(patch.diff, counterpart.diff)
    remarks = []
    if ported.get(patch.subject, patch.digests) != patch.digests:
        remarks.append("changed since it was ported")
    if patch.message != counterpart.message:
        remarks.append("another message")
    return Row(patch.subject, "adapted" if count else "same", count, ", ".join(remarks))


def text(table: Sequence[Row], origin: str, target: str) -> str:
    """Return the table, and a line with the numbers of each kind."""
    cells = [(n, row.subject, row.kind, row.differing or "", row.remark) for n, row in enumerate(table, 1)]
    headers = ("", f"patch of {origin}", target, "hunks", "")
    kinds = dict.fromkeys(row.kind for row in table)
    total = ", ".join(f"{sum(row.kind == kind for row in table)} {kind}" for kind in kinds)
    hunks = sum(row.differing for row in table)
    grid = tabulate(cells, headers, tablefmt="plain", disable_numparse=True)
    return f"{grid}\n{total or 'no patches'}; hunks that differ: {hunks}"
