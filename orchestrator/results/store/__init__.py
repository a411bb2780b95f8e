"""All runs of a results directory in one sqlite index, ``index.sqlite``: questions over many trials in bounded memory.

The index is a cache of the journals. It may be deleted at any time; only what was appended since is read again.
No other package sees its tables: :class:`Store` answers with rows.
"""

from __future__ import annotations

from orchestrator.results.store.connection import FILE
from orchestrator.results.store.rows import (
    CellRow,
    Reason,
    RunRow,
    TrialRow,
    TrialValue,
    Verification,
)
from orchestrator.results.store.store import Store, open_for

__all__ = [
    "FILE",
    "CellRow",
    "Reason",
    "RunRow",
    "Store",
    "TrialRow",
    "TrialValue",
    "Verification",
    "open_for",
]
