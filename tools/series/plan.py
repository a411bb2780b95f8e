"""Which patch comes from where when a series is ported. Pure logic: what is there goes in, the steps come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tools.series.commits import Commit


@dataclass(frozen=True, slots=True)
class Step:
    """A commit to have on the branch.

    :ivar kind: ``keep``: as it was ported; ``message``: so, with the message of ``origin``; ``port``: ``origin``'s.
    :ivar former: of a patch that is ported again: how it was ported before.
    """

    kind: Literal["keep", "message", "port"]
    commit: Commit
    origin: Commit | None = None
    former: Commit | None = None


def steps(
    origin: Sequence[Commit], old: Sequence[Commit], upstream: Iterable[str], ported: Mapping[str, str]
) -> list[Step]:
    """Return the steps in the order of ``origin``.

    :param origin: the patches to port.
    :param old: what was ported so far. Patches that ``origin`` has not stay behind those that they follow.
    :param upstream: subjects to leave out.
    :param ported: by subject, the digests of what was ported; a patch that has other ones by now is ported again. One
        without is current: it was written by hand.
    """
    counterparts = {commit.subject: commit for commit in old}
    followers = _followers(old, {commit.subject for commit in origin})
    result = [Step("keep", commit) for commit in followers.get("", ())]
    for patch in origin:
        if patch.subject not in upstream:
            counterpart = counterparts.get(patch.subject)
            result.append(_step(patch, counterpart, ported.get(patch.subject, patch.digests)))
        result += [Step("keep", commit) for commit in followers.get(patch.subject, ())]
    return result


def _followers(old: Iterable[Commit], subjects: set[str]) -> dict[str, list[Commit]]:
    """Return the commits that are of this series only, by the subject of the common one that they follow."""
    followers: dict[str, list[Commit]] = {}
    leader = ""
    for commit in old:
        if commit.subject in subjects:
            leader = commit.subject
        else:
            followers.setdefault(leader, []).append(commit)
    return followers


def _step(patch: Commit, counterpart: Commit | None, ported: str) -> Step:
    if counterpart is None or ported.split()[0] != patch.digests.split()[0]:
        return Step("port", patch, patch, counterpart)
    if ported != patch.digests:
        return Step("message", counterpart, patch)
    return Step("keep", counterpart, patch)


def unchanged(plan: Sequence[Step], branch: Sequence[Commit]) -> int:
    """Return how many steps, from the first, the branch has already."""
    count = 0
    for step, commit in zip(plan, branch, strict=False):
        if step.kind != "keep" or step.commit.id != commit.id:
            break
        count += 1
    return count
