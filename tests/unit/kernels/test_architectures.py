"""Kernels of other architectures: images, packages, fragments, toolchains."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.architectures import ARM64, PPC64LE, X86_64, Architecture
from orchestrator.errors import KernelError
from orchestrator.experiment.model import Kernel
from orchestrator.kernels.config import read_configuration
from orchestrator.kernels.image import image_release
from orchestrator.kernels.ingredients import recorded
from orchestrator.kernels.obtain import obtain
from orchestrator.kernels.toolchain import Toolchain, find_toolchain

BANNER = b"Linux version 6.1.0-50-test (builder@host) #1 SMP\0"


@pytest.mark.parametrize("head", [b"MZ".ljust(56, b"\0") + b"ARM\x64", b"\x7fELF\2\1"])
def test_the_release_of_an_uncompressed_image(tmp_path: Path, head: bytes) -> None:
    image = tmp_path / "Image"
    image.write_bytes(head + bytes(1000) + BANNER)
    assert image_release(image) == "6.1.0-50-test"
    image.write_bytes(head + bytes(1000))
    with pytest.raises(KernelError, match="no kernel release in it"):
        image_release(image)


def test_the_running_kernel_is_not_one_for_another_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(KernelError, match="'own': the running kernel of this machine is not one for arm64"):
        obtain(Kernel("own", "running", architecture="arm64"))


def fragments(folder: Path) -> list[Path]:
    (folder / "guest.config").write_text("CONFIG_NUMA=y\nCONFIG_HZ_100=y\n")
    (folder / "guest.arm64.config").write_text("CONFIG_SERIAL_AMBA_PL011=y\n# CONFIG_HZ_100 is not set\n")
    return [folder / "guest.config"]


@pytest.mark.parametrize(
    ("architecture", "lines"),
    [
        (X86_64, ["CONFIG_NUMA=y", "CONFIG_HZ_100=y"]),
        (ARM64, ["CONFIG_NUMA=y", "# CONFIG_HZ_100 is not set", "CONFIG_SERIAL_AMBA_PL011=y"]),
    ],
)
def test_a_fragment_has_additions_for_an_architecture(
    tmp_path: Path, architecture: Architecture, lines: list[str]
) -> None:
    configuration = read_configuration("tiny", fragments(tmp_path), architecture)
    assert [request.line for request in configuration.requests] == lines


def test_the_ingredients_name_other_architectures_only(tmp_path: Path) -> None:
    configuration = read_configuration("tiny", fragments(tmp_path), X86_64)
    toolchain = Toolchain("gcc", "gcc 12", "ld 2")
    assert "architecture" not in recorded((), configuration, toolchain, X86_64)
    assert recorded((), configuration, toolchain, PPC64LE)["architecture"] == "ppc64le"


def test_a_base_of_this_machine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(KernelError, match="'running': this machine's configuration is not one for arm64"):
        read_configuration("running", (), ARM64)


@pytest.mark.parametrize(
    ("compiler", "architecture", "message"),
    [
        ("gcc", ARM64, "aarch64-linux-gnu-gcc: command not found; install the package gcc-aarch64-linux-gnu"),
        ("gcc-12", PPC64LE, "powerpc64le-linux-gnu-gcc-12: .* the package gcc-12-powerpc64le-linux-gnu"),
    ],
)
def test_a_missing_cross_compiler_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, compiler: str, architecture: Architecture, message: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(KernelError, match=message):
        find_toolchain(compiler, architecture)
