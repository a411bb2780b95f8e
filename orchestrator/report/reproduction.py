"""The judgement of a reproduction as text: what is the same, then each claim with both figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tabulate import tabulate

from orchestrator.analysis.claims import APART, FLAT
from orchestrator.analysis.verdicts import Verdict
from orchestrator.bundle.reproduce import Reproduction
from orchestrator.environments import describe
from orchestrator.report.text import plain

_COUNTED: tuple[tuple[Verdict, str], ...] = (
    (Verdict.HOLDS, "hold"),
    (Verdict.DOES_NOT_HOLD, "do not hold"),
    (Verdict.CANNOT_BE_JUDGED, "cannot be judged"),
)
_WIDTHS = [38, 44, 44, 34]
_SAME = {True: "same", False: "DIFFERS", None: "?"}


def render(reproduction: Reproduction) -> str:
    """Return the judgement as plain text."""
    parts = [
        f"{reproduction.description.experiment}: run {reproduction.run.id} ({reproduction.mode}) beside run "
        f"{reproduction.description.run} of the bundle",
        _table(
            ["what", "there", "here", ""],
            [[c.what, c.there, c.here, _SAME[c.same]] for c in reproduction.alike],
        ),
        _table(
            ["claim", "there", "here", "verdict"],
            [
                [
                    j.claim,
                    j.bundle_value,
                    j.local_value or "-",
                    j.verdict + (f": {j.reason}" if j.reason else ""),
                ]
                for j in reproduction.judged
            ],
        ),
        "\n".join(_notes(reproduction)),
    ]
    return "\n\n".join(parts) + "\n"


def _notes(reproduction: Reproduction) -> Iterator[str]:
    there, here = reproduction.environments
    for environment in sorted({*there, *here}):
        sides = [word for word, side in (("there", there), ("here", here)) if environment in side]
        yield f"{environment} ({' and '.join(sides)}): {describe(environment)}"
    if there != here:
        yield f"ENVIRONMENTS DIFFER: {', '.join(there)} there, {', '.join(here)} here."
    yield (
        f"Rules: modes are apart from {APART:g} times on; scaling ends where more threads bring less than "
        f"{(FLAT[0] - 1) * 100:.0f} to {(FLAT[1] - 1) * 100:.0f} %; ratios may be off by "
        f"{reproduction.within * 100:g} %."
    )
    if reproduction.cpus:
        yield (
            f"Here are fewer CPUs than there, {reproduction.cpus}: figures of more threads than that are not judged."
        )
    if reproduction.description.scrubbed:
        yield "Names were scrubbed from the bundle: hosts and addresses in it are stand-ins."
    counts = Counter(judged.verdict for judged in reproduction.judged)
    told = [f"{n} {verdict if n == 1 else words}" for verdict, words in _COUNTED if (n := counts[verdict])]
    yield f"Claims: {', '.join(told) or 'none'}."


def _table(headings: list[str], rows: list[list[str]]) -> str:
    words = [[plain(word) for word in row] for row in rows]
    text = tabulate(
        words,
        headings,
        tablefmt="simple",
        disable_numparse=True,
        maxcolwidths=_WIDTHS,
        break_long_words=False,
    )
    return "\n".join(line.rstrip() for line in text.splitlines())
