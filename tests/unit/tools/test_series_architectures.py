"""What is built of a series, for which architecture."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from tools.series.architectures import TARGETS, concerns, read_targets, to_make
from tools.series.check import CONFIGS, read_range

TOUCHED = (
    "Documentation/mm/new.rst",
    "arch/x86/lib/one.S",
    "arch/x86/lib/two.c",
    "arch/x86/entry/syscalls/syscall_64.tbl",
    "arch/arm64/mm/copypage.c",
    "include/linux/mm.h",
    "kernel/sys_ni.c",
    "mm/a.c",
    "mm/b.c",
    "mm/Kconfig",
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in TOUCHED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_directories_with_several_files_and_single_objects_are_made(source: Path) -> None:
    x86 = ["arch/x86/entry/", "arch/x86/lib/", "kernel/sys_ni.o", "mm/"]
    assert to_make(TARGETS["x86_64"], TOUCHED, source) == x86
    assert to_make(TARGETS["i386"], TOUCHED, source) == x86
    assert to_make(TARGETS["arm64"], TOUCHED, source) == [
        "arch/arm64/mm/copypage.o",
        "kernel/sys_ni.o",
        "mm/",
    ]


def test_what_is_not_there_yet_is_not_made(source: Path) -> None:
    (source / "kernel/sys_ni.c").unlink()
    assert to_make(TARGETS["m68k"], TOUCHED, source) == ["mm/"]


def test_other_architectures_and_documents_concern_none() -> None:
    m68k = TARGETS["m68k"]
    assert [file for file in TOUCHED if concerns(m68k, file)] == list(TOUCHED[5:])


def test_every_architecture_has_a_configuration() -> None:
    assert {f"{name}.config" for name in ("common", *TARGETS)} == {file.name for file in CONFIGS.iterdir()}


def test_lists_of_architectures_and_ranges_of_patches() -> None:
    assert [target.name for target in read_targets("m68k,arm64")] == ["m68k", "arm64"]
    with pytest.raises(BadInput, match="unknown architecture 'arm'; did you mean 'arm64'"):
        read_targets("arm")
    assert read_range("", 32) == (1, 32)
    assert read_range("7", 32) == (7, 7)
    assert read_range("7-9", 32) == (7, 9)
    for wrong in ("0", "9-7", "33", "a", "1-"):
        with pytest.raises(BadInput, match=r"expected N or N-M between 1 and 32"):
            read_range(wrong, 32)
