"""A Slurm cluster of Debian's packages on this machine: munged, slurmctld, and one slurmd a node, started by the test.

Each node is a PID namespace of its own: when its first process is killed all its processes are, as on a machine that
loses power. A node may be given another boot id and another ``uname -r``: then jobs see what they see after a reboot.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.sshd import free_port
from tests.numa_machine import HOST, NumaMachine
from tests.slurm.accounting import Accounting

SLURMCTLD, SLURMD, SLURMSTEPD = "slurmctld-wlm", "slurmd-wlm", "/usr/sbin/slurmstepd-wlm"
"""Debian's names of the real daemons; those without -wlm may be the emulator's.

slurmctld is started under the name without -wlm. Slurm 22.05 looks there whether it is slurmctld: under Debian's
name it opens no connection to slurmdbd, and ends with SIGSEGV in slurm_persist_msg_pack.
"""

PROGRAMS = ("munged", SLURMCTLD, SLURMD, "sbatch", "srun", "squeue")
PATIENCE_S = 60.0

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={folder}/munge/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=5
MinJobAge={remembered}
KillWait=5
"""


NUMA_NODE = """
mkdir -p {folder}/spool.{name}
for place in munge spool.{name} node; do mount -t tmpfs none {folder}/$place; done
munged --force --key-file={folder}/munge.key --socket={folder}/munge/munge.sock --pid-file=/run/munge.pid \\
    --log-file=/run/munge.log --seed-file=/run/munge.seed
socat TCP-LISTEN:{slurmctld},bind=127.0.0.1,reuseaddr,fork TCP:{host}:{slurmctld} &
exec {slurmd} -D -d {slurmstepd} -N {name} -f {folder}/slurm.conf
"""
"""What a NUMA machine runs as a node: sockets are its own, and slurmctld is reached where the configuration says."""


def missing() -> str:
    """Why no cluster can be started here; empty if it can."""
    if os.geteuid() != 0:
        return "a Slurm cluster of the test's own needs root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)} (Debian: slurm-wlm, munge)" if absent else ""


@dataclass
class Cluster:
    """A running cluster; ``nodes``: the first process of each, by name; ``machines``: nodes that are guests.

    :ivar accounting: its database; None: it has none.
    :ivar own: directories that each node has for itself: what is in them here no node sees.
    """

    folder: Path
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    machines: dict[str, NumaMachine] = field(default_factory=dict)
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)
    accounting: Accounting | None = None
    own: Sequence[Path] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What makes Slurm's commands find this cluster."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def command(self, *words: str) -> str:
        """Run one of Slurm's commands and return its output."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout

    def jobs(self, *options: str) -> list[str]:
        """The jobs in the queue, as ID|NAME|STATE|NODES, but for those that have ended and are being cleaned up."""
        lines = self.command("squeue", "--noheader", "--array", "--format=%i|%j|%T|%N", *options).splitlines()
        return [line for line in lines if "COMPLETING" not in line]

    def start_node(self, name: str, release: str = "", boot: str = "") -> None:
        """Start a node; ``release``: 2.6 for another ``uname -r``; ``boot``: its boot id, after a reboot.

        In it the folder ``node`` of the cluster's folder is the node's own.
        """
        here = self.folder / f"node.{name}"
        here.mkdir(exist_ok=True)
        steps = [f"mount --bind {here} {self.folder}/node"]
        for place in self.own:
            self.of_node(name, place).mkdir(exist_ok=True)
            steps.append(f"mount --bind {self.of_node(name, place)} {place}")
        if boot:
            (here / "boot_id").write_text(f"{boot}\n")
            steps.append(f"mount --bind {here}/boot_id /proc/sys/kernel/random/boot_id")
        as_release = f"setarch --uname-{release} " if release else ""
        report = "-b " if boot else ""
        slurmd = f"{SLURMD} -D {report}-d {SLURMSTEPD} -N {name} -f {self.folder}/slurm.conf"
        steps.append(f"exec {as_release}{slurmd}")
        self.nodes[name] = subprocess.Popen(
            ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", " && ".join(steps)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **self.environment},
            start_new_session=True,
        )

    def of_node(self, name: str, own: Path) -> Path:
        """Where a node's own directory is outside of the node."""
        return self.folder / f"node.{name}" / own.name

    def start_numa_node(self, name: str, ports: tuple[int, int], shared: Sequence[Path]) -> None:
        """Start a node that is a machine with two NUMA nodes.

        :param ports: of its slurmd, and of slurmctld; ``shared``: see :class:`NumaMachine`.
        """
        slurmd, slurmctld = ports
        folder = self.folder
        start = NUMA_NODE.format(
            folder=folder, name=name, slurmd=SLURMD, slurmstepd=SLURMSTEPD, slurmctld=slurmctld, host=HOST
        )
        forward = [("127.0.0.1", slurmd, slurmd)]
        self.machines[name] = NumaMachine(folder, name, start, [folder, *shared], forward)

    def kill_node(self, name: str) -> None:
        """End slurmd and all jobs of a node at once."""
        process = self.nodes.pop(name)
        process.kill()  # and by --kill-child the first process of the namespace
        process.wait()

    def wait_until_idle(self, nodes: int) -> None:
        """Until so many nodes are idle."""
        self.wait_for(
            "idle nodes", lambda: self.command("sinfo", "-h", "-N", "-t", "idle").count("\n") >= nodes
        )

    @staticmethod
    def wait_for(what: str, condition: object) -> None:
        deadline = time.monotonic() + PATIENCE_S
        assert callable(condition)
        while True:
            with contextlib.suppress(subprocess.CalledProcessError):
                if condition():
                    return
            assert time.monotonic() < deadline, f"{what}: does not come"
            time.sleep(0.1)

    def start_daemon(
        self, *words: str, program: str = "", environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a daemon, which is stopped with the cluster; ``program``: its file, if not the first word."""
        self.daemons.append(
            subprocess.Popen(
                words,
                executable=program or None,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **self.environment, **(environment or {})},
                start_new_session=True,
            )
        )
        return self.daemons[-1]

    def stop(self) -> None:
        """End all that was started."""
        for name in list(self.nodes):
            self.kill_node(name)
        for machine in self.machines.values():
            machine.stop()
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


@contextmanager
def start(
    folder: Path,
    nodes: int = 2,
    remembered: int = 2,
    partitions: Mapping[str, str] | None = None,
    more: str = "",
    node_words: str = "",
    numa: Sequence[Path] = (),
    accounts: Sequence[str] = (),
    own: Sequence[Path] = (),
) -> Iterator[Cluster]:
    """Start a cluster of node1, node2 ….

    :param remembered: seconds for which slurmctld remembers jobs that have ended.
    :param partitions: words of each partition's line, by name; default: one partition, main.
    :param more: lines of slurm.conf; ``node_words``: of the nodes' line.
    :param numa: nodes are machines with two NUMA nodes that share these directories with this one.
    :param accounts: accounts of root; with any the cluster has accounting, and jobs need one of them.
    :param own: see :class:`Cluster`.
    """
    cluster = Cluster(folder, own=own)
    try:
        controller, *ports = (free_port() for _ in range(nodes + 1))
        more += f"\nSlurmctldPort={controller}"
        if accounts:
            cluster.accounting = Accounting(cluster)
            more += cluster.accounting.configuration
        _configure(cluster, ports, remembered, partitions or {"main": "Default=YES"}, more, node_words)
        socket_ = folder / "munge/munge.sock"
        cluster.start_daemon(
            "munged", "--foreground", "--force", f"--key-file={folder}/munge.key", f"--socket={socket_}",
            f"--pid-file={folder}/munge.pid", f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed",
        )  # fmt: skip
        cluster.wait_for("munged", socket_.exists)
        if cluster.accounting:
            cluster.accounting.start(*accounts)
        slurmctld = str(shutil.which(SLURMCTLD))
        cluster.start_daemon("slurmctld", "-D", "-f", f"{folder}/slurm.conf", program=slurmctld)
        cluster.wait_for("slurmctld", lambda: "UP" in cluster.command("scontrol", "ping"))
        for number, port in enumerate(ports, 1):
            if numa:
                cluster.start_numa_node(f"node{number}", (port, controller), numa)
            else:
                cluster.start_node(f"node{number}")
        cluster.wait_until_idle(nodes)
        yield cluster
    finally:
        cluster.stop()


def _configure(
    cluster: Cluster,
    ports: Sequence[int],
    remembered: int,
    partitions: Mapping[str, str],
    more: str,
    node_words: str,
) -> None:
    folder, host = cluster.folder, socket.gethostname().partition(".")[0]
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    (folder / "state").mkdir()
    (folder / "node").mkdir()
    (folder / "munge").mkdir()
    folder.chmod(0o755)
    lines = [CONFIGURATION.format(folder=folder, host=host, remembered=remembered), more]
    lines += [
        f"NodeName=node{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=1000"
        f" State=UNKNOWN {node_words}"
        for number, port in enumerate(ports, 1)
    ]
    lines += [f"PartitionName={name} Nodes=ALL {words}" for name, words in partitions.items()]
    (folder / "slurm.conf").write_text("\n".join(lines) + "\n")


def new_boot() -> str:
    """Return a boot id."""
    return str(uuid.uuid4())
