"""SIGKILL of a controller at an instant, then the same command, then ``hosts down --orphans``."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.clouds.instants import Api, Event, Instant, Phase, Watch, choose
from tests.running import Ended, User

BENCHMARK = {
    "command": ["sh", "-c", "echo {n} >> /run/executions; sleep 0.1; echo value={n}"],
    "metrics": {"value": {"key_value": "value", "unit": "1"}},
}
TRIALS = 9


@dataclass(frozen=True)
class Case:
    """An experiment on a cloud.

    :ivar environment: of the controller. ``hosts``: that section of the file. ``machines``: how many are rented.
    """

    api: Api
    environment: dict[str, str]
    hosts: dict[str, Any]
    machines: int = 1

    def user(self, folder: Path) -> User:
        return User(folder, environment={**self.environment, "XDG_CACHE_HOME": str(folder / "cache")})

    def file(self, user: User) -> Path:
        more = {"benchmark": BENCHMARK, "factors": {"n": [1, 2, 3]}, "repetitions": 3}
        return user.file(yaml.safe_dump({"name": "killed", "hosts": self.hosts, **more}))

    def instants(self, folder: Path) -> list[Instant]:
        """Instants of a run that nobody kills."""
        user = self.user(folder)
        watch = Watch(self.api, user)
        with watch.watching():
            ended = user.run(self.file(user))
        assert ended.code == 0, ended.err
        return choose(watch.seen)

    def check(self, folder: Path, instant: Instant) -> list[object]:
        """Kill a run, repeat the command, remove orphans; return the row of the table."""
        api = self.api
        before = set(api.rented)
        user = self.user(folder)
        file = self.file(user)
        killer = Killer(api, instant)
        with Watch(api, user, killer.see).watching():
            killer.victim = user.begin_run(file)
            user.end(killer.victim)
        killer.require_killed()
        trials, left = len(user.trials), api.left()
        ended = user.run(file)
        assert ended.code == 0, ended.err
        user.assert_complete(TRIALS)
        rented = set(api.rented) - before
        executions: Counter[str] = Counter()
        for machine in rented:
            path = api.folder / machine / "run/executions"
            executions.update(path.read_text().split() if path.exists() else [])
        assert executions == {"1": 3, "2": 3, "3": 3}
        assert len(rented) == self.machines
        assert api.left() == {}
        removed = user.orchestrate("hosts", "down", "--orphans")
        assert removed.code == 0, removed.err
        return [str(instant), trials, ", ".join(left) or "nothing", TRIALS, len(rented), removed.out.strip()]

    def interrupt(self, folder: Path, instant: Instant) -> Ended:
        """Press Ctrl-C at an instant; nothing is left. Return what became of the command."""
        user = self.user(folder)
        killer = Killer(self.api, instant, number=signal.SIGINT)
        with Watch(self.api, user, killer.see).watching():
            killer.victim = user.begin_run(self.file(user))
            ended = user.end(killer.victim)
        assert self.api.left() == {}
        return ended


@dataclass
class Killer:
    """Kills a controller at an instant, or sends it another signal."""

    api: Api
    instant: Instant
    number: int = signal.SIGKILL
    victim: subprocess.Popen[str] | None = None
    timers: list[threading.Timer] = field(default_factory=list)

    def see(self, event: Event, phase: Phase) -> None:
        if event != self.instant.event or (phase == "before") != (self.instant.phase == "before"):
            return
        if self.instant.delay:
            self.timers.append(threading.Timer(self.instant.delay, self.kill))
            self.timers[-1].start()
            return
        self.kill()
        if phase == "before":  # the call is lost with its caller
            self.api.lose()

    def kill(self) -> None:
        assert self.victim is not None
        self.victim.send_signal(self.number)

    def require_killed(self) -> None:
        """Fail if the controller had ended before."""
        assert self.victim is not None
        assert self.victim.returncode == -signal.SIGKILL, "the run had ended before"
