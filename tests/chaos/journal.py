"""The journal of a run, read without the program: what it says is judged here."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKSUM = b',"crc32":"'


@dataclass(frozen=True)
class Journal:
    """A journal at ``path``; damaged lines are left out."""

    path: Path

    @property
    def lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines(keepends=True) if self.path.exists() else []

    @property
    def begun(self) -> bool:
        """Whether a controller has written its first record."""
        return b"\n" in (self.path.read_bytes() if self.path.exists() else b"")

    @property
    def records(self) -> list[dict[str, Any]]:
        found = []
        is_sealed = False  # as version 0.1 wrote them, lines had no checksum
        for line in self.lines:
            record = _read(line)
            if record is not None and (CHECKSUM in line or not is_sealed):
                found.append(record)
                is_sealed = CHECKSUM in line
        return found

    @property
    def damaged(self) -> int:
        """Number of whole lines that are damaged."""
        return sum(1 for line in self.lines if line.endswith(b"\n")) - len(self.records)

    @property
    def trials(self) -> list[dict[str, Any]]:
        """The final records of trials."""
        return [record for record in self.records if record["type"] == "trial"]

    @property
    def is_complete(self) -> bool:
        """Whether the last record says that all is done."""
        records = self.records
        return bool(records) and records[-1]["type"] == "end" and records[-1]["complete"] is True


def _read(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line; None if it is damaged."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not line.endswith(b"\n") or not isinstance(record, dict) or "type" not in record:
        return None
    content, found, checksum = line.rpartition(CHECKSUM)
    if record["type"] == "trial" and not {"status", "reason", "metrics", "factors"} <= record.keys():
        return None
    return record if not found or checksum == b'%08x"}\n' % zlib.crc32(content) else None
