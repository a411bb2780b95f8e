"""Patches are what git takes them for: the same files and subjects, or a refusal where it refuses."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import KernelError
from orchestrator.experiment.model import PatchSource
from orchestrator.kernels.apply import apply_patches
from orchestrator.kernels.patches import read_patches
from tests.integration.patch_history import BINARY, History, ours
from tests.integration.patch_mails import MAILS, edit, renamed, two


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return History(tmp_path_factory.mktemp("history"))


ALONE = ("a mail", "rename", "CRLF mail", "base64", "author in body", "an empty commit", "no subject")


@pytest.mark.parametrize("name", MAILS)
def test_a_mailbox_is_what_git_am_takes_it_for(history: History, tmp_path: Path, name: str) -> None:
    mailbox = tmp_path / "all.mbox"
    # A mailbox has several mails; its patches are recorded by their subjects.
    mailbox.write_bytes(history.first + MAILS[name](history))
    assert ours(history, mailbox) == history.am(mailbox)


@pytest.mark.parametrize("name", ALONE)
def test_a_mail_without_from_line_is_named_by_its_file(history: History, tmp_path: Path, name: str) -> None:
    mail = tmp_path / "alone.eml"
    mail.write_bytes(MAILS[name](history).partition(b"\n")[2])
    git = history.am(mail)
    assert ours(history, mail) == (git and (git[0], ["alone.eml"]))


def cover(subject: str, body: str) -> bytes:
    return f"From x Thu Jan  1 00:00:00 1970\nFrom: A <a@x.org>\nSubject: {subject}\n\n{body}\n".encode()


B4_COVER = """Says what it is about.

---
A (1):
      mm: one

 mm.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)
---
base-commit: 0123456789abcdef0123456789abcdef01234567
"""


@pytest.mark.parametrize(
    ("subject", "body", "is_cover"),
    [
        ("[PATCH 0/2] two", "Hello.", True),
        ("[PATCH v3 00/12] two", B4_COVER, True),
        ("[RFC PATCH mm-unstable v3 0/5] =?UTF-8?q?gr=C3=B6=C3=9Fer?=", B4_COVER, True),
        ("[Intel-gfx] [PATCH 0/2] two", "Hello.", True),
        ("[PATCH 10/12] two", "Hello.", False),
        ("[Intel-gfx] [PATCH 10/12] two", "Hello.", False),
        ("Re: [PATCH 1/2] two", "Reviewed-by: A <a@x.org>", False),
        ("[PATCH] two", B4_COVER, False),
    ],
)
def test_a_cover_letter_is_skipped_and_nothing_else(
    history: History, tmp_path: Path, subject: str, body: str, is_cover: bool
) -> None:
    patches = history.first + history.patches(lambda: edit(history), "mm: one")
    mailbox = tmp_path / "all.mbox"
    mailbox.write_bytes(patches)
    expected = history.am(mailbox)
    mailbox.write_bytes(cover(subject, body) + patches)
    assert history.am(mailbox) is None
    assert ours(history, mailbox) == (expected if is_cover else None)
    if not is_cover:
        with pytest.raises(KernelError, match=r"all.mbox: mail 1 \(.*two\): no diff found"):
            read_patches([PatchSource("path", str(mailbox))])


def test_the_cover_letter_of_format_patch_is_skipped_in_a_directory(history: History, tmp_path: Path) -> None:
    history.patches(lambda: two(history), "start: two")
    history.git("format-patch", "-q", "--cover-letter", "-o", tmp_path, "base")
    assert len(list(tmp_path.iterdir())) == 3
    mine = ours(history, tmp_path)
    assert mine == (
        history.git("rev-parse", "topic^{tree}").decode().strip(),
        ["0001-mm-one.patch", "0002-start-two.patch"],
    )


def test_files_of_other_names_are_skipped_with_a_warning(
    history: History, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    diff = history.diff(lambda: edit(history))
    for name in ("a.patch", "a.patch.orig", "b.txt", "c.patch.gz"):
        (tmp_path / name).write_bytes(gzip.compress(diff) if name.endswith(".gz") else diff)
    (tmp_path / "README").write_text("--- not a diff\n")
    assert [patch.name for patch in read_patches([PatchSource("path", str(tmp_path))])] == ["a.patch"]
    endings = ".patch, .diff, .mbox, .mbx, .eml"
    assert [record.message for record in caplog.records] == [
        f"{tmp_path / name}: skipped: its name does not end in one of {endings}"
        for name in ("b.txt", "c.patch.gz")
    ]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_patch_without_the_ending_is_refused_with_the_cause(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "t.mbox").write_bytes(compress(b"From x Thu Jan  1 00:00:00 1970\n"))
    with pytest.raises(KernelError, match=r"t\.mbox is compressed; decompress it first"):
        read_patches([PatchSource("path", str(tmp_path / "t.mbox"))])


def test_a_compressed_mailbox_is_read_as_the_mailbox(history: History, tmp_path: Path) -> None:
    mails = history.first + MAILS["a mail"](history)
    (tmp_path / "all.mbox").write_bytes(mails)
    (tmp_path / "all.mbox.xz").write_bytes(lzma.compress(mails))
    assert ours(history, tmp_path / "all.mbox.xz") == ours(history, tmp_path / "all.mbox")
    assert ours(history, tmp_path / "all.mbox") is not None


def test_a_blank_file_is_no_mailbox(tmp_path: Path) -> None:
    (tmp_path / "a.patch").write_bytes(b"\n\n")
    with pytest.raises(KernelError, match=r"a\.patch is not a patch: no diff found"):
        read_patches([PatchSource("path", str(tmp_path))])


def test_a_maildir_is_read_in_the_order_of_git(history: History, tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()
    one, other = history.patches(lambda: two(history), "start: two").split(b"\nFrom ")
    for number, mail in (9, one), (10, b"From " + other):
        (tmp_path / "cur" / f"{number}:2,S").write_bytes(mail)
    assert ours(history, tmp_path) == history.am(tmp_path)
    assert history.am(tmp_path) is not None


def test_a_patch_with_a_dep_3_header_needs_no_author(history: History, tmp_path: Path) -> None:
    """Of Debian's packages. ``git am`` refuses it, as a commit needs an author; a kernel does not."""
    file = tmp_path / "fix.patch"
    header = b"Description: make it better\nOrigin: upstream\nForwarded: not-needed\n---\n"
    file.write_bytes(header + history.diff(lambda: edit(history)))
    assert history.am(file) is None
    tree = history.copy("applied")
    history.run("git", "apply", file, tree=tree)
    assert ours(history, file) == (history.content(tree), ["fix.patch"])


DIFFS: dict[str, Callable[[History], bytes]] = {
    "edit": lambda h: h.diff(lambda: edit(h)),
    "rename": lambda h: h.diff(lambda: renamed(h), "-M"),
    "mode": lambda h: h.diff(lambda: (h.tree / "mm.c").chmod(0o755)),
    "empty file": lambda h: h.diff(lambda: h.write("empty.h", b"")),
    "binary": lambda h: h.diff(lambda: h.write("data.bin", BINARY[::-1]), "--binary"),
    "CRLF file": lambda h: h.diff(lambda: h.replace("dos.txt", b"line 9\r", b"nine\r")),
    "CRLF patch": lambda h: h.diff(lambda: edit(h)).replace(b"\n", b"\r\n"),
    "after words": lambda h: b"This makes it: better\n\n" + h.diff(lambda: edit(h)),
    "Mercurial": lambda h: (
        b"# HG changeset patch\n# User A <a@x.org>\n\nmm: one\n\n" + h.diff(lambda: edit(h))
    ),
    "CVS": lambda h: b"Index: mm.c\n" + 67 * b"=" + b"\n" + h.diff(lambda: edit(h)).partition(b"\n")[2],
    "context diff": lambda _: (
        b"*** a/mm.c\n--- b/mm.c\n***************\n*** 1 ****\n! line 1\n--- 1 ----\n! one\n"
    ),
    "cut": lambda h: h.diff(lambda: edit(h)).partition(b" line 11")[0],
    "nothing": lambda _: b"",
    "text": lambda _: b"nothing\n",
}


@pytest.mark.parametrize("name", DIFFS)
def test_a_diff_is_what_git_apply_takes_it_for(history: History, tmp_path: Path, name: str) -> None:
    file = tmp_path / "a.diff"
    file.write_bytes(DIFFS[name](history))
    tree = history.copy("applied")
    applied = history.run("git", "apply", file, tree=tree, check=False).returncode == 0
    assert ours(history, file) == ((history.content(tree), ["a.diff"]) if applied else None)


def test_a_mail_that_lost_its_carriage_returns_is_reported_with_the_cause(
    history: History, tmp_path: Path
) -> None:
    (tmp_path / "dos.patch").write_bytes(MAILS["CRLF file"](history))
    patches = read_patches([PatchSource("path", str(tmp_path))])
    with pytest.raises(
        KernelError, match=r"hunk 1 of dos\.txt .*: dos\.txt has CRLF line endings, the patch has LF"
    ):
        apply_patches(patches, history.copy("ours"))


DIFF = b"diff --git a/mm.c b/mm.c\n--- a/mm.c\n+++ b/mm.c\n@@ -1 +1 @@\n-line 1\n+line one\n"
MAIL = (
    b"From: A <a@x.org>\nSubject: [PATCH 1/1] mm: one\n\nWhy.\n---\n mm.c | 2 +-\n\n"
    + DIFF
    + b"-- \n2.39.5\n\n"
)
FROM = b"From x Thu Jan  1 00:00:00 1970\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (DIFF, DIFF),
        (MAIL, MAIL),
        (FROM + MAIL, MAIL[MAIL.index(b"---\n") :]),
        (cover("[PATCH 0/1] x", "Hello.") + FROM + MAIL, MAIL[MAIL.index(b"---\n") : -1]),
    ],
    ids=["diff", "fields", "mail", "mailbox"],
)
def test_kernels_keep_the_names_of_earlier_versions(tmp_path: Path, content: bytes, expected: bytes) -> None:
    """A kernel is named by the hashes of its patches, so their texts may not change."""
    (tmp_path / "a.patch").write_bytes(content)
    (patch,) = read_patches([PatchSource("path", str(tmp_path))])
    assert patch.hash == hashlib.sha256(expected).hexdigest()
