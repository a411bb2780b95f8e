"""Patches as commits: what a series has, and what a branch has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.series.changes import digest, digest_of_text
from tools.series.git import git


@dataclass(frozen=True)
class Commit:
    """A commit of a series.

    :ivar message: the whole message, with the subject.
    """

    id: str
    subject: str
    message: str
    diff: str

    @cached_property
    def digests(self) -> str:
        """Names of what it changes and of its message, as one text."""
        return f"{digest(self.diff)} {digest_of_text(self.message)}"


def commits(folder: Path, tip: str) -> list[Commit]:
    """Return the commits on top of the first one, the base, in order."""
    ids = git(folder, "rev-list", "--reverse", tip).split()[1:]
    return [read(folder, one) for one in ids]


def base_of(folder: Path, tip: str) -> str:
    """Return the base of a branch: its first commit."""
    return git(folder, "rev-list", "--max-parents=0", tip)


def read(folder: Path, name: str) -> Commit:
    """Return a commit."""
    shown = git(folder, "show", "--format=%H%x00%s%x00%B%x00", "--no-color", "--no-ext-diff", "--patch", name)
    identity, subject, message, diff = shown.split("\x00", 3)
    return Commit(identity, subject, message.strip(), diff)
