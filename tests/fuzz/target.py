"""What is fuzzed: a reader of foreign text as a function of bytes, and how inputs for it are made."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from orchestrator.errors import OrchestratorError

Mutator = Callable[[bytes, Random], bytes]


class Target(NamedTuple):
    """A reader under test.

    :ivar run: reads the input; raises ``OrchestratorError`` for one that is refused, and nothing else.
    :ivar modules: what is under test, packages with all their modules; the coverage is that of their lines.
    :ivar seeds: valid inputs; they are read when the target is used.
    :ivar mutate: makes an input of another one.
    :ivar seconds: of CPU that an input may take.
    """

    name: str
    run: Callable[[bytes], None]
    modules: Sequence[str]
    seeds: Callable[[], Sequence[bytes]]
    mutate: Mutator
    seconds: float = 2.0


@cache
def names() -> tuple[str, ...]:
    """Return the names of all targets: those of the modules of ``targets``, with dashes."""
    folder = importlib.import_module("tests.fuzz.targets").__path__
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(folder)))


def find(name: str) -> Target:
    """Import a target."""
    target: Target = importlib.import_module(f"tests.fuzz.targets.{name.replace('-', '_')}").TARGET
    assert target.name == name
    return target


def raise_longest(refused: Sequence[OrchestratorError]) -> None:
    """Raise the error with the longest text, where several readers have read one input."""
    if refused:
        raise max(refused, key=lambda error: len(str(error)))
