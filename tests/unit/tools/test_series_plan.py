"""Which patch comes from where when a series is ported."""

from __future__ import annotations

from tools.series.commits import Commit
from tools.series.plan import steps, unchanged


def commit(subject: str, line: str = "", name: str = "", message: str = "") -> Commit:
    diff = f"diff --git a/a b/a\n@@ -1 +1 @@\n-{line}\n+new {line}\n"
    return Commit(name or f"id of {subject}", subject, message or subject, diff)


def plan(
    origin: list[Commit], old: list[Commit], upstream: tuple[str, ...] = (), **ported: Commit
) -> list[tuple[str, str]]:
    records = {subject: patch.digests for subject, patch in ported.items()}
    return [(step.kind, step.commit.id) for step in steps(origin, old, upstream, records)]


A, B, C = (commit(name, name) for name in "abc")


def test_what_has_no_counterpart_is_ported_in_its_place() -> None:
    assert plan([A, B, C], [commit("a"), commit("c")]) == [
        ("keep", "id of a"),
        ("port", "id of b"),
        ("keep", "id of c"),
    ]


def test_what_is_upstream_is_left_out() -> None:
    assert plan([A, B], [], ("a",)) == [("port", "id of b")]
    assert plan([A, B], [commit("a"), commit("b")], ("a",)) == [("keep", "id of b")]


def test_what_has_changed_since_it_was_ported_is_ported_again() -> None:
    now = commit("a", "other", "now")
    assert plan([now], [commit("a", "adapted")], a=A) == [("port", "now")]
    assert plan([now], [commit("a", "adapted")], a=now) == [("keep", "id of a")]
    assert plan([now], [commit("a", "adapted")]) == [("keep", "id of a")], "written by hand"


def test_a_message_that_has_changed_leaves_the_changes() -> None:
    now = commit("a", "a", "now", "a\n\nbecause")
    (step,) = steps([now], [commit("a", "adapted")], (), {"a": A.digests})
    assert (step.kind, step.commit.id, step.origin) == ("message", "id of a", now)


def test_patches_of_the_target_alone_follow_what_they_followed() -> None:
    old = [commit("first"), commit("a"), commit("x"), commit("y"), commit("b")]
    assert [name for _, name in plan([B, A], old)] == [
        "id of first",
        "id of b",
        "id of a",
        "id of x",
        "id of y",
    ]
    assert [name for _, name in plan([A, B], old, ("a",))] == ["id of first", "id of x", "id of y", "id of b"]


def test_only_what_follows_the_first_difference_is_applied_again() -> None:
    branch = [commit("a"), commit("b"), commit("c")]
    assert unchanged(steps([A, B, C], branch, (), {}), branch) == 3
    assert unchanged(steps([A, commit("b", "z"), C], branch, (), {"b": B.digests}), branch) == 1
    assert unchanged(steps([B, A, C], branch, (), {}), branch) == 0
    assert unchanged(steps([A, B, C], branch, (), {}), []) == 0
