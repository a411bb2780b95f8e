"""Whether the machines that figures come from are alike."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator import hardware
from orchestrator.results.records import BlockRecord


def differences(blocks: Iterable[tuple[str, BlockRecord]]) -> str:
    """Return in one line which machines differ from the first one; empty if none does.

    :param blocks: each with the name of its machine. Environments are not compared: figures of two are never mixed.
    """
    first: tuple[str, hardware.Traits] | None = None
    sentences: dict[str, None] = {}
    for name, block in blocks:
        if not block.facts:
            continue
        traits = hardware.traits(block.facts, "", kernel=False)
        first = first or (name, traits)
        found = hardware.differences(first[1], traits)
        if found:
            sentences[f"{name} differs from {first[0]}: {'; '.join(found)}."] = None
    return " ".join(sentences)
