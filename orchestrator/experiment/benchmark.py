"""Read the benchmark: from a role's ``benchmark.yaml``, or from the experiment file alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeGuard

from msgspec import Struct

from orchestrator.documents.document import Node, read_file
from orchestrator.documents.draft import Draft
from orchestrator.documents.expressions import Value
from orchestrator.documents.template import Template
from orchestrator.errors import BadInput
from orchestrator.experiment import renames, roles, schemas
from orchestrator.experiment.levels import read_level
from orchestrator.experiment.metrics import check_pattern, read_metric
from orchestrator.experiment.model import Benchmark, Breakdown, Level, Metric, Role, Status
from orchestrator.nearest import did_you_mean, nearest
from orchestrator.units import binary_size, parse_size

_SPELLED = re.compile(r"0x[0-9a-fA-F]+|[0-9.]+ ?[A-Za-z]*")
"""How an integer or a size in a range may be written, as the program gets it."""
_DECIMAL = re.compile(r"[0-9]{1,20}")


def _is_integer(value: Value) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


class Range(Struct, frozen=True):
    """The integers or sizes that an option accepts, and words that it accepts too."""

    first: Level
    last: Level
    powers_of_two: bool
    words: tuple[str, ...] = ()

    @classmethod
    def read(cls, node: Mapping[str, Node]) -> Range:
        """Read an entry of ``ranges``."""
        powers = "power_of_two" in node and node["power_of_two"].content is True
        words = tuple(node["words"].data()) if "words" in node else ()
        return cls(read_level(node["from"]), read_level(node["to"]), powers, words)

    @property
    def is_sound(self) -> bool:
        """Whether both ends are integers or sizes."""
        return _is_integer(self.first.value) and _is_integer(self.last.value)

    def contains(self, level: Level) -> bool:
        """Whether a level is in the range or one of the words; a quoted number counts as a number."""
        if level.text in self.words:
            return True
        value: Value = int(level.text) if _DECIMAL.fullmatch(level.text) else level.value
        if not _is_integer(value) or not _SPELLED.fullmatch(level.text):
            return False
        assert isinstance(self.first.value, int)
        assert isinstance(self.last.value, int)
        is_power = value & (value - 1) == 0
        return self.first.value <= value <= self.last.value and (is_power or not self.powers_of_two)

    def __str__(self) -> str:
        kind = "a power of two from " if self.powers_of_two else ""
        words = f", or one of {', '.join(self.words)}" if self.words else ""
        return f"{kind}{self.first.text} to {self.last.text}{words}"


class BenchmarkReader:
    """Reads the section ``benchmark`` and the role's ``benchmark.yaml`` (``role_file``) and adds their faults."""

    def __init__(self, draft: Draft, role_path: Sequence[Path]) -> None:
        self.draft = draft
        self.role: Role | None = None
        self.role_file: Draft | None = None
        #: false if faults hide the names of the parameters, of the arguments, or of the metrics
        self.knows_parameters = self._knows("command")
        self.knows_arguments = self._knows("arguments")
        self.knows_metrics = self._knows("metrics")
        #: false if the section ``factors`` has another name
        self.knows_factors = bool(draft.node.get("factors")) or not self._has_unknown_section()
        if draft.node.get("benchmark", "role"):
            self.knows_parameters = self.knows_arguments = self.knows_metrics = False
            if draft.is_valid("benchmark", "role"):
                self._find_role(role_path)
        elif self._is_mapping() and not draft.node.get("benchmark", "command"):
            position = draft.node.key_position("benchmark")
            if not self._has_unknown_key():
                draft.add_fault(position, "missing required key: one of 'role', 'command'")
            self.knows_parameters = False
            self.knows_metrics &= bool(draft.node.mapping("benchmark", "metrics"))
        self.command = self._command()
        self.options = self._names("options")
        self.nodes = self._names("nodes")
        self.choices = self._choices()
        self.ranges = self._ranges()
        self.arguments = self._arguments()

    def _is_mapping(self) -> bool:
        node = self.draft.node.get("benchmark")
        return node is not None and isinstance(node.content, dict)

    @property
    def min_nodes(self) -> int:
        """The minimum number of NUMA nodes that the role requires."""
        return int(self.role_file.value("numa_nodes", default=1)) if self.role_file else 1

    @property
    def parameters(self) -> frozenset[str]:
        """The names of all parameters: the options and the placeholders of the command."""
        return frozenset((*self.options, *self._placeholders()))

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of all metrics, also of those that have faults."""
        layers = (draft.node.mapping(*section, "metrics") for draft, section in self._layers())
        return tuple(dict.fromkeys(name for layer in layers for name in layer))

    def check_arguments(self, factors: Iterable[str]) -> None:
        """Add faults for unknown arguments, invalid values and placeholders without a value."""
        for name, _ in self.draft.members("benchmark", "arguments"):
            if name not in self.parameters and self.knows_parameters:
                position = self.draft.node.key_position("benchmark", "arguments", name)
                self.draft.add_fault(
                    position, f"unknown benchmark argument '{name}'; {did_you_mean(name, self.parameters)}"
                )
        for draft, section in self._layers():
            for name, node in draft.members(*section, "arguments"):
                self._check_value(draft, name, node)
        names = {*factors, *self._argument_names()}
        for name in self._placeholders():
            knows_names = self.knows_arguments and self.knows_factors and self.draft.is_valid("factors")
            if name not in names and knows_names and self.draft.is_first(name):
                message = f"placeholder '{{{name}}}' has no value; {did_you_mean(name, names)}"
                self._command_fault(f"{message} (write '{{{{' for a literal brace)")

    def meant(self, factors: Iterable[str]) -> set[str]:
        """Return the factors and arguments that placeholders without a value most likely mean."""
        names = {*factors, *self._argument_names()}
        return {nearest(name, names) for name in self._placeholders() if name not in names}

    def refusal(self, name: str, level: Level) -> str:
        """Return why the benchmark does not accept a level for the argument ``name``; empty if it does."""
        choices = self.choices.get(name, (level.text,))
        if level.text not in choices:
            described = self._described_by(name, level.text) or did_you_mean(level.text, choices)
            return f"invalid value '{level.text}' for '{name}'; {described}"
        span = self.ranges.get(name)
        if span is None or span.contains(level):
            return ""
        meant = binary_size(level.text)
        is_near = meant is not None and span.contains(Level(meant, parse_size(meant)))
        hint = f"; did you mean '{meant}'?" if is_near else ""
        return f"invalid value '{level.text}' for '{name}'; expected {span}{hint}"

    def _described_by(self, name: str, word: str) -> str:
        """Return a hint if a word is no choice, but one in the description of choices, such as a system call."""
        whole = re.compile(rf"\b{re.escape(word)}\b")
        meanings = self._meanings().get(name, {}).items()
        return next(
            (f"did you mean '{each}' ({words})?" for each, words in meanings if whole.search(words)), ""
        )

    def _check_value(self, draft: Draft, name: str, node: Node) -> None:
        message = self.refusal(name, read_level(node))
        if message:
            draft.add_fault(node.position, message)

    def benchmark(self) -> Benchmark:
        """Return the benchmark and add the remaining faults."""
        metrics = self._metrics()
        codes = {0: Status.OK}
        for draft, section in self._layers():
            for code, node in draft.members(*section, "exit_codes"):
                codes[int(code)] = Status(str(node.content))
        program = Path(self.command[0]).name if self.command else ""
        default_name = self.role.name if self.role else program
        return Benchmark(
            name=self.draft.value("benchmark", "name", default=default_name),
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

    def _knows(self, key: str) -> bool:
        """Whether a part of the section is as the user means it: not of a wrong type, not misspelled."""
        section = self.draft.node.get("benchmark")
        if section is None or not isinstance(section.content, dict):
            return False
        node = section.get(key)
        if node is None:
            return not self._has_unknown_key()
        return self.draft.is_valid("benchmark", key) if key == "command" else isinstance(node.content, dict)

    def _has_unknown_section(self) -> bool:
        known = schemas.experiment()["properties"]
        return any(key not in known for key in self.draft.node.mapping())

    def _has_unknown_key(self) -> bool:
        known = schemas.experiment()["properties"]["benchmark"]["properties"]
        return any(key not in known for key in self.draft.node.mapping("benchmark"))

    def _argument_names(self) -> set[str]:
        return {
            name for draft, section in self._layers() for name in draft.node.mapping(*section, "arguments")
        }

    def _find_role(self, role_path: Sequence[Path]) -> None:
        draft = self.draft
        if draft.node.get("benchmark", "command"):
            position = draft.node.key_position("benchmark", "command")
            draft.add_fault(
                position, "'command' and 'role' are mutually exclusive; a role has its own command"
            )
        try:
            self.role = roles.find(draft.value("benchmark", "role"), role_path)
            file = self.role.folder / "benchmark.yaml"
            if not file.is_file():
                raise BadInput(f"role '{self.role.name}' is not a benchmark: no benchmark.yaml")
        except BadInput as error:
            draft.add_error(error, "benchmark", "role")
            return
        try:
            node = read_file(file)
            self.role_file = Draft(node, schemas.check(node, schemas.benchmark()))
        except BadInput as error:
            draft.faults.extend(fault for fault in error.faults if not isinstance(fault, str))
            return
        # From here on both drafts share one list of faults.
        # A fault, such as a misspelled key, may hide any of them.
        self.knows_parameters = self.knows_arguments = self.knows_metrics = not self.role_file.faults
        draft.faults.extend(self.role_file.faults)
        self.role_file.faults = draft.faults
        renames.apply(draft, {old: str(new.content) for old, new in self.role_file.members("renamed")})

    def _layers(self) -> list[tuple[Draft, tuple[str, ...]]]:
        """The drafts that describe the benchmark, each with its section; later ones override earlier ones."""
        role_layer: list[tuple[Draft, tuple[str, ...]]] = [(self.role_file, ())] if self.role_file else []
        return [*role_layer, (self.draft, ("benchmark",))]

    def _command(self) -> tuple[str, ...]:
        for draft, section in self._layers():
            words = [node.text for _, node in draft.items(*section, "command")]
            if words:
                return tuple(words)
        return ()

    def _command_fault(self, message: str) -> None:
        draft, section = self._layers()[0]
        draft.add_fault(draft.node.nearest_position(*section, "command"), message)

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
                *(node.text for _, node in self.role_file.items("choices", name)),
                *(value for value, _ in self.role_file.members("choices", name)),
            )
            for name, _ in self.role_file.members("choices")
        }

    def _meanings(self) -> dict[str, dict[str, str]]:
        """The descriptions of choices, by option; options without descriptions are left out."""
        if not self.role_file:
            return {}
        described = {
            name: {value: str(node.content) for value, node in self.role_file.members("choices", name)}
            for name, _ in self.role_file.members("choices")
        }
        return {name: meanings for name, meanings in described.items() if meanings}

    def _ranges(self) -> dict[str, Range]:
        if not self.role_file:
            return {}
        ranges = {name: Range.read(node.mapping()) for name, node in self.role_file.members("ranges")}
        for name, span in ranges.items():
            for key, bound in (("from", span.first), ("to", span.last)):
                if not _is_integer(bound.value):
                    position = self.role_file.node.nearest_position("ranges", name, key)
                    self.role_file.add_fault(position, f"'{bound.text}' is not an integer or a size")
        return {name: span for name, span in ranges.items() if span.is_sound}

    def _arguments(self) -> dict[str, Level]:
        return {
            name: read_level(node)
            for draft, section in self._layers()
            for name, node in draft.members(*section, "arguments")
        }

    def _metrics(self) -> dict[str, Metric]:
        metrics: dict[str, Metric] = {}
        for draft, section in self._layers():
            for name, _ in draft.members(*section, "metrics"):
                metric = read_metric(draft, name, *section, "metrics", name)
                if metric:
                    metrics[name] = metric
        for draft, section in self._layers():
            for name in draft.node.mapping(*section, "metrics"):
                check_pattern(draft, self.parameters, *section, "metrics", name, "regex")
                self._check_metric(draft, *section, "metrics", name, "models")
        if self.knows_metrics and not self.metric_names:
            position = self.draft.node.key_position("benchmark")
            self.draft.add_fault(
                position, "missing required key 'metrics': what to read from the output of the benchmark"
            )
        return metrics

    def _headline(self, metrics: dict[str, Metric]) -> str:
        headline = next(iter(metrics), "")
        for draft, section in self._layers():
            headline = draft.value(*section, "headline") or headline
            self._check_metric(draft, *section, "headline")
        return str(headline)

    def _breakdown(self, metrics: dict[str, Metric]) -> Breakdown | None:
        breakdown = None
        for draft, section in self._layers():
            path = (*section, "breakdown")
            content = draft.value(*path)
            if not content:
                continue
            self._check_metric(draft, *path, "total")
            for label, name in content["phases"].items():
                self._check_metric(draft, *path, "phases", label)
                units = {metrics[metric].unit for metric in (name, content["total"]) if metric in metrics}
                if len(units) > 1:
                    message = f"'{name}' and the total '{content['total']}' have different units"
                    draft.add_fault(draft.node.nearest_position(*path, "phases", label), message)
            for index, _ in draft.items(*path, "beside"):
                self._check_metric(draft, *path, "beside", index)
            breakdown = Breakdown(content["total"], content["phases"], tuple(content.get("beside", ())))
        return breakdown

    def _check_metric(self, draft: Draft, *path: str | int) -> None:
        """Add a fault if the value at ``path`` is not the name of a metric."""
        name = draft.value(*path)
        known = self.metric_names
        if name is not None and name not in known and self.knows_metrics and known:
            draft.add_fault(
                draft.node.nearest_position(*path), f"unknown metric '{name}'; {did_you_mean(name, known)}"
            )
