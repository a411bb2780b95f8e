"""Roles applied to a host: each task reads, compares, changes and reads back; handlers run where something changed.

Facts of tasks that follow each other are read in one round trip. As soon as a task changes something, what was read
ahead is forgotten, so no task decides by what was true before another one acted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, HostError, HostLost, Position
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command
from orchestrator.provision.checking import ITEM, argument_faults, fill_arguments
from orchestrator.provision.filters import as_bool
from orchestrator.provision.module import Context, ReadOutput, TaskPlan, TaskResult
from orchestrator.provision.reading import read_all
from orchestrator.provision.results import LazyFacts, nothing_done, registered, short
from orchestrator.provision.tasks import LoadedRole, Task
from orchestrator.provision.templating import UndefinedName, as_node
from orchestrator.provision.variables import Scope

log = logging.getLogger(__name__)

MOST_READ_AHEAD = 30
Say = Callable[[str, TaskResult], None]


@dataclass(slots=True)
class Target:
    """Where and how roles are applied.

    :ivar base: our folder on the host, absolute; ``base_sudo``: it is root's, and we are not.
    :ivar cache: our folder for built things on the controller.
    :ivar variables: the host's, from the inventory; ``groups``: those it is in.
    :ivar facts: of the host, as plain data; None: gathered when a task asks for them.
    :ivar check: say what would change, and change nothing.
    :ivar only: tags of the tasks that are wanted; empty: all. ``without``: of those that are not.
    :ivar say: told of each outcome.
    """

    host: Host
    base: str
    cache: Path
    base_sudo: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    facts: Mapping[str, Any] | None = None
    check: bool = False
    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    reconnect: Callable[[], Host] | None = None
    say: Say = lambda _host, _outcome: None


@dataclass(frozen=True, slots=True)
class _Step:
    """A task, or one item of its loop, with its arguments filled in."""

    task: Task
    arguments: Node
    scope: Scope
    become: bool
    item: str = ""

    @property
    def name(self) -> str:
        name = str(self.scope.fill(self.task.title, lenient=True).data())
        return f"{name} ({self.item})" if self.item else name


def run_role(target: Target, loaded: LoadedRole) -> list[TaskResult]:
    """Bring a host to the state that a role describes; return what became of each task, in order."""
    return _Application(target, loaded).run()


class _Application:
    """One role on one host."""

    def __init__(self, target: Target, loaded: LoadedRole) -> None:
        self._target = target
        self._loaded = loaded
        self._registered: dict[str, Any] = {}
        self._notified: set[str] = set()
        self._ahead: dict[tuple[int, int], ReadOutput] = {}
        self._outcomes: list[TaskResult] = []
        self._only = target.only | frozenset(loaded.role.tags)

    def run(self) -> list[TaskResult]:
        self._run_tasks(self._loaded.tasks)
        handlers = self._loaded.handlers
        for index, handler in enumerate(handlers):
            if handler.name in self._notified:
                self._run_tasks(handlers[index : index + 1])
        return self._outcomes

    def _run_tasks(self, tasks: Sequence[Task]) -> None:
        self._ahead.clear()
        for index, task in enumerate(tasks):
            if self._wanted(task):
                self._run_task(tasks, index)

    def _wanted(self, task: Task) -> bool:
        is_handler = any(task is handler for handler in self._loaded.handlers)
        return is_handler or task.chosen(self._only, self._target.without)

    def _run_task(self, tasks: Sequence[Task], index: int) -> None:
        task = tasks[index]
        results = []
        for number, step in enumerate(self._steps(task)):
            if step is None:
                outcome = TaskResult(self._loaded.role.name, task.name, "skipped", result=nothing_done())
            else:
                outcome = self._run_step(step, partial(self._answer, tasks, index, number))
            results.append(outcome)
            self._outcomes.append(outcome)
            note = f" ({outcome.note})" if outcome.note else ""
            told = (self._host.name, outcome.role, outcome.task, outcome.status, note)
            log.info("%s: %s: %s: %s%s", *told)
            for difference in outcome.differences:
                log.debug("%s: %s", self._host.name, difference)
            self._target.say(self._host.name, outcome)
            if outcome.changed:
                self._notified |= {node.text for node in task.notify}
        if task.register:
            self._registered[task.register] = registered(task, results)

    @property
    def _host(self) -> Host:
        return self._target.host

    # --- what a task comes to -------------------------------------------------------------------------------

    def _scope(self, task: Task) -> Scope:
        target, loaded = self._target, self._loaded
        position = Position(f"inventory variables of {self._host.name}")
        inventory = {
            name: as_node(value, position)
            for name, value in target.variables.items()
            if name in loaded.defaults
        }
        given = {
            "check_mode": target.check,
            "folder": self._context().folder,
            "group_names": list(target.groups),
            "inventory_hostname": self._host.name,
            "role_name": loaded.role.name,
            "role_path": str(loaded.role.folder),
        }
        values = {**given, **self._registered, "facts": LazyFacts(self._facts)}
        return Scope([loaded.defaults, inventory, loaded.variables, task.variables], values)

    def _facts(self) -> Mapping[str, Any]:
        if self._target.facts is None:
            if not self._host.answers:
                raise UndefinedName("'facts' of a host that was not asked")
            self._target.facts = host_facts.gather(self._host).document
        return self._target.facts

    def _steps(self, task: Task) -> Iterator[_Step | None]:
        """The steps of a task; None for one that its condition skips."""
        scope = self._scope(task)
        if task.loop is None:
            yield self._step(task, scope)
            return
        try:
            items = scope.fill(task.loop)
        except UndefinedName:
            if self._host.answers:
                raise
            yield None  # a dry run cannot know
            return
        if not isinstance(items.content, list):
            raise BadInput(task.loop.position.fault("'loop' takes a list"))
        for item in items.content:
            yield self._step(task, scope.with_values({ITEM: item.data()}), short(item.data()))

    def _step(self, task: Task, scope: Scope, item: str = "") -> _Step | None:
        try:
            if not all(scope.holds(condition) for condition in task.when):
                return None
            arguments = fill_arguments(task, scope)
        except UndefinedName:
            if self._host.answers:
                raise
            return None  # a dry run cannot know
        faults = argument_faults(self._loaded.role, task, arguments)
        if faults:
            raise BadInput(*faults)
        become = task.become
        if become is None:
            become = as_bool(self._target.variables.get("ansible_become", False))
        return _Step(task, arguments, scope, become or task.module.needs_root, item)

    def _context(self, step: _Step | None = None) -> Context:
        target = self._target
        context = Context(
            host=target.host,
            base=target.base,
            role=self._loaded.role,
            cache=target.cache,
            base_sudo=target.base_sudo,
            variables=target.variables,
            check=target.check,
            reconnect=None if target.reconnect is None else self._reconnect,
        )
        if step is None:
            return context
        return replace(
            context,
            become=step.become,
            holds=step.scope.holds,
            render=lambda text, name: str(step.scope.text(text, Position(name, 1, 1))),
        )

    def _reconnect(self) -> Host:
        """Connect anew; all that follows goes that way."""
        assert self._target.reconnect is not None
        host = self._target.reconnect()
        self._target.host.close()
        self._target.host = host
        self._target.facts = None
        return host

    # --- reading ahead --------------------------------------------------------------------------------------

    def _answer(self, tasks: Sequence[Task], index: int, number: int) -> ReadOutput:
        """What the facts of a step are; reads those of the steps that follow as well."""
        if (index, number) not in self._ahead:
            wanted = dict(self._readable(tasks, index, number))
            answers = read_all(self._host, self._target.base, list(wanted.values())) if wanted else []
            self._ahead = dict(zip(wanted, answers, strict=True))
        return self._ahead.get((index, number), ReadOutput())

    def _readable(
        self, tasks: Sequence[Task], index: int, number: int
    ) -> Iterator[tuple[tuple[int, int], Command]]:
        """Commands that read the facts from a step on, up to the first task that cannot be known yet."""
        count = 0
        for at in range(index, len(tasks)):
            if not self._wanted(tasks[at]):
                continue
            try:
                steps = list(enumerate(self._steps(tasks[at])))
                commands = [
                    ((at, n), step.task.module.read(self._context(step), step.arguments))
                    for n, step in steps
                    if step is not None and (at, n) >= (index, number)
                ]
            except BadInput:
                if at == index:
                    raise
                return
            for key, command in commands:
                if command is not None and count < MOST_READ_AHEAD:
                    count += 1
                    yield key, command
            if count >= MOST_READ_AHEAD or tasks[at].module.opaque or tasks[at].register:
                return

    # --- one step -------------------------------------------------------------------------------------------

    def _run_step(self, step: _Step, answer: Callable[[], ReadOutput]) -> TaskResult:
        task, module = step.task, step.task.module
        context = self._context(step)
        try:
            plan = module.plan(context, step.arguments, answer())
            outcome = self._carry_out(step, context, plan)
        except HostLost:
            raise
        except HostError as error:
            message = self._located(error, step)
            if not task.ignore_errors:
                raise type(error)(message) from error
            result = {**nothing_done(), "skipped": False, "failed": True, "msg": str(error), "rc": 1}
            return TaskResult(self._loaded.role.name, step.name, "failed", result=result, note=str(error))
        return outcome

    def _carry_out(self, step: _Step, context: Context, plan: TaskPlan) -> TaskResult:
        task, module = step.task, step.task.module
        result: dict[str, Any] = {"changed": False, "failed": False, "skipped": False, **plan.result}
        acts = bool(plan.differences or plan.actions)
        if acts and self._target.check and not task.only_reads:
            result["changed"] = bool(plan.differences)
        elif acts:
            self._ahead.clear()
            result["changed"] = bool(plan.differences)
            result.update(module.apply(context, step.arguments, plan))
            if module.reads_back and self._host.answers:
                command = module.read(context, step.arguments)
                after = read_all(self._host, self._target.base, [command])[0] if command else ReadOutput()
                verified = module.verify(context, step.arguments, after)
                result.update(verified.result)
        self._judge(step, result)
        status = "changed" if result["changed"] else "ok"
        note = str(result.pop("note", "")) or plan.note
        differences = tuple(result.pop("differences", plan.differences))
        return TaskResult(
            self._loaded.role.name, step.name, status, differences if result["changed"] else (), result, note
        )

    def _judge(self, step: _Step, result: dict[str, Any]) -> None:
        """Let ``changed_when`` and ``failed_when`` have the last word."""
        task = step.task
        if not (task.changed_when or task.failed_when) or not self._host.answers:
            return
        scope = step.scope.with_values(
            {"result": result, **({task.register: result} if task.register else {})}
        )
        if task.changed_when is not None:
            result["changed"] = all(scope.holds(condition) for condition in task.changed_when)
        if task.failed_when and all(scope.holds(condition) for condition in task.failed_when):
            shown = "; ".join(str(node.content) for node in task.failed_when)
            said = str(result.get("stderr") or result.get("stdout") or "").strip().splitlines()
            raise HostError(f"failed_when holds: {shown}{': ' + said[-1] if said else ''}")

    def _located(self, error: HostError, step: _Step) -> str:
        """The error with role and task in front, after the host's name."""
        text = str(error).removeprefix(f"{self._host.name}: ")
        return f"{self._host.name}: role {self._loaded.role.name}: {step.name}: {text}"
