"""The kernels of a run: where each comes from, what is changed in it, and with which words it boots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator.architectures import Architecture, find
from orchestrator.errors import KernelError
from orchestrator.experiment.model import Experiment, Kernel, KernelSource, PatchSource, Recipe, Suite
from orchestrator.hosts.provider import Provider
from orchestrator.kernels.config import read_configuration
from orchestrator.kernels.patches import is_fetched, read_patches
from orchestrator.kernels.urls import without_password
from orchestrator.provision.module import Caution
from orchestrator.review.model import Entry, distinct
from orchestrator.review.places import Places
from orchestrator.source_tree import sha256

_WORDS = {"default": "the default of the provider", "running": "the running kernel of the machine"}


def entries(experiment: Experiment, provider: Provider, places: Places) -> Iterator[Entry]:
    """Yield each kernel."""
    boots: tuple[Caution, ...] = ("reboot",) if provider.boots_kernels and not provider.creates_hosts else ()
    for kernel in experiment.kernels:
        architecture = find(provider.kernel(kernel).architecture)
        what, details, cautions = _kernel(kernel, architecture)
        words = (f"kernel command line: {' '.join(kernel.command_line)}",) if kernel.command_line else ()
        booted = ("the host boots it, and its own kernel again at the end",) if boots else ()
        yield Entry(
            f"{kernel.name}: {what}",
            places.of("kernels", kernel.name),
            (*details, *words, *booted),
            (),
            distinct((*cautions, *boots)),
        )


def _kernel(kernel: Kernel, architecture: Architecture) -> tuple[str, list[str], tuple[Caution, ...]]:
    if kernel.recipe is not None:
        fetched = kernel.recipe.source.kind in ("package", "git") or "://" in kernel.recipe.source.location
        fetched = fetched or any(source.kind == "b4" for source in kernel.recipe.patches)
        name = f"recipe {kernel.recipe.name}" if kernel.recipe.name else "a recipe of this file"
        cautions: tuple[Caution, ...] = ("controller", "download") if fetched else ("controller",)
        return f"{name}, built on the controller", list(_recipe(kernel.recipe, architecture)), cautions
    if kernel.image is not None:
        modules = [f"modules: {kernel.modules}"] if kernel.modules else []
        return f"image {kernel.image}", [f"sha256: {_checksum(kernel.image)}", *modules], ()
    if kernel.package:
        return f"Debian package {kernel.package}{_suite(kernel.suite)}", [], ("download",)
    return _WORDS.get(kernel.source, kernel.source), [], ()


def _recipe(recipe: Recipe, architecture: Architecture) -> Iterator[str]:
    yield f"source: {_source(recipe.source)}"
    for source in recipe.patches:
        yield from _patches(source)
    yield f"configuration: {recipe.base}"
    try:
        configuration = read_configuration(
            recipe.base if recipe.base in ("tiny", "defconfig") else "tiny", recipe.fragments, architecture
        )
        yield from (
            f"configuration: {request.line}  ({request.location})" for request in configuration.requests
        )
    except KernelError as error:
        yield f"configuration: {error}"
    yield f"compiler: {recipe.compiler}"


def _source(source: KernelSource) -> str:
    kind = "directory" if source.kind == "folder" else source.kind
    ref = f" at {source.ref}" if source.ref else ""
    path = Path(source.location)
    checksum = f", sha256 {_checksum(path)}" if source.kind == "tarball" and path.is_file() else ""
    return f"{kind} {without_password(source.location)}{ref}{_suite(source.suite)}{checksum}"


def _suite(suite: Suite | None) -> str:
    if suite is None:
        return ""
    parts = (
        suite.version,
        f"from {without_password(suite.mirror)}" if suite.mirror else "",
        suite.keyring and f"keys {suite.keyring}",
    )
    return ", ".join((f", suite {suite.name}", *filter(None, parts)))


def _patches(source: PatchSource) -> Iterator[str]:
    if not is_fetched(source):
        which = f"the first {source.first} of " if source.first else ""
        yield f"patches: {which}series {source.location}, fetched by b4 from the mailing list's archive"
        return
    try:
        for patch in read_patches((source,)):
            yield f"patch: {patch.name}, sha256 {patch.hash}"
    except KernelError as error:
        yield f"patches: {error}"


def _checksum(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
