"""A host for dry runs of machines that boot kernels: it prints each command, and ``boot.sh state`` has an answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from orchestrator.experiment.model import Kernel
from orchestrator.hosts.command import Command, Completed
from orchestrator.hosts.machine.boot import command as boot_command
from orchestrator.hosts.printing import PrintingHost
from orchestrator.kernels.obtain import KernelFiles
from orchestrator.kernels.verification import Identity

_STATE = boot_command("state").argv


class BootingHost(PrintingHost):
    """A printing host whose state follows the printed calls of ``boot.sh``: the next boot is the selected one."""

    def __init__(self, name: str, print_line: Callable[[str], None]) -> None:
        super().__init__(name, print_line)
        self._boots = 0
        self._running = self._installed = self._next = ""

    def run(self, command: Command) -> Completed:
        """See :meth:`PrintingHost.run`; ``boot.sh state`` returns the current boot."""
        completed = super().run(command)
        if command.argv[: len(_STATE) - 1] != _STATE[:-1]:
            return completed
        match command.argv[len(_STATE) - 1 :]:
            case ("state",):
                lines = (f"boot={self._boots}", f"tag={self._running}", "obstacle=", "has_blocks=no")
                return replace(completed, stdout="\n".join(lines))
            case ("install", _, tag, *_):
                self._installed = tag
            case ("once",):
                self._next = self._installed
            case ("reboot",):
                self._boots += 1
                self._running, self._next = self._next, ""
        return completed


def placeholder_files(kernel: Kernel) -> KernelFiles:
    """Return files that stand for those of a kernel, which a dry run neither builds nor fetches."""
    identity = Identity(command_line=kernel.command_line, kernel_hash=kernel.name)
    return KernelFiles(f"RELEASE-{kernel.name}", Path("/nonexistent/vmlinuz"), None, identity)
