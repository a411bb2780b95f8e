"""Blocks in guests that jobs boot on their nodes."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm import cluster as clusters
from tests.slurm.conftest import SlurmUser, user_of

QUICKSTART = Path(__file__).parents[2] / "experiments/quickstart.yaml"
PATIENCE_S = 1800.0
LABEL = "guest in a Slurm job: QEMU"

SECTION = """
hosts:
  provider: slurm
  slurm: {{directory: {shared}, poll: 0.3s, lost_after: 3s, guest: true{slurm}}}
  qemu:
    nodes: [{{cpus: 1, memory: {memory}}}, {{cpus: 1, memory: 256MiB}}]
    acceleration: tcg
    clock: wall
    append: "{append}"
noise: false
"""
SAY = """
name: say
benchmark:
  name: say
  command: [sh, -c, 'echo nodes=$(ls -d /sys/devices/system/node/node[0-9]* | wc -l); sleep 0.{n}']
  metrics: {nodes: {key_value: nodes, unit: count}}
factors: {n: [1, 2]}
"""
SLOW = SAY.replace("sleep 0.{n}", "sleep 2.{n}")


def guest_file(
    user: SlurmUser, text: str, slurm: str = "", memory: str = "256MiB", append: str = "", **limits: str | int
) -> Path:
    """Write an experiment whose jobs boot guests; ``slurm``: further keys of hosts.slurm."""
    more = f", {slurm}" if slurm else ""
    section = SECTION.format(shared=user.shared, slurm=more, memory=memory, append=append)
    return user.file(section + text, **limits)


def guests(user: SlurmUser) -> list[int]:
    """The processes of guests: QEMU works in the directory of its block."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_qemu = (process / "comm").read_text().startswith("qemu-system")
            if is_qemu and user.shared in (process / "cwd").readlink().parents:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def assert_nothing_left(user: SlurmUser) -> None:
    user.assert_nothing_left()
    assert guests(user) == []


@pytest.fixture
def own_user(tmp_path: Path) -> Iterator[SlurmUser]:
    """Someone with a cluster of their own, of which nodes may die."""
    with (
        tempfile.TemporaryDirectory(prefix="slurm") as folder,
        clusters.start(Path(folder), nodes=2) as cluster,
    ):
        user = user_of(cluster, tmp_path)
        yield user
        user.close()


def test_a_block_runs_in_a_guest(user: SlurmUser) -> None:
    here = Path("/proc/sys/vm/swappiness").read_text()
    ended = user.run(guest_file(user, SAY + "tuning: {sysctl: {vm.swappiness: 7}}\nrepetitions: 1\n"))
    assert ended.code == 0, ended.err
    user.assert_complete(2)
    assert {trial["environment"] for trial in user.trials} == {"vm-tcg"}
    assert {trial["metrics"]["nodes"]["value"] for trial in user.trials} == {2}
    (block,) = user.of_type("block")
    assert block["host"] in ("node1", "node2", "node3")
    assert block["settings"] == {"/proc/sys/vm/swappiness": "7"}
    assert block["hypervisor"]["kernel"] == os.uname().release != block["facts"]["release"]
    assert Path("/proc/sys/vm/swappiness").read_text() == here
    for form in ("table", "markdown", "html", "mail"):
        report = user.orchestrate("report", "latest", "--format", form).out
        assert LABEL in " ".join(report.split())
    assert_nothing_left(user)


def test_hosts_check_says_that_kernels_run_in_guests(user: SlurmUser) -> None:
    kernels = "kernels: {ours: default, other: {package: linux-image-amd64}}\n"
    file = guest_file(user, SAY + kernels)
    printed = user.orchestrate("hosts", "check", "--provider", "slurm", file).out
    assert (
        "kernels: each job boots a guest on its node (hosts.slurm.guest); nodes need QEMU and ssh" in printed
    )
    assert "kernel other: in a guest" in printed
    assert "settings: jobs are root in their guests" in printed
    without = user.orchestrate("hosts", "check", "--provider", "slurm", user.slurm_file(SAY + kernels)).out
    assert "or in guests with hosts.slurm.guest: true" in without


def test_a_dry_run_prints_how_guests_are_booted(user: SlurmUser) -> None:
    ended = user.run(guest_file(user, SAY + "repetitions: 1\n"), "--dry-run")
    assert ended.code == 0, ended.err
    assert "qemu-system-x86_64" in ended.out
    assert "guest/kernels/default/initramfs  mode 600" in ended.out
    assert "bin/guest_job.sh" in ended.out
    assert not user.shared.exists()


@pytest.mark.slow
def test_the_quickstart_is_complete(user: SlurmUser) -> None:
    """On the instruction clock, as with the provider qemu where KVM does not work."""
    options = ("hosts.slurm.guest=true", f"hosts.slurm.directory={user.shared}", "hosts.slurm.poll=1s")
    words = [word for option in options for word in ("--set", option)]
    ended = user.end(user.begin_run(QUICKSTART, "--provider", "slurm", *words), PATIENCE_S)
    assert ended.code == 0, ended.err
    user.assert_complete(24)
    assert {trial["status"] for trial in user.trials} == {"ok"}
    assert len({trial["environment"] for trial in user.trials}) == 1
    assert_nothing_left(user)
    print(ended.out, ended.err)


@pytest.mark.slow
def test_two_kernels_take_turns_on_one_node(user: SlurmUser) -> None:
    kernels = "kernels: {cloud: default, stock: {package: linux-image-amd64}}\n"
    text = SAY.replace("factors: {", "factors: {kernel: [cloud, stock], ") + kernels
    ended = user.run(guest_file(user, text + "repetitions: {count: 2, boots: 2}\n"))
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    blocks = sorted(user.of_type("block"), key=lambda block: str(block["time"]))
    assert [block["kernel"] for block in blocks] == ["cloud", "stock", "stock", "cloud"]
    assert len({block["host"] for block in blocks}) == 1
    assert len({block["boot"] for block in blocks}) == 4
    assert len({block["facts"]["release"] for block in blocks}) == 2
    assert all(check["holds"] for block in blocks for check in block["proof"])
    assert_nothing_left(user)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["preparing", "booting", "running"])
def test_the_controller_is_killed(user: SlurmUser, moment: str) -> None:
    process = user.begin_run(file := guest_file(user, SLOW + "repetitions: {count: 4, boots: 2}\n"))
    if moment == "preparing":
        user.wait_for(lambda: guests(user), process)
    elif moment == "booting":
        user.wait_for(lambda: [job for job in user.cluster.jobs() if "-0|RUNNING" in job], process)
    else:
        user.wait_for(lambda: len(user.trials) == 3, process)
    user.kill(process)
    ended = user.run(file)
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    assert user.of_type("attempt") == []
    assert_nothing_left(user)


@pytest.mark.slow
def test_a_job_at_its_time_limit_leaves_the_rest_to_another(user: SlurmUser) -> None:
    """Slurm sends its signal 60 s before the limit, and a busy machine needs a minute for the boot."""
    text = SLOW.replace("sleep 2.{n}", "sleep 5{n}") + "repetitions: 2\n"
    ended = user.end(user.begin_run(guest_file(user, text, "time: 4min", trial="2min")), 1200)
    assert ended.code == 0, ended.err
    user.assert_complete(4)
    assert "another job runs what is left" in ended.err
    assert not [record for record in user.of_type("attempt") if record["status"] == "crashed"]
    assert_nothing_left(user)


@pytest.mark.slow
def test_a_guest_that_dies_costs_the_trial_that_ran_there(user: SlurmUser) -> None:
    process = user.begin_run(guest_file(user, SLOW + "repetitions: 2\n"))
    user.wait_for(lambda: user.trials, process)
    (guest,) = guests(user)
    os.kill(guest, signal.SIGKILL)
    ended = user.end(process)
    assert ended.code == 0, ended.err
    user.assert_complete(4)
    assert "has exited: " in ended.err
    assert [record["status"] for record in user.of_type("attempt")] == ["crashed"]
    assert_nothing_left(user)


@pytest.mark.slow
def test_a_trial_that_crashes_its_guest_is_final_and_the_others_are_run(user: SlurmUser) -> None:
    text = SAY.replace("sleep 0.{n}", "[ {n} = 1 ] || echo c >/proc/sysrq-trigger")
    ended = user.run(guest_file(user, text + "repetitions: 1\n", crashes=1))
    assert ended.code == 1, ended.err
    assert user.statuses == {"ok": 1, "crashed": 1}
    assert "Kernel panic" in ended.err
    assert_nothing_left(user)


@pytest.mark.slow
def test_a_node_dies_with_its_guest(own_user: SlurmUser) -> None:
    user = own_user
    process = user.begin_run(guest_file(user, SLOW + "repetitions: {count: 4, boots: 2}\n"))
    user.wait_for(lambda: user.trials, process)
    victim = user.trials[-1]["host"]
    user.cluster.kill_node(victim)
    ended = user.end(process)
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    assert f"on {victim}: its node went down; another job runs what is left" in ended.err
    assert_nothing_left(user)


@pytest.mark.slow
def test_scancel_ends_the_guest(user: SlurmUser) -> None:
    process = user.begin_run(file := guest_file(user, SLOW + "repetitions: 2\n"))
    user.wait_for(lambda: user.trials, process)
    job = next(line.partition("|")[0] for line in user.cluster.jobs() if "|RUNNING|" in line)
    user.cluster.command("scancel", job)
    ended = user.end(process)
    assert (ended.code, "it was cancelled" in ended.err) == (3, True), ended.err
    user.wait_for(lambda: not guests(user))
    assert user.run(file).code == 0
    user.assert_complete(4)
    assert_nothing_left(user)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "limits", "message"),
    [
        ({"memory": "64TiB"}, {}, "not enough memory: hosts.qemu.nodes has 67109120 MiB, "),
        ({"append": "rdinit=/none"}, {}, "the guest exited during boot: "),
        ({}, {"boot": "2s"}, "the guest's boot timed out after 2 s (limits.boot): "),
    ],
)
def test_a_guest_that_does_not_come_up(
    user: SlurmUser, options: dict[str, str], limits: dict[str, str], message: str
) -> None:
    ended = user.run(guest_file(user, SAY + "repetitions: 1\n", **options, **limits))
    (line,) = ended.complaints
    assert (ended.code, message in line) == (3, True), ended.err
    user.wait_for(lambda: not user.cluster.jobs())
    assert_nothing_left(user)


@pytest.mark.slow
def test_a_node_without_qemu(user: SlurmUser, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin"):
        for program in Path(folder).iterdir():
            link = programs / program.name
            if not program.name.startswith("qemu") and not link.is_symlink():
                link.symlink_to(program)
    user.environment = {**user.environment, "PATH": str(programs)}
    ended = user.run(guest_file(user, SAY + "repetitions: 1\n"))
    (line,) = ended.complaints
    assert (ended.code, "qemu-system-x86_64: command not found; guests need it" in line) == (3, True), (
        ended.err
    )
    assert_nothing_left(user)


def test_guests_and_node_features_exclude_each_other(user: SlurmUser) -> None:
    ended = user.orchestrate("validate", guest_file(user, SAY, "features: {default: new}"))
    assert (ended.code, "hosts.slurm: guest and features are mutually exclusive" in ended.err) == (2, True)
