"""Runs under faults, one after another or a few at once."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

from orchestrator.errors import ExitCode
from tests.chaos import invariants
from tests.chaos.experiment import RecordedExperiment
from tests.chaos.faults.fault import Fault
from tests.chaos.invariants import Findings
from tests.chaos.scene import HOST, Scene, World, a_scene, last_words, write_experiment
from tests.running import Ended

ATTEMPTS = 6
"""A run that is not complete after so many commands never will be."""

PATIENCE_S = 150.0
GUEST_PATIENCE_S = 900.0
"""A controller that takes longer has hung."""

KILLED_BY = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
"""Signals of the faults: Python ends by them before the program takes them."""

REPORTED = 0.2
"""Share of the runs of which a report is made too."""

DOCUMENTED = {code for code in ExitCode if code is not ExitCode.BUG}


@dataclass
class Outcome:
    """What became of a run.

    :ivar refusals: the last words of each controller that ended early and was not killed.
    :ivar commands: how many it took.
    """

    fault: str
    seed: int
    planned: int = 0
    commands: int = 0
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    found: Findings = field(default_factory=Findings)

    @property
    def line(self) -> str:
        """One line, with what repeats the run."""
        word = "VIOLATION" if self.found.lines else "ok"
        details = "; ".join([*self.notes, *self.refusals])
        lines = [f"{word}: --fault {self.fault!r} --seed {self.seed}: {self.commands} commands ({details})"]
        return "\n    ".join([*lines, *self.found.lines])


def run_one(world: World, fault: Fault, seed: int) -> Outcome:
    """Run an experiment under a fault, resume it until it is complete, and check what must be true then."""
    random = Random(f"{fault.name}/{seed}")
    outcome = Outcome(fault.name, seed)
    name = f"{''.join(c for c in fault.name if c.isalnum())}-{seed}"
    with a_scene(world, name, random, fault.experiment(random)) as scene:
        outcome.notes = scene.notes
        scene.notes.extend([scene.experiment.special] * bool(scene.experiment.special))
        outcome.planned = len(scene.experiment.keys)
        fault.prepare(scene)
        if not scene.experiment.in_guest:
            scene.host.start()
        mounts = scene.host.mounts
        write_experiment(scene)
        while outcome.commands < ATTEMPTS and not _is_complete(scene):
            _command(scene, fault, outcome)
        if not _is_complete(scene):
            outcome.found.other.append(f"not complete after {ATTEMPTS} commands")
        for journal in scene.journals:
            invariants.check_journal(scene, journal, outcome.found)
        runs = max(1, len(scene.journals)) if scene.started_new else 1
        if not scene.experiment.in_guest:
            if not isinstance(scene.experiment, RecordedExperiment):
                invariants.check_executions(scene, outcome.found, fault.repeats)
            invariants.check_host(scene, outcome.found, mounts)
        invariants.check_controller(scene, outcome.found, runs)
        if random.random() < REPORTED:
            _report(scene, outcome)
    return outcome


def _report(scene: Scene, outcome: Outcome) -> None:
    """The figures can be read, also past lines that are damaged."""
    scene.user.prefix = ()
    ended = scene.user.orchestrate("report", "latest", "--format", "json")
    planned = len(scene.experiment.keys)
    if ended.code:
        outcome.found.other.append(f"report: exit code {ended.code}: {ended.err[-300:]!r}")
    elif json.loads(ended.out)["trials_planned"] != planned:
        outcome.found.other.append(f"report: not {planned} trials")


def _is_complete(scene: Scene) -> bool:
    journals = scene.journals
    return bool(journals) and all(journal.is_complete for journal in journals)


def _command(scene: Scene, fault: Fault, outcome: Outcome) -> None:
    """Run the command once, strike it, and do afterwards what its user would do."""
    resume = ["--resume"] if scene.journals and scene.random.random() < 0.5 else []
    controller = scene.begin(*resume)
    if outcome.commands < fault.strikes:
        fault.strike(scene)
    outcome.commands += 1
    scene.attempts = outcome.commands
    for process in (controller, *scene.others):
        ended = _end(scene, process, outcome)
        if ended is not None:
            _judge(scene, ended, outcome)
    scene.others.clear()
    if not _is_complete(scene):
        fault.mend(scene)


def _end(scene: Scene, process: subprocess.Popen[str], outcome: Outcome) -> Ended | None:
    patience = GUEST_PATIENCE_S if scene.experiment.in_guest else PATIENCE_S
    try:
        return scene.user.end(process, patience)
    except subprocess.TimeoutExpired:
        process.kill()
        _, err = process.communicate()
        outcome.found.other.append(f"the controller does not end within {patience:g} s: {err[-300:]!r}")
    except AssertionError as traceback:
        if "KeyboardInterrupt" in str(traceback) and "/orchestrator/" not in str(traceback):
            return None  # Python has not begun to import the program, and says so in its own way
        outcome.found.other.append(f"traceback: {str(traceback)[-1500:]}")
    return None


def _judge(scene: Scene, ended: Ended, outcome: Outcome) -> None:
    """Its exit code is a documented one, and of an error it says why."""
    if -ended.code in KILLED_BY:
        return
    if ended.code not in DOCUMENTED:
        outcome.found.other.append(f"exit code {ended.code}: {ended.err[-500:]!r}")
    is_failed = any(scene.experiment.status_of(key) != "ok" for key in scene.experiment.keys)
    if ended.code == ExitCode.OK and is_failed:
        outcome.found.other.append("exit code 0, though trials are not ok")
    if ended.code in (ExitCode.OK, ExitCode.TRIALS_NOT_OK):
        if ended.code == ExitCode.TRIALS_NOT_OK and not is_failed:
            outcome.found.other.append("exit code 1, though all trials are ok")
        return
    if not ended.complaints:
        outcome.found.other.append(f"exit code {ended.code} without a reason: {ended.err[-500:]!r}")
        return
    words = last_words(ended)
    outcome.refusals.append(f"exit code {ended.code}: {_short(words)}")
    if "hosts restore --stop" in words:  # what the message asks for
        stopped = scene.user.orchestrate("hosts", "restore", "--stop", HOST, *scene.user.options[2:])
        if stopped.code:
            outcome.found.other.append(f"hosts restore --stop: {stopped.err!r}")


def _short(words: str, most: int = 300) -> str:
    return words if len(words) <= most else f"{words[: most // 2]} … {words[-most // 2 :]}"


def run_all(
    world: World, runs: Iterable[tuple[Fault, int]], workers: int, tell: Callable[[Outcome], None]
) -> None:
    """Run them, ``workers`` at once; ``tell`` is told of each when it is over."""

    def one(run: tuple[Fault, int]) -> None:
        fault, seed = run
        try:
            outcome = run_one(world, fault, seed)
        except Exception as error:  # noqa: BLE001 - the other runs go on
            outcome = Outcome(fault.name, seed)
            outcome.found.other.append(f"the harness failed: {type(error).__name__}: {error}")
        tell(outcome)

    pool = ThreadPoolExecutor(workers)
    try:
        for _ in pool.map(one, runs):
            pass
    finally:  # after Ctrl-C too, those that have begun end and clean up
        pool.shutdown(cancel_futures=True)
