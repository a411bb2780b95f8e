"""The nodes that jobs run on: their facts, the kernels there, and the record of both."""

from __future__ import annotations

from orchestrator.execution import outcome
from orchestrator.execution.boots import record_boot
from orchestrator.execution.outcome import TrialContext
from orchestrator.execution.run import Run
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.batch import BatchSystem
from orchestrator.hosts.facts_model import Facts
from orchestrator.hosts.remote.settings import parse_changes
from orchestrator.kernels.verification import Identity, Verification, verify
from orchestrator.plan.model import Block

GUEST = "guest."
"""Prefix of the lines in ``place`` that a job writes about the guest it has booted, and the node of that."""


class JobNodes:
    """The nodes of a run and the kernels that they run.

    :param node: where the run was prepared, and its ``facts``.
    :param node_key: the key of the node's name in ``place``, see :class:`~orchestrator.hosts.batch.BatchSession`.
    :param system: if it boots kernels, no two kernels share a boot.
    """

    def __init__(self, run: Run, node: str, facts: Facts, node_key: str, system: BatchSystem) -> None:
        self._run = run
        self._node = node
        self._node_key = node_key
        self._facts = facts
        self._system = system
        self._boots_kernels = system.boots_kernels
        self._kernels = {kernel.name: kernel for kernel in run.experiment.kernels}
        self._kernel_of_boot: dict[tuple[str, str], str] = {}

    def begin(self, block: Block, place: str, settings: str) -> TrialContext | None:
        """Record where a block runs; None if another kernel runs there: its trials are then recorded as such.

        :param place: what the job wrote at its start; ``settings``: the output of ``runner settings`` there.
        """
        values = dict(line.partition("=")[::2] for line in place.splitlines())
        facts = host_facts.parse(place)
        node = values.get(self._node_key, self._node)
        identity = self._system.identity(self._kernels[block.kernel])
        guest = {key.removeprefix(GUEST): value for key, value in values.items() if key.startswith(GUEST)}
        guest.pop("clock", None)  # the environment tells it
        context = self._context(block, node, facts, identity, guest.pop("environment", ""))
        verification = self._verify(block, node, facts, identity)
        found = {change.path: change.actual for change in parse_changes(settings)}
        record_boot(
            self._run,
            block,
            context,
            facts,
            found,
            identity,
            verification,
            guest,
            boots_kernels=self._boots_kernels,
        )
        if verification.mismatches:
            self._record_wrong_kernel(block, context, verification.mismatches)
            return None
        return context

    def check_running_kernel(self, block: Block) -> None:
        """Record the trials of a block as not run if the node runs another kernel, for the case that jobs boot none."""
        identity = self._system.identity(self._kernels[block.kernel])
        fault = verify(identity, self._facts).mismatches
        if fault:
            self._record_wrong_kernel(block, self._context(block, self._node, self._facts, identity), fault)

    def _context(
        self, block: Block, node: str, facts: Facts, identity: Identity, environment: str = ""
    ) -> TrialContext:
        environment = environment or str(host_facts.environment(facts))
        return TrialContext(block.index, node, facts.boot_id, environment, identity.kernel_hash)

    def _verify(self, block: Block, node: str, facts: Facts, identity: Identity) -> Verification:
        """Compare the kernel with the expected one, and the boot with those of other kernels."""
        others = frozenset(
            boot
            for (other, boot), kernel in self._kernel_of_boot.items()
            if self._boots_kernels and other == node and kernel != block.kernel
        )
        verification = verify(identity, facts, others)
        if not verification.mismatches:
            self._kernel_of_boot[node, facts.boot_id] = block.kernel
        return verification

    def _record_wrong_kernel(self, block: Block, context: TrialContext, fault: str) -> None:
        self._run.observer.note(f"{context.host}: not running kernel {block.kernel!r}: {fault}")
        for trial in self._run.pending(block):
            self._run.record(outcome.wrong_kernel(trial, context, fault))
