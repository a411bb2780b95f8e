"""Whether the kernel of a recipe is in the cache, as far as this machine knows without asking anyone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    architecture = architecture or native()
    try:
        source = _identity(recipe.source)
        kernels = [
            kernel for kernel in store.kernels() if str(kernel.ingredients["source"]).startswith(source)
        ]
        if not kernels:
            return False
        configuration = read_configuration(recipe.base, recipe.fragments, architecture)
        toolchain = find_toolchain(recipe.compiler, architecture)
        kernels = _alike(kernels, recorded((), configuration, toolchain, architecture), omitted="patches")
        # Patches come last: git reads each of them.
        return bool(
            kernels
            and _alike(
                kernels, recorded(read_patches(recipe.patches), configuration, toolchain, architecture)
            )
        )
    except KernelError:
        return False


def _alike(
    kernels: list[store.Built], ingredients: Mapping[str, Any], omitted: str = ""
) -> list[store.Built]:
    """Return the kernels with these ingredients."""
    return [
        kernel
        for kernel in kernels
        if all(
            kernel.ingredients.get(name) == value for name, value in ingredients.items() if name != omitted
        )
    ]


def _identity(source: KernelSource) -> str:
    """Return the identity of a source, or the part of it that is known without work and without the network."""
    if source.kind == "tarball" or (source.kind == "git" and Path(source.location).is_dir()):
        return find_source(source).identity
    return f"package {source.location}" if source.kind == "package" else f"{source.kind} "
