"""Read patches: diffs, mails, mailboxes, directories of them, and posted series."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.experiment.model import PatchSource
from orchestrator.extras import installation
from orchestrator.kernels import compressed, programs
from orchestrator.kernels.git import complaint, run_git
from orchestrator.kernels.locks import atomic_folder
from orchestrator.kernels.mails import Mail, is_mailbox, is_maildir, may_lack_a_patch, read_mailbox
from orchestrator.kernels.quilt import Entry, read_series
from orchestrator.units import format_size

_log = logging.getLogger(__name__)

LARGEST = 64 << 20
"""Bytes of a patch or a mailbox, decompressed."""

_COMPRESSED = rb"(?:\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd)"
"""The first bytes of files of gzip, bzip2, xz and zstd."""
_SUFFIXES = (".patch", ".diff", ".mbox", ".mbx", ".eml")
#: made by patch and editors
_BACKUPS = (".orig", ".rej", ".bak", ".swp", ".patch~", ".diff~")
_DIFF = re.compile(rb"^--- .+\n\+\+\+ .+\n@@ |^diff --git |\A" + _COMPRESSED, re.MULTILINE)
_COMPRESSED_NAMES = (".gz", ".bz2", ".xz", ".lzma", ".lz")
"""The endings of names that quilt knows."""
_NO_DIFF = ("No valid patches in input", "unrecognized input")
"""What git says of a text without a diff; the second before version 2.35."""


class Patch(Struct, frozen=True):
    """A patch: its name, its decoded text, and how ``git apply`` takes it.

    :ivar strip: number of leading path components to remove (``-pN``), see ``Entry``.
    :ivar reverse: whether it is taken back (``-R``).
    """

    name: str
    text: bytes
    strip: int | None = None
    reverse: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The options of ``git apply`` that are not the default."""
        strip = () if self.strip in (None, 1) else (f"-p{self.strip}",)
        return (*strip, *(("-R",) if self.reverse else ()))

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the options and the text."""
        return hashlib.sha256(" ".join(self.options).encode() + self.text).hexdigest()


def read_patches(sources: Iterable[PatchSource]) -> tuple[Patch, ...]:
    """Return all patches in the order to apply them.

    Raises ``KernelError`` if a source has none, fewer than its ``first``, or an invalid one.
    """
    patches: list[Patch] = []
    for source in sources:
        path = _from_b4(source.location) if source.kind == "b4" else Path(source.location)
        try:
            read = [patch for entry in _entries(path) for patch in _read(entry)]
        except OSError as error:
            raise KernelError(f"cannot read {error.filename or path}: {error.strerror}") from error
        if not read:
            raise KernelError(f"{path}: no patches found")
        if source.first > len(read):
            raise KernelError(f"{path}: patches found: {len(read)}; first: {source.first}")
        patches += read[: source.first or None]
    return tuple(patches)


def is_fetched(source: PatchSource) -> bool:
    """Whether patches can be read without the network."""
    return source.kind != "b4" or _series_folder(source.location).is_dir()


def _entries(path: Path) -> Iterator[Entry]:
    """Yield the patches of a directory in the order of its ``series`` (as in quilt), otherwise by name."""
    if not path.is_dir() or is_maildir(path):
        yield Entry(path, str(path))
    elif (series := path / "series").is_file():
        yield from (entry for entry in read_series(series) if entry.file.stat().st_size)
    else:
        files = sorted(path.iterdir())
        for file in files:
            if file.suffix not in (*_SUFFIXES, *_BACKUPS) and _has_diff(file):
                _log.warning("%s: skipped: its name does not end in one of %s", file, ", ".join(_SUFFIXES))
        yield from (Entry(file, str(file)) for file in files if file.suffix in _SUFFIXES)


def _has_diff(file: Path) -> bool:
    """Whether the first MiB of a file looks like a patch, or is compressed."""
    if not file.is_file():
        return False
    with file.open("rb") as content:
        return bool(_DIFF.search(content.read(1 << 20)))


def _read(entry: Entry) -> Iterator[Patch]:
    # A FIFO or a device could be read for ever.
    if entry.file.exists() and not (entry.file.is_file() or entry.file.is_dir()):
        raise KernelError(f"{entry.location}: not a regular file")
    if entry.file.suffix not in _COMPRESSED_NAMES or entry.file.is_dir():
        yield from _decompressed(entry)
        return
    try:
        content = compressed.read(entry.file, LARGEST)
    except KernelError as error:
        raise KernelError(
            str(error) if entry.location == str(entry.file) else f"{entry.location}: {error}"
        ) from None
    if not content:
        return  # as quilt does with an empty file
    with tempfile.TemporaryDirectory(prefix="orchestrate-patch-") as temporary:
        file = Path(temporary) / entry.file.name  # git reads mailboxes from files
        file.write_bytes(content)
        yield from _decompressed(replace(entry, file=file))


def _decompressed(entry: Entry) -> Iterator[Patch]:
    content = b"" if is_maildir(entry.file) else _content(entry)
    if re.match(_COMPRESSED, content):
        raise KernelError(f"{entry.location}: {entry.file.name} is compressed; decompress it first")
    if is_maildir(entry.file) or is_mailbox(content):
        mails = read_mailbox(entry.file, LARGEST)
        for mail in mails:
            if patch := _from_mail(entry, mail, content, len(mails) == 1):
                yield patch
    elif patch := _checked(entry, entry.location, entry.file.name, content):
        yield patch
    else:
        raise KernelError(f"{entry.location}: {entry.file.name} is not a patch: no diff found")


def _content(entry: Entry) -> bytes:
    with entry.file.open("rb") as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise KernelError(f"{entry.location}: {entry.file.name} is larger than {format_size(LARGEST)}")
    return content


def _from_mail(entry: Entry, mail: Mail, content: bytes, is_only: bool) -> Patch | None:
    """Return the patch of a mail, None for a cover letter. ``content`` is the whole file."""
    subject = mail.subject or f"mail {mail.number}"
    text = mail.patch
    if is_only and not content.startswith(b"From ") and content.endswith(text) and text:
        # git apply skips what precedes the diff. With it, kernels keep the names that they always had.
        text = content
    location = entry.location if is_only else f"{entry.location}: mail {mail.number} ({subject})"
    if patch := _checked(entry, location, entry.file.name if is_only else subject, text):
        return patch
    if not may_lack_a_patch(mail):
        raise KernelError(f"{location}: no diff found in the mail; remove the mail if it is not a patch")
    _log.info("%s: skipped: no patch", location)
    return None


def _checked(entry: Entry, location: str, name: str, text: bytes) -> Patch | None:
    """Return the patch, None if git finds no diff in its text. Raises ``KernelError`` if it finds a damaged one."""
    patch = Patch(name, text, entry.strip, entry.reverse)
    if not text.strip():
        return None
    strip = () if entry.strip is None else (f"-p{entry.strip}",)
    completed = run_git(["apply", "--numstat", *strip, "-"], Path("/"), text)
    if completed.returncode == 0:
        shown = os.fsencode(" ".join((name, *patch.options))).decode(errors="backslashreplace")
        return Patch(shown, text, entry.strip, entry.reverse)
    reason = complaint(completed)
    if any(words in reason for words in _NO_DIFF):
        return None
    raise KernelError(f"{location}: {reason}")


def _series_folder(message: str) -> Path:
    return cache_folder() / "series" / re.sub(r"[^A-Za-z0-9@._-]", "_", message)


def _from_b4(message: str) -> Path:
    """Return the directory of a posted series; fetch it if it is not in the cache. A message id never changes."""
    folder = _series_folder(message)
    if not folder.is_dir():
        try:
            programs.require("b4")
        except KernelError:
            raise KernelError(
                f"fetching the series {message} requires b4; install it with: {installation('b4')}"
            ) from None
        with atomic_folder(folder) as part:
            programs.run(
                ["b4", "--no-interactive", "am", "--no-cover", "--outdir", part, message],
                f"b4 am {message} failed",
            )
    return folder
