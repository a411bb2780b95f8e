"""Hosts outside of a run: ``hosts up`` makes them, a process of their own holds them until ``hosts down``."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from orchestrator.errors import BadInput, HostError, OrchestratorError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Provider
from orchestrator.hosts.ssh import SshAddress, SshHost
from orchestrator.processes import identity

INVENTORY = "inventory.yaml"
HOLDER = "holder"
FAULT = "fault"
END_LIMIT_S = 30.0
POLL_S = 0.1


def up(provider: Provider, kernel: Kernel, folder: Path) -> Path:
    """Make the provider's host, and return an inventory that has it; ``folder`` is for this host alone.

    Raises ``BadInput`` where it stands already, and what making it raised, as ``HostError``.
    """
    if _holder(folder):
        raise BadInput(
            f"it is up already: {folder / INVENTORY}; `orchestrate hosts down {folder.name}` ends it"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pid = os.fork()
    if pid == 0:
        _hold(provider, kernel, folder)
    while not (folder / INVENTORY).exists():
        if os.waitpid(pid, os.WNOHANG)[0]:
            fault = folder / FAULT
            text = fault.read_text() if fault.exists() else "its holder ended; see " + str(folder / "log")
            raise HostError(text)
        time.sleep(POLL_S)
    return folder / INVENTORY


def down(folder: Path) -> bool:
    """End what :func:`up` made, and remove its folder; whether there was something to end."""
    pid = _holder(folder)
    if pid:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + END_LIMIT_S
        while identity(pid):
            if time.monotonic() > deadline:
                raise HostError(f"{folder.name}: process {pid}, which holds it, does not end")
            time.sleep(POLL_S)
    shutil.rmtree(folder, ignore_errors=True)
    return bool(pid)


def _holder(folder: Path) -> int:
    """Pid of the process that holds the host; 0: none does."""
    try:
        name = (folder / HOLDER).read_text()
    except OSError:
        return 0
    pid = int(name.partition("-")[0])
    return pid if identity(pid) == name else 0


def _hold(provider: Provider, kernel: Kernel, folder: Path) -> NoReturn:
    """The holder's life. The host ends with it, however it ends."""
    code = 1
    try:
        os.setsid()
        with (folder / "log").open("ab") as log, Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        (folder / HOLDER).write_text(identity(os.getpid()))
        with provider.machine(folder) as machine:
            host = machine.boot(kernel)
            assert isinstance(host, SshHost)
            arriving = folder / f"{INVENTORY}.arriving"
            arriving.write_text(json.dumps({"up": {"hosts": {host.name: _variables(host.address)}}}) + "\n")
            arriving.rename(folder / INVENTORY)
            while True:
                signal.pause()
    except SystemExit:
        code = 0
    except OrchestratorError as error:
        (folder / FAULT).write_text(str(error))
    finally:
        os._exit(code)


def _variables(address: SshAddress) -> dict[str, object]:
    found = {
        "ansible_host": address.host,
        "ansible_port": address.port,
        "ansible_user": address.user,
        "ansible_ssh_private_key_file": address.identity_file and str(address.identity_file),
        "known_hosts_file": address.known_hosts_file and str(address.known_hosts_file),
    }
    return {name: value for name, value in found.items() if value}
