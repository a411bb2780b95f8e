"""What makes the figures of a run doubtful as a whole: damaged records, checks that are off, unverified pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.report import text
from orchestrator.results.records import RunRecord
from orchestrator.results.store import RunRow, Store, Verification

DAMAGE_SHOWN = 3
LONGEST = 1000
NOT_VERIFIED = "Not verified: the benchmark does not report locations and contents of pages."


def of_run(
    opening: RunRecord, damage: Sequence[str], verifications: Iterable[Verification | None]
) -> Iterator[str]:
    """Yield the caveats of a run, one sentence each.

    :param verifications: what was verified in each cell with an ok trial.
    """
    yield from damaged(damage)
    if {found is None for found in verifications} == {True}:
        yield NOT_VERIFIED
    yield from unchecked(opening)


def of_stored(store: Store, row: RunRow) -> list[str]:
    """Return the caveats of a run with a first record."""
    assert row.opening is not None
    outcomes = (found for cell in store.cells(row) for found in store.outcomes(cell))
    return list(
        of_run(row.opening, row.damage, (found.verification for found in outcomes if "ok" in found.statuses))
    )


def damaged(lines: Sequence[str]) -> Iterator[str]:
    """Yield which lines of the journal are left out as they are damaged."""
    if lines:
        more = f"; and {len(lines) - DAMAGE_SHOWN} more" if len(lines) > DAMAGE_SHOWN else ""
        shown = "; ".join(lines[:DAMAGE_SHOWN])
        yield text.plain(f"Damaged lines of the journal, which are left out: {shown}{more}.", LONGEST)


def unchecked(opening: RunRecord) -> Iterator[str]:
    """Yield what the experiment has turned off of the checks of trials."""
    if opening.unchecked:
        yield text.plain(f"Not checked: {', '.join(opening.unchecked)}.", LONGEST)


def by_name(named: Iterable[tuple[str, Iterable[str]]]) -> Iterator[str]:
    """Yield each sentence once, after the names of the runs that it is on.

    >>> list(by_name([("A", ["Not checked: noise."]), ("B", ["Not checked: noise.", "Damaged."])]))
    ['A and B: Not checked: noise.', 'B: Damaged.']
    """
    names: dict[str, list[str]] = {}
    for name, sentences in named:
        for sentence in sentences:
            names.setdefault(sentence, []).append(name)
    for sentence, of in names.items():
        yield f"{' and '.join(of)}: {sentence}"
