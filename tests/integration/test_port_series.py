"""tools/port-series, as those who keep a series use it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.series_lab import Keeper

TWO = ("return pages;\n}\n\nint three", "return pages + 2;\n}\n\nint three")
THREE = ("int pages = 3", "int pages = 33")
OTHER_THREE = ("int pages = 3", "long pages = 3")


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path)


def test_a_series_that_fits_is_ported_as_it_is(keeper: Keeper) -> None:
    keeper.patch("mm: change two", *TWO)
    keeper.patch("mm: change three\n\nWith a body.\n# and a line that git takes for a comment", *THREE)
    keeper.kernel("int one", "/* newer */\nint one")
    ended = keeper.port()
    assert ended.code == 0, ended.err
    assert keeper.ported == ["0001-mm-change-two.patch", "0002-mm-change-three.patch"]
    assert "newer" in keeper.applied()
    assert "pages = 33" in keeper.applied()
    written = (keeper.files("new") / "patches" / "0002-mm-change-three.patch").read_text()
    assert "# and a line that git takes for a comment" in written
    assert "Date: Tue, 1 Oct 2024 10:00:00 +0000" in written
    assert written.startswith(f"From {'0' * 40} ")
    assert "2 same; hunks that differ: 0" in ended.out
    assert "1/2 building: mm: change two" in ended.err
    again = keeper.port()
    assert "the patches are up to date" in again.err
    assert "building" not in again.err


def test_a_conflict_is_resolved_and_the_port_carries_on(keeper: Keeper) -> None:
    keeper.patch("mm: change three", *THREE)
    keeper.patch("mm: change two", *TWO)
    keeper.kernel(*OTHER_THREE)
    stopped = keeper.port()
    assert stopped.code == 4
    assert "conflict: mm: change three" in stopped.err
    assert "mm/migrate.c: 1 hunk at line 15" in stopped.err
    assert (
        f"resolve it in {keeper.tree}:\n  git add --force mm/migrate.c && git cherry-pick --continue"
        in stopped.err
    )
    assert keeper.ported == []
    assert "conflict: mm: change three" in keeper.port().err, "it waits"
    keeper.resolve("mm/migrate.c", "\tlong pages = 33;\n")
    assert "  all files are resolved\ncontinue in" in keeper.port().err
    keeper.proceed()
    assert "2 missing" not in keeper.port("--status").out
    ended = keeper.port()
    assert ended.code == 0, ended.err
    assert "long pages = 33" in keeper.applied()
    assert "pages + 2" in keeper.applied()
    assert "1 adapted, 1 same; hunks that differ: 1" in ended.out


def test_a_patch_that_changes_is_ported_again_and_the_others_stay(keeper: Keeper) -> None:
    keeper.patch("mm: change three", *THREE)
    keeper.patch("mm: change two", *TWO)
    keeper.kernel(*OTHER_THREE)
    keeper.port()
    keeper.resolve("mm/migrate.c", "\tlong pages = 33;\n")
    keeper.proceed()
    assert keeper.port().code == 0
    keeper.change("pages + 2", "pages + 22")
    keeper.commit("mm: change two\n\nMore than before.", "--amend")
    keeper.write()
    assert "changed since it was ported" in keeper.port("--status").out
    ended = keeper.port()
    assert ended.code == 0, ended.err
    assert "2/2 port: mm: change two" in ended.err
    former = re.search(rf"for new are lost.*\n  git -C {keeper.tree} show (\w+)", ended.err)
    assert former
    shown = subprocess.run(
        ["git", "-C", keeper.tree, "show", former[1]], capture_output=True, text=True, check=True
    )
    assert "return pages + 2;" in shown.stdout
    assert "mm: change three" not in ended.err.replace("building: mm: change three", "")
    assert "pages + 22" in keeper.applied()
    assert "long pages = 33" in keeper.applied()
    assert "changed since it was ported" not in ended.out


@pytest.mark.slow
def test_only_the_message_is_taken_where_only_that_has_changed(keeper: Keeper) -> None:
    keeper.patch("mm: change three", *THREE)
    keeper.kernel(*OTHER_THREE)
    keeper.port()
    keeper.resolve("mm/migrate.c", "\tlong pages = 33;\n")
    keeper.proceed()
    assert keeper.port().code == 0
    keeper.commit("mm: change three\n\nNow with a reason.", "--amend")
    keeper.write()
    ended = keeper.port()
    assert ended.code == 0, ended.err
    written = (keeper.files("new") / "patches" / "0001-mm-change-three.patch").read_text()
    assert "Now with a reason." in written
    assert "long pages = 33" in written


def test_what_the_kernel_has_already_is_listed_and_skipped(keeper: Keeper) -> None:
    keeper.patch("mm: mend one", "return 0", "return 1")
    keeper.patch("mm: change two", *TWO)
    keeper.kernel("return 0", "return 1")
    stopped = keeper.port()
    assert stopped.code == 4
    assert "'mm: mend one' changes nothing in new, which has it already: list it" in stopped.err
    (keeper.files("new") / "upstream").write_text("mm: mend one # the same in new\n")
    ended = keeper.port()
    assert ended.code == 0, ended.err
    assert keeper.ported == ["0001-mm-change-two.patch"]
    assert "1 upstream, 1 same" in ended.out
    assert "the same in new" in ended.out


@pytest.mark.slow
def test_the_series_moves_with_its_kernel(keeper: Keeper) -> None:
    keeper.patch("mm: change two", *TWO)
    assert keeper.port().code == 0
    keeper.kernel("int one", "/* newer */\nint one")
    ended = keeper.port()
    assert ended.code == 0, ended.err
    assert "1/1 keep: mm: change two" in ended.err
    assert "newer" in keeper.applied()


@pytest.mark.slow
def test_patches_of_the_new_series_alone_stay_where_they_are(keeper: Keeper) -> None:
    keeper.patch("mm: change two", *TWO)
    keeper.patch("mm: change three", *THREE)
    assert keeper.port().code == 0
    keeper.git("reset", "-q", "--hard", "HEAD~1", tree=keeper.tree)
    keeper.change("return 0", "return 7", tree=keeper.tree)
    keeper.git("commit", "-qam", "mm: new only", tree=keeper.tree)
    ended = keeper.port()
    assert ended.code == 0, ended.err
    assert [name[5:] for name in keeper.ported] == [
        "mm-change-two.patch",
        "mm-new-only.patch",
        "mm-change-three.patch",
    ]
    assert "only in new" in ended.out


@pytest.mark.slow
def test_patches_that_others_changed_are_taken(keeper: Keeper) -> None:
    keeper.patch("mm: change two", *TWO)
    assert keeper.port().code == 0
    (file,) = (keeper.files("new") / "patches").iterdir()
    file.write_text(file.read_text().replace("pages + 2", "pages + 5"))
    ended = keeper.port()
    assert ended.code == 0, ended.err
    assert "pages + 5" in keeper.applied()
    file.write_text(file.read_text().replace("pages + 5", "pages + 6"))
    keeper.git("commit", "-q", "--amend", "-m", "mm: change two of two", tree=keeper.tree)
    refused = keeper.port()
    assert refused.code == 2
    assert "have both changed since the last run" in refused.err
    assert keeper.port("--restart").code == 0
    assert "pages + 6" in keeper.applied()


@pytest.mark.slow
def test_a_tree_that_was_removed_is_made_again_of_the_patches(keeper: Keeper) -> None:
    keeper.patch("mm: change two", *TWO)
    assert keeper.port().code == 0
    shutil.rmtree(keeper.tree)
    (file,) = (keeper.files("new") / "patches").iterdir()
    file.write_text(file.read_text().replace("pages + 2", "pages + 5"))
    keeper.kernel("int one", "/* newer */\nint one")
    ended = keeper.port()
    assert ended.code == 0, ended.err
    assert "pages + 5" in keeper.applied()
    assert "newer" in keeper.applied()


@pytest.mark.slow
def test_a_patch_that_does_not_build_is_named(keeper: Keeper) -> None:
    keeper.patch("mm: change two", *TWO)
    keeper.patch("mm: change three", "int pages = 3", "int pages = missing")
    ended = keeper.port()
    assert ended.code == 4
    assert "patch 2 does not build: mm: change three" in ended.err
    assert "mm/migrate.c:15: 'missing' undeclared" in ended.err


@pytest.mark.slow
def test_the_short_proof_is_that_of_the_series(keeper: Keeper) -> None:
    keeper.patch("mm: change two", *TWO)
    keeper.program(
        "make",
        'case "$*" in kernel-test-short) echo "$KERNEL_SERIES" >>proven ; exit "$(cat "$PROOF")";; esac\n'
        'exec /usr/bin/make "$@"\n'.replace(">>proven", f'>>"{keeper.folder}/proven"'),
    )
    keeper.environment["PROOF"] = str(keeper.folder / "proof")
    (keeper.folder / "proof").write_text("0")
    assert keeper.run("port-series", "old", "new", "--tree", keeper.tree).code == 0
    assert (keeper.folder / "proven").read_text() == "new\n"
    (keeper.folder / "proof").write_text("1")
    failed = keeper.run("port-series", "old", "new", "--tree", keeper.tree)
    assert failed.code == 4
    assert "the short proof of new failed" in failed.err


def test_bad_input_is_refused_in_one_line(keeper: Keeper) -> None:
    keeper.patch("mm: change two", *TWO)
    tree = ("--tree", keeper.tree)

    def refused(*words: str | Path) -> str:
        ended = keeper.run("port-series", "--no-proof", *words)
        assert ended.code == 2, ended.err
        return ended.err.splitlines()[-1]

    assert "series 'odl' not found in" in refused("odl", "new", *tree)
    assert "did you mean 'old'?" in refused("odl", "new", *tree)
    assert "FROM and TO are the same series" in refused("old", "old", *tree)
    assert "patches has no patches" in refused("new", "old", *tree)
    (keeper.files("new") / "upstream").write_text("mm: change two\n")
    assert "upstream:1: expected 'SUBJECT # REASON'" in refused("old", "new", *tree)
    (keeper.files("new") / "upstream").write_text("mm: change too # long ago\n")
    assert "no patch has the subject 'mm: change too'; did you mean 'mm: change two'?" in refused(
        "old", "new", *tree
    )
    (keeper.files("new") / "upstream").unlink()
    assert "has something else than a tree of" in refused("old", "new", "--tree", keeper.source)
    assert keeper.port().code == 0
    keeper.change("int one", "long one", tree=keeper.tree)
    assert "has changes outside a commit (mm/migrate.c); git commit --amend" in refused("old", "new", *tree)
