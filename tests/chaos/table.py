"""The table of a campaign, by fault."""

from __future__ import annotations

from collections.abc import Sequence

from tests.chaos.campaign import Outcome

HEAD = (
    "fault", "runs", "ended by themselves", "completed by repeating", "refused with a reason", "trials planned",
    "lost", "doubled", "wrong", "left over", "other",
)  # fmt: skip


def table(outcomes: Sequence[Outcome]) -> str:
    """Return it in Markdown."""
    names = list(dict.fromkeys(outcome.fault for outcome in outcomes))
    rows = [_row(name, [outcome for outcome in outcomes if outcome.fault == name]) for name in names]
    rows.append(_row("all", outcomes))
    lines = [HEAD, ("---", *["--:"] * (len(HEAD) - 1)), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _row(name: str, outcomes: Sequence[Outcome]) -> tuple[str | int, ...]:
    found = [outcome.found for outcome in outcomes]
    return (
        name,
        len(outcomes),
        sum(outcome.commands == 1 for outcome in outcomes),
        sum(outcome.commands > 1 for outcome in outcomes),
        sum(len(outcome.refusals) for outcome in outcomes),
        sum(outcome.planned for outcome in outcomes),
        *(
            sum(len(getattr(one, kind)) for one in found)
            for kind in ("lost", "doubled", "wrong", "left", "other")
        ),
    )
