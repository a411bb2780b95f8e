"""Patches that somebody else made: they are refused in one line, and nothing waits for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.errors import KernelError
from orchestrator.experiment.model import PatchSource
from orchestrator.kernels import mails, patches

COVER = "From 0 Mon Sep 17 00:00:00 2001\nFrom: A <a@x.org>\nSubject: [PATCH 0/1] x\n\nWhy.\n\n"


def refusal(path: Path) -> str:
    with pytest.raises(KernelError) as raised:
        patches.read_patches([PatchSource("path", str(path))])
    (line,) = str(raised.value).splitlines()
    return line


@pytest.mark.parametrize("name", ["f.patch", "f.gz", "f.xz", "f.lz"])
def test_a_fifo(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert refusal(tmp_path / name) == f"{tmp_path}/{name}: not a regular file"


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("cur", "new"):
        (tmp_path / "md" / name).mkdir(parents=True)
    return tmp_path / "md"


def test_a_fifo_in_a_maildir(maildir: Path) -> None:
    os.mkfifo(maildir / "cur" / ".not-read-by-git")
    os.mkfifo(maildir / "cur" / "1")
    assert refusal(maildir) == f"{maildir}/cur/1: not a regular file"


def test_a_large_maildir(maildir: Path) -> None:
    for name in ("cur/1", "new/2"):
        with (maildir / name).open("wb") as file:
            file.truncate(patches.LARGEST // 2 + 1)
    assert refusal(maildir) == f"{maildir}: larger than 64MiB"


@pytest.mark.parametrize("is_maildir", [False, True])
def test_more_mails_than_git_is_started_for(
    tmp_path: Path, maildir: Path, monkeypatch: pytest.MonkeyPatch, is_maildir: bool
) -> None:
    monkeypatch.setattr(mails, "MOST", 3)
    mbox = tmp_path / "x.mbox"
    path = maildir if is_maildir else mbox
    for count in (3, 4):
        mbox.write_text(COVER * count)
        (maildir / "new" / str(count)).write_text(COVER)
        (maildir / "cur" / str(count)).write_text(COVER)
        message = "no patches found" if count == 3 else "has 4 mails; at most 3 can be read"
        assert refusal(path) == f"{path}: {message}"


def test_more_leading_components_than_git_can_count(tmp_path: Path) -> None:
    (tmp_path / "a.patch").write_text("x")
    (tmp_path / "series").write_text(f"a.patch -p{'9' * 5000}\n")
    assert refusal(tmp_path).startswith(f"{tmp_path}/series:1: unsupported option '-p999")
