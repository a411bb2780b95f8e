"""Run the tasks of a role on a host: read the state, compare it, change it and read it back. Handlers run at the end.

State that several tasks need is read in one round trip. As soon as a task changes something, what was read ahead is
dropped. So no task decides on state from before another task's change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from orchestrator.activities import doing
from orchestrator.errors import HostError, HostLost
from orchestrator.hosts.base import Host
from orchestrator.hosts.printing import PrintingHost
from orchestrator.provision.checking import hidden_faults
from orchestrator.provision.module import Context, ReadOutput, TaskPlan, TaskResult
from orchestrator.provision.read_ahead import ReadAhead, read_all
from orchestrator.provision.results import skipped_result
from orchestrator.provision.steps import RoleSteps, Step
from orchestrator.provision.target import Target
from orchestrator.provision.tasks import LoadedRole, Task

log = logging.getLogger(__name__)


def run_role(target: Target, loaded: LoadedRole) -> list[TaskResult]:
    """Bring a host to the state that a role describes; return the result of each task, in order.

    Raises ``HostError`` for a task that failed, unless its errors are ignored, and ``BadInput`` for arguments that
    turn out wrong on this host.
    """
    return _RoleRun(target, loaded).run()


class _RoleRun:
    """One role on one host."""

    def __init__(self, target: Target, loaded: LoadedRole) -> None:
        self._target = target
        self._loaded = loaded
        self._steps = RoleSteps(target, loaded)
        self._notified: set[str] = set()
        self._results: list[TaskResult] = []

    def run(self) -> list[TaskResult]:
        tags = self._target.tags | frozenset(self._loaded.role.tags)
        self._run_tasks(
            [task for task in self._loaded.tasks if task.is_selected(tags, self._target.skip_tags)]
        )
        for handler in self._loaded.handlers:
            if handler.name in self._notified:
                self._run_tasks([handler])
        return self._results

    @property
    def _host(self) -> Host:
        return self._target.host

    def _run_tasks(self, tasks: Sequence[Task]) -> None:
        read_ahead = ReadAhead(self._target.base, self._steps, tasks)
        for index, task in enumerate(tasks):
            results = []
            for number, step in enumerate(self._steps.of(task)):
                if step is None:
                    role = self._loaded.role.name
                    result = shown = TaskResult(role, task.name, "skipped", result=skipped_result())
                else:
                    result = self._run_step(
                        step, partial(read_ahead.output, index, number), read_ahead.forget
                    )
                    hidden = step.why_hidden
                    shown = replace(result, differences=(), note=hidden) if hidden else result
                results.append(result)
                self._report(task, shown)
            self._steps.register(task, results)

    def _report(self, task: Task, result: TaskResult) -> None:
        self._results.append(result)
        note = f" ({result.note})" if result.note else ""
        log.info("%s: %s: %s: %s%s", self._host.name, result.role, result.task, result.status, note)
        for difference in result.differences:
            log.debug("%s: %s", self._host.name, difference)
        self._target.on_result(self._host.name, result)
        if result.changed:
            self._notified |= {node.text for node in task.notify}

    def _run_step(
        self, step: Step, read: Callable[[], ReadOutput], before_change: Callable[[], None]
    ) -> TaskResult:
        if step.why_hidden and isinstance(self._host, PrintingHost):
            return self._not_printed(step, self._host)
        context = self._steps.context(step)
        what = f"role {self._loaded.role.name}: {step.name}"
        try:
            with doing(self._host.name, what), hidden_faults(step.task, step.scope):
                plan = step.task.module.plan(context, step.arguments, read())
                return self._execute(step, context, plan, before_change)
        except HostError as error:
            if isinstance(error, HostLost) and not step.why_hidden:
                raise
            if isinstance(error, HostLost) or not step.task.ignore_errors:
                raise type(error)(self._located(error, step)) from (None if step.why_hidden else error)
            result = {**skipped_result(), "skipped": False, "failed": True, "msg": str(error), "rc": 1}
            return TaskResult(self._loaded.role.name, step.name, "failed", result=result, note=str(error))

    def _not_printed(self, step: Step, host: PrintingHost) -> TaskResult:
        """Print, in a dry run, that the commands of a step are hidden."""
        role = self._loaded.role.name
        host.comment(f"{role}: {step.name}: {step.why_hidden}")
        return TaskResult(
            role, step.name, "changed", result={**skipped_result(), "changed": True, "skipped": False}
        )

    def _execute(
        self, step: Step, context: Context, plan: TaskPlan, before_change: Callable[[], None]
    ) -> TaskResult:
        """Execute a plan and verify it. In check mode, execute only what is declared to change nothing."""
        task, module = step.task, step.task.module
        result: dict[str, Any] = {"changed": False, "failed": False, "skipped": False, **plan.result}
        if plan.differences or plan.actions:
            result["changed"] = bool(plan.differences)
            if task.only_reads or not self._target.check:
                before_change()
                result.update(module.apply(context, step.arguments, plan))
                if module.reads_back:
                    result.update(self._read_back(step, context))
        self._apply_conditions(step, result)
        note = str(result.pop("note", "")) or plan.note
        differences = tuple(result.pop("differences", plan.differences))
        return TaskResult(
            self._loaded.role.name,
            step.name,
            "changed" if result["changed"] else "ok",
            differences if result["changed"] else (),
            result,
            note,
        )

    def _read_back(self, step: Step, context: Context) -> Mapping[str, Any]:
        """Verify that the change took effect and return the result; ``HostError`` if it did not."""
        module = step.task.module
        command = module.read(context, step.arguments)
        output = read_all(self._host, self._target.base, [command])[0] if command else ReadOutput()
        return module.verify(context, step.arguments, output).result if self._host.executes else {}

    def _apply_conditions(self, step: Step, result: dict[str, Any]) -> None:
        """Override the result by ``changed_when`` and ``failed_when``."""
        task = step.task
        if not (task.changed_when or task.failed_when) or not self._host.executes:
            return
        scope = step.scope.with_values(
            {"result": result, **({task.register: result} if task.register else {})}
        )
        if task.changed_when is not None:
            result["changed"] = all(scope.is_true(condition) for condition in task.changed_when)
        if task.failed_when and all(scope.is_true(condition) for condition in task.failed_when):
            conditions = "; ".join(str(node.content) for node in task.failed_when)
            output = str(result.get("stderr") or result.get("stdout") or "").strip().splitlines()
            raise HostError(f"failed_when is true: {conditions}{': ' + output[-1] if output else ''}")

    def _located(self, error: HostError, step: Step) -> str:
        """Return the message of an error with the host, the role and the task in front."""
        name = step.name
        text = step.why_hidden or str(error).removeprefix(f"{self._host.name}: ")
        return f"{self._host.name}: role {self._loaded.role.name}: {name}: {text}"
