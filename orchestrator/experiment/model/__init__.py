"""The experiment as plain data, as the loader returns it."""

from orchestrator.experiment.model.benchmark import Benchmark, Breakdown, Metric, Role, Status
from orchestrator.experiment.model.comparison import Comparison, Published, PublishedFigure
from orchestrator.experiment.model.experiment import Experiment
from orchestrator.experiment.model.hosts import Hosts, KernelMessages, Needs, Noise, Setting, Tuning
from orchestrator.experiment.model.kernel import Kernel, KernelSource, PatchSource, Recipe, Suite
from orchestrator.experiment.model.sweep import Axis, Derived, Factor, Level, Sweep
from orchestrator.experiment.model.trials import Limits, Order, Repetitions, Until

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
    "Suite",
    "Sweep",
    "Tuning",
    "Until",
]
