"""What an experiment may do on its hosts."""

from __future__ import annotations

from orchestrator.experiment.model import Experiment
from orchestrator.provision.loading import changes_host, load


def needs_root(experiment: Experiment) -> bool:
    """Whether the experiment changes the state of its hosts."""
    swept = (factor.name for axis in experiment.sweep.axes for factor in axis.factors)
    settings = experiment.tuning.settings or any(name.startswith(("sysctl.", "sysfs.")) for name in swept)
    return bool(settings) or any(changes_host(load(role)) for role in experiment.roles)
