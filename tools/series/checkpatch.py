"""checkpatch's figures of a patch."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

from orchestrator.errors import KernelError

KINDS = ("ERROR", "WARNING", "CHECK")
_LINE = re.compile(r"(?:(?P<place>\S*): ?)?(?P<kind>ERROR|WARNING|CHECK):(?P<rest>.*)")


def checkpatch(tree: Path, patch: Path) -> list[str]:
    """Return a line ``KIND:TYPE: TEXT`` for each complaint of the tree's ``checkpatch.pl --strict``."""
    script = tree / "scripts" / "checkpatch.pl"
    if not script.is_file():
        raise KernelError(f"{script}: No such file or directory")
    # The tree has no history, in which checkpatch would look for the commits that messages name.
    options = ("--strict", "--terse", "--show-types", "--no-summary", "--ignore", "UNKNOWN_COMMIT_ID")
    done = subprocess.run(
        [script, *options, patch],
        cwd=tree,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    lines = complaints(done.stdout)
    if done.returncode and not lines:
        reason = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[
            -1
        ]
        raise KernelError(f"checkpatch.pl failed on {patch.name}: {reason}")
    return lines


def complaints(output: str) -> list[str]:
    """Return the complaints in checkpatch's terse output, with the line of the patch that each is about."""
    found = []
    for line in output.splitlines():
        if match := _LINE.match(line):
            number = (match["place"] or "").rpartition(":")[2]
            found.append(
                f"{match['kind']}:{match['rest']}" + (f" (line {number})" if number.isdigit() else "")
            )
    return found


def counts(lines: list[str]) -> Counter[str]:
    """Return how many complaints there are of each kind."""
    return Counter(line.partition(":")[0] for line in lines)
