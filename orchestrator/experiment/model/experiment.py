"""One file as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.documents.expressions import Expression
from orchestrator.experiment.model.benchmark import Benchmark, Role
from orchestrator.experiment.model.comparison import Comparison
from orchestrator.experiment.model.hosts import Hosts, Noise, Tuning
from orchestrator.experiment.model.kernel import Kernel
from orchestrator.experiment.model.sweep import Sweep
from orchestrator.experiment.model.trials import Limits, Order, Repetitions


@dataclass(frozen=True, slots=True)
class Experiment:
    """One YAML file.

    ``content_hash`` is the SHA-256 (hex) of what the file says, after overrides and defaults, not of its bytes:
    comments and layout do not change it, the role's files do not enter it.
    ``noise`` is None where it is not looked at.
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
