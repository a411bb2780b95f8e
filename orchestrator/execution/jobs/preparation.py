"""What is done once for a run, on one node that a short job holds: ask it, build the benchmark, find the programs.

The result is kept beside the blocks, so that a resumed run skips it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, to_builtins

from orchestrator.activities import doing
from orchestrator.errors import HostError
from orchestrator.execution import needs
from orchestrator.execution.rights import needs_root
from orchestrator.execution.run import Run
from orchestrator.execution.visit import Visit
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host
from orchestrator.hosts.batch import BatchSession, BatchSystem
from orchestrator.hosts.remote.folder import SCRIPTS

FILE = "prepared.json"
HOLD_LIMIT_S = 3600.0


class Prepared(Struct, frozen=True):
    """The prepared run.

    :ivar node: where it was prepared; ``facts``: the output of ``facts.sh`` there.
    :ivar artifacts: SHA-256 (hex) of what was built, by name; ``programs``: see :meth:`Visit.find_programs`.
    :ivar settings: what roles have set: path to value.
    :ivar shared: whether the nodes share the run's directory.
    """

    node: str
    facts: str
    artifacts: Mapping[str, str]
    programs: Mapping[str, dict[str, str]]
    settings: Mapping[str, str]
    shared: bool = True


def prepare(run: Run, system: BatchSystem, session: BatchSession) -> Prepared:
    """Prepare a run, unless that was done before. ``HostError`` for what keeps its blocks from running."""
    text = session.read(FILE)
    if text:
        prepared = Prepared(**json.loads(text))
        session.resume_storage(prepared.shared)
    else:
        scripts = {**SCRIPTS.files, **session.scripts.files}
        files = {f"bin/{name}": content for name, content in scripts.items()}
        session.upload(files)
        blocks = [block.kernel for block in run.plan.blocks()]
        session.send_kernels([kernel for kernel in run.experiment.kernels if kernel.name in blocks])
        run.observer.note("waiting for a node to prepare the run on")
        minutes = round((system.time_limit or HOLD_LIMIT_S) / 60)
        with (
            doing("", "waiting for a node to prepare the run on") as activity,
            session.hold_node(
                max(2, minutes), blocks[0], lambda: bool(run.stop.level), run.observer.note
            ) as host,
        ):
            activity.change(f"preparing on {host.name}")
            run.observer.note(f"preparing on {host.name}")
            session.open_storage(host, files)
            if not session.storage.shared:
                run.observer.note(
                    f"{host.name} does not share {session.folder}; jobs carry their files and use "
                    f"{session.storage.folder} on their nodes"
                )
            prepared = _prepare_on(run, session, host)
        document: dict[str, Any] = to_builtins(prepared)
        session.login.put(json.dumps(document).encode(), f"{session.folder}/{FILE}")
    run.record_artifacts(prepared.artifacts)
    run.record_programs(prepared.programs)
    return prepared


def _prepare_on(run: Run, session: BatchSession, host: Host) -> Prepared:
    experiment = run.experiment
    printed = host_facts.ask(host)
    facts = host_facts.parse(printed)
    if host.executes:
        needs.require(host.name, experiment, run.provider, facts, session.differences(facts))
    if host.executes and needs_root(experiment) and not host.is_root:
        raise HostError(
            f"{host.name}: changing settings requires root, and jobs run here as user {facts.user_id}; "
            "leave tuning, sysctl.… and sysfs.… out of the experiment, submit as root, or run in guests "
            "(hosts.slurm.guest: true)"
        )
    visit = Visit(host, experiment, "prepare", base=session.storage.folder)
    run.record_runner(visit.install())
    artifacts: dict[str, str] = {}
    settings: dict[str, str] = {}
    for task in visit.provision(run.cache, facts.document):
        artifacts.update(task.result.get("artifacts", {}))
        settings.update(task.result.get("settings", {}))
    programs = visit.find_programs(run.plan.programs)
    visit.tune()  # to find settings that fail, and CPUs that are missing, before any block is submitted
    visit.check_placement()
    visit.restore()
    session.storage.keep(host)
    return Prepared(host.name, printed, artifacts, programs, settings, session.storage.shared)
