"""The series in guests of other architectures: everything once, and what is only there."""

from __future__ import annotations

from itertools import product

import pytest

from tests.kernel.cells import MODES, PAGES, Cell
from tests.kernel.conftest import FULL, on
from tests.kernel.lab import ACCEL, Lab

pytestmark = pytest.mark.architectures

EVERYWHERE = on("arm64", "ppc64le")
MODE = pytest.mark.parametrize("mode", ["serial", "parallel+concurrent"])
HUGE_AND_BASE = pytest.mark.parametrize("page", ["thp", "base"])
DMA_MODES = ("dma", "dma+parallel", "dma+concurrent", "dma+parallel+concurrent")
COUNT = {"base": 37, "thp": 3}
CHANNELS = 3
LONGER = 10 if FULL else 1


@pytest.fixture
def engine(lab: Lab) -> Lab:
    """A guest whose channels are obtained by those who ask for it."""
    lab.run(f"echo 0 >{ACCEL}/offload/dma/channels")
    return lab


@EVERYWHERE
def test_pages_move_in_every_mode(engine: Lab) -> None:
    cells = [
        Cell(page, mode, interface, 3, 0, 1, channels=CHANNELS)
        for page, mode, interface in product(PAGES, (*MODES, *DMA_MODES), ("move_pages", "mbind"))
    ]
    for cell, counted in zip(cells, engine.check_lines("cells", (cell.line for cell in cells)), strict=True):
        ways = {way: counted[f"pages_{way}"] for way in ("serial", "threads", "offload")}
        assert sum(ways.values()) == counted["pgmigrate_success"], (cell, counted)
        assert (ways["offload"] > 0) == cell.mode.startswith("dma"), (cell, counted)


@EVERYWHERE
def test_pages_change_places_in_every_mode(lab: Lab) -> None:
    cells = [
        f"page={page} pages={COUNT[page]} mode={mode} threads=3 bounce={bounce} from=0 to=1"
        for page, mode, bounce in product(COUNT, MODES, ways_to_swap(lab))
    ]
    for line, counted in zip(cells, lab.check_lines("exchange", cells), strict=True):
        assert f"pages={counted['exchange_pairs']} " in line, counted
        assert "thp" not in line or (counted["exchange_pages_threads"] > 0) == ("parallel" in line), (
            line,
            counted,
        )


def ways_to_swap(lab: Lab) -> tuple[int, ...]:
    """Values of the knob: without a machine check safe swap of words there is only the bounce page."""
    return (1,) if lab.layout.arch == "ppc64le" else (1, 0)


@on("ppc64le")
def test_words_are_not_swapped_where_that_is_not_safe(lab: Lab) -> None:
    lab.run(f"! echo words >{ACCEL}/exchange_method 2>/dev/null")
    assert lab.run(f"cat {ACCEL}/exchange_method") == "bounce_page\n"


@EVERYWHERE
@MODE
def test_what_cannot_be_exchanged_is_left_alone(lab: Lab, mode: str) -> None:
    lab.check("exchange_refusals", mode=mode, threads=3)


@EVERYWHERE
def test_random_lists_against_a_model(lab: Lab) -> None:
    rounds = 100 * LONGER
    counts = lab.check("exchange_random", rounds=rounds)
    assert counts["exchanged"] == counts["exchange_pairs"] > rounds, counts


@EVERYWHERE
@MODE
@HUGE_AND_BASE
def test_no_write_is_lost(lab: Lab, page: str, mode: str) -> None:
    counts = lab.check(
        "exchange_writers", page=page, pages=COUNT[page], mode=mode, threads=3, helpers=2, rounds=3 * LONGER
    )
    assert counts["passes"] > 0
    assert counts["exchanged"] > 0


@EVERYWHERE
@MODE
@HUGE_AND_BASE
def test_shared_pages_change_places_for_all(lab: Lab, page: str, mode: str) -> None:
    counts = lab.check("exchange_sharing", page=page, pages=COUNT[page], mode=mode)
    assert counts["exchange_pairs"] == COUNT[page], counts


@EVERYWHERE
@HUGE_AND_BASE
@pytest.mark.parametrize("share", ["memory", "nodes"])
def test_races(lab: Lab, share: str, page: str) -> None:
    counts = lab.check(
        "exchange_races", page=page, pages=COUNT[page], mode="parallel+concurrent", share=share, helpers=4,
        threads=3, rounds=5 * LONGER,
    )  # fmt: skip
    assert counts["exchanged"] > 0


@EVERYWHERE
def test_a_mix_of_all_modes(engine: Lab) -> None:
    counts = engine.check("mixed", pages=3, rounds=60 * LONGER)
    assert counts["pages_offload"] > 0


@EVERYWHERE
@MODE
@HUGE_AND_BASE
def test_code_that_has_changed_its_place_runs(lab: Lab, page: str, mode: str) -> None:
    """An emulator sees every change of code; so the mark of arm64 is looked at that has caches told of it."""
    counts = lab.check("exchange_code", page=page, pages=COUNT[page], mode=mode, threads=3)
    assert counts["data_marked"] == 0
    if lab.layout.arch == "arm64":
        assert counts["code_marked"] == COUNT[page]


@on("arm64")
@pytest.mark.parametrize("mode", [*MODES, *DMA_MODES])
@HUGE_AND_BASE
def test_memory_tags_move_with_the_contents(engine: Lab, page: str, mode: str) -> None:
    """DMA engines copy bytes only, so the CPU copies such pages."""
    counts = engine.check(
        "tags", page=page, pages=COUNT[page], mode=mode, threads=3, channels=CHANNELS, rounds=2
    )
    assert counts["pages_offload"] == 0
    if mode in DMA_MODES:
        assert counts["offload_fallback_contents"] == counts["pgmigrate_success"] > 0


@on("arm64")
@MODE
@HUGE_AND_BASE
def test_pages_with_memory_tags_are_not_exchanged(lab: Lab, page: str, mode: str) -> None:
    lab.check("exchange_tags", page=page, pages=COUNT[page], mode=mode, threads=3)
