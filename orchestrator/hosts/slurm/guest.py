"""A run whose jobs boot a guest on their node: kernels, settings and NUMA nodes are those of the guest.

The scripts ``guest.sh``, ``guest_prepare.sh`` and ``guest_job.sh`` run on the node. In the guest runs the
same ``job.sh`` as on a node without one.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

from msgspec.structs import replace

from orchestrator.environments import Environment
from orchestrator.errors import HostError, HostLost
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Host
from orchestrator.hosts.batch import ALL_CODES, JobArray
from orchestrator.hosts.command import Command
from orchestrator.hosts.facts_model import Facts
from orchestrator.hosts.guest import shape
from orchestrator.hosts.guest.acceleration import PROBE_MESSAGE
from orchestrator.hosts.guest.command_line import DEFAULT_HZ, Start, qemu_argv
from orchestrator.hosts.guest.initramfs import base_archive, keys_archive, probe_archive
from orchestrator.hosts.guest.keys import make_keys
from orchestrator.hosts.guest.layout import Layout
from orchestrator.hosts.guest.platforms import platform_of
from orchestrator.hosts.machine.printing import placeholder_files
from orchestrator.hosts.remote.folder import Scripts
from orchestrator.hosts.slurm.node import SlurmNode
from orchestrator.hosts.slurm.options import SlurmOptions
from orchestrator.hosts.slurm.session import SlurmSession
from orchestrator.hosts.slurm.storage import SharedStorage, job_words
from orchestrator.kernels.obtain import KernelFiles, obtain

LABEL = "guest in a Slurm job"
KEEP_LIMIT_S = 600.0

SSH_LOST = 255
"""Exit code of ssh where the guest cannot be reached."""

PORT = "@PORT@"
"""Stands in command lines for the port that a job chooses."""

HOLD = (
    '[ -r "$1/bin/guest_prepare.sh" ] || { echo "@failed $SLURMD_NODENAME: $1: No such file or directory; '
    'set hosts.slurm.directory to a directory that the nodes and the login node share"; exit 1; }; '
    'exec sh "$1/bin/guest_prepare.sh" hold "$1" "$2"'
)


class GuestOnNode(SlurmNode):
    """The guest on the node of a running job.

    :param folder: the run's directory.
    """

    def __init__(self, name: str, login: Host, job: str, folder: str) -> None:
        super().__init__(name, login, job)
        self._script = f"{folder}/bin/guest_prepare.sh"
        self._folder = folder

    def keep(self) -> None:
        """Copy what was built in the guest to the run's directory; ``HostError`` if that fails."""
        line = shlex.join(("sh", self._script, "keep", self._folder))
        step = Command(super()._step(line, None), time_limit=KEEP_LIMIT_S, accept=ALL_CODES)
        if self._login.run(step).exit_code:
            raise HostError(f"{self.name}: cannot copy files from the guest to {self._folder}")

    def _step(self, line: str, stdin: bytes | None) -> tuple[str, ...]:
        return super()._step(shlex.join(("sh", self._script, "run", self._folder, line)), stdin)

    def _execute(
        self, line: str, stdin: bytes | None, time_limit: float, most: int
    ) -> tuple[int, bytes, bytes]:
        code, out, errors = super()._execute(line, stdin, time_limit, most)
        if code == SSH_LOST:
            raise HostLost(f"{self.name}: cannot connect to the guest: {errors.decode().strip()}")
        return code, out, errors


class GuestStorage(SharedStorage):
    """Jobs boot a guest, and what was built in the guest of the preparation is copied."""

    def batch_script(self, array: JobArray) -> tuple[str, ...]:
        """See :meth:`SlurmStorage.batch_script`."""
        *before, _ = super().batch_script(array)[: -len(job_words(self.folder, array))]
        return (
            *before,
            f"{self.folder}/bin/guest_job.sh",
            *job_words(self.folder, array),
            array.kernel,
        )

    def keep(self, node: Host) -> None:
        """See :meth:`Storage.keep`."""
        if isinstance(node, GuestOnNode):
            node.keep()


class GuestSession(SlurmSession):
    """See :class:`SlurmSession`.

    :param boot_limit: seconds until the SSH server of a guest must answer.
    """

    scripts = Scripts(
        {
            **SlurmSession.scripts.files,
            **{
                name: (files(__package__) / name).read_bytes()
                for name in ("guest.sh", "guest_prepare.sh", "guest_job.sh")
            },
        }
    )
    journal_survives_node: ClassVar[bool] = False

    def __init__(
        self, connect: Callable[[], Host], options: SlurmOptions, run: str, layout: Layout, boot_limit: float
    ) -> None:
        super().__init__(connect, options, run)
        self.storage = GuestStorage(self.folder)
        self._layout = layout
        self._platform = platform_of(layout.architecture)
        self._boot_limit = boot_limit

    def send_kernels(self, kernels: Sequence[Kernel]) -> None:
        """Copy what jobs boot guests with; see :meth:`BatchSession.send_kernels`."""
        content = dict(self._descriptions())
        if not self.login.executes:
            for kernel in kernels:
                content.update(self._command_lines(kernel.name, placeholder_files(kernel)))
                for name in ("image", "initramfs"):
                    self.login.put(
                        Path("/nonexistent"), f"{self.folder}/guest/kernels/{kernel.name}/{name}", 0o600
                    )
            self.upload(content)
            return
        with tempfile.TemporaryDirectory() as folder:
            keys, client = make_keys(Path(folder), 0)
            content["guest/identity"] = client.identity.read_bytes()
            host_key = client.known_hosts.read_text().partition(" ")[2]
            content["guest/known_hosts"] = f"guest {host_key}".encode()
        content["guest/probe"] = probe_archive(PROBE_MESSAGE)
        for kernel in kernels:
            found = obtain(replace(kernel, architecture=self._layout.arch))
            programs = base_archive(found, self._layout.programs, self._layout.architecture)
            archive = programs + keys_archive(keys)
            content.update(self._command_lines(kernel.name, found))
            content[f"guest/kernels/{kernel.name}/image"] = found.image.read_bytes()
            content[f"guest/kernels/{kernel.name}/initramfs"] = archive
        self.upload(content)

    def differences(self, facts: Facts) -> list[str]:
        """See :meth:`BatchSession.differences`."""
        return shape.differences(self._layout, facts)

    def _environments(self) -> Mapping[str, Environment]:
        """Return the environment of guests under each accelerator that the layout allows."""
        layout, allowed = self._layout, {}
        if layout.acceleration != "tcg" and layout.clock != "instructions":
            allowed["kvm"] = Environment.VM_KVM
        if layout.acceleration != "kvm":
            allowed["tcg"] = Environment.VM_TCG if layout.clock == "wall" else Environment.VM_ICOUNT
        return allowed

    def _descriptions(self) -> Iterator[tuple[str, bytes]]:
        yield "guest/qemu", f"{self._platform.qemu}\n".encode()
        yield "guest/limit", f"{self._boot_limit:.0f}\n".encode()
        yield "guest/memory", f"{self._layout.memory // 1024**2}\n".encode()
        for accelerator, environment in self._environments().items():
            clock = "instructions" if environment is Environment.VM_ICOUNT else "wall"
            text = f"guest.label={LABEL}\nguest.environment={environment}\nguest.clock={clock}\n"
            yield f"guest/{accelerator}", text.encode()

    def _command_lines(self, name: str, kernel: KernelFiles) -> Iterator[tuple[str, bytes]]:
        """Yield a command line for each accelerator; its files are in the directory where it is executed."""
        for accelerator, environment in self._environments().items():
            start = Start(
                layout=self._layout,
                environment=environment,
                image=Path("image"),
                initramfs=Path("initramfs"),
                console=Path("console"),
                ssh_port=PORT,
                kernel_parameters=kernel.identity.command_line,
                hz=kernel.ticks or DEFAULT_HZ,
            )
            is_icount = environment is Environment.VM_ICOUNT
            monitor = ("-monitor", "pipe:monitor") if is_icount else ()
            line = shlex.join((*qemu_argv(Path(self._platform.qemu), start), *monitor))
            yield f"guest/kernels/{name}/{accelerator}", f"{line}\n".encode()

    def _hold(self, kernel: str) -> tuple[str, ...]:
        return ("sh", "-c", HOLD, "sh", self.folder, kernel)

    def _node(self, name: str, job: str) -> SlurmNode:
        return GuestOnNode(name, self.login, job, self.folder)
