"""Kernels of guests: the release of an image, and packages that are fetched once and atomically.

A directory with a real package and two small programs replace apt, so the tests need no network.
"""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from orchestrator.errors import KernelError
from orchestrator.experiment.model import Kernel
from orchestrator.kernels.debian_package import fetch_package
from orchestrator.kernels.image import image_release
from orchestrator.kernels.obtain import obtain
from tests.images import bz_image

RELEASE = "6.1.0-9-cloud-amd64"


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake apt with a meta package and its kernel; `count` has a line for each download."""
    tree = tmp_path / "package"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "boot").mkdir()
    (tree / "lib/modules" / RELEASE).mkdir(parents=True)
    (tree / "boot" / f"vmlinuz-{RELEASE}").write_bytes(bz_image(RELEASE))
    fields = {"Package": f"linux-image-{RELEASE}", "Version": "6.1.9-1", "Architecture": "amd64"}
    fields |= {"Maintainer": "a <a@b>", "Description": "x"}
    (tree / "DEBIAN/control").write_text("".join(f"{name}: {value}\n" for name, value in fields.items()))
    subprocess.run(["dpkg-deb", "-b", tree, tmp_path / "kernel.deb"], check=True, capture_output=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    cache_program = f"""#!/bin/sh
        [ -e {tmp_path}/no-lists ] && {{ echo 'N: No packages found' >&2; exit 100; }}
        case $3 in
        linux-image-cloud-amd64) printf 'Version: 6.1.9+meta\\nDepends: linux-image-{RELEASE} (= 6.1.9-1)\\n';;
        linux-image-{RELEASE}) printf 'Version: 6.1.9-1\\nDepends: kmod, linux-base\\n';;
        *) exit 100;; esac
        """
    get_program = f"""#!/bin/sh
        for last; do :; done
        echo "$last" >>{tmp_path}/count
        [ -e {tmp_path}/no-network ] && {{ echo 'E: Could not resolve host' >&2; exit 100; }}
        sleep 0.2; cp {tmp_path}/kernel.deb ./linux-image.deb
        """
    for name, text in (("apt-cache", cache_program), ("apt-get", get_program)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def downloads(apt: Path) -> list[str]:
    return (apt / "count").read_text().split() if (apt / "count").exists() else []


def test_the_release_is_read_from_the_image(tmp_path: Path) -> None:
    image = tmp_path / "bzImage"
    image.write_bytes(bz_image("6.12.1-test+"))
    assert image_release(image) == "6.12.1-test+"


@pytest.mark.parametrize("content", [b"", bytes(4000)])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    image = tmp_path / "bzImage"
    image.write_bytes(content)
    with pytest.raises(KernelError, match="is not a kernel image"):
        image_release(image)


def test_a_missing_image(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match=r"cannot read kernel image .*No such file"):
        obtain(Kernel("k", "image", image=tmp_path / "bzImage"))


def test_modules_of_an_image_are_those_of_its_release(tmp_path: Path) -> None:
    image = tmp_path / "bzImage"
    image.write_bytes(bz_image(RELEASE))
    (tmp_path / "usr/lib/modules" / RELEASE).mkdir(parents=True)
    assert obtain(Kernel("k", "image", image=image)).modules is None
    found = obtain(Kernel("k", "image", image=image, modules=tmp_path))
    assert found.modules == tmp_path / "usr/lib/modules" / RELEASE


def test_the_default_kernel_is_fetched_once(apt: Path) -> None:
    for _ in range(2):
        kernel = obtain(Kernel("stock"))
        assert kernel.release == RELEASE
        assert kernel.modules
    assert downloads(apt) == [f"linux-image-{RELEASE}=6.1.9-1"]


def test_packages_of_another_architecture_are_kept_apart(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    for architecture in ("", "arm64"):
        obtain(Kernel("k", "package", package="linux-image-cloud-amd64", architecture=architecture))
    cached = apt / "cache/orchestrate"
    assert (cached / "packages/linux-image-cloud-amd64:arm64" / f"linux-image-{RELEASE}=6.1.9-1").is_dir()
    configuration = (cached / "suites/own-arm64/apt.conf").read_text()
    assert 'APT::Architecture "arm64";' in configuration
    assert downloads(apt)[1:] == [str(cached / "suites/own-arm64/apt.conf"), f"linux-image-{RELEASE}=6.1.9-1"]


def test_concurrent_fetches_download_once(apt: Path) -> None:
    threads = [threading.Thread(target=fetch_package, args=("linux-image-cloud-amd64",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(downloads(apt)) == 1


def test_a_corrupt_download_is_not_cached(apt: Path) -> None:
    whole = (apt / "kernel.deb").read_bytes()
    (apt / "kernel.deb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(KernelError, match="cannot unpack"):
        fetch_package("linux-image-cloud-amd64")
    assert not list((apt / "cache/orchestrate/packages/linux-image-cloud-amd64").iterdir())
    (apt / "kernel.deb").write_bytes(whole)
    assert (fetch_package("linux-image-cloud-amd64") / "boot" / f"vmlinuz-{RELEASE}").exists()


@pytest.mark.parametrize("obstacle", ["no-lists", "no-network"])
def test_the_cache_is_used_without_network_or_package_lists(apt: Path, obstacle: str) -> None:
    kept = fetch_package("linux-image-cloud-amd64")
    (apt / obstacle).touch()
    assert fetch_package("linux-image-cloud-amd64") == kept


def test_no_network_and_no_cache(apt: Path) -> None:
    (apt / "no-network").touch()
    with pytest.raises(KernelError, match=r"cannot download linux-image-.*Could not resolve host"):
        obtain(Kernel("stock"))


def test_an_unknown_package(apt: Path) -> None:
    with pytest.raises(KernelError, match=r"unable to locate package linux-image-9.*apt-get update"):
        obtain(Kernel("k", "package", package="linux-image-9"))
