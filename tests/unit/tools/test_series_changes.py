"""What a patch changes, compared without the lines around it."""

from __future__ import annotations

from tools.series.changes import Change, changes, differing, digest

ONE = """\
Subject: mm: change

 mm/a.c | 4 ++--
diff --git a/mm/a.c b/mm/a.c
index 1..2 100644
--- a/mm/a.c
+++ b/mm/a.c
@@ -10,6 +10,5 @@ int one(void)
 context
-old one
+new one
 between
-old two
--- looks like a header
+new two
 context
\\ No newline at end of file
@@ -30 +30,2 @@
-old three
+new three
+more
diff --git a/mm/b.c b/mm/b.c
--- a/mm/b.c
+++ b/mm/b.c
@@ -0,0 +1,1 @@
+added
--
2.39.5
"""


def test_changes_are_runs_of_lines_without_others_between() -> None:
    assert changes(ONE) == {
        Change("mm/a.c", ("old one",), ("new one",)): 1,
        Change("mm/a.c", ("old two", "-- looks like a header"), ("new two",)): 1,
        Change("mm/a.c", ("old three",), ("new three", "more")): 1,
        Change("mm/b.c", (), ("added",)): 1,
    }


def test_context_and_line_numbers_do_not_count() -> None:
    moved = ONE.replace("@@ -10,6 +10,5 @@ int one(void)", "@@ -99,6 +98,5 @@ int two(void)").replace(
        " between", " otherwise"
    )
    assert differing(ONE, moved) == 0
    assert digest(ONE) == digest(moved)


def test_what_is_changed_counts() -> None:
    other = ONE.replace("+more\n", "+less\n").replace("+added", "+added later")
    assert differing(ONE, other) == differing(other, ONE) == 2
    assert digest(ONE) != digest(other)


def test_a_part_that_is_missing_counts_in_both_directions() -> None:
    shorter = ONE.partition("diff --git a/mm/b.c")[0]
    assert differing(ONE, shorter) == differing(shorter, ONE) == 1
