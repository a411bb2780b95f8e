"""Results that cannot be written: one line, exit code 2 or 3, and nothing is left."""

from __future__ import annotations

import os

import pytest

from tests.integration.sshd import Sshd, free_port
from tests.running import LIMITED_FILES, User

FILE = """
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: count}}}
repetitions: 2
"""
SMALL_RESULTS = """
mount -t tmpfs -o nr_inodes=$1 none results && shift && "$@"
code=$?
find results -mindepth 1 >left
exit $code
"""
"""Runs a command with a disk of its own for results, and lists what is left there."""


def test_a_results_folder_that_cannot_be_made(user: User) -> None:
    (user.folder / "results").write_text("a file")
    ended = user.run(user.file(FILE))
    assert ended.code == 2
    assert "Directory 'results' is a file" in ended.err


@pytest.mark.parametrize("blocks", ["0", "1"])
def test_a_full_disk_of_the_controller(user: User, blocks: str) -> None:
    """As far as one can be had without root's help: the shell's limit on the size of files."""
    user.prefix = ("sh", "-c", LIMITED_FILES, "sh", blocks)
    ended = user.run(user.file(FILE))
    assert ended.code == 3, ended.err
    assert "File too large" in ended.err
    assert "None" not in ended.err
    assert not list(user.folder.glob("results/*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk")
@pytest.mark.parametrize("inodes", range(1, 7))
def test_a_full_disk_at_the_start_of_a_run(local_user: User, inodes: int) -> None:
    """The disk takes so many files and directories, itself among them; no host answers."""
    (local_user.folder / "results").mkdir()
    local_user.prefix = ("unshare", "--mount", "sh", "-c", SMALL_RESULTS, "sh", str(inodes))
    local_user.options = ("--host", f"nobody@127.0.0.1:{free_port()}")
    ended = local_user.run(local_user.file(FILE))
    assert ended.code == 3, ended.err
    (line,) = ended.complaints
    assert "No space left on device" in line
    assert "None" not in line
    assert (local_user.folder / "left").read_text() == ""


def test_a_log_that_cannot_be_written_adds_nothing_to_the_reason(user: User, sshd: Sshd) -> None:
    """The log is longer than the shell lets a file become; the journal is not."""
    config = user.folder / "ssh_config"
    config.write_text(sshd.ssh_config.read_text())
    user.options = ("--host", "testhost", "--ssh-config", str(config))
    file = user.file(FILE)
    assert user.run(file).code == 0
    (folder,) = user.run_folders
    lines = (folder / "journal.jsonl").read_text().splitlines(keepends=True)
    (folder / "journal.jsonl").write_text("".join(line for line in lines if '"type":"end"' not in line))
    limit = 1 << 20
    (folder / "orchestrate.log").write_text("x" * limit)
    user.prefix = ("sh", "-c", LIMITED_FILES, "sh", str(limit // 512))
    config.write_text(config.read_text().replace(str(sshd.port), str(free_port())))
    ended = user.run(file)
    assert ended.code == 3
    (line,) = ended.complaints
    assert "Connection refused" in line
