"""All that a kernel is made of, by content. The hash of it is the kernel's name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from orchestrator.experiment.model import Recipe
from orchestrator.kernels.config import Configuration, read_configuration
from orchestrator.kernels.patches import Patch, read_patches
from orchestrator.kernels.source import Source, find_source
from orchestrator.kernels.toolchain import Toolchain, find_toolchain

FORMAT = 1
"""Of the way kernels are built here: another number for another result from the same ingredients."""

DIGITS = 12
"""Of the hash that names a kernel: enough that two kernels of one cache never meet (2^48 names)."""


@dataclass(frozen=True)
class Ingredients:
    """What a recipe comes to, here and now."""

    source: Source
    patches: tuple[Patch, ...]
    configuration: Configuration
    toolchain: Toolchain

    @cached_property
    def document(self) -> dict[str, Any]:
        """The same as plain data, large texts by their SHA-256 (hex)."""
        configuration = self.configuration
        return {
            "format": FORMAT,
            "source": self.source.identity,
            "patches": [{"name": patch.name, "sha256": patch.hash} for patch in self.patches],
            "config": {
                "base": configuration.base,
                "sha256": hashlib.sha256(configuration.base_text.encode()).hexdigest(),
                "requests": [request.line for request in configuration.requests],
            },
            "compiler": self.toolchain.compiler_version,
            "linker": self.toolchain.linker_version,
        }

    @cached_property
    def hash(self) -> str:
        """The kernel's name, :data:`DIGITS` hex digits of SHA-256. The names of patches are no part of it."""
        parts = self.document | {"patches": [patch.hash for patch in self.patches]}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:DIGITS]

    @cached_property
    def workspace(self) -> str:
        """Name of the folder to build in: the same for kernels that differ in patches or in the source's version."""
        kind, _, rest = self.source.identity.partition(" ")
        name = rest.partition("=")[0] if kind == "package" else ""
        parts = [kind, name, self.document["config"], self.document["compiler"], self.document["linker"]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:DIGITS]


def resolve(recipe: Recipe) -> Ingredients:
    """Read all that a recipe names; ``KernelError`` for what is missing or bad."""
    return Ingredients(
        source=find_source(recipe.source),
        patches=read_patches(recipe.patches),
        configuration=read_configuration(recipe.base, recipe.fragments),
        toolchain=find_toolchain(recipe.compiler),
    )
