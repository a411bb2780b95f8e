"""Read patches and apply them; errors name the patch, the file and the hunk."""

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
from orchestrator.kernels.locks import atomic_folder

_MAIL = re.compile(rb"^From \S+ .*\d{4}\r?$", re.MULTILINE)
_APPLYING = re.compile(r"^(?:Checking|Applying) patch (\S+?)(?:\.\.\.| with \d+ rejects?\.\.\.)$")
_HUNK = re.compile(r"^Rejected hunk #(\d+)\.$")
_HEADER = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch: its name and its decoded text."""

    name: str
    text: bytes

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the text."""
        return hashlib.sha256(self.text).hexdigest()


def read_patches(sources: Iterable[PatchSource]) -> tuple[Patch, ...]:
    """Return all patches in the order to apply them. Raises ``KernelError`` if a source has none or an invalid one."""
    patches: list[Patch] = []
    for source in sources:
        path = _from_b4(source.location) if source.kind == "b4" else Path(source.location)
        read = [patch for file in _files(path) for patch in _read(file)]
        if not read:
            raise KernelError(f"{path}: no patches found")
        patches += read
    return tuple(patches)


def _files(path: Path) -> list[Path]:
    """Return the patches of a directory in the order of its ``series`` (as in quilt), otherwise by name."""
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
        raise KernelError(f"{file} is not a patch: no line begins with '+++ '")


def _from_mbox(file: Path) -> Iterator[Patch]:
    """Yield the patches of an mbox in file order (b4 sorts them); skip mails without a patch (cover letters)."""
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
    """Yield the patch of a mail, decoded by ``git mailinfo`` (base64, quoted-printable)."""
    with tempfile.TemporaryDirectory(prefix="orchestrate-mail-") as temporary:
        folder = Path(temporary)
        completed = subprocess.run(
            ["git", "mailinfo", "--encoding=UTF-8", folder / "message", folder / "patch"],
            input=mail,
            capture_output=True,
            check=False,
        )
        if completed.returncode:
            raise KernelError(
                f"{name}: git mailinfo failed: {completed.stderr.decode(errors='replace').strip()}"
            )
        text = (folder / "patch").read_bytes()
    if text.strip():
        yield Patch(name, text)


def _from_b4(message: str) -> Path:
    """Return the directory of a posted series; fetch it if it is not in the cache. A message id never changes."""
    folder = cache_folder() / "series" / re.sub(r"[^A-Za-z0-9@._-]", "_", message)
    if not folder.is_dir():
        try:
            programs.require("b4")
        except KernelError:
            raise KernelError(
                f"fetching the series {message} requires b4; install it with "
                "pip install 'migration-orchestrator[b4]'"
            ) from None
        with atomic_folder(folder) as part:
            programs.run(
                ["b4", "--no-interactive", "am", "--no-cover", "--outdir", part, message],
                f"b4 am {message} failed",
            )
    return folder


def apply_patches(patches: Iterable[Patch], tree: Path) -> None:
    """Apply patches to a source tree. Raises ``KernelError`` with the patch, file and hunk that does not apply.

    ``git apply`` replaces files instead of changing them in place, so hard links to the old files stay intact.
    """
    for patch in patches:
        # Ignore a repository that contains the tree.
        environment = {
            **os.environ,
            "LC_ALL": "C",
            "GIT_CEILING_DIRECTORIES": str(tree.parent),
            "GIT_DIR": "/dev/null",
        }
        completed = subprocess.run(
            ["git", "apply", "--verbose", "--reject", "--whitespace=nowarn", "-"],
            cwd=tree,
            env=environment,
            input=patch.text,
            capture_output=True,
            check=False,
        )
        if completed.returncode:
            raise KernelError(_reason(patch, completed.stderr.decode(errors="replace"), tree))


def _reason(patch: Patch, output: str, tree: Path) -> str:
    """Return the file and hunk that does not apply, from the output of git and the reject file."""
    if programs.NO_SPACE in output:
        return f"patch {patch.name}: no space left for the source tree"
    file = ""
    for line in output.splitlines():
        if match := _APPLYING.match(line):
            file = match[1]
        elif (match := _HUNK.match(line)) and file:
            rejected = tree / f"{file}.rej"
            header = _HEADER.search(rejected.read_text(errors="replace")) if rejected.is_file() else None
            location = f" ({header[0]})" if header else ""
            return f"patch {patch.name} does not apply: hunk {match[1]} of {file}{location}"
    errors = [line.removeprefix("error: ") for line in output.splitlines() if line.startswith("error: ")]
    return f"patch {patch.name} does not apply: {errors[-1] if errors else output.strip()[-200:]}"
