"""Kernels on nodes of a reservation: ``hosts.slurm.boot: ssh``. They are booted by SSH, and no job is submitted."""

from __future__ import annotations

import getpass
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images import bz_image
from tests.integration.sshd import serve
from tests.slurm import cluster as clusters
from tests.slurm.cluster import Cluster
from tests.slurm.conftest import SlurmUser, user_of
from tests.slurm.reserved_node import BootableNode
from tests.slurm.test_slurm_kernels import other_release

KERNELS = """
version: 1
name: reserved
hosts: {provider: slurm, slurm: {reservation: kernels, boot: ssh}}
noise: false
limits: {settle: 0, boot: 20}
kernels:
  own: default
  older: {image: older}
benchmark:
  command: [sh, -c, 'uname -r >> EXECUTIONS; echo n={n}']
  metrics: {n: {key_value: n, unit: count}}
factors: {kernel: [own, older], n: [1, 2]}
repetitions: 1
"""


def reserve(
    cluster: Cluster, name: str = "kernels", start: str = "now", minutes: int = 60, **words: str
) -> None:
    """Reserve node1 for whoever runs the tests, for MAINT."""
    words = {"Nodes": "node1", "Users": getpass.getuser(), "Flags": "MAINT,IGNORE_JOBS", **words}
    options = [f"{key}={value}" for key, value in words.items()]
    cluster.command(
        "scontrol",
        "create",
        "reservation",
        f"ReservationName={name}",
        f"StartTime={start}",
        f"Duration={minutes}",
        *options,
    )


def write(user: SlurmUser, text: str = KERNELS) -> Path:
    (user.folder / "older").write_bytes(bz_image(other_release()))
    file = user.folder / "reserved.yaml"
    file.write_text(text.replace("EXECUTIONS", str(user.executions)))
    return file


@pytest.fixture
def owner(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SlurmUser]:
    """Someone with a cluster of one node, which is reserved; parameter: lines of slurm.conf."""
    with (
        tempfile.TemporaryDirectory(prefix="slurm") as folder,
        clusters.start(Path(folder), nodes=1, more=getattr(request, "param", "")) as cluster,
    ):
        reserve(cluster)
        user = user_of(cluster, tmp_path)
        yield user
        user.close()


def test_a_kernel_is_booted_on_the_reserved_node(owner: SlurmUser) -> None:
    node = BootableNode(owner.cluster, "node1")
    with node.rebooting():
        ended = owner.run(write(owner), "--inventory", node.inventory, "--where", "kernel == 'older'")
    assert ended.code == 0, ended.err
    owner.assert_complete(2)
    assert node.booted == ["installed", "own"]
    assert owner.executions.read_text().split() == [other_release()] * 2
    assert node.files == []
    assert "scontrol update" not in ended.err


@pytest.mark.slow
def test_two_kernels_take_turns(owner: SlurmUser) -> None:
    node = BootableNode(owner.cluster, "node1")
    with node.rebooting():
        file = write(owner, KERNELS.replace("repetitions: 1", "repetitions: {count: 2, boots: 2}"))
        ended = owner.run(file, "--inventory", node.inventory)
    assert ended.code == 0, ended.err
    owner.assert_complete(8)
    ran = [block["kernel"] for block in sorted(owner.of_type("block"), key=lambda block: block["time"])]
    assert ran == ["own", "older", "older", "own"]
    assert node.booted.count("installed") == 2
    assert node.booted[-1] == "own"
    assert sorted(owner.executions.read_text().split()) == sorted([platform.release(), other_release()] * 4)
    assert [check["holds"] for block in owner.of_type("block") for check in block["proof"]].count(False) == 0
    assert {block["host"] for block in owner.of_type("block")} == {"node1"}
    assert owner.cluster.jobs() == []
    assert node.files == []
    assert "scontrol update" not in ended.err


@pytest.mark.slow
def test_a_kernel_that_does_not_boot(owner: SlurmUser) -> None:
    node = BootableNode(owner.cluster, "node1", boots=False)
    with node.rebooting():
        ended = owner.run(write(owner), "--inventory", node.inventory)
    assert ended.code == 1, ended.err
    assert owner.statuses == {"ok": 2, "wrong_kernel": 2}
    assert "kernel 'older' did not boot; its own kernel runs again" in ended.err
    assert node.files == []


@pytest.mark.slow
@pytest.mark.parametrize("owner", ["ReturnToService=0"], indirect=True)
def test_a_node_that_slurm_does_not_take_back(owner: SlurmUser) -> None:
    node = BootableNode(owner.cluster, "node1")
    with node.rebooting():
        ended = owner.run(write(owner), "--inventory", node.inventory, "--where", "kernel == 'older'")
    assert ended.code == 0, ended.err
    assert "node1: after the boots of the run its state in Slurm is DOWN" in ended.err
    assert "return it to service with: scontrol update nodename=node1 state=resume" in ended.err
    owner.cluster.command("scontrol", "update", "nodename=node1", "state=resume")
    owner.cluster.wait_for(
        "the node", lambda: "State=IDLE" in owner.cluster.command("scontrol", "show", "node", "node1")
    )


@pytest.mark.slow
def test_no_trial_begins_shortly_before_the_end(owner: SlurmUser) -> None:
    """Of two minutes 90 s are kept for a trial and for what follows it; the estimate says that ten trials fit."""
    owner.cluster.command("scontrol", "delete", "reservation=kernels")
    reserve(owner.cluster, minutes=2)
    node = BootableNode(owner.cluster, "node1")
    text = KERNELS.replace("echo n={n}", "sleep 6; echo n={n}").replace("boot: 20", "boot: 20, trial: 30")
    file = write(owner, text.replace("repetitions: 1", "repetitions: 10"))
    with node.rebooting():
        ended = owner.run(file, "--inventory", node.inventory, "--where", "kernel == 'own' and n == 1")
    assert ended.code == 3, ended.err
    assert "stopped by the end of reservation kernels" in ended.err
    assert 0 < len(owner.trials) < 10
    assert "scontrol update" not in ended.err


@pytest.mark.slow
def test_a_killed_controller_leaves_a_kernel_that_the_same_command_removes(owner: SlurmUser) -> None:
    node = BootableNode(owner.cluster, "node1")
    file = write(owner, KERNELS.replace("echo n={n}", "sleep 2; echo n={n}"))
    words = (file, "--inventory", node.inventory, "--where", "kernel == 'older'")
    with node.rebooting():
        process = owner.begin_run(*words)
        owner.wait_for(lambda: owner.trials, process)
        owner.kill(process)
        ended = owner.run(*words)
    assert ended.code == 0, ended.err
    owner.assert_complete(2)
    assert node.booted == ["installed", "own"]
    assert node.files == []


@pytest.mark.slow
def test_a_fleet_of_reserved_nodes(owner: SlurmUser) -> None:
    node = BootableNode(owner.cluster, "node1")
    text = KERNELS.replace("boot: ssh}", "boot: ssh, nodelist: node1}, fleet: shard")
    with node.rebooting():
        ended = owner.run(write(owner, text), "--inventory", node.inventory)
    assert ended.code == 0, ended.err
    owner.assert_complete(4)
    assert node.booted[-1] == "own"


@pytest.mark.slow
def test_nodes_are_reached_through_the_login_node(owner: SlurmUser, tmp_path: Path) -> None:
    """Without an inventory; the SSH configuration has the names of both."""
    node = BootableNode(owner.cluster, "node1")
    settings = f"SetEnv SLURM_CONF={owner.cluster.environment['SLURM_CONF']} SHLVL=2\n"
    (tmp_path / "login").mkdir()
    with serve(tmp_path / "login", settings=settings) as login, node.rebooting():
        login.ssh_config.write_text(login.ssh_config.read_text() + node.ssh_config)
        owner.environment = {}
        file = write(owner, KERNELS.replace("boot: ssh", "boot: ssh, login: testhost"))
        ended = owner.run(file, "--ssh-config", login.ssh_config, "--where", "kernel == 'older'")
        logins = login.logins
    assert ended.code == 0, ended.err
    owner.assert_complete(2)
    assert node.booted == ["installed", "own"]
    assert logins > 4  # of which the node's connections are at least two


@pytest.mark.slow
def test_without_root(owner: SlurmUser) -> None:
    node = BootableNode(owner.cluster, "node1", as_root=False)
    ended = owner.run(write(owner), "--inventory", node.inventory)
    assert (ended.code, len(ended.complaints)) == (3, 1), ended.err
    assert "node1: booting kernels requires root; log in as root" in ended.complaints[0]
    shown = owner.orchestrate(
        "hosts", "check", "--provider", "slurm", owner.folder / "reserved.yaml", "--inventory", node.inventory
    )
    assert "kernels: none can be booted: node1: booting kernels requires root" in shown.out


REFUSED = {
    "reservation: kernel": "no reservation 'kernel' on this machine; did you mean 'kernels'?",
    "reservation: later": "reservation later begins at ",
    "reservation: short": "hours too early: the run takes about ",
    "reservation: theirs": "reservation theirs is not for user root, but for nobody; ask an administrator for "
    "`scontrol update ReservationName=theirs Users+=root`",
    "reservation: busy": "is running there; wait until it has ended, or cancel it with `scancel ",
    "reservation: kernels, nodelist: node3": "hosts.slurm.nodelist: node3 is not in reservation kernels (node1)",
}

FAST = ("reservation: later", "reservation: busy")


@pytest.fixture(scope="module")
def reserved(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster of other tests, with reservations that cannot be used as they are."""
    cluster.command("sbatch", "--nodelist=node2", "--output=/dev/null", "--wrap=sleep 600")
    cluster.wait_for("a job", lambda: any("RUNNING" in job for job in cluster.jobs()))
    reserve(cluster)
    reserve(cluster, "later", "now+2hours")
    reserve(cluster, "short", minutes=30, Nodes="node3")
    reserve(cluster, "theirs", "now+4hours", Users="nobody")
    reserve(cluster, "busy", Nodes="node2")
    yield cluster
    cluster.command("scancel", "--me")
    for name in ("kernels", "later", "short", "theirs", "busy"):
        cluster.command("scontrol", "delete", f"reservation={name}")


@pytest.fixture
def guest(reserved: Cluster, tmp_path: Path) -> Iterator[SlurmUser]:
    user = user_of(reserved, tmp_path)
    yield user
    user.close()


@pytest.mark.parametrize(
    "words", [pytest.param(words, marks=() if words in FAST else pytest.mark.slow) for words in REFUSED]
)
def test_one_line(guest: SlurmUser, words: str) -> None:
    text = KERNELS.replace("reservation: kernels", words)
    ended = guest.run(write(guest, text.replace("repetitions: 1", "repetitions: 300")))
    assert (ended.code, len(ended.complaints)) == (3, 1), ended.err
    assert REFUSED[words] in ended.complaints[0]


@pytest.mark.slow
def test_check_refuses_what_a_run_refuses(guest: SlurmUser) -> None:
    text = KERNELS.replace("reservation: kernels", "reservation: short").replace(
        "repetitions: 1", "repetitions: 300"
    )
    ended = guest.run(write(guest, text), "--check")
    assert (ended.code, len(ended.complaints)) == (3, 1), ended.err
    assert "hours too early" in ended.complaints[0]


def test_hosts_check_lists_reservations(guest: SlurmUser) -> None:
    file = write(guest, KERNELS.replace("{reservation: kernels, boot: ssh}", "{}"))
    printed = guest.orchestrate("hosts", "check", "--provider", "slurm", file).out
    assert "kernels: or by SSH in reservation kernels (node1), from " in printed
    assert "set hosts.slurm.reservation: kernels and hosts.slurm.boot: ssh" in printed
    assert "reservation theirs" not in printed


def test_a_dry_run_prints_the_boots(guest: SlurmUser) -> None:
    ended = guest.run(write(guest), "--dry-run")
    assert ended.code == 0, ended.err
    assert "scontrol --oneliner show reservation" in ended.out
    assert "reboot" in ended.out
