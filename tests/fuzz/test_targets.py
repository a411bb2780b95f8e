"""A short pass over every target: Hypothesis makes the inputs, the same ones each time."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import OrchestratorError
from tests.fuzz.properties import check
from tests.fuzz.target import find, names

EXAMPLES = 40

SEVERAL_READERS = {"host-texts", "manifest", "slurm", "units"}
"""Targets that give an input to several readers, of which some refuse each."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Readers warn of what they leave out, of some inputs a thousand times."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", names())
def test_nearly_valid_inputs_are_read_or_refused(name: str) -> None:
    target = find(name)
    seeds = target.seeds()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.sampled_from(seeds), st.randoms(use_true_random=False))
    def changed(data: bytes, random: Random) -> None:
        check(target, target.mutate(data, random), patience=10)

    changed()


@pytest.mark.parametrize("name", sorted({*names()} - SEVERAL_READERS))
def test_some_seeds_are_read(name: str) -> None:
    """A target whose seeds are all refused would test no more than the first check of its reader."""
    target = find(name)
    read = 0
    for data in target.seeds():
        with contextlib.suppress(OrchestratorError):
            target.run(data)
            read += 1
    assert read > 0
