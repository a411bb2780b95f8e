"""Which processes keep a host from being idle, as its user is told."""

from __future__ import annotations

from orchestrator.execution.host_journal import Busy
from orchestrator.execution.idleness import shown


def test_a_process_whose_name_has_a_line_end() -> None:
    assert shown([Busy("z\nresume with:x", 7, 1.0)]) == r"z\nresume with:x (pid 7) 1.00 CPUs"
