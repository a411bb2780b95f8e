"""Which roles can be applied where blocks run as jobs: those that build, copy into our directory, change settings."""

from __future__ import annotations

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Experiment
from orchestrator.provision.loading import load
from orchestrator.provision.modules.tuning import TuningModule
from orchestrator.provision.tasks import LoadedRole, Task


def check_roles(experiment: Experiment) -> None:
    """Raise ``BadInput`` that names each task that changes what a job must not: packages, services, kernels."""
    faults = [
        f"{task.position.file}:{task.position.line}: role {loaded.role.name}: {task.title.text!r} changes the node, "
        "which belongs to the cluster; remove the task, and ask the administrators of the cluster for the change"
        for loaded in map(load, experiment.roles)
        for task in _selected(loaded)
        if not isinstance(task.module, TuningModule)
        and (task.become or task.module.changes_host(task.arguments))
    ]
    if faults:
        raise BadInput(*faults)


def _selected(loaded: LoadedRole) -> list[Task]:
    tags = frozenset(loaded.role.tags)
    return [task for task in loaded.tasks if task.is_selected(tags, frozenset())] + list(loaded.handlers)
