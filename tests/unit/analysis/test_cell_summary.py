"""Summary of a cell: medians and spreads of ok trials, environments separately, in the order of the plan."""

from __future__ import annotations

import random
import statistics
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrator.analysis.summary import (
    CellSummary,
    Spread,
    estimate,
    plan_order,
    spread_of,
    summarise,
)
from orchestrator.experiment.model import Status
from orchestrator.results.codec import to_line
from orchestrator.results.records import FactorInfo, MetricValue, Record, RunRecord
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import CellRow, Store, Verification
from tests.run_samples import BLOCK, RUN, VERIFICATION, trial, write

SERIAL = {"mode": "serial", "page_size": "2MiB", "threads": "1"}
values = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=40)


def summary(folder: Path, *records: Record, opening: RunRecord = RUN) -> list[CellSummary]:
    write(folder, [opening, BLOCK, *records])
    with Store(folder, temporary=True) as store:
        return list(summarise(store, store.run(RunFolder(folder))))


# Worked by hand from definition 7 of Hyndman and Fan (1996): position 1 + (n - 1) p, linear between neighbours.
@pytest.mark.parametrize(
    ("numbers", "value", "method"),
    [
        ([5.0], None, "none"),
        ([5.0, 9.0], 2.0, "half range"),
        ([1.0, 2.0, 9.0], 4.0, "half range"),
        ([4.0, 1.0, 2.0, 3.0], 1.5, "half range"),
        ([10.0, 1.0, 3.0, 2.0, 4.0], 1.0, "half interquartile range"),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1.25, "half interquartile range"),
        ([7.0] * 8, 0.0, "half interquartile range"),
    ],
)
def test_the_spread_names_its_method(numbers: list[float], value: float | None, method: str) -> None:
    found = spread_of(numbers)
    assert found.method == method
    assert found.value == (value if value is None else pytest.approx(value))


@given(values)
def test_an_estimate_lies_within_its_values(numbers: list[float]) -> None:
    found = estimate("rate", "1", (tuple(numbers),))
    assert found.n == len(numbers)
    assert found.minimum <= found.median <= found.maximum
    assert found.median == statistics.median(numbers)
    if found.spread.value is not None:
        assert 0 <= found.spread.value <= (found.maximum - found.minimum) / 2 * (1 + 1e-9)


@example(
    [0.0, 1.0, -131983717460.0, -285506628396.50244, -594102673824.5344, -747625584762.0, *[-879609302223.0] * 3,
     285842172717.0],
    random.Random(1),
)  # fmt: skip
@given(values, st.randoms())
def test_the_order_of_trials_does_not_matter(numbers: list[float], chance: random.Random) -> None:
    mixed = numbers.copy()
    chance.shuffle(mixed)
    assert estimate("rate", "1", (tuple(mixed),)) == estimate("rate", "1", (tuple(numbers),))


def test_figures_use_ok_trials_and_all_trials_are_counted(tmp_path: Path) -> None:
    (cell,) = summary(
        tmp_path,
        trial(SERIAL, 0, throughput=1.0),
        trial(SERIAL, 1, throughput=2.0),
        trial(SERIAL, 2, throughput=6.0),
        trial(SERIAL, 3, throughput=900.0, status=Status.DISTURBED),
        trial(SERIAL, 4, throughput=900.0, status=Status.FAILED),
        trial(SERIAL, 5, throughput=900.0, status=Status.OK, final=False),
    )
    assert cell.n == 3
    assert cell.statuses == {"disturbed": 1, "failed": 1, "ok": 3}
    (found,) = cell.estimates
    assert (found.metric, found.unit, found.n, found.median) == ("throughput", "GiB/s", 3, 2.0)
    assert (found.minimum, found.maximum, found.spread) == (1.0, 6.0, Spread(2.5, "half range"))


def test_environments_are_never_mixed(tmp_path: Path) -> None:
    found = summary(
        tmp_path,
        trial(SERIAL, 0, throughput=1.0),
        trial(SERIAL, 1, throughput=100.0, environment="vm-kvm"),
        trial(SERIAL, 2, environment="vm-kvm", status=Status.TIMEOUT),
    )
    medians = [(cell.environment, cell.n, cell.estimates[0].median, cell.estimates[0].n) for cell in found]
    assert medians == [("vm-icount", 1, 1.0, 1), ("vm-kvm", 1, 100.0, 1)]
    assert found[1].statuses == {"ok": 1, "timeout": 1}


def test_missing_and_infinite_values_are_not_in_n(tmp_path: Path) -> None:
    odd = trial(SERIAL, 1, metrics={"throughput": MetricValue(float("nan"), "GiB/s")})
    (cell,) = summary(
        tmp_path, trial(SERIAL, 0, throughput=3.0, latency=5.0), odd, trial(SERIAL, 2, latency=7.0)
    )
    assert cell.n == 3
    assert {e.metric: (e.n, e.median) for e in cell.estimates} == {
        "throughput": (1, 3.0),
        "call_latency": (2, 6.0),
    }


def test_a_cell_without_ok_trials_has_no_figures(tmp_path: Path) -> None:
    (cell,) = summary(tmp_path, trial(SERIAL, throughput=3.0, status=Status.UNSUPPORTED))
    assert (cell.n, cell.estimates, cell.verification) == (0, (), None)


def test_attempts_alone_make_no_row(tmp_path: Path) -> None:
    assert summary(tmp_path, trial(SERIAL, final=False, status=Status.CRASHED)) == []


def test_verification_is_of_the_worst_trial_and_of_all_bytes(tmp_path: Path) -> None:
    missed = {"verification": VERIFICATION | {"pages_on_target": 14, "bytes_wrong": 3}}
    wrong = {"verification": VERIFICATION | {"pages_on_target": 0}}
    (cell,) = summary(
        tmp_path,
        trial(SERIAL, 0),
        trial(SERIAL, 1, details=missed),
        trial(SERIAL, 2, details="not JSON"),
        trial(SERIAL, 3, details=wrong, status=Status.FAILED),
    )
    assert cell.verification == Verification(2, 16, 14, 2 * VERIFICATION["bytes_checked"], 3)


def test_the_sum_of_checked_bytes_cannot_overflow(tmp_path: Path) -> None:
    details = {"verification": {"bytes_checked": 2**63 - 1, "bytes_wrong": 0}}
    (cell,) = summary(tmp_path, *(trial(SERIAL, k, details=details) for k in range(3)))
    assert cell.verification is not None
    assert cell.verification.bytes_wrong == 0


def test_cells_come_in_the_order_of_the_plan(tmp_path: Path) -> None:
    cells = [
        {"mode": mode, "page_size": size, "threads": threads, "bytes": "derived"}
        for mode in ("serial", "parallel", "copy")
        for size in ("4KiB", "2MiB")
        for threads in ("1", "2", "10")
    ]
    shuffled = sorted((trial(cell) for cell in cells), key=lambda record: record.trial)
    assert [{**c.factors} for c in summary(tmp_path, *shuffled)] == [
        {"kernel": "stock", **cell} for cell in cells
    ]


def test_levels_that_are_not_in_the_file_come_last_and_equals_stay(tmp_path: Path) -> None:
    key = plan_order(
        (FactorInfo("mode", ("a", "b", "a")), FactorInfo("late"), FactorInfo("size", ("2", "10")))
    )
    levels = [("z", "2"), ("b", "9"), ("b", "10"), ("a", "10"), ("y", "2"), ("a", "2")]
    cells = [CellRow(n, str(n), {"mode": mode, "size": size}) for n, (mode, size) in enumerate(levels)]
    assert [cell.key for cell in sorted(cells, key=key)] == [5, 3, 2, 1, 4, 0]
    assert sorted(cells, key=plan_order(())) == cells


CELLS = 100


def many(trials: int) -> Iterator[Record]:
    yield replace(RUN, trials=trials)
    for number in range(trials):
        repetition, cell = divmod(number, CELLS)
        yield trial(
            {"mode": "serial", "cell": str(cell)},
            repetition,
            throughput=1.0 + number % 7,
            latency=600.0 + number % 5,
        )


def peak_of_indexing_and_summarising(folder: Path, trials: int) -> int:
    folder.mkdir()
    with (folder / "journal.jsonl").open("wb") as stream:
        stream.writelines(to_line(record) for record in many(trials))
    tracemalloc.start()
    try:
        with Store(folder.parent) as store:
            row = store.run(RunFolder(folder))
            count = total = 0
            for cell in summarise(store, row):
                count += 1
                total += cell.n
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (count, total) == (CELLS, trials)
    return peak


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_trials(tmp_path: Path) -> None:
    peak_of_indexing_and_summarising(tmp_path / "warm-up", CELLS)
    few = peak_of_indexing_and_summarising(tmp_path / "few", 10_000)
    many_more = peak_of_indexing_and_summarising(tmp_path / "many", 100_000)
    assert many_more < 2 * few, f"ten times the trials took {many_more / few:.2f} times the memory"
