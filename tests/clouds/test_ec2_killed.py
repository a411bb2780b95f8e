"""SIGKILL of the controller at seeded instants, then the same command: every trial once, and nothing is left."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.clouds import fake_ec2
from tests.clouds.conftest import ROW
from tests.clouds.fake_ec2 import FakeEc2
from tests.clouds.instants import COUNT, Event, Instant, Phase, Watch, choose
from tests.running import User

EXPERIMENT = f"""
name: killed
hosts:
  provider: ec2
  ec2:
    region: {fake_ec2.REGION}
    boot: false
    user: root
    image: {fake_ec2.IMAGE}
    ssh_from: 127.0.0.0/8
    types: [m5.metal]
benchmark:
  command: [sh, -c, 'echo {{n}} >> /run/executions; sleep 0.1; echo value={{n}}']
  metrics: {{value: {{key_value: value, unit: "1"}}}}
factors: {{n: [1, 2, 3]}}
repetitions: 3
"""
TRIALS = 9
SHORT = (
    Instant(Event("call", "RunInstances", 1), "after"),
    Instant(Event("call", "TerminateInstances", 1), "after"),
)


@dataclass
class Killer:
    """Kills a controller at an instant."""

    api: FakeEc2
    instant: Instant
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
            self.api.refuse[self.api.current] = [("Unavailable", "lost")]

    def kill(self) -> None:
        assert self.victim is not None
        self.victim.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEc2]:
    with fake_ec2.serve(tmp_path_factory.mktemp("cloud") / "ec2") as fake:
        fake.regions = (fake_ec2.REGION, "eu-west-1")
        yield fake


def user_of(api: FakeEc2, folder: Path) -> User:
    return User(folder, environment={**api.environment, "XDG_CACHE_HOME": str(folder / "cache")})


@pytest.fixture(scope="module")
def instants(api: FakeEc2, tmp_path_factory: pytest.TempPathFactory) -> list[Instant]:
    """Instants of a run that nobody kills."""
    user = user_of(api, tmp_path_factory.mktemp("whole"))
    watch = Watch(api, user)
    with watch.watching():
        ended = user.run(user.file(EXPERIMENT))
    assert ended.code == 0, ended.err
    return choose(watch.seen)


def check(api: FakeEc2, folder: Path, instant: Instant) -> list[object]:
    """Kill a run, repeat the command, remove orphans; return the row of the table."""
    before = set(api.rented)
    user = user_of(api, folder)
    file = user.file(EXPERIMENT)
    killer = Killer(api, instant)
    with Watch(api, user, killer.see).watching():
        killer.victim = user.begin_run(file)
        user.end(killer.victim)
    api.refuse.clear()
    assert killer.victim.returncode == -signal.SIGKILL, "the run had ended before"
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
    assert len(rented) == 1
    removed = user.orchestrate("hosts", "down", "--orphans")
    assert removed.code == 0, removed.err
    assert api.left() == {}
    return [str(instant), trials, ", ".join(left) or "nothing", TRIALS, len(rented), removed.out.strip()]


@pytest.mark.parametrize("number", range(COUNT))
def test_killed_at_a_seeded_instant(
    api: FakeEc2,
    tmp_path: Path,
    instants: list[Instant],
    number: int,
    record_property: Callable[[str, object], None],
) -> None:
    record_property(ROW, [number + 1, *check(api, tmp_path, instants[number])])


@pytest.mark.short
@pytest.mark.parametrize("instant", SHORT, ids=str)
def test_killed_at_a_known_instant(api: FakeEc2, tmp_path: Path, instant: Instant) -> None:
    check(api, tmp_path, instant)
