"""Count the instructions of a system call of the benchmark, by kernel function, for each kernel of an experiment.

Runs one trial of one cell for each kernel, in a guest on the instruction clock, with the TCG plugin beside this file.
Prints JSON for table.py. The instructions of a function are its own, without those of functions that it calls. What the
compiler inlined belongs to the caller.
"""

from __future__ import annotations

import argparse
import bisect
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.environments import Environment
from orchestrator.errors import OrchestratorError
from orchestrator.experiment.model import Experiment, Kernel
from orchestrator.hosts.command import Command
from orchestrator.hosts.guest.guest import Boot, Guest, Logs, start_guest
from orchestrator.hosts.guest.layout import parse_layout
from orchestrator.hosts.ssh import SshAddress
from orchestrator.kernels.obtain import obtain
from orchestrator.provision.experiments import load_experiment

PLUGIN = Path(__file__).with_name("plugin.c")
GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Symbols:
    """The functions of a kernel in the order of their addresses."""

    addresses: Sequence[int]
    names: Sequence[str]

    @classmethod
    def of(cls, kallsyms: str) -> Symbols:
        """Read the content of ``/proc/kallsyms``."""
        lines = (line.split() for line in kallsyms.splitlines())
        functions = {int(address, 16): name for address, kind, name, *_ in lines if kind in "tTwW"}
        addresses = sorted(functions)
        return cls(addresses, [functions[address] for address in addresses])

    def at(self, address: int) -> str:
        """Return the function at an address."""
        return self.names[max(0, bisect.bisect_right(self.addresses, address) - 1)]


def main() -> None:
    """Print the counts of each kernel."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", type=Path)
    parser.add_argument(
        "--where", action="append", default=[], help="select one cell, as in `orchestrate run`"
    )
    parser.add_argument("--call", default="move_pages", help="the system call (default: %(default)s)")
    options = parser.parse_args()
    try:
        counts = _count_each(options)
    except OrchestratorError as error:
        sys.exit(str(error))
    print(json.dumps(counts, indent=1))


def _count_each(options: argparse.Namespace) -> dict[str, Any]:
    experiment = load_experiment(options.experiment)
    with tempfile.TemporaryDirectory(prefix="count-instructions-") as folder:
        return {
            kernel.name: _count(experiment, kernel, options.where, options.call, Path(folder) / str(number))
            for number, kernel in enumerate(experiment.kernels)
        }


def _count(
    experiment: Experiment, kernel: Kernel, where: Sequence[str], call: str, folder: Path
) -> dict[str, Any]:
    folder.mkdir()
    stays, plugin = folder / "stays", folder / "plugin.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", str(PLUGIN), "-o", str(plugin)], check=True)
    guest = start_guest(
        Boot(
            GUEST,
            parse_layout(experiment.hosts.sections["qemu"]),
            Environment.VM_ICOUNT,
            obtain(kernel),
            Logs(folder / "console.log", folder / "qemu.log"),
            experiment.limits.boot,
            ("-plugin", f"{plugin},out={stays}"),
        )
    )
    try:
        symbols = _symbols(guest)
        cell = _run(experiment.file, kernel.name, where, guest.address, folder)
    finally:
        guest.stop()
    return {
        "pages": int(cell["factors"]["pages"]),
        "call_latency_ns": round(cell["metrics"]["call_latency"]["median"] * 1000),
        "functions": _longest(stays, symbols, f"__x64_sys_{call}"),
    }


def _symbols(guest: Guest) -> Symbols:
    host = guest.connect()
    try:
        return Symbols.of(host.run(Command(("cat", "/proc/kallsyms"))).stdout)
    finally:
        host.close()


def _run(
    experiment: Path, kernel: str, where: Sequence[str], address: SshAddress, folder: Path
) -> dict[str, Any]:
    """Run one trial in the guest; return the record of its cell in the report."""
    inventory, results = folder / "inventory.json", ["--results", str(folder / "results")]
    variables = {
        "ansible_host": address.host,
        "ansible_port": address.port,
        "ansible_user": address.user,
        "ansible_ssh_private_key_file": str(address.identity_file),
        "known_hosts_file": str(address.known_hosts_file),
    }
    inventory.write_text(json.dumps({"all": {"hosts": {GUEST: variables}}}))
    predicates = [f"kernel == '{kernel}'", *where]
    words = [word for predicate in predicates for word in ("--where", predicate)]
    host = ["--host", GUEST, "--inventory", str(inventory)]
    _orchestrate("run", str(experiment), *words, "--set", "repetitions=1", *host, *results)
    report = json.loads(_orchestrate("report", "latest", "--format", "json", *results))
    cells: list[dict[str, Any]] = report["cells"]
    if len(cells) != 1:
        sys.exit(f"{len(cells)} cells for a kernel; select one with --where")
    return cells[0]


def _orchestrate(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("orchestrate")), *arguments]
    completed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if completed.returncode:
        sys.exit(completed.returncode)
    return completed.stdout


def _longest(stays: Path, symbols: Symbols, entry: str) -> Counter[str]:
    """Return the instructions of each function in the longest call: others warm up or ask where pages are."""
    calls = [functions for functions in _stays(stays, symbols) if entry in functions]
    if not calls:
        sys.exit(f"{entry}: never called")
    return max(calls, key=lambda functions: functions.total())


def _stays(stays: Path, symbols: Symbols) -> Iterator[Counter[str]]:
    for stay in stays.read_text().split("\n\n"):
        functions: Counter[str] = Counter()
        for line in stay.splitlines():
            address, count = line.split()
            functions[symbols.at(int(address, 16))] += int(count)
        yield functions


if __name__ == "__main__":
    main()
