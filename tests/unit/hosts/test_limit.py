"""``--limit PATTERN``: some of the hosts; ``--first N``: some of the cells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.calls import orchestrate

FILE = "version: 1\nbenchmark: {command: [sh, -c, 'echo x=1'], metrics: {x: {key_value: x, unit: s}}}\n"
INVENTORY = "[numa]\nn1\nn2\nn3\n"
FLEET = "hosts={provider: ssh, group: numa, fleet: shard}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(FILE)
    (tmp_path / "hosts.ini").write_text(INVENTORY)
    return tmp_path


def refused(folder: Path, *words: str) -> str:
    ended = orchestrate(*words, folder=folder)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert not (folder / "results").exists()
    return ended.stderr.removeprefix("orchestrate: ").strip()


@pytest.mark.parametrize("options", [("--host", "numa"), ("--set", FLEET)])
def test_a_run_uses_the_hosts_that_are_left(folder: Path, options: tuple[str, ...]) -> None:
    words = ("run", "a.yaml", "--dry-run", "-i", "hosts.ini", "-l", "n*:!n2", *options)
    shown = orchestrate(*words, folder=folder).stdout
    hosts = [line for line in shown.splitlines() if line.startswith("# host")]
    assert all("n2" not in line for line in hosts)
    assert all(any(name in line for line in hosts) for name in ("n1", "n3"))


def test_a_host_that_is_an_address(folder: Path) -> None:
    shown = orchestrate("run", "a.yaml", "--dry-run", "--host", "me@there", "-l", "me@*", folder=folder)
    assert shown.stdout.startswith("# host: me@there, by SSH\n")


def test_a_pattern_that_leaves_no_host(folder: Path) -> None:
    run = ("run", "a.yaml", "-i", "hosts.ini", "--host", "n1", "--limit")
    assert refused(folder, *run, f"n2[{'9' * 5000}]").startswith("--limit n2[999")
    assert refused(folder, *run, "n2") == "--limit n2: leaves no host of n1"
    assert refused(folder, "hosts", "check", "numa", "-i", "hosts.ini", "-l", "!n*") == (
        "--limit !n*: leaves no host of n1, n2, n3"
    )


def test_a_name_that_no_host_has_is_no_typo_to_run_with(folder: Path) -> None:
    """``!n22`` would else leave the host that was meant to be spared."""
    run = ("run", "a.yaml", "-i", "hosts.ini", "--host", "numa", "--limit")
    message = refused(folder, *run, "numa:!n22")
    assert message == "--limit numa:!n22: no host or group 'n22' in hosts.ini; did you mean 'n2'?"
    for word, hint in (("nope", "known: n1, n2, n3, numa"), ("ungruped", "did you mean 'ungrouped'?")):
        message = refused(folder, *run, word)
        assert message == f"--limit {word}: no host or group '{word}' in hosts.ini; {hint}"
    assert refused(folder, *run, "~n(").startswith("--limit ~n(: invalid regular expression 'n(': ")
    assert refused(folder, *run, "@none") == "--limit @none: none: No such file or directory"


def test_what_does_not_end_by_itself(folder: Path) -> None:
    """A pattern with as many ways to fail as bits, a pipe that nobody writes to and a device."""
    os.mkfifo(folder / "pipe")
    (folder / "hosts.ini").write_text(f"[numa]\n{'a' * 40}!\nn2\n")
    run = ("hosts", "list", "-i", "hosts.ini", "--limit")
    pattern = "~(a|aa)+$"
    assert refused(folder, *run, pattern) == (f"--limit {pattern}: the regular expression took more than 2 s")
    assert refused(folder, *run, "@/dev/zero").startswith("--limit @/dev/zero: /dev/zero: File too large ")
    empty = orchestrate(*run, "n2:@pipe", folder=folder)
    assert (empty.returncode, empty.stdout.splitlines()[-1].split()[0]) == (0, "n2")


@pytest.mark.parametrize("options", [(), ("--host", "numa", "-i", "hosts.ini")])
def test_who_means_the_first_cells_is_told_the_option(folder: Path, options: tuple[str, ...]) -> None:
    message = refused(folder, "run", "a.yaml", "--limit", "5", *options)
    assert message.endswith("; to select the first 5 cells, use --first 5")


def test_where_there_is_nothing_to_choose(folder: Path) -> None:
    assert refused(folder, "plan", "a.yaml", "--limit", "n1") == (
        "--limit n1: the local provider does not choose among hosts"
    )
