"""One run under a fault: its host, its network, its user, and random numbers from its seed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.experiment import RECORDED, Experiment, RecordedExperiment
from tests.chaos.hosts.disk import Disk, a_disk
from tests.chaos.hosts.namespace import NamespaceHost, a_host
from tests.chaos.hosts.proxy import Proxy
from tests.chaos.journal import Journal
from tests.integration.sshd import free_port, make_key
from tests.running import Ended, User

MARK = "ORCHESTRATE_CHAOS"
"""A variable in the environment of all processes of a controller."""

NORMAL_S = 1.5
"""About what a run without a fault takes; :attr:`World.duration` is what it takes here."""

GUEST_S = 40.0
"""About what a run in a guest takes, under emulation."""

NEW_HOSTS = 0.4
"""Share of the hosts that no run has been on."""

HOST = "testhost"


@dataclass
class World:
    """What runs share.

    :ivar keys: folder with the keys of all hosts and users.
    :ivar warm: the /var/lib/orchestrate of a host after a run without a fault.
    :ivar clean: all files of such a host.
    :ivar duration: seconds that such a run takes.
    """

    folder: Path
    keys: Path
    warm: Path
    clean: tuple[str, ...] = ()
    duration: float = NORMAL_S


@dataclass
class Scene:
    """A run that is about to begin, or has begun.

    :ivar mark: the value of :data:`MARK` for its controllers.
    :ivar notes: what the fault has drawn from the random numbers, for whoever reads the line of the run.
    :ivar attempts: how many commands have ended.
    :ivar others: controllers beside the one that is struck; ``started_new``: whether one of them may start another run.
    """

    world: World
    folder: Path
    random: Random
    experiment: Experiment
    host: NamespaceHost
    proxy: Proxy
    user: User
    mark: str
    stack: ExitStack
    controller: subprocess.Popen[str] | None = None
    file: Path = Path()
    notes: list[str] = field(default_factory=list)
    host_disk: Disk | None = None
    user_disk: Disk | None = None
    attempts: int = 0
    others: list[subprocess.Popen[str]] = field(default_factory=list)
    started_new: bool = False

    @property
    def results(self) -> Path:
        return self.user.folder / "results"

    @property
    def journals(self) -> list[Journal]:
        """Journals of the runs that have begun."""
        found = (Journal(path) for path in sorted(self.results.glob("*/*/journal.jsonl")))
        return [journal for journal in found if journal.begun]

    def give_host_a_disk(self) -> Disk:
        """Put the host's files on a disk of their own; before it is turned on."""
        self.host_disk = self.stack.enter_context(a_disk(self.host.base))
        return self.host_disk

    def give_user_a_disk(self) -> Disk:
        """Put the results on a disk of their own."""
        self.results.mkdir()
        self.user_disk = self.stack.enter_context(a_disk(self.results))
        return self.user_disk

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start a controller for the run."""
        self.controller = self.user.begin_run(self.file, *words)
        return self.controller

    def rival(self, *words: str) -> None:
        """Start another controller, perhaps of another run; it is judged as the first one is."""
        self.started_new = True
        self.others.append(self.user.begin_run(self.file, *words))

    @property
    def is_over(self) -> bool:
        """Whether the controller has ended."""
        return self.controller is None or self.controller.poll() is not None

    def wait(self, condition: Callable[[], object], most: float = 60.0) -> bool:
        """Wait until something is the case; False if the controller ends before, or it takes too long."""
        deadline = time.monotonic() + most
        while not condition():
            if self.is_over or time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def sleep(self, seconds: float) -> None:
        """Let time pass, but no more than the controller has left to live."""
        self.wait(lambda: False, seconds)

    def random_instant(self) -> None:
        """Wait until any moment of the run: after a time, or when so many trials have begun."""
        if self.random.random() < 0.5:
            seconds = self.random.uniform(0, self.world.duration)
            self.notes.append(f"{seconds:.3f} s")
            self.sleep(seconds)
        else:
            self.instant_in_trials()

    def instant_in_trials(self) -> None:
        """Wait until any moment of the time in which trials run."""
        count = self.random.randrange(1, len(self.experiment.keys))
        more = self.random.uniform(0, 0.03)
        self.notes.append(f"trial {count} + {more * 1000:.0f} ms")
        self.wait(lambda: self.executed() >= count)
        self.sleep(more)

    def guest_instant(self) -> None:
        """Wait until any moment of a run in a guest."""
        if self.random.random() < 0.4:
            seconds = self.random.uniform(0, GUEST_S)
            self.notes.append(f"{seconds:.1f} s")
            self.sleep(seconds)
        else:
            self.notes.append("in trials")
            self.wait(lambda: any(journal.trials for journal in self.journals), 300)
            self.sleep(self.random.uniform(0, 0.5))

    def executed(self) -> int:
        """Return how many trials have begun on the host."""
        with suppress(OSError):
            return self.host.executions.read_bytes().count(b"\n")
        return 0

    def guests(self) -> list[int]:
        """Return the processes of QEMU that controllers have started."""
        return [pid for pid in _marked(self.mark) if "qemu-system" in _words(pid).partition(" ")[0]]

    def stray_controllers(self) -> list[str]:
        """Return command lines of processes of controllers that are still there."""
        return [words for words in map(_words, _marked(self.mark)) if words]

    def close(self) -> None:
        """End what is left of a run that did not end as it should."""
        for pid in _marked(self.mark):
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        self.user.close()


def _marked(mark: str) -> list[int]:
    sought = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if sought in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _words(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


@contextmanager
def a_scene(world: World, name: str, random: Random, experiment: Experiment) -> Iterator[Scene]:
    """Provide host, network and user; the host is off, and the experiment is not written yet."""
    folder = world.folder / name
    folder.mkdir()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        is_new = not world.warm.exists() or random.random() < NEW_HOSTS
        warm = None if is_new else world.warm
        host = stack.enter_context(a_host(folder / "host", world.keys, warm))
        proxy = stack.enter_context(Proxy(free_port(), host.port, random).running())
        user = _user(folder, proxy.port, world.keys)
        mark = f"{folder.name}-{os.getpid()}"
        user.environment |= {MARK: mark, "TMPDIR": str(folder / "user-tmp")}
        scene = Scene(world, folder, random, experiment, host, proxy, user, mark, stack)
        stack.callback(scene.close)
        yield scene


def write_experiment(scene: Scene) -> None:
    """Write the file that the user runs."""
    limits: dict[str, Any] = {"trial": 5, "boot": 30, **scene.experiment.limits}
    executions = str(scene.host.executions)
    if scene.experiment.in_guest:
        limits |= {"trial": 60, "boot": 300}
        scene.user.options, executions = (), "/dev/null"
    if scene.experiment.is_local:
        scene.user.options, scene.user.prefix = (), scene.host.mounting
    if isinstance(scene.experiment, RecordedExperiment):
        scene.user.options = ("--host", "local")
        shutil.copytree(RECORDED / "interrupted", scene.results / "interrupted")
        scene.file = Path(shutil.copy(RECORDED / "interrupted.yaml", scene.user.folder))
        return
    scene.file = scene.user.file(scene.experiment.text(executions), **limits)


def _user(folder: Path, port: int, keys: Path) -> User:
    (folder / "user").mkdir()
    (folder / "user-tmp").mkdir()
    config = folder / "ssh_config"
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {(keys / 'host_key.pub').read_text()}")
    config.write_text(
        f"ServerAliveInterval 1\nServerAliveCountMax 2\nHost {HOST}\n  HostName 127.0.0.1\n  Port {port}\n"
        f"  User root\n  IdentityFile {keys}/user_key\n  UserKnownHostsFile {known_hosts}\n"
    )
    return User(folder / "user", ("--host", HOST, "--ssh-config", str(config)))


@contextmanager
def a_world(folder: Path) -> Iterator[World]:
    """Make keys, and a first run without a fault that shows what a run leaves on a host and how long it takes."""
    keys = folder / "keys"
    keys.mkdir()
    make_key(keys / "host_key")
    make_key(keys / "user_key")
    world = World(folder, keys, folder / "warm")
    for name in ("first", "second"):
        with a_scene(world, name, Random(0), Experiment()) as scene:
            scene.host.start()
            write_experiment(scene)
            begun = time.monotonic()
            ended = scene.user.end(scene.begin())
            world.duration = time.monotonic() - begun
            if ended.code or sorted(map(scene.experiment.key_of, scene.journals[0].trials)) != sorted(
                scene.experiment.keys
            ):
                raise RuntimeError(f"a run without a fault fails: {ended.err}")
            world.clean = tuple(scene.host.files)
            shutil.rmtree(world.warm, ignore_errors=True)
            shutil.copytree(scene.host.base, world.warm)
    yield world


def last_words(ended: Ended) -> str:
    """Return what a command said at last."""
    return ended.complaints[-1] if ended.complaints else ""
