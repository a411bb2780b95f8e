"""The inputs of a kernel build, by content. Their hash is the name of the kernel."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Any

from msgspec import Struct

from orchestrator.architectures import X86_64, Architecture
from orchestrator.experiment.model import Recipe
from orchestrator.kernels.config import Configuration, read_configuration
from orchestrator.kernels.patches import Patch, read_patches
from orchestrator.kernels.source import Source, find_source
from orchestrator.kernels.toolchain import Toolchain, find_toolchain

FORMAT = 1
"""Version of the build procedure. Increase it if the same ingredients give a different kernel."""

DIGITS = 12
"""Hex digits of the hash in the name of a kernel: 2^48 names make a collision in one cache unlikely."""


class Ingredients(Struct, frozen=True, dict=True):  # what is computed once is kept
    """The ingredients of a recipe on this machine."""

    source: Source
    patches: tuple[Patch, ...]
    configuration: Configuration
    toolchain: Toolchain
    architecture: Architecture

    @cached_property
    def document(self) -> dict[str, Any]:
        """The ingredients as plain data, see :func:`recorded`."""
        rest = recorded(self.patches, self.configuration, self.toolchain, self.architecture)
        return {"format": FORMAT, "source": self.source.identity, **rest}

    @property
    def origin(self) -> dict[str, Any]:
        """Where the package of the source is from, for the record only: ``{"package": …}``; empty for other sources."""
        return {"package": dict(self.source.origin)} if self.source.origin else {}

    @cached_property
    def hash(self) -> str:
        """The name of the kernel: :data:`DIGITS` hex digits of SHA-256. It does not depend on the names of patches."""
        parts = self.document | {"patches": [patch.hash for patch in self.patches]}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:DIGITS]

    @cached_property
    def workspace(self) -> str:
        """The name of the build directory; shared by kernels that differ only in patches or source version."""
        kind, _, rest = self.source.identity.partition(" ")
        name = rest.partition("=")[0] if kind == "package" else ""
        parts = [kind, name, self.document["config"], self.document["compiler"], self.document["linker"]]
        if "architecture" in self.document:
            parts.append(self.document["architecture"])
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:DIGITS]


def recorded(
    patches: tuple[Patch, ...],
    configuration: Configuration,
    toolchain: Toolchain,
    architecture: Architecture,
) -> dict[str, Any]:
    """Return the ingredients other than the source as plain data; large texts are replaced by their SHA-256 (hex).

    Those of x86_64 have no ``architecture``: kernels of versions that had only this one keep their hash.
    """
    other = {} if architecture == X86_64 else {"architecture": architecture.name}
    return other | {
        "patches": [{"name": patch.name, "sha256": patch.hash} for patch in patches],
        "config": {
            "base": configuration.base,
            "sha256": hashlib.sha256(configuration.base_text.encode()).hexdigest(),
            "requests": [request.line for request in configuration.requests],
        },
        "compiler": toolchain.compiler_version,
        "linker": toolchain.linker_version,
    }


def resolve(recipe: Recipe, architecture: Architecture) -> Ingredients:
    """Read the ingredients of a recipe for an architecture. Raises ``KernelError`` if one is missing or invalid."""
    return Ingredients(
        source=find_source(recipe.source),
        patches=read_patches(recipe.patches),
        configuration=read_configuration(recipe.base, recipe.fragments, architecture),
        toolchain=find_toolchain(recipe.compiler, architecture),
        architecture=architecture,
    )
