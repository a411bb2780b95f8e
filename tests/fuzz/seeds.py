"""Valid files to start from: those that ship and those that tests have."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
DAMAGED = ROOT / "tests" / "unit" / "experiment" / "faults"
RECORDED = ROOT / "tests" / "recorded"


def read(*patterns: str, below: Path = ROOT) -> list[bytes]:
    """Return the contents of the files that match, in their order."""
    return [file.read_bytes() for pattern in patterns for file in sorted(below.glob(pattern))]
