"""Make cells and trials: the command, the settings and the id of a combination of levels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from orchestrator.documents.expressions import Value
from orchestrator.documents.template import Template
from orchestrator.experiment.factors import HOST, KERNEL
from orchestrator.experiment.levels import setting_text
from orchestrator.experiment.model import Benchmark, Level, Setting
from orchestrator.experiment.settings import sysctl_path
from orchestrator.plan.model import Cell, Trial

_ID_DIGITS = 12
_ENCODER = msgspec.json.Encoder(order="sorted")


class CellMaker:
    """Makes the cells of a benchmark; ``kernel`` is the kernel of cells that do not sweep kernels."""

    def __init__(self, benchmark: Benchmark, kernel: str) -> None:
        self._benchmark = benchmark.name
        self._kernel = kernel
        self._words = [Template(word) for word in benchmark.command]
        self._options = [(name, f"--{name.replace('_', '-')}=") for name in benchmark.options]
        self._fixed = {name: level.text for name, level in benchmark.arguments.items()}

    def kernel(self, levels: Mapping[str, Level]) -> str:
        """Return the name of the kernel for these levels."""
        return levels[KERNEL].text if KERNEL in levels else self._kernel

    def cell(self, levels: Mapping[str, Level]) -> Cell:
        """Return the cell with these levels."""
        kernel = self.kernel(levels)
        swept = {name: level.text for name, level in levels.items()}
        texts = {KERNEL: kernel, **self._fixed, **swept}
        words = [word.fill(texts) for word in self._words]
        options = [option + texts[name] for name, option in self._options if name in texts]
        argv = (*words, *options)
        settings = tuple(_settings(levels))
        id = _digest(
            {
                "benchmark": self._benchmark,
                "kernel": kernel,
                "argv": argv,
                "levels": swept,
                "settings": {setting.path: setting.value for setting in settings},
            }
        )
        return Cell(id, kernel, levels, argv, settings)


def on_host(cell: Cell, host: str) -> Cell:
    """Return the cell for one host; the host becomes a level of the cell."""
    id = _digest({"cell": cell.id, "host": host})
    return replace(cell, id=id, levels={HOST: Level(host, host), **cell.levels})


def trial(cell: Cell, repetition: int) -> Trial:
    """Return the trial for one repetition (from 0) of a cell."""
    return Trial(_digest({"cell": cell.id, "repetition": repetition}), cell, repetition)


def expression_values(benchmark: Benchmark, cell: Cell) -> dict[str, Value]:
    """Return the values of a cell for expressions: its levels, its kernel and the benchmark's arguments."""
    values = {name: level.value for name, level in (*benchmark.arguments.items(), *cell.levels.items())}
    return {KERNEL: cell.kernel, **values}


def _settings(levels: Mapping[str, Level]) -> Iterator[Setting]:
    for name, level in levels.items():
        kind, dot, rest = name.partition(".")
        if dot:
            path = sysctl_path(rest) if kind == "sysctl" else rest
            yield Setting(path, setting_text(level, path))


def _digest(content: Mapping[str, object]) -> str:
    """Hash ``content`` as JSON in ASCII. Keys are sorted, so the order of factors in a file does not matter."""
    text = _ENCODER.encode(content)
    if not text.isascii() or b"\x7f" in text:  # which msgspec does not escape
        text = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest()[:_ID_DIGITS]
