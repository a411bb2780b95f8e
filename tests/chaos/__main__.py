"""Run experiments under faults, and check after each that nothing is lost or left: ``python -m tests.chaos``."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.chaos.campaign import Outcome, run_all
from tests.chaos.faults import FAULTS, GUEST_FAULTS
from tests.chaos.scene import a_world
from tests.chaos.table import table


def main() -> int:
    """Run; print a line for each run and a table; return 1 if an invariant did not hold."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument(
        "--seed", type=int, default=1, help="of the first run of each fault; the others count on"
    )
    parser.add_argument("--fault", default="", help="only faults whose name begins so")
    parser.add_argument("--workers", type=int, default=2, help="runs at once")
    options = parser.parse_args()
    every = GUEST_FAULTS if options.fault.startswith("guest") else FAULTS
    faults = [fault for fault in every if fault.name.startswith(options.fault)]
    if not faults:
        parser.error(
            f"no such fault; there are: {', '.join(fault.name for fault in (*FAULTS, *GUEST_FAULTS))}"
        )
    if os.geteuid() != 0:
        parser.error("the hosts are made of namespaces, which only root can make")
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # `command &` ignores it, and so would controllers
    runs = [(faults[n % len(faults)], options.seed + n // len(faults)) for n in range(options.runs)]
    lock, begun = threading.Lock(), time.monotonic()
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        with lock:
            outcomes.append(outcome)
            print(f"[{time.monotonic() - begun:7.1f} s] {outcome.line}", flush=True)

    # Not in /tmp: hosts have one of their own.
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/var/tmp") as name, a_world(Path(name)) as world:
        print(f"a run without a fault takes {world.duration:.1f} s", flush=True)
        try:
            run_all(world, runs, options.workers, tell)
        except KeyboardInterrupt:
            print("interrupted; the table has the runs that have ended")
    print(f"\n{shlex.join(('python', '-m', 'tests.chaos', *sys.argv[1:]))}, {time.monotonic() - begun:.0f} s")
    print(f"Linux {platform.release()}, {os.cpu_count()} CPUs, Python {platform.python_version()}\n")
    print(table([outcome for fault in faults for outcome in outcomes if outcome.fault == fault.name]))
    return 1 if any(outcome.found.lines for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
