"""Runs of experiments on machines that boot from their disks."""

from __future__ import annotations

import subprocess

from tests.running import Ended, User

PATIENCE_S = 5400.0

HOSTS = """
hosts: {provider: ssh, ssh: {host: metal}, needs: {numa_nodes: 2}}
limits: {boot: 400, settle: 0}
"""

AGAIN = "again: {package: linux-image-cloud-amd64, command_line: orchestrate.test=1}"
"""The kernel of the machine once more, marked by a word of its command line."""

MUTE = "mute: {package: linux-image-cloud-amd64, command_line: modprobe.blacklist=virtio_net}"
"""A kernel without a network."""

ONE_TRIAL = """
benchmark:
  command: [sh, -c, 'echo x=1']
  metrics: {x: {key_value: x, unit: count}}
factors: {kernel: [KERNELS]}
repetitions: 1
"""


def begin(user: User, text: str, hosts: str = HOSTS) -> subprocess.Popen[str]:
    """Begin to run an experiment."""
    file = user.folder / "sweep.yaml"
    file.write_text(f"version: 1\nname: boots\n{hosts}{text}")
    return user.begin_run(file)


def run(user: User, text: str, hosts: str = HOSTS) -> Ended:
    """Run an experiment to its end."""
    return user.end(begin(user, text, hosts), PATIENCE_S)


def assert_proven(user: User) -> None:
    """Each block's kernel was the requested one, as far as it can be checked."""
    assert all(all(check["holds"] for check in block["proof"]) for block in user.of_type("block"))
