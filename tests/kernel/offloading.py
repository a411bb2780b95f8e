"""What tests of copies by providers share: what was counted, and modules that come and go."""

from __future__ import annotations

from collections.abc import Iterable

from tests.kernel.cells import Cell, dma_cells
from tests.kernel.lab import Lab

UNTIL_UNUSED = """
for attempt in $(seq 30); do
    [ "$(cat /sys/module/softdma/refcnt)" = 0 ] && exit 0
    sleep 1
done
exit 1
"""
"""Channels are released when what refers to them is over."""

FALLBACKS = ("provider", "memory", "contents", "align", "map", "submit", "error", "timeout")


def left_by_dma(counted: dict[str, int]) -> dict[str, int]:
    """Base pages that DMA left to the CPU, by reason."""
    found = {reason: counted[f"offload_fallback_{reason}"] for reason in FALLBACKS}
    return {reason: pages for reason, pages in found.items() if pages}


def accounted(counted: dict[str, int]) -> int:
    """Base pages that went by DMA or have a reason why not; of the latter the CPU says that it copied them."""
    left = sum(left_by_dma(counted).values())
    assert counted["pages_serial"] + counted["pages_threads"] == left, counted
    return counted["pages_offload"] + left


def moved_with(lab: Lab, cells: Iterable[Cell]) -> list[tuple[Cell, dict[str, int]]]:
    """Move the cells, which must succeed whatever the channels do; what was counted of each.

    Copies are counted. A page that something else holds for a moment after its copy is copied again, so a cell whose
    count is above its pages is moved once more.
    """
    found = _moved_once(lab, cells)
    again = [cell for cell, counted in found if accounted(counted) > cell.base_pages]
    once = [pair for pair in found if pair[0] not in again]
    for cell, counted in once + _moved_once(lab, again):
        assert accounted(counted) == cell.base_pages, (cell, counted)
    return found


def _moved_once(lab: Lab, cells: Iterable[Cell]) -> list[tuple[Cell, dict[str, int]]]:
    cells = list(cells)
    if not cells:
        return []
    return list(zip(cells, lab.check_lines("cells", (cell.line for cell in cells)), strict=True))


def some_cells(channels: Iterable[int] = (1, 3), pages: Iterable[str] = ("base", "thp")) -> list[Cell]:
    return list(dma_cells([(0, 1)], tuple(channels), tuple(pages)))


def unloading(module: str, seed: int, unuse: str = "", parameters: str = "", use: str = "") -> str:
    """A script that unloads a module and loads it again while pages move, in as many rounds as its argument says.

    :param unuse: a command before it is unloaded; ``use``: one after it is loaded again.
    """
    return f"""
/root/checks mixed pages=3 rounds="$1" seed={seed} >/root/mixed.out 2>&1 &
check=$!
unloaded=0 busy=0
while kill -0 "$check" 2>/dev/null; do
    rmmod {module} 2>/dev/null || {{
        busy=$((busy + 1))
        {unuse or ":"}
        rmmod {module} 2>/dev/null || continue
    }}
    unloaded=$((unloaded + 1))
    insmod /root/{module}.ko {parameters} || exit 1
    {use or ":"}
done
wait "$check" || {{ cat /root/mixed.out >&2; exit 1; }}
echo "unloaded=$unloaded busy=$busy $(cat /root/mixed.out)"
"""
