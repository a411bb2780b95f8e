"""The experiment."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from orchestrator.documents.expressions import Expression
from orchestrator.experiment.model.benchmark import Benchmark, Role
from orchestrator.experiment.model.comparison import Comparison
from orchestrator.experiment.model.hosts import Hosts, Noise, Tuning
from orchestrator.experiment.model.kernel import Kernel
from orchestrator.experiment.model.sweep import Sweep
from orchestrator.experiment.model.trials import Limits, Order, Repetitions


class Experiment(Struct, frozen=True):
    """The content of an experiment file.

    :ivar content_hash: SHA-256 (hex) of the content after overrides and defaults. Comments, layout and the files of
        roles do not change it.
    :ivar noise: None: noise is recorded but not checked.
    """

    name: str
    description: str
    file: Path
    content_hash: str
    hosts: Hosts
    kernels: tuple[Kernel, ...]
    roles: tuple[Role, ...]
    tuning: Tuning
    benchmark: Benchmark
    sweep: Sweep
    repetitions: Repetitions
    order: Order
    limits: Limits
    allow_unsupported: tuple[Expression, ...]
    noise: Noise | None
    compare: Comparison | None = None
