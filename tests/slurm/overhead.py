"""Wall time of a run against the same blocks by one ``sbatch --array`` written by hand, on a cluster of four nodes.

    python -m tests.slurm.overhead [BLOCKS] [SECONDS]    each block is one trial that sleeps SECONDS

Prints both times, their ratio, and the CPU time of the controller with the commands that it starts, for each block.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.running import COMMAND
from tests.slurm import cluster as clusters

EXPERIMENT = """
version: 1
name: overhead
hosts: {{provider: slurm, slurm: {{directory: {folder}/shared}}}}
noise: false
limits: {{settle: 0}}
benchmark:
  name: say
  command: [sh, -c, 'sleep {seconds}; echo speed=1.5']
  metrics: {{speed: {{key_value: speed, unit: GiB/s}}}}
repetitions: {{count: {blocks}, boots: {blocks}}}
"""


def main(blocks: int, seconds: int) -> None:
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as state:
        folder = Path(name)
        (folder / "x.yaml").write_text(EXPERIMENT.format(folder=folder, seconds=seconds, blocks=blocks))
        (folder / "by-hand.sh").write_text(f"#!/bin/sh\nsleep {seconds}; echo speed=1.5\n")
        with clusters.start(Path(state), nodes=4) as cluster:
            started = time.monotonic()
            cluster.command(
                *("sbatch", "--wait", f"--array=0-{blocks - 1}", "--exclusive", "--mem=0"),
                *(f"--output={folder}/out.%a", str(folder / "by-hand.sh")),
            )
            by_hand = time.monotonic() - started
            started, cpu = time.monotonic(), _cpu_of_children()
            subprocess.run(
                [COMMAND, "run", "x.yaml"], cwd=folder, env={**os.environ, **cluster.environment}, check=True
            )
            ours = time.monotonic() - started
            cpu = _cpu_of_children() - cpu
    print(
        f"{blocks} blocks of {seconds} s: by hand {by_hand:.1f} s, orchestrate {ours:.1f} s ({ours / by_hand:.2f})"
    )
    print(f"CPU of the controller: {cpu:.2f} s, {1000 * cpu / blocks:.1f} ms a block")


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(*(int(word) for word in (*sys.argv[1:], *("200", "2")[len(sys.argv) - 1 :])))
