"""The commands whose runs would have enough boots (or trials) for a verdict on the rows that have none."""

from __future__ import annotations

import re
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

_WITHOUT_VALUE = ("--new", "--resume", "--break-lock", "--verbose")
_WITH_VALUE = ("--set", "--limit", "--output", "-o", "--format")
_VERBOSE = re.compile("-v+")
_SHORT_OUTPUT = re.compile("-o.")


class Remedy(Struct, frozen=True):
    """What would be enough for the rows with one verdict, :attr:`Verdict.TOO_FEW` or :attr:`Verdict.TOO_NOISY`.

    :ivar rows: number of these rows; ``units``: boots or trials per side that would be enough for all of them.
    :ivar commands: one for each run to repeat, each a list of words; those of two runs may be equal.
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
        commands: dict[str, tuple[str, ...]] = {}
        for index, one in enumerate(sides):
            counts = [(unit_counts(row, rules)[index], enough) for row, enough in found]
            if one is not None and any(count is not None and count < enough for count, enough in counts):
                repetitions = _repetitions(one, index, [row for row, _ in found], rules, units)
                commands[one.opening.run] = _command(one, repetitions)
        yield Remedy(verdict, len(found), units, tuple(commands.values()))


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
        words = list(_repeated(line[2:]))
    else:
        words = [one.provenance.experiment_file if one.provenance else FILE]
    return ("orchestrate", "run", *words, "--new", "--set", f"repetitions={repetitions}")


def _repeated(words: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command, as the program takes them today, that say what is measured where.

    Left out are overrides of the repetitions, which run is resumed, broken locks, and how progress and
    report are printed.
    """
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if option in _WITHOUT_VALUE or _VERBOSE.fullmatch(word) or _SHORT_OUTPUT.match(word):
            continue
        if option not in _WITH_VALUE:
            yield word
            continue
        value = value if equals else next(rest, "")
        if option == "--limit" and value.isdecimal():
            option = "--first"  # its name before --limit was for hosts
        is_override = option == "--set" and value.startswith("repetitions")
        if option in ("--first", "--limit", "--set") and not is_override:
            yield from [f"{option}={value}"] if equals else [option, value]
