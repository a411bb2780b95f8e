"""The experiment as plain data: what the loader makes of a file, and all that the rest of the house knows of it."""

from orchestrator.spec.model.benchmark import Benchmark, Breakdown, Metric, Role, Status
from orchestrator.spec.model.comparison import Comparison, Published, PublishedFigure
from orchestrator.spec.model.experiment import Experiment
from orchestrator.spec.model.hosts import Hosts, KernelMessages, Needs, Noise, Setting, Tuning
from orchestrator.spec.model.kernel import Kernel, KernelSource, PatchSource, Recipe
from orchestrator.spec.model.sweep import Axis, Derived, Factor, Level, Sweep
from orchestrator.spec.model.trials import Limits, Order, Repetitions, Until

__all__ = [
    "Axis",
    "Benchmark",
    "Breakdown",
    "Comparison",
    "Derived",
    "Experiment",
    "Factor",
    "Hosts",
    "Kernel",
    "KernelMessages",
    "KernelSource",
    "Level",
    "Limits",
    "Metric",
    "Needs",
    "Noise",
    "Order",
    "PatchSource",
    "Published",
    "PublishedFigure",
    "Recipe",
    "Repetitions",
    "Role",
    "Setting",
    "Status",
    "Sweep",
    "Tuning",
    "Until",
]
