"""The commands whose runs would have enough boots (or trials) for a verdict on the rows that have none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from msgspec import Struct

from orchestrator.analysis.comparison import Row, Rules, unit_counts
from orchestrator.analysis.verdicts import Verdict
from orchestrator.errors import BadInput
from orchestrator.results import manifest
from orchestrator.results.manifest import Manifest
from orchestrator.results.records import RunRecord
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import RunRow

FILE = "EXPERIMENT.yaml"
"""Stands for the experiment file of a run without a manifest."""


class Remedy(Struct, frozen=True):
    """What would be enough for the rows with one verdict, :attr:`Verdict.TOO_FEW` or :attr:`Verdict.TOO_NOISY`.

    :ivar rows: number of these rows; ``units``: boots or trials per side that would be enough for all of them.
    :ivar commands: one for each run to repeat, each a list of words.
    """

    verdict: Verdict
    rows: int
    units: int
    commands: tuple[tuple[str, ...], ...]


class Side(Struct, frozen=True):
    """A run that can be repeated with more repetitions."""

    opening: RunRecord
    provenance: Manifest | None


def side(run: RunFolder, row: RunRow) -> Side:
    """Return a run as a side; a manifest that cannot be read counts as none."""
    assert row.opening is not None
    provenance = None
    with suppress(BadInput):
        provenance = manifest.load(run.path)
    return Side(row.opening, provenance)


def remedies(rows: Sequence[Row], rules: Rules, sides: Sequence[Side | None]) -> Iterator[Remedy]:
    """Yield what would be enough for each verdict that has rows with such a number.

    :param sides: the runs of baseline and new side; None for published figures.
    """
    for verdict in (Verdict.TOO_FEW, Verdict.TOO_NOISY):
        found = [(row, row.enough) for row in rows if row.verdict is verdict and row.enough is not None]
        if not found:
            continue
        units = max(enough for _, enough in found)
        commands: dict[tuple[str, ...], None] = {}
        for index, one in enumerate(sides):
            counts = [(unit_counts(row, rules)[index], enough) for row, enough in found]
            if one is not None and any(count is not None and count < enough for count, enough in counts):
                commands[_command(one, _repetitions(one, index, [row for row, _ in found], rules, units))] = (
                    None
                )
        yield Remedy(verdict, len(found), units, tuple(commands))


def _repetitions(one: Side, index: int, rows: Sequence[Row], rules: Rules, units: int) -> str:
    """Return the value of ``repetitions`` with so many units; the number of trials in a boot stays the same."""
    planned = one.opening.repetitions
    if rules.unit == "trial":
        boots = planned.boots if planned else 1
        count = max(units, boots)
    else:
        samples = [sample for row in rows if (sample := (row.base, row.new)[index])]
        boots = units
        in_a_boot = max(-(-sample.n // len(sample.boots)) for sample in samples if sample.boots)
        count = units * (-(-planned.count // planned.boots) if planned else in_a_boot)
    return f"{{count: {count}, boots: {boots}}}" if boots > 1 else str(count)


def _command(one: Side, repetitions: str) -> tuple[str, ...]:
    """Return the command of a run with other repetitions. They are replaced as a whole, whatever form the file has."""
    line = one.provenance.command_line if one.provenance else ()
    if line[1:2] == ("run",):
        words = list(_without_repetitions(line[2:]))
    else:
        words = [one.provenance.experiment_file if one.provenance else FILE]
    return ("orchestrate", "run", *words, "--new", "--set", f"repetitions={repetitions}")


def _without_repetitions(words: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command without ``--new`` and overrides of the repetitions."""
    overrides = False
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if overrides:
            overrides = False
        elif word == "--set" and following.startswith("repetitions"):
            overrides = True
        elif word != "--new" and not word.startswith("--set=repetitions"):
            yield word
