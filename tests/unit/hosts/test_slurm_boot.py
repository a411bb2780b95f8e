"""``hosts.slurm.boot``: what is wrong with the section, and reservations that cannot be used. No Slurm is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Needs
from orchestrator.hosts.provider import ProviderRequest
from orchestrator.hosts.providers.slurm import SlurmProvider
from orchestrator.hosts.slurm.environment import for_commands
from orchestrator.hosts.slurm.reservation import Reservation, require_no_jobs, reservations
from orchestrator.hosts.testing import ScriptedHost

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("section", "fleet", "message"),
    [
        ({"boot": "ssh"}, False, "hosts.slurm.boot: set hosts.slurm.reservation too"),
        (
            {"boot": "ssh", "reservation": "r", "features": {"own": "a"}},
            False,
            "hosts.slurm.features: not used with",
        ),
        ({"boot": "ssh", "reservation": "r"}, True, "hosts.fleet: list the nodes in hosts.slurm.nodelist"),
        ({"boot": "ssh", "reservation": "r", "nodelist": "n[1-2]"}, True, "hosts.fleet: list the nodes in"),
        ({"directory": "runs"}, False, "hosts.slurm.directory: must begin with / or ~/"),
        ({"directory": "-x"}, False, "hosts.slurm.directory: must begin with / or ~/"),
        ({"node_directory": "~/runs"}, False, "hosts.slurm.node_directory: must begin with /"),
        ({}, True, "hosts.fleet: jobs of Slurm run on any node"),
    ],
)
def test_faults_of_the_section(section: dict[str, Any], fleet: bool, message: str) -> None:
    with pytest.raises(BadInput, match=message.replace("[", r"\[")):
        SlurmProvider(ProviderRequest(Needs(), section, fleet=fleet))


def test_a_fleet_of_listed_nodes() -> None:
    section = {"boot": "ssh", "reservation": "r", "nodelist": "n1,n2"}
    provider = SlurmProvider(ProviderRequest(Needs(), section, fleet=True))
    assert (provider.hosts, provider.boots_kernels, provider.batch) == (("n1", "n2"), True, None)


def reservation(**changes: Any) -> Reservation:
    usual = {"users": (), "groups": (), "accounts": (), "nodes": "n[1-2]"}
    return Reservation(**{"name": "r", "start": NOW - HOUR, "end": NOW + HOUR, **usual, **changes})


@pytest.mark.parametrize(
    ("changes", "admitted"),
    [
        ({"users": ("ann", "me")}, True),
        ({"users": ("ann",)}, False),
        ({"users": ("-me",)}, False),
        ({"users": ("-ann",)}, True),
        ({"groups": ("lab",)}, True),
        ({"groups": ("others",)}, False),
        ({"accounts": ("lab",)}, True),
    ],
)
def test_who_may_use_it(changes: dict[str, Any], admitted: bool) -> None:
    assert reservation(**changes).admits("me", ["users", "lab"]) is admitted


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"start": NOW + HOUR, "end": NOW + 2 * HOUR},
            "reservation r begins at 2026-11-29 13:00 UTC; repeat",
        ),
        ({"end": NOW - HOUR / 2}, "reservation r ended at 2026-11-29 11:30 UTC"),
        (
            {"end": NOW + HOUR / 2},
            "ends at 2026-11-29 12:30 UTC, 0.5 hours too early: the run takes about 1.0 hours",
        ),
        ({"nodes": ""}, "reservation r has no nodes"),
    ],
)
def test_why_it_cannot_be_used(changes: dict[str, Any], message: str) -> None:
    assert message in reservation(**changes).obstacle(NOW, 3600)


def test_it_can_be_used() -> None:
    assert reservation().obstacle(NOW, 3600) == ""


@pytest.mark.parametrize("end", ["UNLIMITED", "Unknown", "(null)", "253402300800000", "4294967294000"])
@pytest.mark.parametrize("start", ["0", "Unknown", "(null)"])
def test_times_that_are_not_known(start: str, end: str) -> None:
    login = ScriptedHost("login")
    line = (
        f"ReservationName=r StartTime={start} EndTime={end} Duration=UNLIMITED Nodes=n[01-03,7] Users=(null)"
    )
    login.answer("scontrol", stdout=f"{line} Groups=(null) Accounts=(null) Comment=ask Users=ann Nodes=n9\n")
    found = reservations(login)["r"]
    assert (found.nodes, found.users) == ("n[01-03,7]", ())
    assert found.obstacle(NOW, 3600) == ""
    assert found.period.endswith("UTC")


def test_jobs_that_squeue_does_not_show() -> None:
    login = ScriptedHost("login")
    login.answer("squeue", stdout="")
    login.answer("scontrol", stdout="NodeName=n1 CPUAlloc=0 CPUTot=4\nNodeName=n2 CPUAlloc=4 CPUTot=4\n")
    with pytest.raises(HostError, match=r"^n2: a job that squeue does not show is running there"):
        require_no_jobs(login, ["n1", "n2"])


def test_nodes_without_jobs() -> None:
    login = ScriptedHost("login")
    login.answer("squeue", stdout="")
    login.answer("scontrol", stdout="NodeName=n1 CPUAlloc=0 CPUTot=4 Comment=CPUAlloc=3\n")
    require_no_jobs(login, ["n1"])


def test_variables_of_slurm_that_its_commands_must_not_see() -> None:
    own = {"PATH": "/bin", "SLURM_CONF": "/etc/slurm.conf", "SBATCH_ACCOUNT": "lab", "SLURM_ACCOUNT": "lab"}
    assert for_commands({**own, "SLURM_NODELIST": "n1"}) == {**own, "SLURM_NODELIST": "n1"}
    job = {"SLURM_JOB_ID": "7", "SLURM_MEM_PER_CPU": "10", "SQUEUE_STATES": "PENDING"}
    assert for_commands({**own, **job}) == own
