"""The scripts of jobs that carry their files, in the shells of nodes: unpack, run, deliver, remove."""

from __future__ import annotations

import base64
import gzip
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from orchestrator.hosts.batch import pack
from orchestrator.hosts.slurm.node_storage import SCRIPTS, UNPACK
from orchestrator.hosts.slurm.session import HOLD
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

    def __init__(self, shell: str, folder: Path, more: Mapping[str, bytes] | None = None) -> None:
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
            for content in ({"bin/job.sh": JOB, **(more or {})}, files)
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


STRANGER = 12345


def link_of_another(run: Path) -> None:
    elsewhere = run.parent.with_name("elsewhere")
    elsewhere.mkdir()
    run.parent.symlink_to(elsewhere)
    os.chown(run.parent, STRANGER, STRANGER, follow_symlinks=False)


def directory_of_another(run: Path) -> None:
    run.mkdir(parents=True)
    run.chmod(0o777)
    os.chown(run, STRANGER, STRANGER)


def directory_around_for_all(run: Path) -> None:
    run.parent.mkdir()
    run.parent.chmod(0o777)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files to another user requires root")
@pytest.mark.parametrize("prepare", [link_of_another, directory_of_another, directory_around_for_all])
def test_nothing_runs_where_another_user_can_replace_files(
    node: Node, prepare: Callable[[Path], None]
) -> None:
    prepare(node.run)
    before = {"settings.record": b"", "bin/runner.sh": b'echo replaced >"$3/executed"'}
    hold = node.start("-c", HOLD, "sh", "/nonexistent", str(node.run))
    for name, content in before.items():
        path = node.run / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    hold.communicate(timeout=TIME_LIMIT_S)
    assert not (node.run / "executed").exists()
    assert node.start_job(0).wait(TIME_LIMIT_S) == 1
    assert not (node.run / "jobs/0/1/place").exists()
    filled = subprocess.run(
        ("/usr/bin/env", "sh", "-c", UNPACK, "sh", str(node.run)),
        env=node.environment,
        input=b"",
        capture_output=True,
        check=False,
    )
    assert (filled.returncode, filled.stderr) == (1, b"another user can replace it\n")


def test_a_cancelled_job_that_holds_a_node_removes_the_directory(tmp_path: Path) -> None:
    node = Node("dash", tmp_path)
    node.run.mkdir(parents=True)
    (node.run / "on_node").touch()
    find = tmp_path / "bin-dash" / "find"
    find.write_text('#!/bin/sh\nkill -TERM $$\nexec /usr/bin/find "$@"\n')  # scancel signals all processes
    find.chmod(0o755)
    node.start("-c", HOLD, "sh", "/nonexistent", str(node.run)).communicate(timeout=TIME_LIMIT_S)
    assert list(node.run.parent.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system requires root")
def test_a_full_disk_is_the_reason_and_keeps_no_scripts(tmp_path: Path) -> None:
    node = Node("dash", tmp_path, more={"bin/large": os.urandom(200_000)})
    node.run.parent.mkdir()
    line = 'mount -t tmpfs -o size=64k none "$1" && sh "$2" "$3" 0 user 0; cat "$3/jobs/0/1/journal.jsonl"; ls "$3"'
    words = ("sh", "-c", line, "sh", str(node.run.parent), str(node.script), str(node.run))
    done = subprocess.run(
        ("unshare", "--mount", "--propagation", "private", *words),
        env=node.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    reason = f"@refused cannot write the files of the job to {node.run} on node1"
    assert done.stdout.splitlines() == [reason, "@over", "jobs"]


def test_a_directory_for_all_may_be_around_it_where_files_stay_their_owner_s(node: Node) -> None:
    node.run.parent.mkdir()
    node.run.parent.chmod(0o1777)
    assert node.start_job(0).wait(TIME_LIMIT_S) == 0
    assert (node.run / "jobs/0/1/place").exists()
