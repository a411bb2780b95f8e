"""Runs on several hosts: distribution of cells, hosts with errors, locks."""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.netns import BASE, STAT_INTERVAL, Fleet, a_fleet
from tests.integration.sshd import make_key
from tests.running import User

CELLS = 12
SHARED = f"""
name: some
hosts: {{provider: ssh, group: fleet, fleet: shard, needs: {{cpus: 1, memory_per_node: 1MiB}}}}
benchmark:
  command: [sh, -c, 'sleep 0.2; echo x={{n}}']
  metrics: {{x: {{key_value: x, unit: count}}}}
factors: {{n: {{range: {{from: 1, to: {CELLS}}}}}}}
repetitions: 2
"""
TUNED = SHARED.replace("echo x={n}", f": {{n}}; echo x=$(cat {STAT_INTERVAL})") + (
    "tuning: {sysctl: {vm.stat_interval: 7}}\n"
)
SLOW = SHARED.replace("sleep 0.2", "sleep 1")
REPLICATED = ("--set", "hosts.fleet=replicate")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    (tmp_path / "fleet").mkdir()
    with a_fleet(tmp_path / "fleet") as fleet:
        yield fleet


def new_user(fleet: Fleet, tmp_path: Path, name: str = "user") -> User:
    (tmp_path / name).mkdir()
    return fleet.user(tmp_path / name)


def outcomes(user: User) -> dict[str, str]:
    return {record["host"]: record["outcome"] for record in user.of_type("host")}


def summary_lines(err: str, host: str) -> list[str]:
    """Return the lines of the summary for a host."""
    return [line for line in err.splitlines() if f"] {host} " in line]


def test_cells_are_shared_or_run_on_each(fleet: Fleet, tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        fleet.add(name)
    fleet.wait_until_up()
    user = new_user(fleet, tmp_path)
    shared = user.run(user.file(SHARED))
    assert shared.code == 0, shared.err
    user.assert_complete(2 * CELLS)
    assert {trial["host"] for trial in user.trials} == {"a", "b", "c"}
    cells = {(trial["cell"], trial["host"]) for trial in user.trials}
    assert len(cells) == CELLS  # one host runs all repetitions of a cell
    assert user.records[0]["hosts"] == ["b", "a", "c"]
    assert user.records[0]["fleet"] == "shard"
    assert list(outcomes(user).values()) == ["done"] * 3
    assert all(not list(host.base.glob("blocks/*")) for host in fleet.hosts)
    assert all(not (host.base / "lock").exists() for host in fleet.hosts)
    other = new_user(fleet, tmp_path, "other")
    replicated = other.run(other.file(SHARED), *REPLICATED)
    assert replicated.code == 0, replicated.err
    other.assert_complete(3 * 2 * CELLS)
    assert Counter(trial["host"] for trial in other.trials) == dict.fromkeys("abc", 2 * CELLS)
    assert all(trial["factors"]["host"] == trial["host"] for trial in other.trials)
    assert replicated.out.splitlines()[2].split()[:2] == ["host", "n"]


def test_stop_rule_needs_replicate(fleet: Fleet, tmp_path: Path) -> None:
    """Two trials for each block and cell. Each host stops after three of four blocks."""
    for name in ("a", "b"):
        fleet.add(name)
    fleet.wait_until_up()
    user = new_user(fleet, tmp_path)
    rule = "repetitions: {max: 8, boots: 4, until: {half_width: 1%}}"
    file = user.file(
        SHARED.replace("sleep 0.2; ", "").replace(f"to: {CELLS}", "to: 2").replace("repetitions: 2", rule)
    )
    refused = user.run(file)
    assert refused.code == 2
    assert refused.complaints[0].startswith(
        "repetitions.until with fleet: shard requires reboots, and the ssh provider cannot reboot hosts"
    )
    ended = user.run(file, *REPLICATED)
    assert ended.code == 0, ended.err
    user.assert_complete(2 * 2 * 8)
    assert user.statuses == {"ok": 24, "skipped": 8}
    assert all(trial["host"] == trial["factors"]["host"] for trial in user.trials)
    assert [record["trials"] for record in user.of_type("host")] == [12, 12], "those that ran"


@pytest.mark.changes_settings
def test_errors_on_hosts_do_not_stop_others(fleet: Fleet, tmp_path: Path) -> None:
    """Each host with an error has a line in the summary. With ``shard``, other hosts run its cells."""
    fleet.add("good1")
    fleet.add("good2")
    fleet.add("gone", ansible_host="10.77.0.249")
    make_key(fleet.folder / "stranger_key")
    fleet.add("stranger", ansible_ssh_private_key_file=str(fleet.folder / "stranger_key"))
    fake = make_key(fleet.folder / "other")
    changed = fleet.add("changed", known_hosts_file=str(fleet.folder / "changed_hosts"))
    (fleet.folder / "changed_hosts").write_text(f"{changed.address} {fake}")
    fleet.add_with_user("nosudo", sudo="")
    fleet.add("full", mounts=f"mount -t tmpfs -o size=16k none {BASE}")
    fleet.add("readonly", mounts=f"mount -o remount,bind,ro {STAT_INTERVAL}")
    fleet.add("i686", wrapper="setarch i686")
    fleet.wait_until_up()
    expected = {
        "gone": ("unreachable", "10.77.0.249"),
        "stranger": ("unreachable", "Permission denied (publickey)"),
        "changed": ("unreachable", "HAS CHANGED"),
        "nosudo": ("failed", "changing settings requires root"),
        "full": ("failed", "No space left on device"),
        "readonly": ("failed", f"{STAT_INTERVAL}: refused, requested '7', actual '1'"),
        "i686": ("left out", "architecture: i686, not x86_64"),
    }
    user = new_user(fleet, tmp_path)
    ended = user.run(user.file(TUNED))
    assert ended.code == 0, ended.err
    user.assert_complete(2 * CELLS)
    assert {trial["metrics"]["x"]["value"] for trial in user.trials} == {7}
    assert outcomes(user) == {"good1": "done", "good2": "done"} | {
        n: outcome for n, (outcome, _) in expected.items()
    }
    for name, (outcome, reason) in expected.items():
        (line,) = summary_lines(ended.err, name)
        assert outcome in line
        assert reason in line
    assert {(host.folder / "stat_interval").read_text() for host in fleet.hosts} == {"1\n"}

    other = new_user(fleet, tmp_path, "other")
    ended = other.run(other.file(TUNED), *REPLICATED)
    assert ended.code == 3, ended.err
    assert Counter(trial["host"] for trial in other.trials) == dict.fromkeys(
        ("good1", "good2", "i686"), 2 * CELLS
    )
    first, *missing = ended.complaints
    assert first.startswith(f"incomplete: {6 * 2 * CELLS} of {9 * 2 * CELLS} trials are missing, in 72 cells")
    assert "missing: host=gone, n=1: 2 trials" in missing
    assert other.records[-1]["complete"] is False


def test_the_table_of_good_hosts_is_printed_beside_a_dead_one(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("good")
    fleet.add("gone", ansible_host="10.77.0.249")
    fleet.add("here", ansible_connection="local")
    fleet.wait_until_up()
    user = new_user(fleet, tmp_path)
    file = user.file(SHARED.replace("sleep 0.2; ", "").replace(f"to: {CELLS}", "to: 2"))
    ended = user.run(file, *REPLICATED)
    assert ended.code == 3, ended.err
    assert "1 of 3 hosts take part" in ended.err
    assert outcomes(user) == {"good": "done", "gone": "unreachable", "here": "left out"}
    (line,) = summary_lines(ended.err, "here")
    assert line.split()[-5:] == ["left", "out", "0", "trials", "ansible_connection=local"]
    title, _, head, *rest = ended.out.splitlines()
    assert "not complete: 4 of 8 trials" in title
    assert head.split()[:2] == ["n", "trials"]
    assert rest[-1].startswith("Full report: ")


@pytest.mark.changes_settings
def test_needs_are_checked_before_any_change(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("a")
    fleet.wait_until_up()
    user = new_user(fleet, tmp_path)
    ended = user.run(user.file(TUNED), "--set", "hosts.needs.cpus=4000")
    assert ended.code == 3
    (line,) = summary_lines(ended.err, "a")
    assert "left out" in line
    assert "needs 4000 CPUs, host has " in line
    assert not list(fleet.hosts[0].base.iterdir())


def test_a_run_is_resumed_after_the_controller_was_killed(fleet: Fleet, tmp_path: Path) -> None:
    """Hosts keep the cells that they have started or finished. Another host runs those of a dead one."""
    for name in "abc":
        fleet.add(name)
    fleet.wait_until_up()
    user = new_user(fleet, tmp_path)
    file = user.file(SLOW)
    first = user.begin_run(file)
    user.wait_for(lambda: len(user.trials) >= 4, first)
    user.kill(first)
    fleet.hosts[1].kill()
    ended = user.run(file)
    assert ended.code == 0, ended.err
    user.assert_complete(2 * CELLS)
    assert outcomes(user) == {"a": "done", "b": "unreachable", "c": "done"}
    assert all(not list(host.base.glob("blocks/*")) for host in (fleet.hosts[0], fleet.hosts[2]))


def test_locks(fleet: Fleet, tmp_path: Path) -> None:
    """A lock names its holder, is respected unless it is stale, and can be removed."""
    host = fleet.add("a")
    fleet.wait_until_up()
    user, other = new_user(fleet, tmp_path), new_user(fleet, tmp_path, "other")
    first = user.begin_run(user.file(SLOW))
    user.wait_for(lambda: user.trials, first)
    run = user.run_folders[0].name
    locked = f"locked by {run} of root@"
    refused = other.run(other.file(SHARED))
    assert refused.code == 3
    (line,) = summary_lines(refused.err, "a")
    assert locked in line
    assert "orchestrate hosts unlock a" in line
    checked = other.orchestrate("hosts", "check", "a", *other.options)
    assert locked in checked.out
    assert user.kill(first, signal.SIGINT).code == 130
    assert not (host.base / "lock").exists()
    # The lock of a controller on another machine.
    holder = {"run": "far-away", "user": "mm", "controller": "elsewhere", "since": "2026", "process": "?"}
    (host.base / "lock").write_text(json.dumps(holder) + "\n")
    refused = other.run(other.file(SHARED), "--new")
    assert refused.code == 3
    assert "locked by far-away of mm@elsewhere since 2026" in refused.err
    restored = other.orchestrate("hosts", "restore", "a", *other.options)
    assert restored.code == 3
    broken = other.run(other.file(SHARED), "--break-lock")
    assert broken.code == 0, broken.err
    (host.base / "lock").write_text(json.dumps(holder) + "\n")
    unlocked = other.orchestrate("hosts", "unlock", "a", *other.options)
    assert unlocked.out == "a: unlocked; was locked by far-away of mm@elsewhere since 2026\n"
    assert not (host.base / "lock").exists()


@pytest.mark.changes_settings
@pytest.mark.skipif(not shutil.which("sudo"), reason="requires sudo")
def test_passwordless_sudo(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add_with_user("a", sudo="mm ALL=(ALL) NOPASSWD: ALL")
    fleet.wait_until_up()
    user = new_user(fleet, tmp_path)
    ended = user.run(user.file(TUNED))
    assert ended.code == 0, ended.err
    assert {trial["metrics"]["x"]["value"] for trial in user.trials} == {7}
    assert (host.folder / "stat_interval").read_text() == "1\n"
    assert (host.base / "bin").stat().st_uid == 0
    applied = user.orchestrate("role", "apply", "tuning", "--host", "a", *user.options, "--check")
    assert applied.code == 0, applied.err


@pytest.mark.changes_settings
@pytest.mark.skipif(not shutil.which("sudo"), reason="requires sudo")
def test_sudo_that_requires_a_password_is_an_error(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add_with_user("a", sudo="mm ALL=(ALL) ALL")
    fleet.wait_until_up()
    user = new_user(fleet, tmp_path)
    ended = user.run(user.file(TUNED))
    assert ended.code == 3
    (line,) = summary_lines(ended.err, "a")
    assert "changing settings requires root: log in as root or configure passwordless sudo" in line
    unchanged = user.run(user.file(SHARED, "plain.yaml"))
    assert unchanged.code == 0, unchanged.err


def test_a_provider_without_fleets_is_refused(local_user: User) -> None:
    ended = local_user.run(local_user.file(SHARED), "--set", "hosts.provider=local")
    assert ended.code == 2
    assert "the local provider has only one host" in ended.complaints[0]
