"""What changes nothing needs no permission: another user, in a folder and with a cache that cannot be written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.running import User

FILE = """\
version: 1
hosts: {provider: local, local: {allow_changes: true}, qemu: {nodes: [{cpus: 2, memory: 512MiB}]}}
benchmark: {command: [sh, -c, 'echo x={n}'], metrics: {x: {key_value: x, unit: s}}}
factors: {n: [1, 2]}
tuning: {sysctl: {vm.swappiness: 10}}
roles: [mine]
"""
NOBODY = 65534
READS_ONLY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
READS_ALL = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
"""The directories of tests are for their user only."""


@pytest.fixture
def reader(tmp_path: Path) -> User:
    """Someone who can read a folder with an experiment and a role, and write nothing."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("needs setpriv")
    (tmp_path / "sweep.yaml").write_text(FILE)
    role = tmp_path / "roles/mine"
    (role / "files").mkdir(parents=True)
    (role / "files/greeting").write_text("hello\n")
    (role / "tasks.yaml").write_text("- copy: {src: greeting, dest: /etc/motd.orchestrate}\n")
    for path in (*tmp_path.rglob("*"), tmp_path):
        path.chmod(0o555 if path.is_dir() else 0o444)
    nowhere = {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent/cache"}
    prefix = (*READS_ONLY, *READS_ALL) if os.geteuid() == 0 else ()
    return User(tmp_path, environment=nowhere, prefix=prefix)


@pytest.mark.parametrize(
    "words",
    [
        ["run", "sweep.yaml", "--dry-run"],
        ["run", "sweep.yaml", "--dry-run", "--provider", "qemu"],
        ["run", "sweep.yaml", "--dry-run", "--host", "host.invalid"],
        ["plan", "sweep.yaml"],
        ["validate", "sweep.yaml"],
        ["review", "sweep.yaml"],
        ["results", "list"],
        ["kernel", "list"],
        ["doctor"],
        ["run", "--help"],
    ],
    ids=" ".join,
)
def test_what_changes_nothing_needs_no_permission(reader: User, words: list[str]) -> None:
    ended = reader.orchestrate(*words)
    assert (ended.code, ended.complaints) == (0, []), ended.err
    assert ended.out or words == ["kernel", "list"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "sweep.yaml"], "results: Permission denied; set a writable directory with --results or "),
        (["init"], "experiment.yaml: Permission denied"),
    ],
)
def test_what_writes_says_what_it_may_not_write(reader: User, words: list[str], message: str) -> None:
    ended = reader.orchestrate(*words)
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.startswith(message)
