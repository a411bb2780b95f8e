"""The program that a trial executes: from a role's ``benchmark.yaml``, or from the experiment file alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from orchestrator.documents.document import Node, read_file
from orchestrator.documents.draft import Draft
from orchestrator.documents.expressions import Value
from orchestrator.documents.template import Template
from orchestrator.errors import BadInput
from orchestrator.experiment import renames, roles, schemas
from orchestrator.experiment.levels import level
from orchestrator.experiment.model import Benchmark, Breakdown, Level, Metric, Role, Status
from orchestrator.nearest import did_you_mean

_SOURCES: tuple[Literal["json", "key_value", "regex"], ...] = ("json", "key_value", "regex")


class Program:
    """What is known of the benchmark; ``role_file`` is the draft of the role's ``benchmark.yaml``."""

    def __init__(self, draft: Draft, searched: Sequence[Path]) -> None:
        self.draft = draft
        self.role: Role | None = None
        self.role_file: Draft | None = None
        #: false where faults hide what the program takes and prints
        self.known = draft.node.get("benchmark") is not None
        if draft.node.get("benchmark", "role"):
            self.known = False
            if draft.intact("benchmark", "role"):
                self._find_role(searched)
        elif draft.node.get("benchmark") and not draft.node.get("benchmark", "command"):
            position = draft.node.key_position("benchmark")
            draft.fault(position, "the benchmark needs either the key 'role' or the key 'command'")
            self.known = False
        self.command = self._command()
        self.options = self._names("options")
        self.nodes = self._names("nodes")
        self.choices = self._choices()
        self.ranges = self._ranges()
        self.arguments = self._arguments()

    @property
    def least_nodes(self) -> int:
        """How many NUMA nodes the program makes sense on, by its role."""
        return int(self.role_file.value("numa_nodes", default=1)) if self.role_file else 1

    @property
    def takes(self) -> frozenset[str]:
        """Names of all arguments the program takes: its options and the ``{names}`` of its command."""
        return frozenset((*self.options, *self._placeholders()))

    def check_arguments(self, factors: Iterable[str]) -> None:
        """Note arguments that the program does not take, and ``{names}`` that nothing gives a value."""
        if not self.known:
            return
        for name, _ in self.draft.members("benchmark", "arguments"):
            if name not in self.takes:
                position = self.draft.node.key_position("benchmark", "arguments", name)
                self.draft.fault(
                    position, f"unknown benchmark argument '{name}'; {did_you_mean(name, self.takes)}"
                )
        for draft, section in self._layers():
            for name, node in draft.members(*section, "arguments"):
                self.check_value(draft, name, node)
        given = {*factors, *self.arguments}
        for name in self._placeholders():
            if name not in given:
                message = f"'{{{name}}}' has no value; {did_you_mean(name, given)}"
                self._command_fault(f"{message} (a brace itself is written twice: '{{{{')")

    def check_value(self, draft: Draft, name: str, node: Node) -> None:
        """Note a value that the program is known not to take for the argument ``name``."""
        given = level(node)
        choices = self.choices.get(name, (given.text,))
        if given.text not in choices:
            draft.fault(
                node.position, f"'{name}' cannot be '{given.text}'; {did_you_mean(given.text, choices)}"
            )
        least, most = self.ranges.get(name, (given, given))
        if name in self.ranges and not _is_between(given.value, least.value, most.value):
            draft.fault(
                node.position, f"'{name}' cannot be '{given.text}'; it goes from {least.text} to {most.text}"
            )

    def benchmark(self) -> Benchmark:
        """Return the benchmark; notes the remaining faults."""
        metrics = self._metrics()
        codes = {0: Status.OK}
        for draft, section in self._layers():
            for code, node in draft.members(*section, "exit_codes"):
                codes[int(code)] = Status(str(node.content))
        first_word = Path(self.command[0]).name if self.command else ""
        standard = self.role.name if self.role else first_word
        return Benchmark(
            name=self.draft.value("benchmark", "name", default=standard),
            role=self.role,
            command=self.command,
            options=self.options,
            arguments=MappingProxyType(self.arguments),
            metrics=tuple(metrics.values()),
            exit_codes=MappingProxyType(codes),
            headline=self._headline(metrics),
            breakdown=self._breakdown(metrics),
            meanings=self._meanings(),
        )

    def _find_role(self, searched: Sequence[Path]) -> None:
        draft = self.draft
        if draft.node.get("benchmark", "command"):
            position = draft.node.key_position("benchmark", "command")
            draft.fault(position, "a role brings its own command; leave out 'command' or 'role'")
        try:
            self.role = roles.find(draft.value("benchmark", "role"), searched)
            file = self.role.folder / "benchmark.yaml"
            if not file.is_file():
                raise BadInput(f"role '{self.role.name}' is not a benchmark: it has no benchmark.yaml")
        except BadInput as error:
            draft.blame(error, "benchmark", "role")
            return
        try:
            node = read_file(file)
            self.role_file = Draft(node, schemas.check(node, schemas.benchmark()))
        except BadInput as error:
            draft.faults.extend(fault for fault in error.faults if not isinstance(fault, str))
            return
        # From here on both files have one list of faults.
        self.known = not self.role_file.faults
        draft.faults.extend(self.role_file.faults)
        self.role_file.faults = draft.faults
        renames.apply(draft, {old: str(new.content) for old, new in self.role_file.members("renamed")})

    def _layers(self) -> list[tuple[Draft, tuple[str, ...]]]:
        """The files that describe the program, later ones overruling earlier ones."""
        own: list[tuple[Draft, tuple[str, ...]]] = [(self.role_file, ())] if self.role_file else []
        return [*own, (self.draft, ("benchmark",))]

    def _command(self) -> tuple[str, ...]:
        for draft, section in self._layers():
            words = [node.text for _, node in draft.items(*section, "command")]
            if words:
                return tuple(words)
        return ()

    def _command_fault(self, message: str) -> None:
        draft, section = self._layers()[0]
        draft.fault(draft.node.nearest_position(*section, "command"), message)

    def _placeholders(self) -> list[str]:
        names: list[str] = []
        for word in self.command:
            try:
                names += Template(word).names
            except BadInput as error:
                self._command_fault(str(error))
        return list(dict.fromkeys(names))

    def _names(self, key: str) -> tuple[str, ...]:
        return tuple(str(node.content) for _, node in self.role_file.items(key)) if self.role_file else ()

    def _choices(self) -> dict[str, tuple[str, ...]]:
        if not self.role_file:
            return {}
        return {
            name: (
                *(str(node.content) for _, node in self.role_file.items("choices", name)),
                *(value for value, _ in self.role_file.members("choices", name)),
            )
            for name, _ in self.role_file.members("choices")
        }

    def _meanings(self) -> dict[str, dict[str, str]]:
        """Of the options whose choices say what they mean."""
        if not self.role_file:
            return {}
        told = {
            name: {value: str(node.content) for value, node in self.role_file.members("choices", name)}
            for name, _ in self.role_file.members("choices")
        }
        return {name: meanings for name, meanings in told.items() if meanings}

    def _ranges(self) -> dict[str, tuple[Level, Level]]:
        if not self.role_file:
            return {}
        bounds = {name: node.mapping() for name, node in self.role_file.members("ranges")}
        return {name: (level(bound["from"]), level(bound["to"])) for name, bound in bounds.items()}

    def _arguments(self) -> dict[str, Level]:
        return {
            name: level(node)
            for draft, section in self._layers()
            for name, node in draft.members(*section, "arguments")
        }

    def _metrics(self) -> dict[str, Metric]:
        metrics: dict[str, Metric] = {}
        for draft, section in self._layers():
            for name, _ in draft.members(*section, "metrics"):
                metric = _metric(draft, name, *section, "metrics", name)
                if metric:
                    metrics[name] = metric
        for draft, section in self._layers():
            for name, _ in draft.members(*section, "metrics"):
                self._check_metric(draft, metrics, *section, "metrics", name, "models")
        if not metrics and self.known and not self.draft.node.mapping("benchmark", "metrics"):
            position = self.draft.node.key_position("benchmark")
            self.draft.fault(
                position, "the benchmark needs 'metrics': what to read from the program's output"
            )
        return metrics

    def _headline(self, metrics: dict[str, Metric]) -> str:
        headline = next(iter(metrics), "")
        for draft, section in self._layers():
            given = draft.value(*section, "headline")
            headline = given or headline
            self._check_metric(draft, metrics, *section, "headline")
        return str(headline)

    def _breakdown(self, metrics: dict[str, Metric]) -> Breakdown | None:
        found = None
        for draft, section in self._layers():
            path = (*section, "breakdown")
            given = draft.value(*path)
            if not given:
                continue
            self._check_metric(draft, metrics, *path, "total")
            for word, name in given["phases"].items():
                self._check_metric(draft, metrics, *path, "phases", word)
                units = {metrics[known].unit for known in (name, given["total"]) if known in metrics}
                if len(units) > 1:
                    message = f"'{name}' and the total '{given['total']}' have different units"
                    draft.fault(draft.node.nearest_position(*path, "phases", word), message)
            for index, _ in draft.items(*path, "beside"):
                self._check_metric(draft, metrics, *path, "beside", index)
            found = Breakdown(given["total"], given["phases"], tuple(given.get("beside", ())))
        return found

    def _check_metric(self, draft: Draft, metrics: dict[str, Metric], *path: str | int) -> None:
        """Note a fault where the value at ``path`` is not the name of a metric."""
        name = draft.value(*path)
        if name is not None and name not in metrics and self.known:
            draft.fault(
                draft.node.nearest_position(*path), f"'{name}' is not a metric; {did_you_mean(name, metrics)}"
            )


def _metric(draft: Draft, name: str, *path: str) -> Metric | None:
    given = draft.value(*path)
    sources = [source for source in _SOURCES if source in given]
    position = draft.node.nearest_position(*path)
    if len(sources) != 1:
        draft.fault(position, f"metric '{name}' needs one of the keys {', '.join(_SOURCES)}")
        return None
    (source,) = sources
    if source == "regex":
        at = draft.node.nearest_position(*path, "regex")
        try:
            groups = re.compile(given["regex"]).groups
        except (re.error, RecursionError, OverflowError) as error:
            draft.fault(at, f"is not a pattern: {error}")
            return None
        if groups != 1:
            draft.fault(
                at, f"the pattern has {groups} groups; put ( ) around the figure, and (?: ) elsewhere"
            )
            return None
    return Metric(
        name, given["unit"], source, given[source], given.get("better", "neither"), given.get("models", "")
    )


def _is_between(value: Value, least: Value, most: Value) -> bool:
    """Whether a value is a whole number or size in a range; a number that is written in quotes is one."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    assert isinstance(least, int)
    assert isinstance(most, int)
    return least <= value <= most
