"""``qemu``: a NUMA guest on this machine, started again for each block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.environments import Environment
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Kernel, Needs
from orchestrator.hosts.base import Machine
from orchestrator.hosts.guest.layout import OPTIONS_SCHEMA, Layout, parse_layout
from orchestrator.hosts.guest.several import Names, most_guests
from orchestrator.hosts.provider import Provider, ProviderRequest


class QemuProvider(Provider):
    """Runs trials in a NUMA guest with the layout of the experiment file."""

    name = "qemu"
    options_schema: ClassVar[Mapping[str, Any]] = OPTIONS_SCHEMA
    boots_kernels = True
    creates_hosts = True
    boot_estimate = 13.0

    def __init__(self, request: ProviderRequest) -> None:
        self.location = self.name
        self._layout = parse_layout(request.options)
        self._parallel = request.options.get("parallel", "auto")
        self._names = Names()
        self._boot_limit = request.boot_limit
        check_needs(self._layout, request.needs)

    def shown(self, host: str = "") -> str:
        """See :meth:`Provider.shown`."""
        arch = f"{self._layout.arch} " if self._layout.arch else ""
        return f"a{'n' if arch.startswith('a') else ''} {arch}guest on this machine"

    def kernel(self, kernel: Kernel) -> Kernel:
        """See :meth:`Provider.kernel`."""
        return self._layout.kernel(kernel)

    @contextmanager
    def machine(self, log_folder: Path) -> Iterator[Machine]:
        """See :meth:`Provider.machine`; the guest starts with :meth:`Machine.boot`."""
        from orchestrator.hosts.guest.machine import QemuMachine

        with self._names.take() as name:
            machine = QemuMachine(name, self._layout, self._environment, log_folder, self._boot_limit)
            try:
                yield machine
            finally:
                machine.close()

    @property
    def at_once(self) -> int:
        """See :attr:`Provider.at_once`. Times of guests that share CPUs are longer; numbers of instructions are not."""
        return self._at_once(self._environment)

    @property
    def expected_at_once(self) -> int:
        """See :attr:`Provider.expected_at_once`."""
        return self._at_once(self.expected_environment)

    @cached_property
    def expected_environment(self) -> Environment:
        """See :attr:`Provider.expected_environment`."""
        from orchestrator.hosts.guest.acceleration import expected_environment

        return expected_environment(self._layout)

    def _at_once(self, environment: Environment) -> int:
        if self._parallel != "auto":
            return int(self._parallel)
        return most_guests(self._layout.memory) if environment is Environment.VM_ICOUNT else 1

    @cached_property
    def _environment(self) -> Environment:
        from orchestrator.hosts.guest.acceleration import choose_environment

        return choose_environment(self._layout)


def check_needs(layout: Layout, needs: Needs) -> None:
    """Compare the layout with the needs; ``BadInput`` where it does not meet them."""
    messages = []
    with_memory = sum(node.memory > 0 for node in layout.nodes)
    if with_memory < needs.numa_nodes:
        kind = "nodes" if with_memory == len(layout.nodes) else "nodes with memory"
        messages.append(
            f"hosts.qemu.nodes: {with_memory} {kind}, but hosts.needs.numa_nodes is {needs.numa_nodes}"
        )
    for number in needs.nodes:
        if number >= len(layout.nodes) or not layout.nodes[number].memory:
            messages.append(
                f"hosts.qemu.nodes: no node {number} with memory, but the file uses node {number}"
            )
    for index, node in enumerate(layout.nodes):
        if 0 < node.memory < needs.memory_per_node:
            messages.append(
                f"hosts.qemu.nodes[{index}].memory: {node.memory} bytes, "
                f"but hosts.needs.memory_per_node is {needs.memory_per_node}"
            )
    if messages:
        raise BadInput(*messages)
