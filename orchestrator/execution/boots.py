"""The record of a boot."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from orchestrator.environments import clock_of
from orchestrator.execution.outcome import TrialContext
from orchestrator.execution.run import Run
from orchestrator.hosts.facts import Facts
from orchestrator.kernels.verification import Identity, Verification
from orchestrator.plan.model import Block
from orchestrator.results.records import BlockRecord
from orchestrator.timestamps import utc_now


def record_boot(
    run: Run,
    block: Block,
    context: TrialContext,
    facts: Facts,
    settings: Mapping[str, str],
    identity: Identity,
    verification: Verification,
    hypervisor: Mapping[str, str] = MappingProxyType({}),
    *,
    boots_kernels: bool,
) -> None:
    """Write the record of a boot, and keep what its kernel is unless it is another one than ``identity``.

    :param settings: as read back, path to value.
    :param boots_kernels: whether the run boots kernels; else all its hosts should run the same one.
    """
    record = BlockRecord(
        block=block.index,
        kernel=block.kernel,
        host=context.host,
        boot=context.boot,
        environment=context.environment,
        clock=clock_of(context.environment),
        facts=facts.document,
        settings=settings,
        time=utc_now(),
        kernel_hash=context.kernel_hash,
        proof=tuple(verification.document),
        hypervisor=hypervisor,
    )
    if not verification.mismatches:
        run.record_kernel(
            block.kernel,
            {
                "release": facts.release,
                "version": facts.version,
                "build_id": facts.build_id,
                "hash": context.kernel_hash,
                "config_hash": facts.config_hash,
                "patches": list(identity.patches),
                "recipe": identity.recipe,
                "source": identity.source,
                "config": identity.config,
                "compiler": identity.compiler,
                "package": dict(identity.package),
            },
        )
    if not run.provider.is_fleet:  # a fleet decides itself which hosts take part
        run.similar_hosts.compare(record.host, record.facts, record.environment, kernel=not boots_kernels)
    run.begin_boot(record)
