"""Runs that tests interrupt, and what must be true of them afterwards."""

from __future__ import annotations

import subprocess

from tests.integration.sshd import Sshd
from tests.running import User

COUNTING = """
name: counting
benchmark:
  command:
    - sh
    - -c
    - 'echo begin-{n} >> EXECUTIONS; sleep 0.8; echo end-{n} >> EXECUTIONS; echo x={n}'
  metrics: {x: {key_value: x, unit: count}}
factors: {n: [0, 1, 2, 3, 4, 5, 6, 7]}
repetitions: 1
"""

LONG = """
name: long
benchmark:
  command: [sh, -c, 'echo begin-{n} >> EXECUTIONS; test {n} = 0 || sleep 600; echo end-{n} >> EXECUTIONS; echo x={n}']
  metrics: {x: {key_value: x, unit: count}}
factors: {n: [0, 1, 2]}
repetitions: 1
order: {within_block: listed}
"""


def each_once(user: User, trials: int) -> None:
    """In the journal, and on the host."""
    user.assert_complete(trials)
    assert set(user.counted.values()) == {1}, user.counted
    assert sum(user.counted.values()) == 2 * trials


def sessions(sshd: Sshd) -> list[int]:
    """Pids of the server's children: one for each connection."""
    server = (sshd.folder / "pid").read_text().strip()
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", server], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in listed.stdout.split()]
