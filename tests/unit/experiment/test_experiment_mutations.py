"""The loader reads any file or reports its faults; it never fails in another way."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import BadInput
from orchestrator.experiment.loader import load
from orchestrator.plan import Plan

ROOT = Path(__file__).parents[3]
SOURCES = [file.read_bytes() for file in sorted((ROOT / "experiments").glob("*.yaml"))]
TOKENS = b"[ ] { } : - , ~ null -1 0 true 2MiB {} [] | > # ' \" &a *a !!str ? 1e9 .nan kernel mode \\ \xff \t \n".split(
    b" "
)

MUTATION = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 12), st.sampled_from([b"", *TOKENS]))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SOURCES), st.lists(MUTATION, min_size=1, max_size=3))
def test_a_mutated_file_is_read_or_refused(source: bytes, mutations: list[tuple[float, int, bytes]]) -> None:
    content = bytearray(source)
    for where, length, token in mutations:
        at = int(where * len(content))
        content[at : at + length] = token
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(BadInput):
        file = Path(folder) / "mutated.yaml"
        file.write_bytes(content)
        plan = Plan(load(file), first=5)
        assert sum(plan.trials_in(block) for block in plan.blocks()) == plan.trial_count
        for block in plan.blocks():
            list(itertools.islice(plan.trials(block), 3))
