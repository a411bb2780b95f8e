"""Archives are readable by cpio and reproducible."""

from __future__ import annotations

import subprocess
from pathlib import Path

from orchestrator.hosts.guest import cpio

ENTRIES = [
    cpio.file("etc/deep/er/motd", b"hello\n", 0o640),
    cpio.link("bin", "usr/bin"),
    cpio.folder("root", 0o700),
    cpio.character_device("dev/null", 1, 3, 0o666),
    cpio.file("empty", b""),
    cpio.file("usr/bin/run", b"\x7fELF" + bytes(range(256)) * 33, 0o755),
]


def listing(archive: bytes) -> dict[str, list[str]]:
    output = subprocess.run(
        ["cpio", "-itv", "--quiet"], input=archive, capture_output=True, check=True
    ).stdout
    return {line.split(" -> ")[0].split()[-1]: line.split() for line in output.decode().splitlines()}


def test_cpio_unpacks_the_archive(tmp_path: Path) -> None:
    entries = [entry for entry in ENTRIES if entry.path != "dev/null"]
    subprocess.run(["cpio", "-id", "--quiet"], input=cpio.archive(entries), cwd=tmp_path, check=True)
    assert (tmp_path / "etc/deep/er/motd").read_bytes() == b"hello\n"
    assert (tmp_path / "etc/deep/er/motd").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "bin").readlink() == Path("usr/bin")
    assert (tmp_path / "root").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "empty").read_bytes() == b""
    assert (tmp_path / "usr/bin/run").read_bytes() == ENTRIES[-1].content


def test_owners_devices_and_folders() -> None:
    lines = listing(cpio.archive(ENTRIES))
    assert {tuple(line[2:4]) for line in lines.values()} == {("root", "root")}
    assert lines["dev/null"][0] == "crw-rw-rw-"
    assert lines["dev/null"][4:6] == ["1,", "3"]
    assert list(lines)[:4] == ["etc", "etc/deep", "etc/deep/er", "etc/deep/er/motd"]


def test_the_first_of_two_entries_is_used() -> None:
    archive = cpio.archive([cpio.file("a", b"first"), cpio.file("a", b"second")])
    assert b"first" in archive
    assert b"second" not in archive


def test_archives_can_be_concatenated() -> None:
    first, second = cpio.archive(ENTRIES[:1]), cpio.archive(ENTRIES[4:5])
    assert len(first) % 4 == 0
    assert second.startswith(b"070701")


def test_archives_are_reproducible() -> None:
    assert cpio.archive(ENTRIES) == cpio.archive(list(ENTRIES))
