"""Guests of other architectures: Debian's kernel, the benchmark built by a cross compiler, the instruction clock."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.running import User

MIB = 1024**2

EXPERIMENT = """
name: architectures
hosts:
  provider: qemu
  needs: {numa_nodes: 2}
  qemu:
    machine: {arch: ARCH}
    nodes:
      - {cpus: 1, memory: 512MiB}
      - {cpus: 1, memory: 512MiB}
    distances: [[10, 25], [25, 10]]
    clock: instructions
    acceleration: tcg
tuning: {numa_balancing: false, transparent_hugepages: {enabled: madvise}}
benchmark: {role: migbench, arguments: {mode: serial, pages: 64, settle_ms: 0}}
factors:
  page_size: [4KiB, huge]
  pages: [64, 4]
zip: [[page_size, pages]]
repetitions: 1
"""


def run_guest(folder: Path, arch: str, *programs: str) -> User:
    """Run the experiment in a guest."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"command not found: {', '.join(missing)}")
    user = User(folder)
    ran = user.run(user.file(EXPERIMENT.replace("ARCH", arch), boot="300s"))
    user.close()
    assert ran.code == 0, ran.err
    user.assert_complete(2)
    return user


def moved(user: User) -> set[float]:
    return {trial["metrics"]["bytes_moved"]["value"] for trial in user.trials}


def test_arm64(tmp_path: Path) -> None:
    user = run_guest(tmp_path, "arm64", "qemu-system-aarch64", "aarch64-linux-gnu-gcc")
    (boot,) = user.of_type("block")
    facts = boot["facts"]
    assert (facts["machine"], facts["page_size"], facts["thp_size"]) == ("aarch64", 4096, 2 * MIB)
    assert moved(user) == {64 * 4096, 4 * 2 * MIB}


@pytest.mark.slow
def test_ppc64le(tmp_path: Path) -> None:
    user = run_guest(tmp_path, "ppc64le", "qemu-system-ppc64", "powerpc64le-linux-gnu-gcc")
    (boot,) = user.of_type("block")
    facts = boot["facts"]
    assert (facts["machine"], facts["page_size"], facts["thp_size"]) == ("ppc64le", 65536, 2 * MIB)
    assert "POWER9" in facts["cpu_model"]
    assert moved(user) == {64 * 65536, 4 * 2 * MIB}
