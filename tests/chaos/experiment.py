"""The experiments of this harness: short, and of each trial it is known what its record must say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

NAME = "survive"
SETTING = "sysctl.vm.compaction_proactiveness"
LEVELS = {"n": ("0", "1", "2", "3"), "m": ("0", "1"), SETTING: ("10", "30")}
KNOB = "/proc/sys/vm/compaction_proactiveness"
SPECIAL = ("2", "1")
"""``n`` and ``m`` of the trials that do something special, if any do."""

Key = tuple[str, ...]
"""The levels of a trial."""

RECORDED = Path(__file__).parents[1] / "recorded" / "0.1.0-interrupted"


@dataclass(frozen=True)
class Experiment:
    """An experiment of 16 trials.

    :ivar special: shell commands in place of the pause of a few trials, see :data:`SPECIAL`.
    :ivar status: of these trials; the others are ok.
    :ivar in_guest: whether it runs in a guest under QEMU, not on the host with sshd; ``is_local``: on this machine.
    """

    special: str = ""
    status: str = "ok"
    limits: Mapping[str, str | int] = field(default_factory=dict)
    pause: float = 0.02
    in_guest: bool = False
    is_local: bool = False

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Its factors."""
        return LEVELS

    @property
    def keys(self) -> list[Key]:
        """All trials."""
        return list(product(*self.levels.values()))

    def status_of(self, key: Key) -> str:
        """Return the status that a trial must end with."""
        return self.status if self.special and key[:2] == SPECIAL else "ok"

    def text(self, executions: str) -> str:
        """Return the file; each trial appends a line to ``executions``, and one to ``executions``.ended."""
        pause = f"sleep {self.pause}"
        act = (
            f"case {{n}}{{m}} in {''.join(SPECIAL)}) {self.special} ;; *) {pause} ;; esac"
            if self.special
            else pause
        )
        command = (
            f"k=$(cat {KNOB}); echo {{n}} {{m}} $k >>{executions}; {act}; "
            f"echo x=$(({{n}} * 7919 + {{m}} * 104 + k)); echo {{n}} {{m}} $k >>{executions}.ended"
        )
        factors = "".join(f"  {name}: [{', '.join(levels)}]\n" for name, levels in LEVELS.items())
        where = ""
        if self.in_guest:
            where = "hosts: {provider: qemu, qemu: {nodes: [{cpus: 1, memory: 384MiB}]}}\n"
        elif self.is_local:
            where = "hosts: {provider: local, local: {allow_changes: true}}\n"
        return (
            f"name: {NAME}\n"
            f"benchmark:\n  command:\n    - sh\n    - -c\n    - |-\n      {command}\n"
            "  metrics: {x: {key_value: x, unit: count}}\n"
            f"factors:\n{factors}repetitions: 1\nnoise: false\n"
            "tuning: {sysctl: {vm.stat_interval: 7}}\n"
            f"{where}"
        )

    def key_of(self, record: Mapping[str, Any]) -> Key:
        """Return which trial a record is of."""
        return tuple(str(record["factors"][name]) for name in self.levels)

    def figure(self, key: Key) -> int:
        """Return what a trial must have measured."""
        n, m, setting = map(int, key)
        return n * 7919 + m * 104 + setting


@dataclass(frozen=True)
class RecordedExperiment(Experiment):
    """The one of which version 0.1.0 has run a part, on its own machine."""

    is_local: bool = True

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        return {"n": tuple(map(str, range(8)))}

    def text(self, executions: str) -> str:
        """Return the file; its trials leave nothing but their figures."""
        return (RECORDED / "interrupted.yaml").read_text()

    def figure(self, key: Key) -> int:
        return int(key[0])
