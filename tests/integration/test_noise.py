"""What a host tells of the noise around a trial, and what a run makes of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.execution.host_journal import TrialEnd
from orchestrator.execution.trial_file import HostTrial
from tests.host_shells import SHELLS, HostFolder
from tests.running import User

NODE = """\
Node {n} MemTotal:       1000 kB
Node {n} MemFree:         {free} kB
Node {n} Inactive(file):   50 kB
Node {n} HugePages_Free:   {pages}
"""
CPU = "cpu{n} {user} 0 0 1000 0 0 0 {steal} 0 0\n"


@pytest.fixture(params=SHELLS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostFolder]:
    folder = HostFolder(request.param, tmp_path)
    yield folder
    folder.close()


def run(host: HostFolder, command: str) -> TrialEnd:
    (end,) = host.run(HostTrial(id="t", tag={}, folder="/", argv=("sh", "-c", command)))
    return end


def statistics(user: int, steal: int, busiest: int) -> str:
    """Of two CPUs, in the format of /proc/stat."""
    each = "".join(CPU.format(n=n, user=user if n == busiest else 0, steal=0) for n in (0, 1))
    return CPU.format(n=" ", user=user, steal=steal) + each + "intr 5 1 2 3\nctxt 7\n"


needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="needs to be root, with unshare"
)


@pytest.fixture
def stand_in(host: HostFolder) -> Path:
    """A machine made of files, which the runner finds in the places of the host's own; trials change it."""
    root = host.folder / "stand-in"
    for folder in ("node/node0", "node/node10", "pts", "cpu/cpu0/thermal_throttle", "cpu/cpu1/thermal_throttle",
                   "cpu/cpu1/cpufreq"):  # fmt: skip
        (root / folder).mkdir(parents=True)
    (root / "vmstat").write_text("nr_free_pages 10\npgfault 5\n")
    (root / "stat").write_text(statistics(0, 0, 1))
    (root / "loadavg").write_text("0.75 0.50 0.25 1/100 4321\n")
    (root / "meminfo").write_text("MemFree: 70 kB\nInactive(file): 1 kB\nHugePages_Free: 3\n")
    (root / "node/node0/meminfo").write_text(NODE.format(n=0, free=100, pages=4))
    (root / "node/node10/meminfo").write_text(NODE.format(n=10, free=200, pages=0))
    for cpu in (0, 1):
        (root / f"cpu/cpu{cpu}/thermal_throttle/core_throttle_count").write_text("7\n")
        (root / f"cpu/cpu{cpu}/thermal_throttle/package_throttle_count").write_text("9\n")
    (root / "cpu/cpu1/cpufreq/scaling_cur_freq").write_text("2400000\n")
    (root / "pts/0").touch()
    places = {
        **{name: f"/proc/{name}" for name in ("vmstat", "stat", "loadavg", "meminfo")},
        "node": "/sys/devices/system/node",
        "cpu": "/sys/devices/system/cpu",
        "pts": "/dev/pts",
    }
    mounts = [f"/bin/mount --bind '{root}/{name}' {place}" for name, place in places.items()]
    words = ("sh", "-c", f'{" && ".join(mounts)} && exec "$@"', "sh")
    host.prefix = ("/usr/bin/unshare", "--mount", "--propagation", "private", *words)
    return root


@needs_namespaces
def test_all_that_a_host_can_tell(host: HostFolder, stand_in: Path) -> None:
    (stand_in / "later").write_text(statistics(150, 25, 1))
    end = run(
        host,
        f"cd {stand_in}; cp later stat; echo 12 >cpu/cpu0/thermal_throttle/core_throttle_count;"
        " echo pgfault 8 >vmstat; : >pts/1; echo 9 >loadavg; rm node/node0/meminfo",
    )
    assert end.noise == {
        "load": 0.75,
        "worked": 1.5,
        "stolen": 0.25,
        "frequency": 2400000000,
        "throttled": 5,
        "logins": 2,
        "nodes": [
            {"node": 0, "free_memory": 150 * 1024, "free_huge_pages": 4},
            {"node": 10, "free_memory": 250 * 1024, "free_huge_pages": 0},
        ],
    }
    assert end.counters == {"pgfault": 3}


@needs_namespaces
def test_a_host_that_tells_little(host: HostFolder, stand_in: Path) -> None:
    for file in [*stand_in.glob("node/*/meminfo"), *stand_in.glob("cpu/*/*/*"), stand_in / "pts/0"]:
        file.unlink()
    (stand_in / "later").write_text(statistics(150, 0, 0))
    end = run(host, f"cd {stand_in}; cp later stat")
    nodes = [{"node": 0, "free_memory": 71 * 1024, "free_huge_pages": 3}]
    assert end.noise == {
        "load": 0.75, "worked": 1.5, "stolen": 0, "frequency": None, "throttled": None, "logins": 0, "nodes": nodes,
    }  # fmt: skip


@needs_namespaces
def test_a_trial_in_which_no_cpu_worked_for_a_tick_has_no_frequency(host: HostFolder, stand_in: Path) -> None:
    assert "frequency" not in run(host, "true").noise


def test_this_host(host: HostFolder) -> None:
    end = run(host, "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done")
    assert end.noise["worked"] > 0
    assert end.noise["load"] >= 0
    assert all(node["free_memory"] > 0 for node in end.noise["nodes"])
    assert end.noise["nodes"]
    (refused,) = host.run(HostTrial(id="u", tag={}, folder="/no/such", argv=("true",)))[1:]
    assert refused.noise == {}


# --- runs --------------------------------------------------------------------------------------------------

COUNTED = """
name: counted
benchmark:
  command: [sh, -c, 'echo {n} >> EXECUTIONS; sleep {pause}; echo x={n}']
  metrics: {x: {key_value: x, unit: count}}
  arguments: {pause: 0}
factors: {n: [1, 2, 3]}
repetitions: 1
order: {within_block: listed}
"""
FEW_PAGES = "free huge pages of a node before the trial < 1000000"


def test_a_disturbed_trial_is_tried_again_and_then_set_aside(user: User) -> None:
    ended = user.run(user.file(COUNTED), "--set", "noise.free_huge_pages_per_node=1000000")
    assert ended.code == 1, ended.err
    user.assert_complete(3)
    assert user.statuses == {"disturbed": 3}
    assert {record["reason"] for record in user.trials + user.of_type("attempt")} == {FEW_PAGES}
    assert [record["factors"]["n"] for record in user.of_type("attempt")] == ["1", "2", "3"] * 2
    # Again at the end of the block, not at once.
    assert user.executions.read_text().split() == ["1", "2", "3"] * 3
    assert ended.err.count("(will be tried again)") == 6
    report = user.orchestrate("report", "latest").out
    assert re.search(rf"disturbed \(3 trials; [0-9a-f]+\): {FEW_PAGES}", report)
    assert re.search(rf"disturbed \(6 repeated attempts; [0-9a-f]+\): {FEW_PAGES}", report)
    assert not list(user.base.glob(f"blocks/{user.run_folders[0].name}-*"))


def test_retries_none_and_no_gate(user: User) -> None:
    limit = ("--set", "noise.load=0", "--set", "noise.free_huge_pages_per_node=1000000")
    assert user.run(user.file(COUNTED), *limit, "--set", "noise.retries=0").code == 1
    assert user.counted == {"1": 1, "2": 1, "3": 1}
    assert user.of_type("attempt") == []


def test_without_the_gate_all_is_recorded_anyway(user: User) -> None:
    assert user.run(user.file(COUNTED), "--set", "noise=false").code == 0
    assert user.statuses == {"ok": 3}
    for record in user.trials:
        assert set(record["noise"]) >= {"load", "worked", "stolen", "throttled", "logins", "nodes"}


TERMINALS = 25
VISITOR = f"""
import os, time
terminals = [os.openpty() for _ in range({TERMINALS})]
open("GONE", "w").close()
time.sleep(2)
"""


def test_one_that_is_disturbed_for_a_while_is_ok_in_the_end(user: User) -> None:
    """The second trial has a visitor, who stays for a while with many terminals open."""
    visitor, gone = user.folder / "visitor.py", user.folder / "gone"
    visitor.write_text(VISITOR.replace("GONE", str(gone)))
    visit = f"[ {{n}} = 1 ] || [ -e {gone} ] || {{{{ setsid python3 {visitor} & while [ ! -e {gone} ]; do :; done; }}}}"
    allowed = len(list(Path("/dev/pts").glob("[0-9]*"))) + TERMINALS - 5
    file = user.file(COUNTED.replace("sleep", f"{visit} >/dev/null 2>&1; sleep"))
    ended = user.run(file, "--set", f"noise.logins={allowed}", "--set", "noise.retries=1000")
    assert ended.code == 0, ended.err
    assert user.statuses == {"ok": 3}
    attempts = user.of_type("attempt")
    assert {attempt["reason"] for attempt in attempts} == {f"open terminals > {allowed}"}
    assert attempts[0]["factors"]["n"] == "2"
    assert "1" not in {attempt["factors"]["n"] for attempt in attempts}
    assert all(attempt["noise"]["logins"] > allowed for attempt in attempts)


def test_attempts_are_counted_once_however_often_the_run_is_taken_up(user: User) -> None:
    file = user.file(COUNTED)
    limits = ("--set", "noise.free_huge_pages_per_node=1000000", "--set", "benchmark.arguments.pause=0.7")
    for attempts in (1, 3, 5):
        run = user.begin_run(file, *limits)
        user.wait_for(lambda n=attempts: len(user.of_type("attempt")) >= n, run)
        user.kill(run, signal.SIGKILL)
    ended = user.run(file, *limits)
    assert ended.code == 1, ended.err
    user.assert_complete(3)
    starts = [(record["trial"], record["start"]) for record in user.trials + user.of_type("attempt")]
    assert len(starts) == len(set(starts)) == 9
    assert user.counted == {"1": 3, "2": 3, "3": 3}
