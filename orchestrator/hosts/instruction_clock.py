"""The instruction clock of a guest that somebody else has started: its kernel's command line tells of it."""

from __future__ import annotations

import re
import time
from contextlib import closing

from orchestrator.hosts.base import Host
from orchestrator.hosts.command import script

PARAMETER = "orchestrate.clock=instructions"
"""On the kernel command line of our guests on the instruction clock. The kernel takes it for one of a module."""

_BUSY = """
look() {
    read -r shown rest </proc/uptime
    hundredths=${shown#*.}
    now=$((${shown%.*} * 100 + ${hundredths#0}))
}
look
echo "$shown"
begin=$now
while [ $((now - begin)) -lt 100 ]; do look; done
echo "$shown"
"""
_UPTIME = re.compile(r"\d{1,12}\.\d\d")
_TIME_LIMIT_S = 120.0
_LEAST_DIFFERENCE = 0.5


def is_seen(host: Host) -> bool:
    """Return whether a clock differs from ours by a half and more while the host is busy for a second of it.

    An emulator executes some hundred million instructions a second, so that a second of the instruction clock takes
    several. If it happens to be as fast as the clock, the answer is false. The times are those at which two lines
    arrive: how long it takes to start a command is not among them.
    """
    begin = time.monotonic()
    theirs, ours = [], []
    with closing(host.lines(script(_BUSY))) as lines:  # type: ignore[type-var]
        for line in lines:
            if line is not None:
                if not _UPTIME.fullmatch(line):
                    return False
                theirs.append(float(line))
                ours.append(time.monotonic())
            if len(theirs) == 2 or time.monotonic() - begin > _TIME_LIMIT_S:
                break
    if len(theirs) < 2 or theirs[0] == theirs[1]:
        return False
    return abs((ours[1] - ours[0]) / (theirs[1] - theirs[0]) - 1) > _LEAST_DIFFERENCE
