"""Build each commit of a ported series, and run the short proof of the kernel tests on its last one."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from orchestrator.architectures import native
from orchestrator.errors import KernelError
from orchestrator.kernels.config import read_configuration
from tools.series.architectures import TARGETS, concerns, to_make
from tools.series.branch import Branch
from tools.series.build import Build
from tools.series.command import say
from tools.series.git import git
from tools.series.series import PROJECT, Series


def build_patches(branch: Branch, series: Series, jobs: int | None) -> None:
    """Build what each commit concerns that was not built in this state before. Raises ``KernelError`` at an error."""
    commits = branch.commits
    trees = {one.id: git(branch.tree, "rev-parse", f"{one.id}^{{tree}}") for one in commits}
    waiting = [one for one in commits if trees[one.id] not in branch.state.built]
    if not waiting:
        return
    target = TARGETS[native().name]
    requests = read_configuration("tiny", series.recipe.fragments, native()).requests
    options = "".join(f"{request.line}\n" for request in requests) + series.option
    build = Build(branch.tree, Path(f"{branch.tree}.build"), target, options, jobs)
    touched = git(branch.tree, "diff", "--name-only", commits[0].id + "^", commits[-1].id).splitlines()
    try:
        for number, one in enumerate(commits, 1):
            if one not in waiting:
                continue
            changed = git(branch.tree, "diff", "--name-only", f"{one.id}^", one.id).splitlines()
            if any(concerns(target, file) for file in changed) or one is waiting[0]:
                say(f"{number}/{len(commits)} building: {one.subject}")
                git(branch.tree, "checkout", "--quiet", "--detach", one.id)
                build.configure()
                found = build.make(to_make(target, touched, branch.tree))
                errors = [one for counter in found.values() for one in counter if one.is_error]
                if errors:
                    places = [f"  {build.places[error]}: {error.text}" for error in errors[:5]]
                    raise KernelError(f"patch {number} does not build: {one.subject}", *places)
            branch.state.built.append(trees[one.id])
            branch.save()
    finally:
        git(branch.tree, "checkout", "--quiet", branch.name)


def prove(series: Series) -> None:
    """Run the short proof of a series. Raises ``KernelError`` if it fails."""
    say(f"make kernel-test-short KERNEL_SERIES={series.name} on {platform.machine()}")
    environment = {**os.environ, "KERNEL_SERIES": series.name}
    done = subprocess.run(["make", "kernel-test-short"], cwd=PROJECT, env=environment, check=False)
    if done.returncode:
        raise KernelError(
            f"the short proof of {series.name} failed: make kernel-test-short KERNEL_SERIES={series.name}"
        )
