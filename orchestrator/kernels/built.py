"""Whether the kernel of a recipe is in the cache, as far as this machine knows without asking anyone."""

from __future__ import annotations

from pathlib import Path

from orchestrator.architectures import Architecture, native
from orchestrator.errors import KernelError
from orchestrator.experiment.model import KernelSource, Recipe
from orchestrator.kernels import store
from orchestrator.kernels.config import read_configuration
from orchestrator.kernels.ingredients import recorded
from orchestrator.kernels.patches import is_fetched, read_patches
from orchestrator.kernels.source import find_source
from orchestrator.kernels.toolchain import find_toolchain


def is_built(recipe: Recipe, architecture: Architecture | None = None) -> bool:
    """Whether a kernel of these ingredients is in the cache. Contacts nobody and builds nothing.

    A newer version of a Debian package, a moved branch of a remote repository and changed files of a source tree are
    not noticed. False if an ingredient is missing or invalid.

    :param architecture: None: that of this machine.
    """
    if not all(is_fetched(source) for source in recipe.patches):
        return False
    kernels = store.kernels()
    if not kernels:
        return False
    architecture = architecture or native()
    try:
        known = recorded(
            read_patches(recipe.patches),
            read_configuration(recipe.base, recipe.fragments, architecture),
            find_toolchain(recipe.compiler, architecture),
            architecture,
        )
        source = _identity(recipe.source)
    except KernelError:
        return False
    return any(
        str(kernel.ingredients["source"]).startswith(source)
        and all(kernel.ingredients.get(name) == value for name, value in known.items())
        for kernel in kernels
    )


def _identity(source: KernelSource) -> str:
    """Return the identity of a source, or the part of it that is known without work and without the network."""
    if source.kind == "tarball" or (source.kind == "git" and Path(source.location).is_dir()):
        return find_source(source).identity
    return f"package {source.location}" if source.kind == "package" else f"{source.kind} "
