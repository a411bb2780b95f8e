"""What an error says of a guest's console."""

from __future__ import annotations

from pathlib import Path

from orchestrator.hosts.guest.guest import Logs


def test_lines_of_firmware_that_clears_the_screen(tmp_path: Path) -> None:
    logs = Logs(tmp_path / "console", tmp_path / "qemu")
    logs.console.write_bytes(
        b"\x1bc\x1b[?7l\x1b[2JSeaBIOS (version 1.16)\r\n\r\n\x1b[1mBooting\x1b[0m from ROM\r\n"
    )
    assert logs.tail() == ["SeaBIOS (version 1.16)", "Booting from ROM"]


def test_lines_of_qemu_where_the_console_is_empty(tmp_path: Path) -> None:
    logs = Logs(tmp_path / "console", tmp_path / "qemu")
    logs.console.write_text("")
    logs.qemu.write_text("")
    assert logs.tail() == ["(no output)"]
    logs.qemu.write_text("qemu: cannot set up guest memory\n")
    assert logs.tail() == ["qemu: cannot set up guest memory"]
