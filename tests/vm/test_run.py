"""Runs in guests as users give them: the installed command, SIGKILL, dying guests, the instruction clock."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.running import User

SMALL = """
hosts:
  provider: qemu
  needs: {numa_nodes: 2}
  qemu:
    clock: wall
    acceleration: tcg
    nodes:
      - {cpus: 1, memory: 384MiB}
      - {cpus: 1, memory: 384MiB}
"""

MIGBENCH = """
name: small
tuning: {numa_balancing: false, transparent_hugepages: {enabled: madvise}}
benchmark: {role: migbench, arguments: {pages: 16, page_size: 4KiB, settle_ms: 1500}}
factors: {mode: [serial, parallel]}
repetitions: 4
allow_unsupported: [parallel]
"""

DYING = """
name: dying
benchmark:
  command: [sh, -c, 'test {n} = 1 && echo c > /proc/sysrq-trigger; echo x={n}']
  metrics: {x: {key_value: x, unit: count}}
factors: {n: [0, 1, 2]}
repetitions: 1
order: {within_block: listed}
"""

COUNTING = """
name: instructions
hosts:
  provider: qemu
  needs: {numa_nodes: 2}
  qemu:
    clock: instructions
    acceleration: tcg
    nodes:
      - {cpus: 1, memory: 384MiB}
      - {cpus: 1, memory: 384MiB}
tuning: {numa_balancing: false, transparent_hugepages: {enabled: madvise}}
benchmark: {role: migbench, arguments: {mode: serial}}
factors:
  page_size: [4KiB, 2MiB]
  pages: [2048, 16]
zip: [[page_size, pages]]
repetitions: 3
"""

BESIDE_OTHERS_S = 400.0
"""A run of :data:`COUNTING` takes 20 s on two idle cores, and two minutes where load is 17."""


SEVERAL = COUNTING.replace("repetitions: 3", "repetitions: {count: 2, boots: 2}")


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    user = User(tmp_path)
    yield user
    user.close()


def guests(user: User) -> list[int]:
    """Pids of the QEMU processes (and their supervisors) of this user's runs, known by their console logs."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"console.log" in (line := entry.read_bytes()) and any(
                folder.name.encode() in line for folder in user.run_folders
            ):
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def eventually(condition: Callable[[], bool], limit: float = 30) -> bool:
    deadline = time.monotonic() + limit
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def test_sigkill_in_mid_run_then_the_same_command(user: User) -> None:
    file = user.file(SMALL + MIGBENCH)
    run = user.begin_run(file)
    user.wait_for(lambda: len(user.trials) >= 2, run)
    first = guests(user)
    assert first
    user.kill(run)
    assert eventually(lambda: not guests(user))
    before = len(user.trials)
    assert before < 8
    ended = user.run(file)
    assert ended.code == 0, ended.err
    assert f"resuming run {user.run_folders[0].name}" in ended.err
    user.assert_complete(8)
    assert not guests(user)
    serial = [trial for trial in user.trials if trial["factors"]["mode"] == "serial"]
    for trial in serial:
        assert trial["status"] == "ok", trial
        assert trial["environment"] == "vm-tcg"
        verified = trial["details"]["verification"]
        assert verified["pages_on_target"] == verified["pages"] == 16
        assert verified["bytes_wrong"] == 0
    parallel = [trial for trial in user.trials if trial["factors"]["mode"] == "parallel"]
    assert {trial["status"] for trial in parallel} == {"unsupported"}
    assert all(trial["reason"] and trial["allowed"] for trial in parallel)
    assert "4 of 8 trials ok (unsupported 4, allowed)" in ended.out


@pytest.mark.slow
def test_a_trial_that_kills_its_guest_twice_is_set_aside(user: User) -> None:
    ended = user.run(user.file(SMALL + DYING))
    assert ended.code == 1, ended.err
    user.assert_complete(3)
    became = {trial["factors"]["n"]: trial["status"] for trial in user.trials}
    assert became == {"0": "ok", "1": "crashed", "2": "ok"}
    # The line of a trial that ended just before may not have reached us: it is tried again, and not set aside.
    attempts = [attempt["factors"]["n"] for attempt in user.of_type("attempt")]
    assert attempts.count("1") >= 1
    assert attempts.count("0") <= 1
    assert "(will be tried again)" in ended.err
    assert not guests(user)


def test_a_guest_that_is_killed_once_is_booted_again(user: User) -> None:
    text = DYING.replace("test {n} = 1 && echo c > /proc/sysrq-trigger", "sleep 3")
    run = user.begin_run(user.file(SMALL + text))
    user.wait_for(lambda: user.trials, run)
    (emulator,) = (pid for pid in guests(user) if "qemu" in str(Path(f"/proc/{pid}/exe").readlink()))
    os.kill(emulator, signal.SIGKILL)
    ended = user.end(run)
    assert ended.code == 0, ended.err
    user.assert_complete(3)
    assert user.statuses == {"ok": 3}
    assert len(user.of_type("attempt")) == 1


COMPLAINING = """
name: complaining
benchmark:
  command:
    - sh
    - -c
    - |
      test {n} = 1 && head -c 200 /dev/zero > bad.ko && insmod ./bad.ko
      echo "<3>a program complains" > /dev/kmsg
      echo x={n}
  metrics: {x: {key_value: x, unit: count}}
factors: {n: [0, 1, 2]}
repetitions: 1
noise: {retries: 1}
"""


def test_a_trial_in_which_the_kernel_complains_is_disturbed(user: User) -> None:
    ended = user.run(user.file(SMALL + COMPLAINING))
    assert ended.code == 1, ended.err
    user.assert_complete(3)
    became = {trial["factors"]["n"]: trial for trial in user.trials}
    assert {n: trial["status"] for n, trial in became.items()} == {"0": "ok", "1": "disturbed", "2": "ok"}
    assert re.fullmatch(r"kernel message: .*Invalid ELF header.*", became["1"]["reason"])
    assert [attempt["factors"]["n"] for attempt in user.of_type("attempt")] == ["1"]
    assert [node["node"] for node in became["0"]["noise"]["nodes"]] == [0, 1]
    # Whoever counts on such a message says so.
    ended = user.run(user.folder / "sweep.yaml", "--set", "noise.kernel_log.ignore=[ELF header]")
    assert ended.code == 0, ended.err


@contextmanager
def busy_controller(loops: int = 5, limit: int = 400) -> Iterator[None]:
    """More work than this machine has cores; it ends by itself, should this process be killed."""
    processes = [
        subprocess.Popen(["timeout", str(limit), "sh", "-c", "while :; do :; done"]) for _ in range(loops)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.wait()


@pytest.mark.slow
def test_medians_on_the_instruction_clock_agree_between_runs(user: User) -> None:
    file = user.file(COUNTING, settle="60s")
    medians = []
    for surroundings in (nullcontext(), busy_controller()):
        with surroundings:
            ended = user.end(user.begin_run(file, "--format", "json"), BESIDE_OTHERS_S)
        assert ended.code == 0, ended.err
        report = json.loads(ended.out)
        assert {cell["environment"] for cell in report["cells"]} == {"vm-icount"}
        medians.append(
            {
                cell["factors"]["page_size"]: cell["metrics"]["call_latency"]["median"]
                for cell in report["cells"]
            }
        )
    first, second = medians
    assert set(first) == {"4KiB", "2MiB"}
    assert second == pytest.approx(first, rel=0.01)


def test_a_boot_that_fails_keeps_its_log_and_a_refused_start_in_a_guest_keeps_nothing(user: User) -> None:
    hosts = SMALL.replace(
        "    clock: wall\n", "    clock: wall\n    append: rdinit=/nothing-here init=/nothing-here\n"
    )
    ended = user.run(user.file(MIGBENCH + hosts))
    assert ended.code == 4
    (folder,) = user.run_folders
    assert f"last lines of {folder.relative_to(user.folder)}/guest-1.console.log" in ended.err
    assert "Kernel panic" in (folder / "guest-1.console.log").read_text(errors="replace")
    text = "benchmark: {command: [frobnicate], metrics: {x: {key_value: x, unit: s}}}\nname: missing\n"
    file = user.file(text + SMALL)
    checked, ended = user.run(file, "--check"), user.run(file)
    assert (checked.code, checked.complaints) == (ended.code, ended.complaints)
    assert (ended.code, "frobnicate: command not found" in ended.err) == (3, True)
    kernels = "kernels: {one: {package: linux-image-cloud-amd64}, other: {package: linux-image-amd64}}\n"
    file = user.file(
        text.replace("frobnicate", "true") + SMALL + kernels + "tuning: {sysctl: {vm.no_such_thing: 1}}\n"
    )
    ended = user.run(file)
    named = "cannot change settings with kernel (one|other): /proc/sys/vm/no_such_thing: No such file"
    assert (ended.code, bool(re.search(named, ended.err))) == (3, True), ended.err
    assert user.run_folders == [folder]


def test_guests_run_side_by_side_and_measure_what_one_after_another_do(user: User, tmp_path: Path) -> None:
    file = user.file(SEVERAL)
    ended = user.run(file, "--set", "hosts.qemu.parallel=2")
    assert ended.code == 0, ended.err
    user.assert_complete(4)
    blocks = user.of_type("block")
    assert {block["host"] for block in blocks} == {"guest"}
    assert ended.err.index("block 1:") < ended.err.index("guest: "), (
        "the second block begins before a guest is up"
    )
    assert len({block["boot"] for block in blocks}) == 2
    assert not guests(user)
    logs = {path.name for path in user.run_folders[0].glob("*.console.log")}
    assert logs == {"guest-1.console.log", "guest-2.console.log"}
    alone = User(tmp_path / "alone")
    alone.folder.mkdir()
    try:
        ended = alone.run(alone.file(SEVERAL), "--set", "hosts.qemu.parallel=1")
        assert ended.code == 0, ended.err
        assert {block["host"] for block in alone.of_type("block")} == {"guest"}
        latencies = {trial["trial"]: trial["metrics"]["call_latency"]["value"] for trial in alone.trials}
    finally:
        alone.close()
    for trial in user.trials:
        ratio = trial["metrics"]["call_latency"]["value"] / latencies[trial["trial"]]
        assert ratio == pytest.approx(1, abs=0.02), trial


def test_a_guest_that_does_not_boot_ends_the_run_of_the_others(user: User) -> None:
    kernels = "kernels: {stock: {package: linux-image-cloud-amd64}, broken: {image: /etc/hostname}}\n"
    text = SEVERAL.replace("factors:", f"{kernels}factors:\n  kernel: [stock, broken]")
    ended = user.run(user.file(text), "--set", "hosts.qemu.parallel=2")
    assert ended.code == 4, ended.err
    assert "no further block begins" in ended.err
    assert not guests(user)
