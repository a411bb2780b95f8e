"""The result of `orchestrate reproduce`, as data, as text and as JSON.

`reproduce` runs the experiment of a bundle again. The result compares the new run (the local run) with the run in the
bundle: where both come from, item by item, and whether each claim of the bundle's run holds in the local one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, to_builtins
from tabulate import tabulate

from orchestrator.analysis.claims import APART, ClaimResult
from orchestrator.analysis.scaling import FLAT
from orchestrator.analysis.verdicts import Verdict
from orchestrator.environments import describe
from orchestrator.errors import ExitCode
from orchestrator.report.text import plain

FORMAT = 2
NOT_RECORDED = "not recorded"

_COUNTED: tuple[tuple[Verdict, str], ...] = (
    (Verdict.HOLDS, "hold"),
    (Verdict.DOES_NOT_HOLD, "do not hold"),
    (Verdict.CANNOT_BE_JUDGED, "cannot be judged"),
)
_WIDTHS = [38, 44, 44, 34]
_SAME = {True: "same", False: "DIFFERENT", None: "?"}


class ProvenanceItem(Struct, frozen=True):
    """One item of provenance, such as the CPU model, in the bundle's run and in the local run."""

    name: str
    bundle_value: str
    local_value: str

    @property
    def same(self) -> bool | None:
        """Whether both values are equal; None if one of them was not recorded."""
        if NOT_RECORDED in (self.bundle_value, self.local_value):
            return None
        return self.bundle_value == self.local_value


class Reproduction(Struct, frozen=True):
    """A local run compared with the run in a bundle.

    :ivar mode: ``smoke``, ``short`` or ``full``.
    :ivar bundle_run: id of the run in the bundle; ``local_run``: id of the new run.
    :ivar within: accepted deviation of a ratio, up or down: 0.25 for 25 %.
    :ivar cpu_limit: CPUs of the local host if it has fewer than the bundle's host, else 0. Figures of more threads
        are not judged.
    :ivar bundle_environments: environments of the bundle's run, sorted; ``local_environments``: of the local run.
    :ivar scrubbed: whether placeholders replace names in the bundle.
    """

    experiment: str
    mode: str
    bundle_run: str
    local_run: str
    within: float
    cpu_limit: int
    bundle_environments: tuple[str, ...]
    local_environments: tuple[str, ...]
    provenance: tuple[ProvenanceItem, ...]
    claims: tuple[ClaimResult, ...]
    scrubbed: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """``REGRESSION`` if a claim does not hold."""
        broken = any(claim.verdict is Verdict.DOES_NOT_HOLD for claim in self.claims)
        return ExitCode.REGRESSION if broken else ExitCode.OK

    @property
    def document(self) -> dict[str, Any]:
        """``reproduction.json``, format 2."""
        return {
            "format": FORMAT,
            "type": "reproduction",
            "experiment": self.experiment,
            "bundle_run": self.bundle_run,
            "local_run": self.local_run,
            "mode": self.mode,
            "within": self.within,
            "cpu_limit": self.cpu_limit,
            "environments": {"bundle": self.bundle_environments, "local": self.local_environments},
            "provenance": [to_builtins(item) | {"same": item.same} for item in self.provenance],
            "claims": [to_builtins(claim) for claim in self.claims],
        }


def render(reproduction: Reproduction) -> str:
    """Return the result as plain text: the provenance, the claims, and notes."""
    parts = [
        f"{reproduction.experiment}: run {reproduction.local_run} ({reproduction.mode}) compared with run "
        f"{reproduction.bundle_run} of the bundle",
        _table(
            ["provenance", "bundle", "local", ""],
            [[i.name, i.bundle_value, i.local_value, _SAME[i.same]] for i in reproduction.provenance],
        ),
        _table(["claim", "bundle", "local", "verdict"], [_claim_row(claim) for claim in reproduction.claims]),
        "\n".join(_notes(reproduction)),
    ]
    return "\n\n".join(parts) + "\n"


def _claim_row(claim: ClaimResult) -> list[str]:
    verdict = f"{claim.verdict}: {claim.reason}" if claim.reason else claim.verdict
    return [claim.claim, claim.bundle_value, claim.local_value or "-", verdict]


def _notes(reproduction: Reproduction) -> Iterator[str]:
    bundle, local = reproduction.bundle_environments, reproduction.local_environments
    for environment in sorted({*bundle, *local}):
        sides = [name for name, side in (("bundle", bundle), ("local", local)) if environment in side]
        yield f"{environment} ({' and '.join(sides)}): {describe(environment)}"
    if bundle != local:
        yield f"ENVIRONMENTS DIFFER: {', '.join(bundle)} (bundle), {', '.join(local)} (local)."
    yield (
        f"Rules: two modes have an order if they differ by {(APART - 1) * 100:.0f} % or more; scaling ends where more "
        f"threads gain less than {(FLAT[0] - 1) * 100:.0f} to {(FLAT[1] - 1) * 100:.0f} %; a ratio may deviate by "
        f"{reproduction.within * 100:g} %."
    )
    if reproduction.cpu_limit:
        yield (
            f"The local host has {reproduction.cpu_limit} CPUs, fewer than the bundle's host. "
            "Figures of more threads than that are not judged."
        )
    if reproduction.scrubbed:
        yield "The bundle was scrubbed: its host names and addresses are placeholders."
    counts = Counter(claim.verdict for claim in reproduction.claims)
    texts = [f"{n} {verdict if n == 1 else words}" for verdict, words in _COUNTED if (n := counts[verdict])]
    yield f"Claims: {', '.join(texts) or 'none'}."


def _table(headings: list[str], rows: list[list[str]]) -> str:
    cells = [[plain(cell) for cell in row] for row in rows]
    text = tabulate(
        cells,
        headings,
        tablefmt="simple",
        disable_numparse=True,
        maxcolwidths=_WIDTHS,
        break_long_words=False,
    )
    return "\n".join(line.rstrip() for line in text.splitlines())
