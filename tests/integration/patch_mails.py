"""Mails with patches of all kinds: those of ``git format-patch``, and what mail programs make of them."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable

from tests.integration.patch_history import BINARY, LINES, History


def edit(history: History, new: bytes = b"better 9\n") -> None:
    history.replace("mm.c", b"line 9\n", new)


def two(history: History) -> None:
    edit(history)
    history.commit("mm: one\n\nSays why.")
    history.replace("start.c", b"start 3\n", b"start three\n")


def reencoded(mail: bytes, encoding: str) -> bytes:
    """A mail with its body in another transfer encoding."""
    head, _, body = mail.partition(b"\n\n")
    encode = {"quoted-printable": quopri.encodestring, "base64": base64.encodebytes}[encoding]
    kept = b"\n".join(line for line in head.split(b"\n") if not line.lower().startswith(b"content-transfer"))
    if b"\nMIME-Version" not in kept:
        kept += b"\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8"
    return kept + f"\nContent-Transfer-Encoding: {encoding}\n\n".encode() + encode(body)


def flowed(mail: bytes) -> bytes:
    """A mail in format=flowed: lines that begin with a space get one more."""
    head, _, body = mail.partition(b"\n\n")
    lines = [b" " + line if line.startswith((b" ", b"From ")) else line for line in body.split(b"\n")]
    field = b"\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8; format=flowed\n\n"
    return head + field + b"\n".join(lines)


def with_attachment(patch: bytes) -> bytes:
    """A mail to which a file of ``git format-patch`` is attached, with the "From" line of the file."""
    return (
        b"From x Thu Jan  1 00:00:00 1970\nFrom: A <a@x.org>\nSubject: a patch\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="part"\n\n--part\nContent-Type: text/plain\n\nHere it is.\n\n'
        b'--part\nContent-Type: text/x-patch\nContent-Disposition: attachment; filename="a.patch"\n\n'
        + patch
        + b"\n--part--\n"
    )


def subversion(mail: bytes) -> bytes:
    """A mail with a diff of Subversion: names without prefix and slash."""
    head, _, diff = mail.partition(b"diff --git ")
    names = b"Index: mm.c\n" + b"=" * 67 + b"\n--- mm.c\t(revision 1)\n+++ mm.c\t(working copy)\n"
    return head + names + diff[diff.index(b"@@ ") :]


def renamed(history: History) -> None:
    (history.tree / "start.c").rename(history.tree / "begin.c")


def relinked(history: History) -> None:
    (history.tree / "link").unlink()
    (history.tree / "link").symlink_to("start.c")


def moved(history: History) -> None:
    """Insert lines far above, so that the next patch applies with an offset."""
    history.write("mm.c", b"new\n" * 5 + LINES.encode())


BODY_DIFF = """mm: a message with a diff

  diff --git a/start.c b/start.c
  --- a/start.c
  +++ b/start.c
  @@ -1 +1 @@
  -start 1
  +start one

Text after it."""

MAILS: dict[str, Callable[[History], bytes]] = {
    "a mail": lambda h: h.patches(lambda: edit(h), "mm: one"),
    "two mails": lambda h: h.patches(lambda: two(h), "start: two"),
    "attached": lambda h: h.patches(lambda: two(h), "start: two", "--attach"),
    "a patch file attached": lambda h: with_attachment(h.patches(lambda: edit(h), "mm: one")),
    "inline": lambda h: h.patches(lambda: two(h), "start: two", "--inline"),
    "numbered": lambda h: h.patches(lambda: two(h), "start: two", "--numbered", "-v3", "--rfc"),
    "prefix": lambda h: h.patches(lambda: edit(h), "mm: one", "--subject-prefix=PATCH net-next"),
    "keep subject": lambda h: h.patches(lambda: edit(h), "[mm] [x86] one", "-k"),
    "no prefix": lambda h: h.patches(lambda: edit(h), "mm: one", "--no-prefix"),
    "other prefixes": lambda h: h.patches(lambda: edit(h), "mm: one", "--src-prefix=x/", "--dst-prefix=y/"),
    "two components": lambda h: h.patches(
        lambda: edit(h), "mm: one", "--src-prefix=a/b/", "--dst-prefix=a/b/"
    ),
    "names without a slash": lambda h: subversion(h.patches(lambda: edit(h), "mm: one")),
    "full index": lambda h: h.patches(lambda: edit(h), "mm: one", "--full-index"),
    "no context": lambda h: h.patches(lambda: edit(h), "mm: one", "-U0"),
    "rename": lambda h: h.patches(lambda: renamed(h), "start: rename", "-M"),
    "rename and edit": lambda h: h.patches(lambda: (renamed(h), edit(h)), "both", "-M"),
    "rename and mode": lambda h: h.patches(
        lambda: (renamed(h), (h.tree / "begin.c").chmod(0o755)), "start: rename", "-M"
    ),
    "no renames": lambda h: h.patches(lambda: renamed(h), "start: rename", "--no-renames"),
    "copy": lambda h: h.patches(
        lambda: h.write("copy.c", LINES.encode()), "copy", "-C", "--find-copies-harder"
    ),
    "mode": lambda h: h.patches(lambda: (h.tree / "mm.c").chmod(0o755), "mm: executable"),
    "new program": lambda h: h.patches(
        lambda: (h.write("run.sh", b"#!/bin/sh\n"), (h.tree / "run.sh").chmod(0o755)), "run"
    ),
    "empty file": lambda h: h.patches(lambda: h.write("empty.h", b""), "empty"),
    "new in new folder": lambda h: h.patches(lambda: h.write("x/y/z.c", b"int z;\n"), "z"),
    "deleted": lambda h: h.patches(lambda: (h.tree / "deep/er/file.c").unlink(), "gone"),
    "deleted without content": lambda h: h.patches(lambda: (h.tree / "start.c").unlink(), "gone", "-D"),
    "link": lambda h: h.patches(lambda: relinked(h), "link"),
    "binary": lambda h: h.patches(lambda: h.write("data.bin", BINARY[::-1]), "data", "--binary"),
    "new binary": lambda h: h.patches(lambda: h.write("new.bin", BINARY), "data"),
    "binary without content": lambda h: h.patches(lambda: h.write("data.bin", b"\0"), "data", "--no-binary"),
    "no newline at the end": lambda h: h.patches(lambda: h.write("noeol.txt", b"one\n2"), "noeol"),
    "names with quotes": lambda h: h.patches(
        lambda: (
            h.replace("größe.txt", b"line 2\n", b"2\n"),
            h.replace("with space.txt", b"line 2\n", b"2\n"),
        ),
        "names",
    ),
    "latin-1 content": lambda h: h.patches(
        lambda: h.write("latin1.txt", "Maß\n".encode("latin-1")), "latin1: größer", "--attach"
    ),
    "UTF-8 subject": lambda h: h.patches(lambda: edit(h), "mm: größere Seiten – 日本語"),
    "raw UTF-8 subject": lambda h: h.patches(lambda: edit(h), "mm: größer", "--no-encode-email-headers"),
    "latin-1 subject": lambda h: (
        h.patches(lambda: edit(h), "mm: größer", "--no-encode-email-headers").decode().encode("latin-1")
    ),
    "long subject": lambda h: h.patches(lambda: edit(h), "mm: " + "a subject that goes on " * 9),
    "long UTF-8 subject": lambda h: h.patches(lambda: edit(h), "mm: " + "größer und größer " * 9),
    "subject of two lines": lambda h: h.patches(lambda: edit(h), "mm: first\nsecond line\n\nBody."),
    "author in body": lambda h: h.patches(lambda: edit(h), "mm: one", "--from=S <s@example.org>"),
    "subject in body": lambda h: h.patches(lambda: edit(h), "mm: one").replace(
        b"\n\n", b"\n\nFrom: O <o@example.org>\nSubject: mm: other\n\n", 1
    ),
    "no subject": lambda h: h.patches(lambda: edit(h), "mm: one\n\nFirst words\nof the body.").replace(
        b"Subject: [PATCH] mm: one\n", b""
    ),
    "scissors": lambda h: h.patches(
        lambda: edit(h), "mm: one\n\nHello\n-- >8 --\nSubject: mm: other\n\nBody"
    ),
    "From in body": lambda h: h.patches(
        lambda: edit(h), "mm: one\n\nFrom now on, as of 2024\nFrom here it works"
    ),
    "From line in body": lambda h: h.patches(
        lambda: edit(h), "mm: one\n\nFrom a@example.org Mon Sep 17 00:00:00 2001\nText."
    ),
    "quoted From": lambda h: h.patches(lambda: edit(h), "mm: one\n\n>From now on, as of 2024\n>>From here"),
    "line in body": lambda h: h.patches(lambda: edit(h), "mm: one\n\nText.\n---\nNotes."),
    "indented diff in body": lambda h: h.patches(lambda: edit(h), BODY_DIFF),
    "diff in body": lambda h: h.patches(lambda: edit(h), BODY_DIFF.replace("  ", "")),
    "CRLF mail": lambda h: h.patches(lambda: edit(h), "mm: one").replace(b"\n", b"\r\n"),
    "CRLF file": lambda h: h.patches(lambda: h.replace("dos.txt", b"line 9\r", b"nine\r"), "dos"),
    "new CRLF file": lambda h: h.patches(lambda: h.write("new.txt", b"a\r\nb\r\n"), "dos"),
    "quoted-printable": lambda h: reencoded(
        h.patches(lambda: edit(h, b"a == b\n"), "mm: one"), "quoted-printable"
    ),
    "quoted-printable From": lambda h: reencoded(
        h.patches(lambda: edit(h), "mm: one\n\nFrom userspace, see 2024"), "quoted-printable"
    ),
    "base64": lambda h: reencoded(h.patches(lambda: edit(h), "mm: größer"), "base64"),
    "base64 of CRLF": lambda h: reencoded(
        h.patches(lambda: edit(h), "mm: one")
        .replace(b"\n\n", b"\0", 1)
        .replace(b"\n", b"\r\n")
        .replace(b"\0", b"\n\n"),
        "base64",
    ),
    "format=flowed": lambda h: flowed(h.patches(lambda: edit(h), "mm: one")),
    "mboxrd": lambda h: h.patches(lambda: edit(h), "mm: one\n\nFrom now on", "--pretty=mboxrd"),
    "an empty commit": lambda h: h.patches(lambda: None, "nothing", "--always"),
    "the same twice": lambda h: 2 * h.patches(lambda: edit(h), "mm: one"),
    "signature": lambda h: h.patches(lambda: two(h), "start: two", "--signature=multi\nline"),
    "base commit": lambda h: h.patches(lambda: two(h), "start: two", "--base=base"),
    "offset": lambda h: h.patches(lambda: moved(h), "moved") + h.patches(lambda: edit(h), "mm: one"),
    "fuzz": lambda h: h.patches(lambda: edit(h), "mm: one").replace(b" line 7", b" line seven"),
    "other lines": lambda h: h.patches(lambda: edit(h), "mm: one").replace(b"-line 9", b"-line nine"),
    "cut": lambda h: h.patches(lambda: edit(h), "mm: one").partition(b" line 11")[0],
    "wrapped": lambda h: h.patches(lambda: edit(h, b"a b\n"), "mm: one").replace(b"+a b\n", b"+a\nb\n"),
    "a reply": lambda h: (
        h.patches(lambda: edit(h), "mm: one")
        + h.patches(lambda: edit(h), "mm: one").replace(b"\n---", b"\n> ---").replace(b"\ndiff", b"\n> diff")
    ),
    "a missing file": lambda h: h.patches(lambda: edit(h), "mm: one").replace(b"mm.c", b"missing.c"),
    "outside": lambda h: h.patches(lambda: h.write("new.c", b"1\n"), "x").replace(b"b/new.c", b"b/../new.c"),
    "a dummy": lambda h: (
        h.patches(lambda: None, "DON'T DELETE", "--always").replace(
            b"From: =?UTF-8?q?J=C3=B6rg=20Author?= <author", b"From: Mail System Internal Data <author"
        )
        + h.patches(lambda: edit(h), "mm: one")
    ),
}
