"""Run a target's worker, and end it where it hangs or takes too much; start it again for the inputs that are left."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.finds import Find
from tests.fuzz.now import HEAD

SILENT_S = 60.0
"""An input that takes so long waits for something: its time of CPU is limited by the worker itself."""

MOST_STARTS = 20


class Result(NamedTuple):
    """What became of a target. ``covered`` of ``lines``: of the modules under test; ``kept``: inputs with new code.

    :ivar seconds: of CPU, without the start of the worker.
    """

    target: str
    inputs: int
    kept: int
    finds: int
    covered: int
    lines: int
    seconds: float


class Now(NamedTuple):
    """What a worker tells: the number of inputs, the present one, and seconds of CPU."""

    count: int
    data: bytes
    seconds: float


def fuzz(name: str, inputs: int, seed: int, state: Path) -> Result:
    """Give a target so many inputs; ``state`` is the directory of the worker."""
    (state / "finds").mkdir(parents=True, exist_ok=True)
    (state / "now").unlink(missing_ok=True)
    done, seconds = 0, 0.0
    for start in range(MOST_STARTS):
        done = _work(name, inputs - done, seed + start, state, done)
        seconds += _now(state).seconds
        if done >= inputs:
            break
    covered, lines = _coverage(name, state)
    finds = len(list((state / "finds").glob("*.txt")))
    return Result(name, done, len(list((state / "inputs").iterdir())), finds, covered, lines, seconds)


def _work(name: str, inputs: int, seed: int, state: Path, done: int) -> int:
    """Run one worker; return how many inputs there were in all."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as temporary, (state / "log").open("ab") as log:
        argv = [sys.executable, "-m", "tests.fuzz.worker", name, str(inputs), str(seed), str(state)]
        environment = {**os.environ, "TMPDIR": temporary, "PYTHONHASHSEED": "0"}
        worker = subprocess.Popen(argv, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            is_silent = _wait(worker, state)
        finally:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
    count, data, _ = _now(state)
    if count == done:
        raise SystemExit(f"fuzz: {name}: no input was read; see {state / 'log'}")
    if is_silent or worker.returncode:
        what = "hangs" if is_silent else f"ends with {worker.returncode}"
        Find(what, name, f"after {count} inputs").save(state / "finds", data)
        count += 1
    return count


def _wait(worker: subprocess.Popen[bytes], state: Path) -> bool:
    """Wait for the end of a worker; return True as soon as it takes no inputs any more."""
    seen, since = -1, time.monotonic()
    while True:
        try:
            worker.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            count = _now(state).count
            if count != seen:
                seen, since = count, time.monotonic()
            if time.monotonic() - since > SILENT_S:
                return True
        else:
            return False


def _now(state: Path) -> Now:
    """Return how far a worker is."""
    try:
        content = (state / "now").read_bytes()
        count, size, seconds = HEAD.unpack_from(content)
    except (OSError, struct.error):
        return Now(0, b"", 0.0)
    return Now(count, content[HEAD.size : HEAD.size + size], seconds)


def _coverage(name: str, state: Path) -> tuple[int, int]:
    """Return how many lines the inputs that were kept reach, and how many there are."""
    argv = [sys.executable, "-m", "tests.fuzz.reached", name, str(state / "inputs")]
    printed = subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    return int(printed[0]), int(printed[1])


def table(results: Mapping[str, Result]) -> str:
    """Return the results as a table in Markdown."""
    lines = [
        "| target | inputs | kept | finds | lines covered | seconds of CPU | inputs/s |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in results.items():
        share = f"{one.covered} of {one.lines} ({100 * one.covered // max(1, one.lines)} %)"
        rate = one.inputs / max(one.seconds, 0.001)
        lines.append(
            f"| {name} | {one.inputs:,} | {one.kept:,} | {one.finds} | {share} | {one.seconds:,.0f} | {rate:,.0f} |"
        )
    total = [
        sum(getattr(one, field) for one in results.values())
        for field in ("inputs", "kept", "finds", "seconds")
    ]
    lines.append(f"| total | {total[0]:,} | {total[1]:,} | {total[2]} | | {total[3]:,.0f} | |")
    return "\n".join(lines)
