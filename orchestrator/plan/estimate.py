"""Estimate the time of a run."""

from __future__ import annotations

import math

from msgspec import Struct

from orchestrator.environments import clock_of
from orchestrator.experiment.model import Limits
from orchestrator.units import format_duration, format_limit

DEFAULT_TRIAL_S = 2.0
"""Seconds for a short trial with its checks."""
DEFAULT_BOOT_S = 0.0
"""Seconds for a boot of a machine that already runs."""
GUEST_SECOND_S = 5.0
"""Seconds of QEMU for a busy second of a guest on the instruction clock: it executes some 200 million in a second."""


class Estimate(Struct, frozen=True):
    """The estimated time of a run in seconds, by the clock on the wall, and its ``basis`` in words.

    :ivar clock: what a reader must know of limits that count another time; empty if none does.
    """

    seconds: float
    basis: str
    clock: str = ""


def estimate(
    *,
    trials: int,
    boots: int,
    trial_s: float | None,
    boot_s: float | None,
    limits: Limits,
    hosts: int = 1,
    at_once: int = 1,
    environment: str = "",
) -> Estimate:
    """Estimate the time of a run, by the clock on the wall.

    :param trial_s: seconds per trial in an earlier run; None: the default, but not more than the limit.
    :param boot_s: seconds from the start of a host to its first trial; None: the default.
    :param hosts: number of hosts that share the trials; each of them makes every boot.
    :param at_once: how many boots, each with its trials, run at the same time.
    :param environment: that of the hosts, if it is known; on the instruction clock limits are guest time.
    """
    is_guest_time = clock_of(environment) == "instructions"
    limit = limits.trial * (GUEST_SECOND_S if is_guest_time else 1)
    trial = min(DEFAULT_TRIAL_S, limit) if trial_s is None else trial_s
    boot = DEFAULT_BOOT_S if boot_s is None else boot_s
    source = "assumed" if trial_s is None else "measured in an earlier run"
    basis = f"{trials} × {format_duration(trial)} per trial ({source}), {boots} × {format_duration(boot)} per boot"
    if hosts > 1:
        basis += f", {hosts} hosts"
    at_once = max(1, min(at_once, boots))
    if at_once > 1:
        basis += f", {at_once} boots at once"
    rounds = math.ceil(boots / at_once) / max(1, boots)
    clock = ""
    if is_guest_time:
        clock = (
            f"clock of the guest: executed instructions; limits.trial is {format_limit(limits.trial, environment)}, "
            f"about {format_duration(limit)} of wall time if the guest is busy"
        )
    return Estimate((trials * trial / hosts + boots * boot) * rounds, basis, clock)
