"""A run of one block on a host of paper, and the lines that its runner would write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.execution.run import Run
from orchestrator.execution.stopping import Stop
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Needs
from orchestrator.hosts.base import Machine
from orchestrator.hosts.command import Command
from orchestrator.hosts.provider import Provider, ProviderRequest
from orchestrator.hosts.testing import ScriptedHost, ScriptedProvider
from orchestrator.plan import Plan
from orchestrator.plan.model import Block, Trial
from orchestrator.results.journal import Journal
from orchestrator.results.records import BlockRecord, TrialRecord

FILE = """
version: 1
benchmark: {command: [prog, "{n}"], metrics: {x: {key_value: x, unit: s}}}
factors: {n: [1, 2]}
repetitions: 1
order: {within_block: listed}
"""
BOOT = "00000000-0000-0000-0000-000000000001"


class RoundsHost(ScriptedHost):
    """Each time its runner's journal is followed it is another one."""

    def __init__(self, name: str, rounds: Iterator[list[str]]) -> None:
        super().__init__(name)
        self._rounds = rounds

    def batches(self, command: Command) -> Iterator[list[str] | None]:
        if "runner.sh follow" in command.line:
            yield next(self._rounds)
        else:
            yield from super().batches(command)


class Listener:
    """Keeps what it is notified of."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def run_begins(self, trials: int, done: int) -> None: ...

    def block_begins(self, block: Block, trials: int) -> None: ...

    def host_ready(self, record: BlockRecord) -> None: ...

    def trial_ends(self, record: TrialRecord) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


@contextmanager
def a_run(tmp_path: Path, machine: Machine, text: str = FILE) -> Iterator[Run]:
    (tmp_path / "e.yaml").write_text(text)
    plan = Plan(load(tmp_path / "e.yaml", provider_options={}))
    provider: Provider = ScriptedProvider(ProviderRequest(Needs(), {}), machine)
    (tmp_path / "run").mkdir()
    with Journal(tmp_path / "run") as journal:
        yield Run("r", plan, provider, journal, Listener(), Stop(), tmp_path, tmp_path)


def trials_of(run: Run) -> list[Trial]:
    return [trial for block in run.plan.blocks() for trial in run.plan.trials(block)]


def line(event: str, **others: object) -> str:
    return json.dumps({"event": event, **others})


def begin() -> str:
    return line("begin", format=1, boot=BOOT, epoch=1.0, uptime=1.0)


def ended(trial: Trial, stdout: str = "x=1", **others: object) -> str:
    nothing = {
        "refused": "",
        "signal": None,
        "timed_out": False,
        "start": 1,
        "end": 2,
        "settled": True,
        "waited": 0,
    }
    more = {
        "strays": False,
        "settings": [],
        "counters": {},
        "noise": None,
        "kernel_log": [],
        "stdout_cut": False,
        "stderr": "",
    }
    record = {"trial": trial.id, "tag": {}, "exit": 0, "stdout": stdout, **nothing, **more, **others}
    return line("trial", **record)


def script(scripted: ScriptedHost, answers: str, *journal: str) -> None:
    scripted.answer("runner.sh follow", stdout="\n".join(journal))
    scripted.answer(r"boot_id|hugepages", stdout=answers)


def host(answers: str, *journal: str) -> ScriptedHost:
    scripted = ScriptedHost("n1")
    script(scripted, answers, *journal)
    return scripted
