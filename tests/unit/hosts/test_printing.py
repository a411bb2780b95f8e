"""What a dry run prints of a command's stdin."""

from __future__ import annotations

import pytest

from orchestrator.hosts.command import Command
from orchestrator.hosts.printing import PrintingHost


@pytest.mark.parametrize(("stdin", "shown"), [(b"a\nb\n", ["    < a", "    < b"]), (b"\x7fELF\0\n\x01", [])])
def test_text_is_printed_and_a_program_is_not(stdin: bytes, shown: list[str]) -> None:
    lines: list[str] = []
    PrintingHost("node", lines.append).run(Command(("cat",), stdin=stdin))
    assert lines == [f"cat  < {len(stdin)} bytes", *shown]
