"""Contents of a guest's initramfs, and errors where a program is missing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import HostError
from orchestrator.hosts.guest.find_program import find_program
from orchestrator.hosts.guest.initramfs import Keys, base_archive, keys_archive
from orchestrator.hosts.guest.modules import ordered_modules
from orchestrator.kernels.obtain import KernelFiles
from orchestrator.kernels.verification import Identity

KERNEL = KernelFiles("6.1.0", Path("/boot/none"), None, Identity())


def unpacked(archive: bytes, folder: Path) -> Path:
    subprocess.run(
        ["cpio", "-id", "--quiet", "--no-absolute-filenames"], input=archive, cwd=folder, check=False
    )
    return folder


def test_the_same_bytes_for_the_same_parts() -> None:
    assert base_archive(KERNEL, ()) == base_archive(KERNEL, ())


def test_each_program_comes_with_its_libraries(tmp_path: Path) -> None:
    root = unpacked(base_archive(KERNEL, ("nice",)), tmp_path)
    nice = root / "usr/bin/nice"
    assert nice.read_bytes() == Path("/usr/bin/nice").read_bytes()
    assert not nice.is_symlink()
    assert (root / "usr/bin/renice").readlink() == Path("busybox")
    assert (root / "bin/sh").resolve() == root / "usr/bin/dash"
    assert (root / "lib64").is_symlink()
    for program in ("usr/sbin/dropbear", "usr/bin/dash", "usr/bin/nice"):
        output = subprocess.run(["ldd", f"/{program}"], capture_output=True, text=True, check=True).stdout
        paths = [word for word in output.split() if word.startswith("/")]
        assert paths
        assert all((root / path.lstrip("/")).is_file() for path in paths)


def test_a_module_that_zstd_compressed_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "virtio.ko"
    path.write_bytes(b"\x7fELF...depends=\0")
    subprocess.run(["zstd", "-q", "--rm", path], check=True)
    assert [module.code for module in ordered_modules(tmp_path, ("virtio",))] == [b"\x7fELF...depends=\0"]


def test_keys_are_for_root_only(tmp_path: Path) -> None:
    root = unpacked(keys_archive(Keys(b"host key", "ssh-ed25519 AAAA")), tmp_path)
    assert (root / "root/.ssh/authorized_keys").read_text() == "ssh-ed25519 AAAA\n"
    for path in ("root/.ssh", "root/.ssh/authorized_keys", "etc/dropbear/host_key"):
        assert (root / path).stat().st_mode & 0o077 == 0


def test_missing_programs() -> None:
    with pytest.raises(HostError, match=r"programs: nonsuch: command not found"):
        base_archive(KERNEL, ("nonsuch",))
    with pytest.raises(HostError, match=r"nonsuch: command not found.*make setup.*some-package"):
        find_program("nonsuch", "some-package")
