"""The test that the series brings to the kernel's own, built for a guest that has no libraries."""

from __future__ import annotations

import subprocess
from pathlib import Path

from orchestrator.architectures import Architecture
from orchestrator.experiment.model import KernelSource
from orchestrator.kernels.source import find_source

SELFTESTS = "tools/testing/selftests"
TEST = f"{SELFTESTS}/mm/migration_accel.c"
HELPERS = f"{SELFTESTS}/mm/vm_util.c"


def build_kselftest(source: KernelSource, patches: Path, architecture: Architecture, folder: Path) -> Path:
    """The program, of a directory of patches. What it includes is of the kernel's source."""
    tree = folder / "linux"
    find_source(source).copy_to(tree)
    for patch in sorted(patches.iterdir()):
        if TEST in patch.read_text():
            subprocess.run(["git", "apply", f"--include={TEST}", patch], cwd=tree, check=True)
    program = folder / "migration_accel"
    options = ["-static", "-O2", "-Wall", "-D_GNU_SOURCE="]
    folders = ["-I", tree / SELFTESTS, "-isystem", tree / "tools/include/uapi"]
    sources = [tree / TEST, tree / HELPERS]
    subprocess.run([architecture.program("gcc"), *options, *folders, "-o", program, *sources], check=True)
    return program
