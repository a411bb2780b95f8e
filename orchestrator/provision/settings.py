"""Modules that change settings of a host: recorded there before, read back after, put back when the run is over."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.experiment.model import Setting
from orchestrator.hosts.command import Command
from orchestrator.hosts.remote.commands import settings_command
from orchestrator.hosts.remote.settings import Change, parse_changes
from orchestrator.provision.module import Context, Difference, Module, ReadOutput, TaskPlan
from orchestrator.provision.variables import unknowns

APPLY_LIMIT_S = 300.0


class SettingsModule(Module):
    """A module that comes to a list of settings."""

    needs_root: ClassVar[bool] = True
    reads_back: ClassVar[bool] = False  # applying tells what was read back

    @abstractmethod
    def settings(self, arguments: Node) -> Iterable[Setting]:
        """The settings that the arguments ask for; ``BadInput`` for what cannot be one."""

    def faults(self, role: object, arguments: Node) -> Iterable[tuple[Node, str]]:
        """Faults that only reading the settings brings to light; they are raised."""
        if not any(True for _ in unknowns(arguments)):
            list(self.settings(arguments))
        return ()

    def read(self, context: Context, arguments: Node) -> Command:
        """Ask what the settings are."""
        return self._script(context, arguments, "check", 60.0)

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """What differs. Raises ``HostError`` for what there is no such thing of."""
        changes = self._changes(answer.text)
        if not context.host.answers:
            asked = [Difference(setting.path, "?", setting.value) for setting in self.settings(arguments)]
            return TaskPlan(tuple(asked), (self._script(context, arguments, "apply", APPLY_LIMIT_S),))
        _raise_faults(changes)
        differing = [change for change in changes if change.verdict == "differs"]
        actions = (self._script(context, arguments, "apply", APPLY_LIMIT_S),) if differing else ()
        return TaskPlan(tuple(_difference(change) for change in differing), actions, _read_back(changes))

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Record, set and read back; what did not take is put back by whoever gives up."""
        (action,) = plan.actions
        assert isinstance(action, Command)
        done = context.host.run(action)
        changes = self._changes(done.stdout)
        _raise_faults(changes)
        if done.exit_code:
            raise HostError((done.stderr.strip() or "settings cannot be changed").splitlines()[-1])
        if not context.host.answers:
            return {}
        made = [change for change in changes if change.verdict == "changed"]
        kept = [change.path for change in changes if change.verdict == "kept"]
        result: dict[str, Any] = {"changed": bool(made), "differences": [_difference(c) for c in made]}
        result |= _read_back(changes)
        return result | ({"note": f"kept their values: {', '.join(kept)}"} if kept else {})

    def _script(
        self, context: Context, arguments: Node, verb: Literal["apply", "check"], limit: float
    ) -> Command:
        settings = self.settings(arguments)
        return settings_command(context.base, verb, settings, sudo=context.base_sudo, time_limit=limit)

    @staticmethod
    def _changes(printed: str) -> list[Change]:
        """What the script printed; of a path that is told of twice, the last."""
        return list({change.path: change for change in parse_changes(printed)}.values())


def _difference(change: Change) -> Difference:
    return Difference(change.path, change.before, change.asked)


def _read_back(changes: Iterable[Change]) -> dict[str, Any]:
    return {"settings": {change.path: change.found for change in changes}}


def _raise_faults(changes: Iterable[Change]) -> None:
    faults = [str(change) for change in changes if change.is_fault]
    if faults:
        raise HostError(f"settings that did not take: {'; '.join(faults)}")
