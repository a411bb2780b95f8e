"""Persistent guests: ``hosts up`` starts one, a background process keeps it running until ``hosts down``."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from orchestrator.activities import doing
from orchestrator.errors import BadInput, HostError, OrchestratorError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts import facts
from orchestrator.hosts.provider import Provider
from orchestrator.hosts.ssh import SshAddress, SshHost
from orchestrator.processes import identity

INVENTORY = "inventory.yaml"
SUPERVISOR = "holder"
"""File that identifies the background process."""

ERROR = "error"
"""File with the message of a failed start."""

STOP_LIMIT_S = 30.0
POLL_S = 0.1


def up(provider: Provider, kernel: Kernel, folder: Path) -> Path:
    """Start the provider's host and return an inventory with it; ``folder`` is for this host only.

    Raises ``BadInput`` if it is already running, ``HostError`` if it cannot be started.
    """
    if _supervisor_pid(folder):
        raise BadInput(
            f"{folder.name} is already up: {folder / INVENTORY}; to stop it: "
            f"orchestrate hosts down {shlex.quote(folder.name)}"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pid = os.fork()
    if pid == 0:
        _supervise(provider, kernel, folder)
    with doing(folder.name, "starting"):
        _wait_for(pid, folder)
    return folder / INVENTORY


def _wait_for(pid: int, folder: Path) -> None:
    """Wait until the background process has written the inventory; ``HostError`` with its message if it ends."""
    while not (folder / INVENTORY).exists():
        if os.waitpid(pid, os.WNOHANG)[0]:
            error = folder / ERROR
            if error.exists():
                raise HostError(*error.read_text().split("\n"))
            raise HostError(f"cannot start the host; see {folder / 'log'}")
        time.sleep(POLL_S)


def down(folder: Path) -> bool:
    """Stop the host that :func:`up` started and remove ``folder``; return whether it was running."""
    pid = _supervisor_pid(folder)
    if pid:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_LIMIT_S
        while identity(pid):
            if time.monotonic() > deadline:
                raise HostError(
                    f"{folder.name}: timed out after {STOP_LIMIT_S:g} s: process {pid} is still running"
                )
            time.sleep(POLL_S)
    shutil.rmtree(folder, ignore_errors=True)
    return bool(pid)


def is_up(folder: Path) -> bool:
    """Return whether the host that :func:`up` started for ``folder`` is running."""
    return _supervisor_pid(folder) != 0


def _supervisor_pid(folder: Path) -> int:
    """Return the pid of the background process; 0 if it does not run."""
    try:
        recorded = (folder / SUPERVISOR).read_text()
    except (OSError, ValueError):
        return 0
    pid = recorded.partition("-")[0]
    return int(pid) if pid.isdecimal() and identity(pid) == recorded else 0


def _supervise(provider: Provider, kernel: Kernel, folder: Path) -> NoReturn:
    """Start the host and keep it running until SIGTERM. The guest ends with this process, even on SIGKILL."""
    code = 1
    try:
        os.setsid()
        with (folder / "log").open("ab") as log, Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        (folder / SUPERVISOR).write_text(identity(os.getpid()))
        with provider.machine(folder) as machine:
            host = machine.boot(kernel)
            assert isinstance(host, SshHost)
            differences = machine.differences(facts.gather(host))
            if differences:
                raise HostError(*differences)
            temporary = folder / f"{INVENTORY}.tmp"
            temporary.write_text(json.dumps({"up": {"hosts": {host.name: _variables(host.address)}}}) + "\n")
            temporary.rename(folder / INVENTORY)
            while True:
                signal.pause()
    except SystemExit:
        code = 0
    except OrchestratorError as error:
        (folder / ERROR).write_text(str(error))
    finally:
        os._exit(code)


def _variables(address: SshAddress) -> dict[str, object]:
    variables = {
        "ansible_host": address.host,
        "ansible_port": address.port,
        "ansible_user": address.user,
        "ansible_ssh_private_key_file": address.identity_file and str(address.identity_file),
        "known_hosts_file": address.known_hosts_file and str(address.known_hosts_file),
    }
    return {name: value for name, value in variables.items() if value}
