"""Apply patches to a source tree; errors name the patch, the file and the hunk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from orchestrator.errors import KernelError
from orchestrator.kernels import programs
from orchestrator.kernels.git import complaint, run_git
from orchestrator.kernels.patches import Patch

_APPLYING = re.compile(r"^(?:Checking|Applying) patch (.+?)(?:\.\.\.| with \d+ rejects?\.\.\.)$")
_HUNK = re.compile(r"^Rejected hunk #(\d+)\.$")
_HEADER = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@.*$", re.MULTILINE)


def apply_patches(patches: Iterable[Patch], tree: Path) -> None:
    """Apply patches to a source tree. Raises ``KernelError`` with the patch, file and hunk that does not apply.

    ``git apply`` replaces files instead of changing them in place, so hard links to the old files stay intact.
    """
    for patch in patches:
        words = ["apply", "--verbose", "--reject", "--whitespace=nowarn", *patch.options, "-"]
        completed = run_git(words, tree, patch.text)
        if completed.returncode:
            output = completed.stderr.decode(errors="backslashreplace")
            if programs.NO_SPACE in output:
                raise KernelError(f"patch {patch.name}: no space left for the source tree")
            raise KernelError(
                f"patch {patch.name} does not apply: {_rejected(output, tree) or complaint(completed)}"
            )


def _rejected(output: str, tree: Path) -> str:
    """Return the first hunk that does not apply, from the output of git and the reject file; empty: none."""
    file = ""
    for line in output.splitlines():
        if match := _APPLYING.match(line):
            file = match[1]
        elif (match := _HUNK.match(line)) and file:
            rejected = tree / f"{file}.rej"
            hunk = rejected.read_bytes() if rejected.is_file() else b""
            header = _HEADER.search(hunk.decode(errors="replace"))
            location = f" ({header[0].strip()})" if header else ""
            return f"hunk {match[1]} of {file}{location}{_line_endings(hunk, tree / file)}"
    return ""


def _line_endings(hunk: bytes, file: Path) -> str:
    """Return the cause if hunk and file differ in their line endings."""
    if not hunk or not file.is_file():
        return ""
    in_hunk, in_file = b"\r\n" in hunk, b"\r\n" in file.read_bytes()
    if in_hunk and not in_file:
        return f": the patch has CRLF line endings, {file.name} has LF; convert the patch with dos2unix"
    if in_file and not in_hunk:
        return (
            f": {file.name} has CRLF line endings, the patch has LF; git removes CR from mails, "
            "use a diff without a mail header"
        )
    return ""
