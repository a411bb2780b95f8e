"""Blocks in guests that jobs boot on their nodes."""

from __future__ import annotations

import pytest

from tests.slurm.conftest import SlurmUser

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
