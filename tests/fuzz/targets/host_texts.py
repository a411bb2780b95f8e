"""Short texts of a host: its lock, its settings, the state of its boot, what probes and programs print."""

from __future__ import annotations

import json
from collections.abc import Callable

from orchestrator.doctor import state
from orchestrator.errors import OrchestratorError
from orchestrator.hosts.base import Host
from orchestrator.hosts.machine.boot import boot_state, remove_leftovers
from orchestrator.hosts.remote import lock
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.remote.runner_program import RunnerProgram
from orchestrator.hosts.remote.settings import parse_changes
from orchestrator.hosts.testing import ScriptedHost
from orchestrator.provision import files
from orchestrator.provision.module import ReadOutput
from tests.fuzz import mutation
from tests.fuzz.target import Target, raise_longest
from tests.unit.execution.test_host_journal import TRIAL
from tests.unit.hosts.test_host_texts import FILES, STATE

LOCK = b'{"run":"r","user":"u","controller":"c","since":"s","process":"k/12-13"}'
CHANGE = json.dumps(TRIAL["settings"][0]).encode()  # type: ignore[index]
BOOT = b"boot=b-1\ntag=0123456789ab\nobstacle=\nhas_blocks=yes\n"


def _runner(folder: HostFolder) -> None:
    runner = folder.runner()
    if runner is not None:
        folder.stop(runner)
        raise OrchestratorError(runner.refusal("n1"))


READERS: tuple[Callable[[Host], object], ...] = (
    lambda host: HostFolder(host, root=True),
    lambda host: HostFolder(host, root=False),
    lambda host: lock.check_free(HostFolder(host, root=False, base="/x")),
    lambda host: lock.unlock(HostFolder(host, root=False, base="/x")),
    lambda host: HostFolder(host, root=False, base="/x").restore(),
    lambda host: HostFolder(host, root=False, base="/x").diff(),
    lambda host: HostFolder(host, root=False, base="/x").blocks(),
    lambda host: _runner(HostFolder(host, root=False, base="/x")),
    boot_state,
    remove_leftovers,
)


def run(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    refused: list[OrchestratorError] = []
    for reader in READERS:
        host = ScriptedHost("n1")
        host.answer("", stdout=text)
        try:
            reader(host)
        except OrchestratorError as error:
            refused.append(error)
    try:
        for file in files.parse(ReadOutput(0, text)).values():
            files.is_private(file.mode)
    except OrchestratorError as error:
        refused.append(error)
    state.parse(text)
    for word in text.split():
        RunnerProgram.of_word(word)
    for change in parse_changes(text) if CHANGE[:9] in data else ():
        str(change)
    raise_longest(refused)


TARGET = Target(
    "host-texts",
    run,
    (
        "orchestrator.hosts.remote",
        "orchestrator.hosts.machine.boot",
        "orchestrator.provision.files",
        "orchestrator.doctor.state",
    ),
    lambda: [
        LOCK,
        CHANGE,
        BOOT,
        FILES.encode(),
        STATE.encode(),
        b"/home/u/.orchestrate\n",
        b"0\n",
        b"4711\nblock-0\n",
        b"x86_64:00ff:11ee\n",
    ],
    mutation.json_lines("run", "process", "verdict", "path", "asked", "boot=", "tag="),
)
