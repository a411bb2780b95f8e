"""Mails as ``git am`` reads them: ``git mailsplit`` splits a mailbox, ``git mailinfo`` decodes a mail."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import KernelError
from orchestrator.kernels.git import complaint, run_git
from orchestrator.units import format_size

_FIELD = re.compile(rb"[!-9;-~]+:")
_COVER = re.compile(
    r"(?:\[[^]]*\]\s*)*\[[^]]*\b0+/\d+\b"
)  # lists add their own prefix: [Intel-gfx] [PATCH 0/3]
_LATIN_1 = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
"""Bytes that are not UTF-8 (escaped by Python) to the characters that git takes them for."""

MOST = 1000
"""Mails of a mailbox: git is started for each."""

_START = re.compile(rb"^From .*[0-9].[0-9]{2}:[0-9]{2}", re.MULTILINE)
"""The line before a mail, as ``git mailsplit`` finds it: it has a time."""

_DUMMY_AUTHOR = "Mail System Internal Data"
"""The author of the first mail in mailboxes of some programs. It holds settings; ``git am`` skips it."""


class Mail(Struct, frozen=True):
    """A mail, decoded.

    :ivar number: its position in the mailbox, from 1.
    :ivar subject: the subject of the commit that ``git am`` would make; empty: none.
    :ivar author: name of its author; empty: unknown.
    :ivar patch: what follows the commit message: bytes, may be empty.
    :ivar content: the whole mail, not decoded.
    """

    number: int
    subject: str
    author: str
    patch: bytes
    content: bytes


def is_mailbox(content: bytes) -> bool:
    """Whether ``git am`` takes a file for a mail or a mailbox: a "From" line or a header of fields comes first."""
    if content.lstrip().startswith((b"From ", b"From: ")):
        return True
    for line in io.BytesIO(content):
        if not line.strip(b"\r\n"):
            break
        if not line.startswith((b" ", b"\t")) and not _FIELD.match(line):
            return False
    return bool(content.strip())


def is_maildir(folder: Path) -> bool:
    """Whether ``git mailsplit`` takes a directory for a Maildir."""
    return (folder / "cur").is_dir() and (folder / "new").is_dir()


def read_mailbox(path: Path, largest: int) -> tuple[Mail, ...]:
    """Return the mails of an mbox, a Maildir or a file with one mail. Raises ``KernelError`` as ``git am`` fails.

    :param largest: the most bytes of a Maildir.
    """
    count = _files_of_maildir(path, largest) if path.is_dir() else len(_START.findall(path.read_bytes()))
    if count > MOST:
        raise KernelError(f"{path}: has {count} mails; at most {MOST} can be read")
    with tempfile.TemporaryDirectory(prefix="orchestrate-mails-") as temporary:
        folder = Path(temporary)
        completed = run_git(["mailsplit", "-b", f"-o{folder}", "--", path], folder)
        if completed.returncode:
            raise KernelError(f"{path}: git mailsplit failed: {complaint(completed)}")
        files = sorted(folder.iterdir(), key=lambda file: int(file.name))
        return tuple(_decode(path, files, folder))


def may_lack_a_patch(mail: Mail) -> bool:
    """Whether a mail without a diff is in order: a cover letter (``[PATCH 0/N]``), or no message at all."""
    if mail.author == _DUMMY_AUTHOR:
        return True
    with tempfile.TemporaryDirectory(prefix="orchestrate-mails-") as temporary:
        fields = _mailinfo(f"mail {mail.number}", mail.content, Path(temporary), "-k")  # keeps [PATCH 0/N]
    return bool(_COVER.match(fields.get("Subject", "")))


def _files_of_maildir(folder: Path, largest: int) -> int:
    """Return how many mails a Maildir has. Raises ``KernelError`` for one that could be read for ever."""
    files = [file for name in ("cur", "new") for file in (folder / name).iterdir() if file.name[0] != "."]
    for file in files:
        if not file.is_file():
            raise KernelError(f"{file}: not a regular file")
    if sum(file.stat().st_size for file in files) > largest:
        raise KernelError(f"{folder}: larger than {format_size(largest)}")
    return len(files)


def _decode(path: Path, files: list[Path], folder: Path) -> Iterator[Mail]:
    for number, file in enumerate(files, 1):
        content = file.read_bytes()
        # The blank line between two mails is part of the mailbox, not of a patch, whose hash names the kernel.
        if len(files) > 1 and content.endswith(b"\n\n"):
            content = content[:-1]
        fields = _mailinfo(f"{path}: mail {number}", content, folder, "--encoding=UTF-8")
        subject = fields.get("Subject") or _first_paragraph((folder / "message").read_bytes())
        yield Mail(number, subject, fields.get("Author", ""), (folder / "patch").read_bytes(), content)


def _mailinfo(location: str, mail: bytes, folder: Path, option: str) -> dict[str, str]:
    """Write ``message`` and ``patch`` into ``folder``; return the fields (Author, Subject and others)."""
    completed = run_git(["mailinfo", option, folder / "message", folder / "patch"], folder, mail)
    if completed.returncode:
        raise KernelError(f"{location}: git mailinfo failed: {complaint(completed)}")
    lines = _text(completed.stdout).split("\n")
    return {name: value for name, separator, value in (line.partition(": ") for line in lines) if separator}


def _first_paragraph(message: bytes) -> str:
    """Return what git takes for the subject of a commit without a line of its own for it."""
    return " ".join(_text(message).strip().partition("\n\n")[0].split())


def _text(content: bytes) -> str:
    return content.decode(errors="surrogateescape").translate(_LATIN_1)
