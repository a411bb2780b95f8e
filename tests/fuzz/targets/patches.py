"""Patches: diffs, mails, mailboxes and series of quilt."""

from __future__ import annotations

import bz2
import gzip
import lzma

from orchestrator.experiment.model import PatchSource
from orchestrator.kernels.patches import read_patches
from tests.fuzz import mutation, scratch
from tests.fuzz.target import Target

DIFF = b"""diff --git a/mm.c b/mm.c
--- a/mm.c
+++ b/mm.c
@@ -1,3 +1,3 @@
 line 1
-line 2
+better 2
 line 3
"""
MAIL = (
    b"""From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
From: =?UTF-8?q?J=C3=BCrgen?= <j@example.org>
Date: Sat, 28 Nov 2026 15:00:54 +0000
Subject: [PATCH 1/1] mm: one
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit

Says why.
---
 mm.c | 2 +-
"""
    + DIFF
    + b"--\n2.39.5\n\n"
)
COVER = MAIL.replace(b"PATCH 1/1", b"PATCH 0/1").replace(DIFF, b"")
SERIES = b"# series\nlinux/a.patch -p1\nb.patch -R # back\n"
NAMES = {b"m": "x.mbox", b"g": "x.patch.gz", b"b": "x.patch.bz2", b"x": "x.patch.xz"}


def run(data: bytes) -> None:
    """The first byte says what the rest is."""
    kind, content = data[:1], data[1:]
    if kind == b"s":
        scratch.write("series/linux/a.patch", DIFF)
        scratch.write("series/b.patch", DIFF)
        path = scratch.write("series/series", content).parent
    else:
        path = scratch.write(NAMES.get(kind, "x.patch"), content)
    for patch in read_patches([PatchSource("files", str(path))]):
        assert len(patch.hash) == 64
        assert patch.text


TARGET = Target(
    "patches",
    run,
    (
        "orchestrator.kernels.patches",
        "orchestrator.kernels.mails",
        "orchestrator.kernels.quilt",
        "orchestrator.kernels.compressed",
    ),
    lambda: [
        *(b"p" + DIFF, b"m" + MAIL, b"m" + COVER + MAIL, b"s" + SERIES),
        *(b"g" + gzip.compress(DIFF), b"b" + bz2.compress(DIFF), b"x" + lzma.compress(DIFF)),
    ],
    mutation.text(
        b"From ",
        b"Subject: ",
        b"=?UTF-8?q?",
        b"charset=",
        b"@@ -1,3 +1,3 @@",
        b"--- a/",
        b"+++ /dev/null",
        b"GIT binary patch\n",
        b"-p",
        b"-R",
        b"base64",
        b"boundary=",
    ),
)
