"""Ways to run a program many times on hosts and to bring back what it prints: ours, and what people use instead."""

from __future__ import annotations

import json
import re
import shlex
from abc import ABC, abstractmethod
from pathlib import Path

from tests.performance.environments import Environments
from tests.performance.hosts import Hosts
from tests.performance.usage import Usage, measure

FIGURE = r'"t": ([0-9.]+)'
"""What a trial prints."""


class Contender(ABC):
    """One way. ``sizes``: two numbers of trials; the time for one trial is the difference by the difference.

    What is the same for all of them, starting and connecting, is told apart in this way.
    """

    name: str
    sizes: tuple[int, int] = (200, 1200)

    def __init__(self, programs: Path, environments: Environments, trial: str = "trial") -> None:
        self.programs = programs
        self.environments = environments
        self.trial = str(programs / trial)

    @abstractmethod
    def run(self, hosts: Hosts, folder: Path, count: int) -> Usage:
        """Run the program ``count`` times on each host."""

    def results(self, folder: Path) -> list[float]:
        """Return the figures ``t`` that arrived."""
        found = (re.findall(FIGURE, path.read_text()) for path in folder.glob("*.out"))
        return [float(figure) for figures in found for figure in figures]


class Loop(Contender):
    """A loop in C over one ssh: what must be done at least."""

    name = "ssh, loop in C"

    def run(self, hosts: Hosts, folder: Path, count: int) -> Usage:
        """One ssh to each host, at once."""
        ssh = f"ssh -F {hosts.ssh_config}"
        lines = [
            f"{ssh} {name} {self.programs}/loop {count} /var/lib/orchestrate/loop {self.trial} >{name}.out &"
            for name in hosts.names
        ]
        return measure([*hosts.prefix, "sh", "-c", "\n".join([*lines, "wait"])], folder)


class ShellLoop(Contender):
    """A loop of ssh in a shell, over a master connection."""

    name = "shell, ssh per trial"
    sizes = (20, 120)

    def run(self, hosts: Hosts, folder: Path, count: int) -> Usage:
        """One loop for each host, at once."""
        ssh = (
            f"ssh -F {hosts.ssh_config} -o ControlMaster=auto -o ControlPath={folder}/%n -o ControlPersist=10"
        )
        each = f"for i in $(seq {count}); do {ssh} $name {self.trial}; done >$name.out"
        line = f"for name in {' '.join(hosts.names)}; do ( {each} ) & done; wait"
        return measure([*hosts.prefix, "sh", "-c", line], folder)


class Ours(Contender):
    """``orchestrate run``."""

    name = "orchestrate"

    def run(self, hosts: Hosts, folder: Path, count: int) -> Usage:
        """Each host runs every trial. It does not wait for idle CPUs, which the controller shares with the hosts."""
        return measure(self.command(hosts, folder, count), folder)

    def command(self, hosts: Hosts, folder: Path, count: int) -> list[str]:
        """Write the experiment, and return the command that runs it."""
        experiment = {
            "version": 1,
            "name": "overhead",
            "hosts": {"provider": "ssh", "group": "fleet", "fleet": "replicate"},
            "benchmark": {"command": [self.trial], "metrics": {"t": {"json": "t", "unit": "ms"}}},
            "repetitions": count,
            "limits": {"settle": 0},
        }
        file = folder / "overhead.yaml"
        file.write_text(json.dumps(experiment))
        words = ("run", str(file), "--inventory", str(hosts.inventory), "--results", "results")
        return [*hosts.prefix, str(self.environments.orchestrate), *words]

    def results(self, folder: Path) -> list[float]:
        """Return the figures of the records that are ok."""
        (journal,) = folder.glob("results/*/*/journal.jsonl")
        records = map(json.loads, journal.read_text().splitlines())
        return [one["metrics"]["t"]["value"] for one in records if one.get("status") == "ok"]


class Fabric(Contender):
    """Fabric: one command for each trial, a thread for each host."""

    name = "Fabric"
    sizes = (20, 120)
    script = "fabric_loop.py"

    def run(self, hosts: Hosts, folder: Path, count: int) -> Usage:
        """Run a script of Fabric."""
        script = Path(__file__).parent / "programs" / self.script
        words = (str(hosts.ssh_config), self.trial, str(count), *hosts.names)
        return measure([*hosts.prefix, str(self.environments.python), str(script), *words], folder)


class Pyinfra(Contender):
    """pyinfra: one operation ``server.shell`` for each trial."""

    name = "pyinfra"
    sizes = (20, 120)

    def run(self, hosts: Hosts, folder: Path, count: int) -> Usage:
        """Run a deploy."""
        data = {
            "ssh_config_file": str(hosts.ssh_config),
            "ssh_known_hosts_file": f"{hosts.fleet.folder}/known_hosts",
        }
        (folder / "inventory.py").write_text(f"hosts = {[(name, data) for name in hosts.names]!r}\n")
        deploy = Path(__file__).parent / "programs" / "pyinfra_deploy.py"
        environment = {"TRIAL": self.trial, "COUNT": str(count), "FOLDER": str(folder)}
        words = ("-y", "inventory.py", str(deploy))
        return measure([*hosts.prefix, str(self.environments.peer("pyinfra")), *words], folder, environment)


class Ansible(Contender):
    """Ansible with pipelining: ``command`` in a loop."""

    name = "Ansible, pipelining"
    sizes = (5, 25)

    def run(self, hosts: Hosts, folder: Path, count: int) -> Usage:
        """Run a playbook."""
        play = {
            "hosts": "fleet",
            "gather_facts": False,
            "tasks": [
                {"command": self.trial, "loop": list(range(count)), "register": "done"},
                {"copy": {"content": "{{ done.results | map(attribute='stdout') | join('\n') }}",
                          "dest": f"{folder}/{{{{ inventory_hostname }}}}.out"}, "delegate_to": "localhost"},
            ],
        }  # fmt: skip
        (folder / "play.yaml").write_text(json.dumps([play]))
        environment = {
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_FORKS": "8",
            "ANSIBLE_SSH_ARGS": shlex.join(
                ["-F", str(hosts.ssh_config), "-o", "ControlMaster=auto", "-o", "ControlPersist=60s"]
            ),
            "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
            "ANSIBLE_HOME": str(folder / "ansible"),
        }
        program = str(self.environments.peer("ansible-playbook"))
        return measure([*hosts.prefix, program, "-i", str(hosts.inventory), "play.yaml"], folder, environment)


CONTENDERS: tuple[type[Contender], ...] = (Loop, Ours, ShellLoop, Fabric, Pyinfra, Ansible)
