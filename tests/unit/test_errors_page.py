"""docs/errors.md: its messages are those of the program, word for word, and are found by the alphabet."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.pages import ROOT, blocks

PAGE = ROOT / "docs" / "errors.md"
MESSAGES = [line for block in blocks(PAGE) if block.language == "text" for line in block.text.splitlines()]
PLACEHOLDER = re.compile(
    r"\b(?:COLUMN|DIRECTORY|FILE|HOST|LINE|NAME|NUMBER|PACKAGE|PATH|REASON|RUN|SIZE|TEXT|USER|VALUE)\b|…"
)
# A message is put together of parts where a name is suggested or a next step is named.
JOINT = re.compile(r"; |: |\? |\. (?=…|$)")


def literals(tree: ast.AST) -> Iterator[str]:
    """Yield the text of each string, with a NUL where a formatted string has a value."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def texts() -> frozenset[str]:
    """Return all texts of the program, from which its messages are made."""
    files = sorted((ROOT / "orchestrator").rglob("*.py"))
    found = {text for file in files for text in literals(ast.parse(file.read_text(encoding="utf-8")))}
    return frozenset(
        found | {file.read_text(encoding="utf-8") for file in (ROOT / "orchestrator").rglob("*.sh")}
    )


@cache
def patterns() -> re.Pattern[str]:
    """Return a pattern of the parts of all messages that have values in them."""
    parts = {part for text in texts() if "\0" in text and len(text) < 1000 for part in parts_of(text)}
    fixed = [part for part in parts if "\0" in part and len(part.replace("\0", "").strip()) >= 10]
    return re.compile("|".join(".*".join(map(re.escape, part.split("\0"))) for part in sorted(fixed)))


def parts_of(message: str) -> list[str]:
    return [part.strip(" :;?.") for part in JOINT.split(message)]


def is_of_the_program(part: str) -> bool:
    """Whether the words of a part that are the same each time are in one text of the program."""
    fixed = [piece.strip(" '\"`:;,.?()[]@") for piece in PLACEHOLDER.split(part)]
    fixed = [piece for piece in fixed if re.search(r"[a-z]{2}", piece)]
    return any(all(piece in text for piece in fixed) for text in texts()) or bool(patterns().fullmatch(part))


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_page_is_one_of_the_program(message: str) -> None:
    assert [part for part in parts_of(message) if not is_of_the_program(part)] == []


def test_a_message_that_the_program_does_not_have_is_noticed() -> None:
    assert not is_of_the_program("neither a benchmark argument nor used in any sum")
    assert not is_of_the_program("no such metric TEXT in that run")


def test_the_entries_are_in_order_and_each_has_a_message_and_an_advice() -> None:
    _, *entries = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    headings = [entry.partition("\n")[0] for entry in entries]
    assert headings == sorted(headings, key=str.casefold)
    assert len(headings) >= 40
    for entry in entries:
        assert re.search(r"```text\n.+?\n```\n\n[\w`]", entry, re.DOTALL), entry
