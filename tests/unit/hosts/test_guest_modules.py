"""Load order of kernel modules, and the compressions that distributions use."""

from __future__ import annotations

import gzip
import lzma
import shutil
from pathlib import Path

import pytest

from orchestrator.errors import KernelError
from orchestrator.hosts.guest.modules import ordered_modules


def code(*depends: str) -> bytes:
    """A module: its .modinfo strings."""
    return b"\x7fELF...license=GPL\0depends=" + ",".join(depends).encode() + b"\0retpoline=Y\0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in {
        "net/virtio_net.ko": code("virtio-ring", "virtio", "net_failover"),
        "net/net_failover.ko": code("failover"),
        "net/core/failover.ko": code(),
        "virtio/virtio.ko": code(),
        "virtio/virtio_ring.ko": code("virtio"),
        "virtio/virtio_pci.ko": code("virtio_ring", "virtio"),
        "fs/unwanted.ko": code("virtio"),
    }.items():
        path = tmp_path / "kernel" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "modules.order").write_text("kernel/net/virtio_net.ko\n")
    return tmp_path


def test_dependencies_come_first(folder: Path) -> None:
    names = [module.name for module in ordered_modules(folder, ("virtio_pci", "virtio-net"))]
    assert names == ["virtio", "virtio_ring", "virtio_pci", "failover", "net_failover", "virtio_net"]


def test_a_module_without_a_file_is_built_in(folder: Path) -> None:
    assert ordered_modules(folder, ("ext4",)) == ()


def test_compressed_modules_are_unpacked(folder: Path) -> None:
    plain = folder / "kernel/net/core/failover.ko"
    pci = folder / "kernel/virtio/virtio_pci.ko"
    Path(f"{plain}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    Path(f"{pci}.xz").write_bytes(lzma.compress(pci.read_bytes()))
    plain.unlink()
    pci.unlink()
    modules = {module.name: module.code for module in ordered_modules(folder, ("virtio_pci", "virtio_net"))}
    assert len(modules) == 6
    assert all(data.startswith(b"\x7fELF") for data in modules.values())


def test_circular_dependencies(tmp_path: Path) -> None:
    (tmp_path / "a.ko").write_bytes(code("b"))
    (tmp_path / "b.ko").write_bytes(code("a"))
    assert {module.name for module in ordered_modules(tmp_path, ("a",))} == {"a", "b"}


@pytest.mark.parametrize("ending", ["gz", "xz", "zst"])
def test_a_damaged_module_is_named(tmp_path: Path, ending: str) -> None:
    if ending == "zst" and shutil.which("zstd") is None:
        pytest.skip("needs zstd (Debian package zstd)")
    file = tmp_path / f"virtio.ko.{ending}"
    file.write_bytes(b"not compressed")
    with pytest.raises(KernelError) as caught:
        ordered_modules(tmp_path, ("virtio",))
    assert str(caught.value) == f"cannot read kernel module {file}: damaged, or not a .{ending} file"


def test_a_module_without_its_program_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "virtio.ko.zst"
    file.touch()
    with pytest.raises(KernelError) as caught:
        ordered_modules(tmp_path, ("virtio",))
    assert str(caught.value) == f"cannot read kernel module {file}: zstd: command not found; install zstd"
