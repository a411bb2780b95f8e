from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plan.order import Permutation


@given(st.integers(0, 700), st.text(max_size=20))
def test_every_number_comes_exactly_once(size: int, key: str) -> None:
    assert sorted(Permutation(size, key)) == list(range(size))


@given(st.integers(1, 10**15), st.text(max_size=5), st.data())
def test_elements_are_accessible_by_index(size: int, key: str, data: st.DataObject) -> None:
    size = min(size, 10**6)
    permutation = Permutation(size, key)
    indices = data.draw(st.lists(st.integers(0, size - 1), unique=True, max_size=20))
    found = [permutation[index] for index in indices]
    assert all(0 <= number < size for number in found)
    assert len(set(found)) == len(indices)


def test_the_permutation_never_changes() -> None:
    """Resumed runs depend on it. Never change it."""
    assert list(Permutation(10, "seed")) == [7, 6, 1, 8, 3, 2, 0, 9, 5, 4]
    assert list(Permutation(5, "other")) == [2, 3, 0, 4, 1]


def test_keys_give_different_permutations() -> None:
    orders = {tuple(Permutation(24, f"{seed}")) for seed in range(1000)}
    assert len(orders) == 1000


@pytest.mark.parametrize("size", [2, 3, 5, 6, 24])
def test_every_number_is_equally_likely_at_every_index(size: int) -> None:
    """Chi squared over all pairs of number and index; the limit is five standard deviations above its mean."""
    draws = 3000
    seen = Counter(pair for seed in range(draws) for pair in enumerate(Permutation(size, f"{seed}")))
    expected = draws / size
    statistic = sum((seen[i, j] - expected) ** 2 / expected for i in range(size) for j in range(size))
    freedom = (size - 1) ** 2
    assert statistic < freedom + 5 * (2 * freedom) ** 0.5


def test_all_permutations_of_four_elements_occur() -> None:
    seen = Counter(tuple(Permutation(4, f"{seed}")) for seed in range(4800))
    assert len(seen) == 24
    assert min(seen.values()) > 120  # 200 on average, standard deviation 14


def test_an_index_beyond_the_end_is_an_error() -> None:
    assert list(Permutation(0, "")) == []
    with pytest.raises(IndexError):
        Permutation(3, "")[3]
