"""The journal of a run whose controller was killed is damaged before the run is resumed."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

from tests.chaos.faults.fault import MANY, Act, Fault
from tests.chaos.scene import Scene


def _kill(scene: Scene) -> None:
    scene.instant_in_trials()
    assert scene.controller is not None
    with suppress(ProcessLookupError):
        scene.controller.send_signal(signal.SIGKILL)


def _once(damage: Act) -> Act:
    """Return what damages the one journal there is, once, and not its first line, without which there is no run."""

    def mend(scene: Scene) -> None:
        if scene.attempts == 1 and scene.journals:
            damage(scene)

    return mend


def _parts(scene: Scene) -> tuple[Path, bytes, bytearray]:
    """Return the path of the journal, its first line and the others."""
    (journal,) = scene.journals
    content = journal.path.read_bytes()
    end = content.index(b"\n") + 1
    return journal.path, content[:end], bytearray(content[end:])


def _truncate(scene: Scene) -> None:
    path, first, rest = _parts(scene)
    path.write_bytes(first + rest[: scene.random.randrange(len(rest) + 1)])


def _flip(scene: Scene) -> None:
    path, first, rest = _parts(scene)
    for _ in range(scene.random.choice((1, 1, 5, 40))):
        if rest:
            rest[scene.random.randrange(len(rest))] ^= 1 << scene.random.randrange(8)
    path.write_bytes(first + rest)


def _blank(scene: Scene) -> None:
    path, first, rest = _parts(scene)
    start = scene.random.randrange(len(rest) + 1)
    length = min(scene.random.choice((1, 100, 512, 4096)), len(rest) - start)
    rest[start : start + length] = bytes(length)
    path.write_bytes(first + rest)


def _interleave(scene: Scene) -> None:
    """As if two had written at once."""
    path, first, rest = _parts(scene)
    lines = bytes(rest).splitlines(keepends=True)
    if len(lines) > 1:
        place = scene.random.randrange(len(lines) - 1)
        one, other = lines[place : place + 2]
        cut = scene.random.randrange(1, len(one))
        lines[place : place + 2] = [one[:cut] + other + one[cut:]]
    path.write_bytes(first + b"".join(lines))


def _damage_at_end(scene: Scene) -> None:
    """All trials had their records, and only the last record is missing: the host knows nothing of the run."""
    assert scene.controller is not None
    scene.controller.wait()
    path, first, rest = _parts(scene)
    lines = bytes(rest).splitlines(keepends=True)
    path.write_bytes(first + b"".join(line for line in lines if b'"type":"end"' not in line))
    scene.random.choice((_truncate, _flip, _blank, _interleave))(scene)


FAULTS = (
    Fault("journal: truncated", _kill, mend=_once(_truncate)),
    Fault("journal: bits flipped", _kill, mend=_once(_flip)),
    Fault("journal: NUL bytes", _kill, mend=_once(_blank)),
    Fault("journal: lines mixed", _kill, mend=_once(_interleave)),
    Fault("journal: damaged when the host had given all", _damage_at_end, repeats=MANY),
)
