"""The scripts of jobs that carry their files, in the shells of nodes: unpack, run, deliver, remove."""

from __future__ import annotations

import base64
import gzip
import subprocess
from pathlib import Path

import pytest

from orchestrator.hosts.batch import pack
from orchestrator.hosts.slurm.node_storage import SCRIPTS
from tests.host_shells import SHELLS, TIME_LIMIT_S, environment_of

JOB = b"""
block=$1/jobs/$2/$SLURM_ARRAY_TASK_ID
cat "$1/jobs/$2/expected" "$block/trials" >"$block/place"
echo '{"event":"begin"}' >"$block/journal.jsonl"
sleep 1
printf '{"event":"trial","output":"@over \\\\\\\\n"}\\n{"event":"end"}\\n' >>"$block/journal.jsonl"
echo "stopped by $3" >"$block/refused"
"""
DELIVERED = r"""@path jobs/0/1
@place release=6.1
@place trial 1
{"event":"begin"}
{"event":"trial","output":"@over \\n"}
{"event":"end"}
@refused stopped by user
@over
"""


class Node:
    """A node with one shell, and the batch script of a job."""

    def __init__(self, shell: str, folder: Path) -> None:
        self.run = folder / "own" / "the run"
        self.script = folder / "job.sh"
        self.environment = environment_of(shell, folder) | {
            "SLURM_ARRAY_TASK_ID": "1",
            "SLURMD_NODENAME": "node1",
        }
        files = {f"jobs/0/{name}": b"" for name in ("settings", "0/trials")}
        files |= {"jobs/0/expected": b"release=6.1\n", "jobs/0/1/trials": b"trial 1\n"}
        common, array = (
            base64.encodebytes(gzip.compress(pack(content))).decode()
            for content in ({"bin/job.sh": JOB}, files)
        )
        text = f"{SCRIPTS['packed_job.sh'].decode()}@common\n{common}@array\n{array}@end\n"
        self.script.write_text(text)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ("/usr/bin/env", "sh", *words),
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start_job(self, hold: int) -> subprocess.Popen[str]:
        return self.start(str(self.script), str(self.run), "0", "user", str(hold))

    def deliver(self, mode: str, lines: int = 0) -> subprocess.Popen[str]:
        words = ("deliver.sh", str(self.run), mode, str(lines), "jobs/0/1")
        return self.start("-c", SCRIPTS["deliver.sh"].decode(), *words)


@pytest.fixture(params=SHELLS)
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Node:
    return Node(request.param, tmp_path)


def received(step: subprocess.Popen[str]) -> str:
    """What a step has delivered up to "@over"; then it is told that this was taken."""
    assert step.stdout
    assert step.stdin
    lines = [""]
    while lines[-1] != "@over\n":
        lines.append(step.stdout.readline())
        assert lines[-1], lines
    step.stdin.write("taken\n")
    step.stdin.close()
    assert step.wait(TIME_LIMIT_S) == 0
    return "".join(lines)


def test_a_job_ends_when_its_files_were_taken(node: Node) -> None:
    job, step = node.start_job(1000), node.deliver("live")
    assert received(step) == DELIVERED
    assert job.wait(TIME_LIMIT_S) == 0
    assert list(node.run.parent.iterdir()) == []


def test_files_that_nobody_took_stay_until_they_are_fetched(node: Node) -> None:
    assert node.start_job(0).wait(TIME_LIMIT_S) == 0
    with (node.run / "jobs/0/1/journal.jsonl").open("a") as journal:
        journal.write('{"event":"torn')
    known = DELIVERED.splitlines(keepends=True)
    assert received(node.deliver("ended", 2)) == known[0] + "".join(known[5:])
    assert list(node.run.parent.iterdir()) == []
