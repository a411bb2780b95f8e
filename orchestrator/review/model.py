"""What a review consists of, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from orchestrator.provision.module import Caution

FORMAT = 1
"""Version of the JSON."""


class Entry(Struct, frozen=True):
    """One thing that a run does, or is told to do.

    :ivar text: what it is, in one line.
    :ivar position: ``file:line``; empty: it is not in a file of the reader.
    :ivar details: more about it, in lines.
    :ivar commands: the commands and files that it comes to, as a dry run prints them; of a text that is rendered or
        copied, its content too.
    """

    text: str
    position: str = ""
    details: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()


class Section(Struct, frozen=True):
    """The entries on one subject."""

    title: str
    entries: tuple[Entry, ...]


class Review(Struct, frozen=True):
    """Everything that a run of an experiment would do."""

    experiment: str
    file: str
    content_hash: str
    sections: tuple[Section, ...]
    format: int = FORMAT

    @property
    def cautions(self) -> Iterator[tuple[Caution, Entry]]:
        """Each entry that deserves the reader's eye, once for each reason."""
        for section in self.sections:
            for entry in section.entries:
                for caution in entry.cautions:
                    yield caution, entry


def distinct(cautions: Iterable[Caution]) -> tuple[Caution, ...]:
    """Return each of them once, in their order."""
    return tuple(dict.fromkeys(cautions))
