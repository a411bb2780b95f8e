"""Instants at which a controller can be killed: around each call of the API, after each record of the journal."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from tests.running import User

SEED = 15
COUNT = 30
LONG_GAP_S = 0.3
"""Where nothing is seen for so long, the controller works on the machine by SSH."""

LAST = "host"
"""Records of a fleet that come just before the end of a run; after that the same command begins another run."""

Phase = Literal["before", "after", "later"]


class Api(Protocol):
    """A cloud that a test runs; its members are described there."""

    folder: Path
    before: Callable[[str], None]
    after: Callable[[str], None]
    rented: list[str]

    def lose(self) -> None:
        """Let the call that has begun not reach the API."""

    def left(self) -> dict[str, list[str]]:
        """Every resource that a run could leave behind, by kind."""


@dataclass(frozen=True)
class Event:
    """The ``number``-th call of an action, or record of a type."""

    kind: Literal["call", "record"]
    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" {self.number}" if self.number > 1 else "")


@dataclass(frozen=True)
class Instant:
    """``before``: the call does not reach the API; ``after``: its answer is lost; ``later``: after a delay (s)."""

    event: Event
    phase: Phase
    delay: float = 0.0

    def __str__(self) -> str:
        return f"{self.delay:.1f} s after {self.event}" if self.delay else f"{self.phase} {self.event}"


@dataclass
class Watch:
    """What happens in a run, with times. ``see`` is called for each event, also before a call is carried out."""

    api: Api
    user: User
    see: Callable[[Event, Phase], None] = lambda event, phase: None
    seen: list[tuple[float, Event]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def watching(self) -> Iterator[None]:
        calls: Counter[str] = Counter()

        def before(action: str) -> None:
            name = plain(action)
            calls[name] += 1
            self.see(Event("call", name, calls[name]), "before")

        def after(action: str) -> None:
            name = plain(action)
            self._add(Event("call", name, calls[name]))

        self.api.before, self.api.after = before, after
        over = threading.Event()
        thread = threading.Thread(target=self._follow_journal, args=[over])
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.api.before = self.api.after = lambda action: None

    def _add(self, event: Event) -> None:
        with self.lock:
            self.seen.append((time.monotonic(), event))
        self.see(event, "after")

    def _follow_journal(self, over: threading.Event) -> None:
        done = 0
        types: Counter[str] = Counter()
        while not over.is_set():
            records = self.user.records
            for record in records[done:]:
                types[record["type"]] += 1
                self._add(Event("record", record["type"], types[record["type"]]))
            done = len(records)
            time.sleep(0.01)


def plain(action: str) -> str:
    """Return an action as a table shows it: the path of a schedule has names that differ between runs."""
    method, _, path = action.partition(" /")
    return action if not path else f"{method} /{path.partition('/')[0]}"


def choose(seen: list[tuple[float, Event]]) -> list[Instant]:
    """Return :data:`COUNT` instants of a run in order, the same ones for the same events."""
    generator = random.Random(SEED)
    seen = [(when, event) for when, event in seen if event.name != LAST]
    every: list[Instant] = []
    for (when, event), (following, _) in itertools.pairwise(seen):
        if event.kind == "call":
            every.append(Instant(event, "before"))
        every.append(Instant(event, "after"))
        if following - when > LONG_GAP_S:
            share = generator.uniform(0.1, 0.9)
            every.append(Instant(event, "later", share * (following - when)))
    chosen = sorted(generator.sample(range(len(every)), COUNT))
    return [every[index] for index in chosen]
