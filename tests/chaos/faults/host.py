"""The host: its power, its sshd, the runner on it, and its programs."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.chaos.faults.fault import MANY, Act, Fault
from tests.chaos.hosts.namespace import PATH
from tests.chaos.scene import Scene

TOOLS = (
    "setsid",
    "mkfifo",
    "awk",
    "sed",
    "ps",
    "sync",
    "mktemp",
    "timeout",
    "nohup",
    "tr",
    "cut",
    "head",
    "sleep",
)
"""Programs of which a host may lack some."""


def _power(scene: Scene) -> None:
    scene.random_instant()
    for _ in range(scene.random.choice((1, 1, 2))):
        _lose_power(scene, scene.random.choice((0.0, 1.0)))
        scene.instant_in_trials()


def _lose_power(scene: Scene, pause: float) -> None:
    scene.host.turn_off()
    _tear(scene)
    scene.sleep(pause)
    scene.host.start()


def _tear(scene: Scene) -> None:
    """A last line may have got to the disk in part, or as NUL bytes: power cuts do that to what is not synced."""
    for path in scene.host.base.glob("blocks/*/journal.jsonl"):
        content = path.read_bytes()
        start = content.rfind(b"\n", 0, -1) + 1
        last = content[start:]
        # A line that the controller may have seen is whole: it was synced before the next one began.
        if last and b'"event":"start"' in last:
            kept = scene.random.randrange(len(last) + 1)
            torn = last[:kept] + scene.random.choice((b"", b"\0" * (len(last) - kept)))
            path.write_bytes(content[:start] + torn)


def _kill_words(words: str) -> Act:
    """Return what kills a few processes of the host by words of their command lines."""

    def strike(scene: Scene) -> None:
        scene.instant_in_trials()
        for _ in range(scene.random.choice((1, 1, 2))):
            for pid in scene.host.outer_pids(words):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            scene.sleep(scene.random.uniform(0, 1))

    return strike


def _kill_listener(scene: Scene) -> None:
    """It is started again; sessions live on."""
    scene.random_instant()
    with suppress(OSError, ValueError):
        (pid,) = scene.host.outer_pids("[listener]")
        os.kill(pid, signal.SIGKILL)


def _without_tools(scene: Scene) -> None:
    """Give the host a PATH in which some programs are not."""
    folder = scene.folder / "tools"
    folder.mkdir()
    missing = scene.random.sample(TOOLS, scene.random.randrange(1, 5))
    scene.notes.append(f"without {' '.join(missing)}")
    for place in reversed(PATH.split(":")):
        for program in Path(place).glob("*"):
            link = folder / program.name
            if program.name not in missing:
                link.unlink(missing_ok=True)
                link.symlink_to(program)
    scene.host.path = str(folder)


def _with_tools(scene: Scene) -> None:
    """Install what is missing."""
    if scene.host.path != PATH:
        scene.host.path = PATH
        scene.host.turn_off()
        scene.host.start()


FAULTS = (
    Fault("host: power", _power, repeats=MANY),
    Fault("host: sshd, all sessions", _kill_words("sshd: root@")),
    Fault("host: sshd, listener", _kill_listener),
    Fault("host: runner", _kill_words(" run /var/lib/orchestrate"), repeats=MANY),
    Fault("host: programs are missing", prepare=_without_tools, mend=_with_tools),
)
