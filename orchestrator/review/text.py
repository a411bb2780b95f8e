"""A review as text."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.review.model import Entry, Review
from orchestrator.review.review import OWN_COMMANDS

_BAR = "    | "


def lines(review: Review, *, verbose: bool) -> Iterator[str]:
    """Yield the lines. What deserves the reader's eye comes first.

    Whoever wrote the experiment chose names and texts: of each, every line is indented, so that none looks like one of
    ours.

    :param verbose: show the scripts of this program in full.
    """
    yield f"{_one_line(review.file)}: {review.experiment}, content hash {review.content_hash}"
    yield from _cautions(review)
    for section in review.sections:
        if section.entries:
            yield ""
            yield section.title
        for entry in section.entries:
            is_short = section.title == OWN_COMMANDS and not verbose
            yield from _entry(entry, is_short)


def _cautions(review: Review) -> Iterator[str]:
    found = list(review.cautions)
    if found:
        yield ""
        yield "Attention"
    for caution in sorted({caution for caution, _ in found}):
        for position in dict.fromkeys(
            _at(entry) + _one_line(entry.text) for c, entry in found if c == caution
        ):
            yield f"  {caution:10}  {position}"


def _entry(entry: Entry, is_short: bool) -> Iterator[str]:
    cautions = f"  [{', '.join(entry.cautions)}]" if entry.cautions else ""
    if entry.text:
        yield f"  {_at(entry)}{_one_line(entry.text)}{cautions}"
    yield from (f"      {line}" for detail in entry.details for line in detail.splitlines())
    for command in entry.commands:
        first, *rest = command.split("\n")
        more = f"  … {len(rest)} more lines (-v)" if rest and is_short else ""
        yield f"{_BAR}{first}{more}"
        yield from (f"{_BAR}{line}" for line in ([] if is_short else rest))


def _at(entry: Entry) -> str:
    return f"{_one_line(entry.position)}: " if entry.position else ""


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")
