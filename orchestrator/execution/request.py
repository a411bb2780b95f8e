"""What to run, and which run that resumes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from orchestrator.errors import BadInput
from orchestrator.hosts.provider import Provider
from orchestrator.kernels.obtain import identity_of
from orchestrator.plan import Plan
from orchestrator.results import manifest, runs
from orchestrator.results.lock import RunLock


class RunRequest(Struct, frozen=True):
    """What to run, and where its results go.

    :ivar results: folder of all runs; ``cache``: folder for what is built and fetched.
    :ivar overrides: texts of ``--set``; ``command_line``: of the controller. Both go into the manifest.
    :ivar resume: id of the run to resume; ``latest``: the newest unfinished one of this experiment; empty: that one if
        there is one, else a new run.
    :ivar new: begin a new run even if there is one to resume.
    :ivar break_locks: take hosts that other runs hold.
    :ivar defaults: options that were not on the command line, each with ``value`` and ``source``, for the manifest.
    """

    plan: Plan
    provider: Provider
    results: Path
    cache: Path
    overrides: Sequence[str] = ()
    command_line: Sequence[str] = ()
    resume: str = ""
    new: bool = False
    break_locks: bool = False
    defaults: Mapping[str, Mapping[str, str]] = MappingProxyType({})


def scope_of(plan: Plan, provider: Provider) -> str:
    """Return the hash of all that two commands must agree on to mean the same run (SHA-256, hex)."""
    experiment = plan.experiment
    roles = {role.name: manifest.hash_role(role) for role in experiment.roles}
    kernels = {
        kernel.name: identity_of(provider.kernel(kernel)).kernel_hash
        for kernel in experiment.kernels
        if kernel.recipe is not None
    }
    more = [part for part in (kernels, plan.hosts) if part]
    parts = (experiment.content_hash, plan.selection, provider.scope, roles, *more)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def run_to_resume(request: RunRequest, scope: str) -> runs.RunFolder | None:
    """Return the run to resume, if any; only a run of the same scope is resumed."""
    name, results, resume = request.plan.experiment.name, request.results, request.resume
    if request.new:
        return None
    if resume and resume != runs.LATEST:
        named = runs.find(results, resume)
        if named.path.parent.name != name:
            raise BadInput(
                f"run {named.id} belongs to experiment {named.path.parent.name!r}, not to {name!r}"
            )
        if runs.scope_of(named) != scope:
            raise BadInput(
                f"cannot resume run {named.id} with this command: the experiment, --where, --first, the hosts, a "
                "kernel or a role has changed since it started; restore them, or start a new run with --new"
            )
        return named
    unfinished = runs.unfinished(results, name, scope)
    if unfinished is None and resume:
        raise BadInput(
            f"no unfinished run of this experiment (name {name!r}, same options) to resume; "
            "omit --resume to start one"
        )
    return unfinished


def check_results(request: RunRequest) -> runs.RunFolder | None:
    """Return the run to resume, if any. Raises what the start of the run would raise; leaves no directory."""
    found = run_to_resume(request, scope_of(request.plan, request.provider))
    if found is None:
        runs.check_writable(request.results, request.plan.experiment.name)
    else:
        RunLock(found.path).close()
    return found
