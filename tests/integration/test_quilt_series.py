"""A directory with a ``series`` is what quilt takes it for: the same files, or a refusal where it refuses."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
from pathlib import Path

import pytest

from orchestrator.errors import KernelError
from orchestrator.experiment.model import PatchSource
from orchestrator.kernels.apply import apply_patches
from orchestrator.kernels.patches import read_patches
from tests.integration.patch_history import History, ours
from tests.integration.patch_mails import edit

needs_quilt = pytest.mark.skipif(shutil.which("quilt") is None, reason="needs quilt (Debian package quilt)")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return History(tmp_path_factory.mktemp("history"))


SERIES = {
    "in this order": "b.patch\na.patch\n",
    "comments": "# all\n\n a.patch # first\n\tb.patch\t# second",
    "strip": "a.patch -p1\nzero.patch -p0\n",
    "two components": "deep.patch -p2\n",
    "wrong strip": "zero.patch\n",
    "reverse": "a.patch\nundo.patch -R\n",
    "reverse and strip": "a.patch\nundo0.patch -p0 -R\n",
    "a patch that is not applied": "a.patch -R\n",
    "pab": "a.patch -pab\n",
    "unknown option": "a.patch --what\n",
    "twice": "a.patch\na.patch -R\n",
    "missing": "a.patch\nmissing.patch\n",
    "a name with a comment sign": "a.patch#1\n",
    "an empty patch": "empty.patch\na.patch\n",
    "a text": "text.patch\n",
    "with a mail header": "mail.patch\n",
    "in a folder": "more/a.patch\n",
    "compressed": "a.patch.gz\nb.patch.bz2\nmail.patch.xz -R\n",
    "lzma": "a.patch.lzma\n",
    "compressed, with options": "zero.patch.gz -p0\nundo.patch.gz -R\n",
    "an empty patch, compressed": "empty.patch.gz\na.patch\n",
    "a text, compressed": "text.patch.gz\n",
    "an ending that quilt does not know": "a.patch.zst\n",
    "bytes in a comment": "a.patch # \udcff\n",
    "bytes in a name": "\udcff.patch\n",
}


@needs_quilt
@pytest.mark.parametrize("name", SERIES)
def test_a_series_is_what_quilt_takes_it_for(history: History, tmp_path: Path, name: str) -> None:
    one = history.diff(lambda: edit(history))
    other = history.diff(lambda: history.replace("start.c", b"start 3\n", b"start three\n"))
    zero = history.diff(lambda: history.replace("start.c", b"start 3\n", b"start three\n"), "--no-prefix")
    files = {
        "a.patch": one,
        "b.patch": other,
        "zero.patch": zero,
        "deep.patch": one.replace(b" a/", b" a/x/").replace(b" b/", b" b/x/"),
        "undo.patch": one,
        "undo0.patch": history.diff(lambda: edit(history), "--no-prefix"),
        "empty.patch": b"",
        "text.patch": b"nothing\n",
        "mail.patch": b"From: A <a@x.org>\nSubject: mm: one\n\nWhy.\n---\n" + one,
        "more/a.patch": one,
        "\udcff.patch": one,
        "a.patch.gz": gzip.compress(one),
        "b.patch.bz2": bz2.compress(other),
        "mail.patch.xz": lzma.compress(b"From: A <a@x.org>\nSubject: mm: one\n\nWhy.\n---\n" + one),
        "a.patch.lzma": lzma.compress(one, lzma.FORMAT_ALONE),
        "zero.patch.gz": gzip.compress(zero),
        "undo.patch.gz": gzip.compress(other),
        "empty.patch.gz": gzip.compress(b""),
        "text.patch.gz": gzip.compress(b"nothing\n"),
        "a.patch.zst": b"\x28\xb5\x2f\xfd" + gzip.compress(one),
    }
    for file, content in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
    (tmp_path / "series").write_text(SERIES[name], errors="surrogateescape")
    mine = ours(history, tmp_path)
    assert (mine and mine[0]) == history.quilt(tmp_path)
    if mine is None and name not in ("wrong strip", "a patch that is not applied"):
        number = SERIES[name].count("\n")
        with pytest.raises(KernelError, match=rf"series:{number}: "):
            read_patches([PatchSource("path", str(tmp_path))])


@needs_quilt
@pytest.mark.parametrize(("old", "new"), [(b" line 7", b" line seven"), (b"\n", b"\r\n")])
def test_a_series_is_applied_as_strictly_as_git_does(
    history: History, tmp_path: Path, old: bytes, new: bytes
) -> None:
    """quilt accepts other context (fuzz) and removes CR: a kernel that may not be the one that was meant."""
    (tmp_path / "a.patch").write_bytes(history.diff(lambda: edit(history)).replace(old, new))
    (tmp_path / "series").write_text("a.patch\n")
    assert history.quilt(tmp_path) is not None
    patches = read_patches([PatchSource("path", str(tmp_path))])
    with pytest.raises(KernelError, match=r"patch a\.patch does not apply: hunk 1 of mm\.c \(@@ -6,7"):
        apply_patches(patches, history.copy("ours"))


@needs_quilt
@pytest.mark.parametrize("keep", [0, 100])
def test_a_damaged_compressed_patch_is_refused(history: History, tmp_path: Path, keep: int) -> None:
    """quilt applies what gzip can read of it, which may be nothing."""
    one = history.diff(lambda: edit(history))
    (tmp_path / "a.patch.gz").write_bytes(gzip.compress(one)[:keep] or one)
    (tmp_path / "series").write_text("a.patch.gz\n")
    assert history.quilt(tmp_path) == (history.content(history.copy("none")) if not keep else None)
    with pytest.raises(KernelError, match=r"series:1: .*a\.patch\.gz: damaged, or not a \.gz file"):
        read_patches([PatchSource("path", str(tmp_path))])


def test_options_of_a_series_are_part_of_the_name_of_a_kernel(tmp_path: Path) -> None:
    hashes = set()
    for line in ("a.patch", "a.patch -R", "a.patch -p0", "a.patch -p0 -R"):
        (tmp_path / "a.patch").write_bytes(b"--- a/x/f\n+++ b/x/f\n@@ -1 +1 @@\n-1\n+2\n")
        (tmp_path / "series").write_text(f"{line}\n")
        (patch,) = read_patches([PatchSource("path", str(tmp_path))])
        assert patch.name == line
        hashes.add(patch.hash)
    assert len(hashes) == 4
