"""The branch on which a series is ported, and what is known of it between two runs."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orchestrator.errors import BadInput, KernelError
from tools.series.commits import Commit, commits, read
from tools.series.git import complaint, git, try_git
from tools.series.plan import Step

_CONFLICT = re.compile(r"^<<<<<<< ", re.MULTILINE)
_KINDS = {
    "DD": "deleted on both sides",
    "AU": "added by the branch",
    "UA": "added by the patch",
    "UD": "deleted by the patch, changed on the branch",
    "DU": "changed by the patch, missing on the branch",
}


class Conflict(KernelError):
    """A patch does not apply; its message says what to do."""


@dataclass
class State:
    """What is known between two runs.

    :ivar written: the commit of the series' patches as they were last read or written.
    :ivar head: the branch at that time.
    :ivar pending: commits that were on the branch and are to be applied to it again.
    :ivar ported: by subject, the digests of the patches that were ported since.
    :ivar built: trees that were built without an error.
    """

    written: str = ""
    head: str = ""
    pending: list[str] = field(default_factory=list)
    ported: dict[str, str] = field(default_factory=dict)
    built: list[str] = field(default_factory=list)


class Branch:
    """The branch ``name`` of a tree, checked out while a series is ported."""

    def __init__(self, tree: Path, name: str) -> None:
        self.tree = tree
        self.name = name
        self._file = Path(git(tree, "rev-parse", "--absolute-git-dir")) / "port-series.json"
        self.state = State(**json.loads(self._file.read_text())) if self._file.is_file() else State()

    def save(self) -> None:
        """Write the state."""
        self._file.write_text(json.dumps(asdict(self.state), indent=1), encoding="utf-8")

    @property
    def head(self) -> str:
        """The last commit; empty: there is no branch yet."""
        return try_git(
            self.tree, "rev-parse", "--verify", "--quiet", f"refs/heads/{self.name}"
        ).stdout.strip()

    @property
    def commits(self) -> list[Commit]:
        """The commits on top of the base, in order."""
        return commits(self.tree, self.head) if self.head else []

    def require_clean(self) -> None:
        """Raise ``Conflict`` if a patch waits to be resolved, ``BadInput`` if there are changes outside a commit."""
        picked = try_git(self.tree, "rev-parse", "--verify", "--quiet", "CHERRY_PICK_HEAD").stdout.strip()
        if picked:
            raise self._conflict(read(self.tree, picked))
        for name in ("rebase-merge", "rebase-apply"):
            if Path(git(self.tree, "rev-parse", "--path-format=absolute", "--git-path", name)).exists():
                raise BadInput(
                    f"{self.tree}: a rebase is not finished; git rebase --continue, then run this again"
                )
        changed = git(self.tree, "status", "--porcelain", "--untracked-files=no").splitlines()
        if changed:
            names = ", ".join(line[3:] for line in changed[:3]) + (", ..." if len(changed) > 3 else "")
            raise BadInput(
                f"{self.tree} has changes outside a commit ({names}); git commit --amend, or git reset --hard, "
                "then run this again"
            )

    def start(self, commit: str) -> None:
        """Check the branch out at ``commit``. Its old commits stay reachable as ``refs/old/NAME``."""
        if self.head:
            git(self.tree, "update-ref", f"refs/old/{self.name}", self.head)
        checkout = try_git(self.tree, "checkout", "--quiet", "-B", self.name, commit)
        if checkout.returncode:
            raise BadInput(f"{self.tree}: {complaint(checkout).removeprefix('fatal: ')}")

    def apply(self, step: Step) -> None:
        """Add a step to the branch. Raises ``Conflict``."""
        if step.kind == "port":
            self.state.ported[step.commit.subject] = step.commit.digests
        self.state.pending = [commit for commit in self.state.pending if commit != step.commit.id]
        self.save()
        picked = try_git(self.tree, "cherry-pick", "--allow-empty", step.commit.id)
        if picked.returncode and not self._resolved(step.commit):
            raise self._conflict(step.commit)
        if step.kind == "message" and step.origin is not None:
            message = f"{step.origin.message}\n".encode(errors="surrogateescape")
            git(self.tree, "commit", "--quiet", "--amend", "--cleanup=verbatim", "--file=-", content=message)
            self.state.ported[step.commit.subject] = step.origin.digests
            self.save()

    def _resolved(self, commit: Commit) -> bool:
        """Whether a conflict is one that was resolved before. Raises ``Conflict`` if the patch changes nothing."""
        if not try_git(self.tree, "rev-parse", "--verify", "--quiet", "CHERRY_PICK_HEAD").stdout:
            return False
        if git(self.tree, "diff", "--name-only", "--diff-filter=U"):
            return False
        if not git(self.tree, "diff", "--cached", "--name-only"):
            git(self.tree, "cherry-pick", "--skip")
            self.state.ported.pop(commit.subject, None)
            self.save()
            raise Conflict(
                f"'{commit.subject}' changes nothing in {self.name}, which has it already: list it in the file "
                "'upstream' (SUBJECT # REASON), then run this again"
            )
        git(self.tree, "cherry-pick", "--continue")
        return True

    def _conflict(self, commit: Commit) -> Conflict:
        status = git(self.tree, "status", "--porcelain", "--untracked-files=no").splitlines()
        files = [(line[:2], line[3:]) for line in status if line[:2] in _KINDS or line[:2] in ("UU", "AA")]
        places = [f"  {file}: {_KINDS.get(kind) or _places(self.tree / file)}" for kind, file in files]
        # By force: the .gitignore of Debian's source ignores all of it.
        add = f"git add --force {' '.join(file for _, file in files)} && " if files else ""
        return Conflict(
            f"conflict: {commit.subject}",
            *(places or ["  all files are resolved"]),
            f"{'resolve it' if files else 'continue'} in {self.tree}:",
            f"  {add}git cherry-pick --continue",
            f"  or, if {self.name} needs no such patch: git cherry-pick --skip, and list its subject in the",
            "  file 'upstream' (SUBJECT # REASON)",
            "then run this again; it carries on from there",
        )


def _places(file: Path) -> str:
    """Return in words where a file has conflicts."""
    text = file.read_text(encoding="utf-8", errors="replace")
    numbers = [text.count("\n", 0, match.start()) + 1 for match in _CONFLICT.finditer(text)]
    if not numbers:
        return "resolved, not added"
    return f"{_count(len(numbers), 'hunk')} at {', '.join(f'line {number}' for number in numbers)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
