"""Patches as ``git format-patch`` writes them, decoded by git."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import BadInput
from orchestrator.kernels.git import run_git
from tools.series.commits import Commit
from tools.series.series import Series


@dataclass(frozen=True, slots=True)
class Mail:
    """A patch with its author; ``message`` has the subject."""

    author: dict[str, str]
    message: str
    diff: bytes


def read_mail(file: Path) -> Mail:
    """Return a patch. Raises ``BadInput`` if it has no author, date or subject."""
    with tempfile.TemporaryDirectory(prefix="series-mail-") as temporary:
        folder = Path(temporary)
        words = ("mailinfo", "--encoding=UTF-8", folder / "message", folder / "patch")
        decoded = run_git(words, folder, file.read_bytes())
        fields = dict(line.partition(": ")[::2] for line in _text(decoded.stdout).splitlines())
        try:
            author = {
                "GIT_AUTHOR_NAME": fields["Author"],
                "GIT_AUTHOR_EMAIL": fields["Email"],
                "GIT_AUTHOR_DATE": fields["Date"],
            }
            message = f"{fields['Subject']}\n\n{_text((folder / 'message').read_bytes())}".strip()
        except KeyError as error:
            raise BadInput(f"{file}: not a mail of 'git format-patch': no {error.args[0]}") from None
        return Mail(author, message, (folder / "patch").read_bytes())


def patches_of(series: Series) -> list[Commit]:
    """Return the patches of a series as its files have them: commits without a name."""
    mails = [read_mail(file) for file in series.files]
    return [Commit("", mail.message.partition("\n")[0], mail.message, _text(mail.diff)) for mail in mails]


def _text(content: bytes) -> str:
    return content.decode(errors="surrogateescape")
