"""The base of modules that change settings: recorded before, read back after, restored when the run ends."""

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
from orchestrator.provision.variables import unknown_locations

APPLY_LIMIT_S = 300.0


class SettingsModule(Module):
    """A module whose arguments amount to a list of settings."""

    needs_root: ClassVar[bool] = True
    reads_back: ClassVar[bool] = False  # ``runner settings apply`` reads back by itself

    @abstractmethod
    def settings(self, arguments: Node) -> Iterable[Setting]:
        """Return the requested settings; ``BadInput`` for arguments that are not valid."""

    def faults(self, role: object, arguments: Node) -> Iterable[tuple[Node, str]]:
        """Read the settings; ``BadInput`` for arguments that are not valid."""
        if not any(True for _ in unknown_locations(arguments)):
            list(self.settings(arguments))
        return ()

    def read(self, context: Context, arguments: Node) -> Command:
        """Read the current values."""
        return self._command(context, arguments, "check", 60.0)

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Compare the values; ``HostError`` for a setting that the host does not have."""
        changes = _changes(output.text)
        if not context.host.executes:
            requested = [Difference(setting.path, "?", setting.value) for setting in self.settings(arguments)]
            return TaskPlan(tuple(requested), (self._command(context, arguments, "apply", APPLY_LIMIT_S),))
        _raise_faults(changes)
        differing = [change for change in changes if change.verdict == "differs"]
        actions = (self._command(context, arguments, "apply", APPLY_LIMIT_S),) if differing else ()
        return TaskPlan(tuple(_difference(change) for change in differing), actions, _current(changes))

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Record, change and read back the settings. If one fails, the caller restores all that were changed."""
        (action,) = plan.actions
        assert isinstance(action, Command)
        completed = context.host.run(action)
        changes = _changes(completed.stdout)
        _raise_faults(changes)
        if completed.exit_code:
            raise HostError((completed.stderr.strip() or "cannot change settings").splitlines()[-1])
        if not context.host.executes:
            return {}
        changed = [change for change in changes if change.verdict in ("changed", "written")]
        kept = [change.path for change in changes if change.verdict == "kept"]
        result: dict[str, Any] = {"changed": bool(changed), "differences": [_difference(c) for c in changed]}
        result |= _current(changes)
        return result | ({"note": f"could not be changed: {', '.join(kept)}"} if kept else {})

    def _command(
        self, context: Context, arguments: Node, verb: Literal["apply", "check"], limit: float
    ) -> Command:
        settings = self.settings(arguments)
        return settings_command(context.base, verb, settings, sudo=context.base_sudo, time_limit=limit)


def _changes(printed: str) -> list[Change]:
    """Return the changes that ``runner settings`` printed; of two for the same path, the last."""
    return list({change.path: change for change in parse_changes(printed)}.values())


def _difference(change: Change) -> Difference:
    return Difference(change.path, change.before, change.requested)


def _current(changes: Iterable[Change]) -> dict[str, Any]:
    return {"settings": {change.path: change.in_effect for change in changes}}


def _raise_faults(changes: Iterable[Change]) -> None:
    faults = [str(change) for change in changes if change.is_error]
    if faults:
        raise HostError(f"cannot change settings: {'; '.join(faults)}")
