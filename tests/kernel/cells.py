"""Cells to be checked, and what the kernel's counters must say of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from tests.kernel.layouts import Layout

BASE_PAGES = {"base": 1, "shmem": 1, "block": 1, "thp": 512, "hugetlb": 512}
"""Base pages in a page of each kind."""

PAGES = {"base": 37, "shmem": 19, "block": 11, "thp": 3, "hugetlb": 2}
"""Pages in a cell: few, and in numbers that do not divide evenly."""

CHUNK = 8
"""Base pages that a thread takes at once; no threads share fewer."""

MODES = ("serial", "parallel", "concurrent", "parallel+concurrent")
THREADS = (1, 2, 3, 4, 8)


@dataclass(frozen=True)
class Cell:
    """One way to move one region, a small one unless ``pages`` says how many it has."""

    page: str
    mode: str
    interface: str
    threads: int
    source: int
    target: int
    batch: int = 512
    copy_node: int = 0
    pages: int = 0
    channels: int = 0

    @property
    def count(self) -> int:
        return self.pages or PAGES[self.page]

    @property
    def base_pages(self) -> int:
        return self.count * BASE_PAGES[self.page]

    @property
    def line(self) -> str:
        """The words that the check takes."""
        return (
            f"page={self.page} pages={self.count} mode={self.mode} interface={self.interface} threads={self.threads} "
            f"batch={self.batch} copy_node={self.copy_node} channels={self.channels} "
            f"from={self.source} to={self.target}"
        )


def dma_cells(
    pairs: Sequence[tuple[int, int]], channels: Sequence[int], pages: Sequence[str] = tuple(PAGES)
) -> Iterator[Cell]:
    """Every mode by DMA, interface, kind of page and number of channels; 0: a copy takes one of two."""
    modes = ("dma", "dma+parallel", "dma+concurrent", "dma+parallel+concurrent")
    for (source, target), page, mode, interface, count in product(
        pairs, pages, modes, ("move_pages", "mbind"), channels
    ):
        yield Cell(page, mode, interface, 3, source, target, channels=count)


def all_cells(
    pairs: Sequence[tuple[int, int]],
    pages: Sequence[str] = ("base", "thp", "hugetlb", "shmem", "block"),
    threads: Sequence[int] = THREADS,
) -> Iterator[Cell]:
    """Every mode, interface, kind of page and number of threads; threads vary only where there are some."""
    interfaces = ("move_pages", "mbind", "policy")
    for (source, target), page, mode, interface in product(pairs, pages, MODES, interfaces):
        parallel = mode.startswith("parallel")
        if interface == "policy" and not parallel:
            continue
        for count in threads if parallel else (threads[-1],):
            yield Cell(page, mode, interface, count, source, target)


def expected_counters(cell: Cell, layout: Layout) -> dict[str, int]:
    """What the kernel must have counted, by the rules of admin-guide/mm/migration_accel.rst; all else 0.

    Hugetlb pages are never batched, pages whose file system has its own method are batched but copied one by one.
    """
    pages = cell.count
    base_pages = cell.base_pages
    counted = {"pgmigrate_success": base_pages}
    if cell.page == "thp":
        counted["thp_migration_success"] = pages
    copies = [BASE_PAGES[cell.page]] * pages
    if cell.mode.endswith("concurrent"):
        if cell.page == "hugetlb":
            counted["batch_left_single"] = pages
        elif cell.page == "block":
            counted["batch_left_mapping"] = pages
        else:
            counted["batch_folios"] = pages
            copies = [BASE_PAGES[cell.page] * size for size in _batches(pages, cell.batch)]
            counted["batches"] = len(copies)
    if cell.mode.startswith("dma"):
        counted |= {
            "pages_offload": base_pages,
            "offload_copies": len(copies),
            "offload_lanes": sum(min(size, cell.channels or 1) for size in copies),
        }
        return counted
    wanted = cell.mode.startswith("parallel") and (cell.interface != "policy" or BASE_PAGES[cell.page] > 1)
    for size in copies:
        counter, reason = _copy(size, cell, layout) if wanted else ("pages_serial", "")
        counted[counter] = counted.get(counter, 0) + size
        if reason:
            counted[reason] = counted.get(reason, 0) + 1
    return counted


def _copy(size: int, cell: Cell, layout: Layout) -> tuple[str, str]:
    """Who copies ``size`` base pages, and why it is the caller if it is."""
    if size <= CHUNK:
        return "pages_serial", "threads_fallback_size"
    if min(cell.threads, copying_cpus(cell, layout)) < 2:
        return "pages_serial", "threads_fallback_cpus"
    return "pages_threads", ""


def copying_cpus(cell: Cell, layout: Layout) -> int:
    """CPUs of the node that copies: the chosen one, or the other one if that has none."""
    chosen, other = (cell.source, cell.target) if cell.copy_node else (cell.target, cell.source)
    return len(layout.cpus(chosen)) or len(layout.cpus(other))


def _batches(pages: int, batch: int) -> list[int]:
    return [min(batch, pages - first) for first in range(0, pages, batch)]
