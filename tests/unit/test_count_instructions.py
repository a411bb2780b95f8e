"""tools/count-instructions/table.py: counts as a table, by function and by group."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TABLE = Path("tools/count-instructions/table.py")
GROUPS = Path("tools/count-instructions/migration.groups")
COUNTS = {
    "old": {"pages": 10, "call_latency_ns": 6990, "functions": {"copy_page": 5000, "rmap_walk": 1950, "up_read": 50}},
    "new": {"pages": 10, "call_latency_ns": 17000, "functions": {"memcpy_orig": 15000, "rmap_walk": 2000}},
}  # fmt: skip


def table(folder: Path, *options: str | Path) -> dict[str, list[str]]:
    counts = folder / "counts.json"
    counts.write_text(json.dumps(COUNTS))
    command = [sys.executable, str(TABLE), str(counts), *map(str, options)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines()]
    return {row[0]: row[1:] for row in rows}


def test_functions_with_the_largest_share_come_first(tmp_path: Path) -> None:
    rows = table(tmp_path)
    assert [name for name in rows if not name.startswith(":")] == [
        "function", "memcpy_orig", "copy_page", "rmap_walk", "others", "total", "call latency, ns per page",
    ]  # fmt: skip
    assert rows["function"] == ["old", "new"]
    assert rows["memcpy_orig"] == ["–", "1500"]
    assert rows["rmap_walk"] == ["195", "200"]
    assert rows["others"] == ["5", "–"]
    assert rows["total"] == ["700", "1700"]
    assert rows["call latency, ns per page"] == ["699", "1700"]


def test_groups_add_up_functions_of_other_names(tmp_path: Path) -> None:
    groups = tmp_path / "groups"
    groups.write_text("copy: copy_page|memcpy.*\nnothing: copy.*\n")
    rows = table(tmp_path, "--groups", groups)
    assert rows["copy"] == ["500", "1500"]
    assert rows["others"] == ["200", "200"]
    assert rows["total"] == ["700", "1700"]
    assert "nothing" not in rows


def test_the_groups_of_migration(tmp_path: Path) -> None:
    rows = table(tmp_path, "--groups", GROUPS)
    assert rows["copy"] == ["500", "1500"]
    assert rows["others"] == ["–", "–"]
