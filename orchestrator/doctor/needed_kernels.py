"""The kernels of an experiment: whether they are there, or could be built or fetched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator.architectures import Architecture, find
from orchestrator.doctor import fixes
from orchestrator.doctor.controller import CONTROLLER
from orchestrator.doctor.finding import Finding
from orchestrator.errors import KernelError
from orchestrator.experiment.model import Experiment, Kernel, Recipe
from orchestrator.hosts.provider import Provider
from orchestrator.kernels import programs, store
from orchestrator.kernels.debian_package import is_fetched
from orchestrator.kernels.obtain import obtain

APT = ("apt-get", "apt-cache", "dpkg-deb")


def findings(experiment: Experiment, provider: Provider) -> Iterator[Finding]:
    """Yield a finding for each kernel. Builds and fetches nothing."""
    for kernel in experiment.kernels:
        placed = provider.kernel(kernel)
        architecture = find(placed.architecture)
        if placed.recipe is not None:
            yield _built(placed, placed.recipe, architecture)
        elif provider.creates_hosts and not provider.rents:
            yield _of_guest(placed, architecture)


def _built(kernel: Kernel, recipe: Recipe, architecture: Architecture) -> Finding:
    """Whether the cache has a kernel of the recipe, which may be older than the recipe, or it can be built."""
    try:
        cached = [
            built
            for built in store.kernels()
            if recipe.name and built.recipe == recipe.name and built.architecture == architecture.name
        ]
    except KernelError as error:
        return _missing(kernel, str(error))
    source = Path(recipe.source.location)
    if recipe.source.kind in ("tarball", "folder") and "://" not in str(source) and not source.exists():
        return _missing(kernel, f"{source}: No such file or directory")
    absent = programs.missing(*programs.BUILD, architecture.program(recipe.compiler))
    if not absent:
        what = f"a kernel of this recipe is in the cache: {cached[0].hash}" if cached else "the run builds it"
        return Finding(CONTROLLER, _subject(kernel), "ok", what)
    reason = f"to build it: {', '.join(absent)}: command not found"
    command = fixes.install(dict.fromkeys(absent.values()))
    if cached:
        reason = (
            f"a kernel of this recipe is in the cache: {cached[0].hash}; if the recipe has changed, {reason}"
        )
        return Finding(CONTROLLER, _subject(kernel), "warning", reason, command)
    return _missing(kernel, reason, command)


def _of_guest(kernel: Kernel, architecture: Architecture) -> Finding:
    if kernel.source in ("image", "running"):
        try:
            release = obtain(kernel).release
        except KernelError as error:
            return _missing(kernel, str(error))
        return Finding(CONTROLLER, _subject(kernel), "ok", release)
    package = kernel.package or architecture.package
    try:
        is_cached = is_fetched(package, kernel.suite, architecture)
    except KernelError as error:
        return _missing(kernel, str(error))
    if is_cached:
        return Finding(CONTROLLER, _subject(kernel), "ok", f"the package {package} is in the cache")
    absent = programs.missing(*APT)
    if absent:
        reason = f"to fetch the package {package}: {', '.join(absent)}: command not found; use an image or a recipe"
        return _missing(kernel, reason)
    return Finding(CONTROLLER, _subject(kernel), "ok", f"the run fetches the package {package}")


def _subject(kernel: Kernel) -> str:
    return f"kernel {kernel.name}"


def _missing(kernel: Kernel, reason: str, command: str = "") -> Finding:
    return Finding(CONTROLLER, _subject(kernel), "missing", reason, command, needed=True)
