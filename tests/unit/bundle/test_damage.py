"""Every byte of a bundle counts: one that is changed, lost or added is found, and the file it belongs to is named."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.bundle import archive, checksums
from orchestrator.bundle.layout import SEAL, SUMS
from orchestrator.bundle.opening import opened, verify
from orchestrator.errors import BadInput

LONG = "a-folder-with-a-long-name/" * 4 + "a-file-whose-path-does-not-fit-into-a-hundred-letters.txt"
FILES = {"README.md": b"read me\n", "empty": b"", "run/journal.jsonl": b"{}\n" * 200, LONG: b"x" * 512}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "bundle-1"
    for name, content in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(content)
    (made / "README.md").chmod(0o755)
    checksums.seal(made)
    return made


@pytest.fixture
def packed(folder: Path, tmp_path: Path) -> Path:
    archive.pack(folder, tmp_path / "bundle.tar", 1_700_000_000)
    return tmp_path / "bundle.tar"


def owners(packed: Path) -> Iterator[str]:
    """The file that each byte of an archive belongs to, the archive's own name for the zeros at its end."""
    with tarfile.open(packed) as reader:
        members = reader.getmembers()
    end = 0
    for member in members:
        start, end = end, member.offset_data + -(-member.size // 512) * 512
        yield from [member.name.partition("/")[2]] * (end - start)
    yield from [packed.name] * (packed.stat().st_size - end)


def named(path: Path) -> list[str]:
    return [fault.file for fault in verify(path).faults]


@pytest.mark.slow
def test_each_byte_of_an_archive_that_is_flipped_is_named(packed: Path) -> None:
    whole = packed.read_bytes()
    assert named(packed) == []
    for place, owner in enumerate(owners(packed)):
        if owner == packed.name and place % 97:  # of the zeros at the end some will do
            continue
        packed.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        assert named(packed) == [owner], place


def test_each_byte_of_a_folder_that_is_flipped_is_named(folder: Path) -> None:
    for name in [*FILES, SUMS, SEAL]:
        whole = (folder / name).read_bytes()
        for place in range(len(whole)):
            (folder / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert named(folder) == [name], place
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize("name", [*FILES, SUMS, SEAL])
def test_a_file_that_is_gone_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert named(folder) == [name]


def test_a_file_that_was_added_is_named(folder: Path) -> None:
    (folder / "run" / ".hidden").write_text("")
    assert named(folder) == ["run/.hidden"]


def test_a_link_in_place_of_a_file_is_named(folder: Path) -> None:
    elsewhere = (folder / "README.md").rename(folder.parent / "elsewhere")
    (folder / "README.md").symlink_to(elsewhere)
    assert named(folder) == ["README.md"]


def test_several_damages_are_all_named(folder: Path) -> None:
    (folder / "empty").write_text("no more")
    (folder / "README.md").unlink()
    (folder / "new").write_text("")
    assert named(folder) == ["README.md", "empty", "new"]


def test_a_changed_file_whose_sum_was_changed_with_it_breaks_the_seal(folder: Path) -> None:
    seal = (folder / SEAL).read_bytes()
    before = verify(folder).identity
    (folder / "empty").write_text("forged")
    (folder / SUMS).unlink()
    (folder / SEAL).unlink()
    assert checksums.seal(folder) != before
    (folder / SEAL).write_bytes(seal)
    assert named(folder) == [
        SEAL
    ]  # who has the id from elsewhere is told by --id that the list is another one


def test_a_cut_archive_is_told_as_such(packed: Path) -> None:
    whole = packed.read_bytes()
    for length in range(600, len(whole), 997):
        packed.write_bytes(whole[:length])
        faults = verify(packed).faults
        assert any("truncated" in fault.what or fault.what == "missing" for fault in faults), length
    packed.write_bytes(whole + b"\0" * 512)
    assert named(packed) == [packed.name]


def test_two_archives_of_the_same_files_are_the_same(folder: Path, packed: Path, tmp_path: Path) -> None:
    (folder / "README.md").touch()
    archive.pack(folder, tmp_path / "again.tar", 1_700_000_000)
    assert (tmp_path / "again.tar").read_bytes() == packed.read_bytes()


def test_an_archive_unpacks_to_what_it_was(packed: Path, folder: Path) -> None:
    with opened(packed) as unpacked:
        assert checksums.everything(unpacked) == checksums.everything(folder)
        assert (unpacked / LONG).read_bytes() == FILES[LONG]
        assert (unpacked / "README.md").stat().st_mode & 0o100
        assert not (unpacked / "empty").stat().st_mode & 0o100


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "bundle-1/../../outside"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    evil = tmp_path / "evil.tar"
    info = tarfile.TarInfo(name)
    evil.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10240 - 512))
    with pytest.raises(BadInput, match="leads out of the bundle"), opened(evil):
        pass


def test_a_link_in_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    evil = tmp_path / "evil.tar"
    info = tarfile.TarInfo("bundle-1/link")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    evil.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10240 - 512))
    with pytest.raises(BadInput, match="link: its header"), opened(evil):
        pass


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b\x08" + bytes(2000), bytes(20480)])
def test_what_is_no_bundle_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)
    with pytest.raises(BadInput, match="is not a bundle") as caught:
        verify(other)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_that_is_no_bundle_and_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a bundle: it has no SHA256SUMS"):
        verify(tmp_path)
    with pytest.raises(BadInput, match="there is no bundle"):
        verify(tmp_path / "nowhere.tar")
