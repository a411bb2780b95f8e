"""The judgement of a reproduction as text: what is the same, then each claim with both figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tabulate import tabulate

from orchestrator.bundle.claims import APART, FLAT
from orchestrator.bundle.reproduce import Reproduction
from orchestrator.report.environments import sentence
from orchestrator.report.text import plain

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
                [j.claim, j.there, j.here or "-", j.verdict + (f": {j.reason}" if j.reason else "")]
                for j in reproduction.judged
            ],
        ),
        "\n".join(_notes(reproduction)),
    ]
    return plain_lines("\n\n".join(parts)) + "\n"


def plain_lines(text: str) -> str:
    """Return text without anything that would steer a terminal, line by line."""
    return "\n".join(plain(line).rstrip() for line in text.splitlines())


def _notes(reproduction: Reproduction) -> Iterator[str]:
    there, here = reproduction.environments
    for environment in sorted({*there, *here}):
        sides = [word for word, side in (("there", there), ("here", here)) if environment in side]
        yield f"{environment} ({' and '.join(sides)}): {sentence(environment)}"
    if there != here:
        yield f"ENVIRONMENTS DIFFER: {', '.join(there)} there, {', '.join(here)} here."
    yield (
        f"Rules: modes are apart from {APART:g} times on; scaling ends where more threads bring less than "
        f"{(FLAT[0] - 1) * 100:.0f} to {(FLAT[1] - 1) * 100:.0f} %; ratios may be off by "
        f"{reproduction.within * 100:g} %."
    )
    if reproduction.description.scrubbed:
        yield "Names were scrubbed from the bundle: hosts and addresses in it are stand-ins."
    counts = Counter(judged.verdict for judged in reproduction.judged)
    yield (
        "Claims: " + (", ".join(f"{count} {word}" for word, count in sorted(counts.items())) or "none") + "."
    )


def _table(headings: list[str], rows: list[list[str]]) -> str:
    return tabulate(
        rows,
        headings,
        tablefmt="simple",
        disable_numparse=True,
        maxcolwidths=[44, 52, 52, 44],
        break_long_words=False,
    )
