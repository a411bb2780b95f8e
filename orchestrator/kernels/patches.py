"""Patches: read from wherever they are kept, and applied so that a failure names patch, file and hunk."""

from __future__ import annotations

import hashlib
import mailbox
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.experiment.model import PatchSource
from orchestrator.kernels import programs
from orchestrator.kernels.locks import whole_folder

_MAIL = re.compile(rb"^From \S+ .*\d{4}\r?$", re.MULTILINE)
_APPLYING = re.compile(r"^(?:Checking|Applying) patch (\S+?)(?:\.\.\.| with \d+ rejects?\.\.\.)$")
_HUNK = re.compile(r"^Rejected hunk #(\d+)\.$")
_HEADER = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch by name, with its text: the mail it came in, decoded."""

    name: str
    text: bytes

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the text."""
        return hashlib.sha256(self.text).hexdigest()


def read_patches(sources: Iterable[PatchSource]) -> tuple[Patch, ...]:
    """Return all patches in the order they are to be applied; ``KernelError`` where there are none or they are bad."""
    patches: list[Patch] = []
    for source in sources:
        path = _from_b4(source.location) if source.kind == "b4" else Path(source.location)
        found = [patch for file in _files(path) for patch in _read(file)]
        if not found:
            raise KernelError(f"{path} holds no patch")
        patches += found
    return tuple(patches)


def _files(path: Path) -> list[Path]:
    """The patches of a folder in the order of its ``series`` (as quilt writes it), else by name."""
    if not path.is_dir():
        return [path]
    series = path / "series"
    if series.is_file():
        lines = (line.split("#")[0].split() for line in series.read_text(encoding="utf-8").splitlines())
        return [path / words[0] for words in lines if words]
    return sorted(file for file in path.iterdir() if file.suffix in (".patch", ".diff", ".mbox", ".mbx"))


def _read(file: Path) -> Iterator[Patch]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise KernelError(f"cannot read patch {file}: {error.strerror}") from error
    if len(_MAIL.findall(content)) > 1:
        yield from _from_mbox(file)
    elif content.startswith(b"From "):
        yield from _from_mail(file.name, content)
    elif b"\n+++ " in content or content.startswith(b"+++ "):
        yield Patch(file.name, content)
    else:
        raise KernelError(f"{file} is not a patch: it has no line that begins with '+++ '")


def _from_mbox(file: Path) -> Iterator[Patch]:
    """The patches of an mbox in its order (b4 writes them sorted); mails without a patch, as cover letters, go by."""
    box = mailbox.mbox(file, create=False)
    try:
        for number, key in enumerate(box.iterkeys(), 1):
            mail = box.get_message(key)
            subject = re.sub(r"\s+", " ", str(mail.get("Subject", f"mail {number}")))
            name = re.sub(r"^(\[[^]]*\]\s*)+", "", subject)
            yield from _from_mail(name, b"From mbox Thu Jan  1 00:00:00 1970\n" + mail.as_bytes())
    finally:
        box.close()


def _from_mail(name: str, mail: bytes) -> Iterator[Patch]:
    """Undo the encodings of a mail (base64, quoted-printable) as git does."""
    with tempfile.TemporaryDirectory(prefix="orchestrate-mail-") as name_of_folder:
        folder = Path(name_of_folder)
        done = subprocess.run(
            ["git", "mailinfo", "--encoding=UTF-8", folder / "message", folder / "patch"],
            input=mail,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise KernelError(
                f"{name}: not a mail that git can read: {done.stderr.decode(errors='replace').strip()}"
            )
        text = (folder / "patch").read_bytes()
    if text.strip():
        yield Patch(name, text)


def _from_b4(message: str) -> Path:
    """Fetch a posted series once; what a message id stands for never changes."""
    place = cache_folder() / "series" / re.sub(r"[^A-Za-z0-9@._-]", "_", message)
    if not place.is_dir():
        try:
            programs.require("b4")
        except KernelError:
            raise KernelError(
                f"patches of the posted series {message} are fetched by b4, which this machine lacks: "
                "pip install 'migration-orchestrator[b4]'"
            ) from None
        with whole_folder(place) as part:
            programs.run(
                ["b4", "--no-interactive", "am", "--no-cover", "--outdir", part, message],
                f"b4 could not fetch {message}",
            )
    return place


def apply_patches(patches: Iterable[Patch], tree: Path) -> None:
    """Apply patches to a source tree; ``KernelError`` names the patch, the file and the hunk that does not fit.

    ``git apply`` writes each file anew, so that a tree of hard links keeps its other names as they were.
    """
    for patch in patches:
        # Not part of whatever repository the tree may lie in.
        environment = {
            **os.environ,
            "LC_ALL": "C",
            "GIT_CEILING_DIRECTORIES": str(tree.parent),
            "GIT_DIR": "/dev/null",
        }
        done = subprocess.run(
            ["git", "apply", "--verbose", "--reject", "--whitespace=nowarn", "-"],
            cwd=tree,
            env=environment,
            input=patch.text,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise KernelError(_why(patch, done.stderr.decode(errors="replace"), tree))


def _why(patch: Patch, said: str, tree: Path) -> str:
    """Read from git's words which hunk of which file it was, and show where that hunk would go."""
    if programs.FULL in said:
        return f"patch {patch.name}: no space left for the source tree"
    file = ""
    for line in said.splitlines():
        if match := _APPLYING.match(line):
            file = match[1]
        elif (match := _HUNK.match(line)) and file:
            rejected = tree / f"{file}.rej"
            header = _HEADER.search(rejected.read_text(errors="replace")) if rejected.is_file() else None
            where = f" ({header[0]})" if header else ""
            return f"patch {patch.name} does not apply: hunk {match[1]} of {file}{where}"
    errors = [line.removeprefix("error: ") for line in said.splitlines() if line.startswith("error: ")]
    return f"patch {patch.name} does not apply: {errors[-1] if errors else said.strip()[-200:]}"
