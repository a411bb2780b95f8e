"""Programs that are missing or fail are named, with the package to install."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import KernelError
from orchestrator.experiment.model import PatchSource
from orchestrator.kernels import programs
from orchestrator.kernels.debian_package import fetch_package
from orchestrator.kernels.patches import read_patches
from orchestrator.kernels.toolchain import find_toolchain


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda _: programs.run(["rsync", "-a"], "cannot update the source tree"),
            "cannot update the source tree: rsync: command not found; install rsync",
        ),
        (
            lambda folder: programs.run(["/bin/true"], "cannot start", folder=folder / "missing"),
            "cannot start: {}/missing: No such file or directory",
        ),
        (
            lambda _: programs.require("flex", "setpriv", "readelf", "ld"),
            "cannot build kernels: command not found: flex, setpriv, readelf, ld, make, bison, bc, git, tar, rsync, "
            "nice; run 'make setup', or install flex, util-linux, binutils, make, bison, bc, git, tar, rsync, "
            "coreutils",
        ),
        (
            lambda _: fetch_package("linux-image-cloud-amd64"),
            "apt-cache show linux-image-cloud-amd64 failed: apt-cache: command not found; install apt; or use 'image' "
            "with a kernel image",
        ),
        (
            lambda folder: read_patches(
                [PatchSource("path", str(script(folder / "a.patch", "--- a\n+++ a\n")))]
            ),
            "cannot build kernels: command not found: git, make, flex, bison, bc, tar, rsync, readelf, setpriv, nice; "
            "run 'make setup', or install git, make, flex, bison, bc, tar, rsync, binutils, util-linux, coreutils",
        ),
        (
            lambda folder: read_patches([PatchSource("path", str(folder / "missing.patch"))]),
            "cannot read {}/missing.patch: No such file or directory",
        ),
        (
            lambda _: find_toolchain("gcc"),
            "gcc: command not found; install it, or set 'compiler' in the recipe; also missing to build kernels: make, "
            "flex, bison, bc, git, tar, rsync, readelf, setpriv, nice; 'make setup' installs all",
        ),
        (
            lambda folder: find_toolchain(str(script(folder / "cc", "no program"))),
            "{}/cc --version failed: {}/cc: Exec format error",
        ),
        (
            lambda folder: find_toolchain(
                str(script(folder / "cc", "#!/bin/sh\necho 'no licence' >&2\nexit 3\n"))
            ),
            "{}/cc --version failed: no licence",
        ),
        (
            lambda folder: find_toolchain(str(script(folder / "cc", "#!/bin/sh\necho 1\n"))),
            "ld: command not found; install binutils; also missing to build kernels: make, flex, bison, bc, git, tar, "
            "rsync, readelf, setpriv, nice; 'make setup' installs all",
        ),
    ],
)
def test_the_message_names_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: Callable[[Path], object], message: str
) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(KernelError) as caught:
        action(tmp_path)
    assert str(caught.value) == message.replace("{}", str(tmp_path))
