"""Blocks in guests that jobs boot on their nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.slurm.conftest import SlurmUser

PATIENCE_S = 1800.0
GUEST = """
hosts:
  provider: slurm
  slurm: {{directory: {shared}, poll: 0.3s, lost_after: 3s, guest: true{more}}}
  qemu: {{nodes: [{{cpus: 1, memory: 256MiB}}, {{cpus: 1, memory: 256MiB}}], acceleration: tcg, clock: wall}}
noise: false
"""
COUNT = """
name: count
benchmark:
  name: say
  command: [sh, -c, 'sleep 0.{n}; echo speed={n}.5']
  metrics: {speed: {key_value: speed, unit: GiB/s, better: higher}}
factors: {n: [1, 2]}
"""


def guest_file(user: SlurmUser, text: str, more: str = "", **limits: str | int):
    section = GUEST.format(shared=user.shared, more=f", {more}" if more else "")
    return user.file(section + text, **limits)


def test_a_block_runs_in_a_guest(user: SlurmUser) -> None:
    ended = user.run(guest_file(user, COUNT + "repetitions: 1\n"))
    assert ended.code == 0, ended.err
    user.assert_complete(2)
    print(ended.out, ended.err)
    user.assert_nothing_left()


QUICKSTART = Path(__file__).parents[2] / "experiments/quickstart.yaml"


@pytest.mark.slow
def test_the_quickstart_is_complete(user: SlurmUser) -> None:
    """On the instruction clock, as with the provider qemu where KVM does not work."""
    user.environment["HOME"] = str(user.folder)
    options = ("hosts.slurm.guest=true", f"hosts.slurm.directory={user.shared}", "hosts.slurm.poll=1s")
    run = user.begin_run(
        QUICKSTART, "--provider", "slurm", *(word for option in options for word in ("--set", option))
    )
    ended = user.end(run, PATIENCE_S)
    assert ended.code == 0, ended.err
    print(ended.out, ended.err)
    user.assert_complete(24)
    user.assert_nothing_left()
