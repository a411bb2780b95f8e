"""Warnings and errors in the output of make, checkpatch and sparse."""

from __future__ import annotations

from collections import Counter

from tools.series.checkpatch import complaints, counts
from tools.series.diagnostics import Diagnostic, added, parse

OUTPUT = """\
make[1]: Entering directory '/build'
  GEN     Makefile
  CALL    ../scripts/checksyscalls.sh
<stdin>:1621:2: warning: #warning syscall exchange_pages not implemented [-Wcpp]
  CC      mm/migrate.o
In file included from /tree/include/linux/mm.h:29,
                 from /tree/mm/migrate.c:15:
/tree/include/linux/highmem.h: In function 'copy':
/tree/include/linux/highmem.h:12:6: warning: unused variable 'n' [-Wunused-variable]
/tree/mm/migrate.c:100:5: error: static assertion failed: "too big"
/tree/mm/migrate.c:1: warning: Function parameter or struct member 'x' not described in 'y'
make[4]: *** [/tree/scripts/Makefile.build:229: mm/migrate.o] Error 1
  CC [M]  drivers/dma/softdma.o
../drivers/dma/softdma.c:7:2: warning: same [-Wa]
../drivers/dma/softdma.c:9:2: warning: same [-Wa]
mm/rmap.o: warning: objtool: try_to_unmap+0x1f: unreachable instruction
Warning: ../mm/swap.c:12 No description found for return value of 'f'
  AS      arch/x86/lib/swap.o
arch/x86/lib/swap.S:7: Error: no such instruction: `moo'
make[3]: Target 'mm/' not remade because of errors.
make[2]: *** [/tree/Makefile:1945: mm] Error 2
"""


def test_each_target_has_what_was_said_of_it() -> None:
    found, places = parse(OUTPUT.splitlines(), "/tree")
    assert found["scripts/checksyscalls.sh"].total() == 1
    assert found["mm/migrate.o"] == {
        Diagnostic("include/linux/highmem.h", "warning", "unused variable 'n' [-Wunused-variable]"): 1,
        Diagnostic("mm/migrate.c", "error", 'static assertion failed: "too big"'): 1,
        Diagnostic(
            "mm/migrate.c", "warning", "Function parameter or struct member 'x' not described in 'y'"
        ): 1,
    }
    same = Diagnostic("drivers/dma/softdma.c", "warning", "same [-Wa]")
    assert found["drivers/dma/softdma.o"] == {
        same: 2,
        Diagnostic("mm/rmap.o", "warning", "objtool: try_to_unmap: unreachable instruction"): 1,
        Diagnostic("mm/swap.c", "warning", "No description found for return value of 'f'"): 1,
    }
    assert found["arch/x86/lib/swap.o"].total() == 1
    assert places[same] == "drivers/dma/softdma.c:7"
    assert "" not in found


def test_a_rule_that_is_missing_is_an_error() -> None:
    text = "make[3]: *** No rule to make target 'mm/none.o', needed by 'mm/'.  Stop.\n"
    found, _ = parse([text], "/tree")
    assert [error.is_error for error in found[""]] == [True]


def test_an_object_that_make_deletes_is_no_error_of_its_own() -> None:
    """Its rule has failed before that; and of an object that two directories make at once, the other one is kept."""
    output = [
        "make[4]: *** Deleting file 'lib/a.o'",
        "make[4]: *** [/tree/scripts/Makefile.build:234: lib/a.o] Error 2",
    ]
    assert parse(output, "/tree") == ({}, {})


def test_what_was_there_before_is_not_added_by_another_object_or_line() -> None:
    warning, other = (Diagnostic("include/a.h", "warning", text) for text in ("one", "two"))
    before = {"a.o": Counter({warning: 1})}
    assert added(before, {"a.o": Counter({warning: 1}), "b.o": Counter({warning: 1})}) == {}
    assert added(before, {"a.o": Counter({warning: 2, other: 1}), "b.o": Counter({other: 1})}) == {
        warning: 1,
        other: 1,
    }


def test_complaints_of_checkpatch() -> None:
    lines = complaints(
        "/x/0001-a.patch:52: CHECK:PARENTHESIS_ALIGNMENT: Alignment should match open parenthesis\n"
        "/x/0001-a.patch:60: WARNING:FILE_PATH_CHANGES: does MAINTAINERS need updating?\n"
        "ERROR:MISSING_SIGN_OFF: Missing Signed-off-by: line(s)\n"
        "total: 1 errors, 1 warnings, 1 checks, 9 lines checked\n"
    )
    assert counts(lines) == {"ERROR": 1, "WARNING": 1, "CHECK": 1}
    assert lines[0] == "CHECK:PARENTHESIS_ALIGNMENT: Alignment should match open parenthesis (line 52)"
