"""probe.sh: queries of task modules, in each shell."""

from __future__ import annotations

import shlex
import socket
from pathlib import Path

import pytest

from orchestrator.provision import files
from orchestrator.provision.module import ReadOutput
from tests.host_shells import SHELLS, HostFolder


@pytest.fixture(params=SHELLS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> HostFolder:
    return HostFolder(request.param, tmp_path)


def probe(host: HostFolder, *words: str | Path) -> tuple[int, str]:
    done = host.sh(host.folder / "scripts" / "probe.sh", *words)
    assert done.stderr == b""
    return done.returncode, done.stdout.decode()


def found(host: HostFolder, *paths: Path) -> dict[str, files.ActualFile]:
    code, out = probe(host, "files", "100", *paths)
    assert code == 0
    return files.parse(ReadOutput(0, out))


def test_files_folders_and_links(host: HostFolder) -> None:
    file, empty, large, folder, link, gone = (
        host.folder / name for name in ("it's a file", "empty", "large", "folder", "link", "gone")
    )
    file.write_text("kind=directory\n\npath=/x\n no end")
    file.chmod(0o640)
    empty.touch()
    large.write_text("x" * 101)
    folder.mkdir(mode=0o711)
    link.symlink_to(file.name)
    results = found(host, file, empty, large, folder, link, gone)
    assert results[str(file)].kind == "file"
    assert results[str(file)].mode == "640"
    assert results[str(file)].text == "kind=directory\n\npath=/x\n no end"
    assert len(results[str(file)].sha256) == 64
    assert results[str(file)].owner == results[str(folder)].owner != ""
    assert results[str(empty)].text == ""
    assert results[str(large)].text is None
    assert results[str(large)].sha256
    assert (results[str(folder)].kind, results[str(folder)].mode) == ("directory", "711")
    assert (results[str(link)].kind, results[str(link)].target) == ("link", file.name)
    assert results[str(link)].real == str(file.resolve())
    assert results[str(gone)].kind == "absent"


def test_names_and_links_of_several_lines(host: HostFolder) -> None:
    """Who may write a link on a host may write any line."""
    file, link = host.folder / "a\nkind=other\nfoo=bar\n path=x", host.folder / "link"
    file.write_text("first\x0cpath=/x\x85kind=other\r\n")
    link.symlink_to(file.name)
    results = found(host, file, link)
    assert list(results) == [str(file), str(link)]
    assert (results[str(file)].kind, results[str(file)].text) == ("file", file.read_bytes()[:-1].decode())
    assert (results[str(link)].kind, results[str(link)].target) == ("link", str(link.readlink()))
    assert results[str(link)].real == str(link.resolve())


def test_several_commands_in_one_call(host: HostFolder) -> None:
    lines = ["printf 'no end'", "echo '#'; echo '!7'; exit 3", "cat", shlex.join(["echo", "it's"])]
    code, out = probe(host, "all", *lines)
    assert code == 0
    assert out == " no end\n !0\n#\n #\n !7\n \n !3\n#\n \n !0\n#\n it's\n \n !0\n#\n"


def test_creates_and_removes(host: HostFolder) -> None:
    existing = host.folder / "existing"
    existing.touch()
    assert probe(host, "needed", "", "")[0] == 0
    assert probe(host, "needed", existing, "")[0] == 1
    assert probe(host, "needed", "", existing)[0] == 0
    assert probe(host, "needed", "", host.folder / "gone")[0] == 2


def test_waiting(host: HostFolder) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        assert probe(host, "await", "port", port, "present", "0")[0] == 0
        assert probe(host, "await", "port", port, "absent", "0")[0] == 9
    assert probe(host, "await", "port", port, "absent", "1")[0] == 0
    assert probe(host, "await", "path", host.folder, "present", "0")[0] == 0
    assert probe(host, "await", "command", "exit 1", "present", "1")[0] == 9


def test_a_built_program(host: HostFolder) -> None:
    program = host.folder / "prog"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (host.folder / "prog.built-from").write_text("abc\n")
    fields = ReadOutput(0, probe(host, "program", host.folder, "prog")[1]).fields
    assert fields["identity"] == "abc"
    assert len(fields["sha256"]) == 64
    assert fields["machine"]


def test_unknown_verb(host: HostFolder) -> None:
    assert host.sh(host.folder / "scripts" / "probe.sh", "unknown").returncode == 2
