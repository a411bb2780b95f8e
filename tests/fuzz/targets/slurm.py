"""What Slurm's commands print on a login host."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.errors import OrchestratorError
from orchestrator.hosts.base import Host
from orchestrator.hosts.slurm import check, commands, reservation
from orchestrator.hosts.slurm.options import read_options
from orchestrator.hosts.testing import ScriptedHost
from tests.fuzz import mutation
from tests.fuzz.target import Target, raise_longest

OPTIONS = read_options({})
READERS: tuple[Callable[[Host], object], ...] = (
    commands.check_commands,
    lambda login: commands.queue(login, "R"),
    lambda login: commands.accounting(login, "R", ["5"]),
    commands.configuration,
    reservation.reservations,
    lambda login: reservation.find(login, "maint"),
    reservation.who,
    lambda login: reservation.require_no_jobs(login, ["n1"]),
    lambda login: reservation.node_state(login, "n1").is_away,
    lambda login: reservation.expand(login, "n[1-2]"),
)
SITE = {
    "command -v": "",
    "squeue": "5_[1-2%1]|orchestrate-R-0|PENDING||JobArrayTaskLimit\n6_0|orchestrate-R-0|RUNNING|n1|None",
    "sacct": "5_1|orchestrate-R-0|CANCELLED by 1000|n1\n5_2|orchestrate-R-0|NODE_FAIL|n2",
    "show.* config": "SLURM_VERSION = 22.05.8\nClusterName = c\nNodeFeaturesPlugins = helpers\nRebootProgram = /x",
    "show.* reservation": "ReservationName=maint StartTime=1795441408 EndTime=1995441408 Nodes=n[1-2] Users=root "
    "Groups=(null) Accounts=(null)",
    "show.* partition": "PartitionName=main State=UP MaxTime=1-00:00:00",
    "show.* node": "NodeName=n1 CPUAlloc=0 State=IDLE+DRAIN SlurmdStartTime=2026-11-28T22:00:00 Reason=x y [root]",
    "%P.%a": "main*|up|1-00:00:00|2|idle\nmain*|up|infinite|1|down",
    "%N.%f": "n1|a,b\nn2|(null)",
    "id -un": "root\nroot adm\n",
    "id -u": "0\n",
    "stat -f": "/home/x nfs\n",
    "test-only": "",
}


def run(data: bytes) -> None:
    """Each command prints the text; then one command of a site, that of the number in the first byte."""
    number, text = data[:1], data[1:].decode("utf-8", "replace")
    refused: list[OrchestratorError] = []
    for reader in READERS:
        login = ScriptedHost("login")
        login.answer("", stdout=text)
        _ask(reader, login, refused)
    login = ScriptedHost("login")
    odd = (number or b"\0")[0] % len(SITE)
    for index, (pattern, printed) in enumerate(SITE.items()):
        login.answer(
            pattern, stdout=text if index == odd else printed, stderr=text if pattern == "test-only" else ""
        )
    _ask(lambda host: check.describe(host, OPTIONS, ["stock"]), login, refused)
    _ask(lambda host: check.try_jobs(host, OPTIONS, ["stock"], 10), login, refused)
    raise_longest(refused)


def _ask(reader: Callable[[Host], object], login: Host, refused: list[OrchestratorError]) -> None:
    try:
        reader(login)
    except OrchestratorError as error:
        refused.append(error)


TARGET = Target(
    "slurm",
    run,
    (
        "orchestrator.hosts.slurm.check",
        "orchestrator.hosts.slurm.commands",
        "orchestrator.hosts.slurm.reservation",
        "orchestrator.hosts.slurm.states",
    ),
    lambda: [bytes([index]) + printed.encode() for index, printed in enumerate(SITE.values()) if printed],
    mutation.text(
        b"|", b"orchestrate-R-0", b"_[", b"-", b"%", b"ReservationName=", b"Nodes=", b"State=", b"(null)"
    ),
)
