"""Estimate the time of a run."""

from __future__ import annotations

from msgspec import Struct

from orchestrator.experiment.model import Limits
from orchestrator.units import format_duration

DEFAULT_TRIAL_S = 2.0
"""Seconds for a short trial with its checks."""
DEFAULT_BOOT_S = 0.0
"""Seconds for a boot of a machine that already runs."""


class Estimate(Struct, frozen=True):
    """The estimated time of a run in seconds, and its ``basis`` in words."""

    seconds: float
    basis: str


def estimate(
    *, trials: int, boots: int, trial_s: float | None, boot_s: float | None, limits: Limits, hosts: int = 1
) -> Estimate:
    """Estimate the time of a run.

    :param trial_s: seconds per trial in an earlier run; None: the default, but not more than the limit.
    :param boot_s: seconds from the start of a host to its first trial; None: the default.
    :param hosts: number of hosts that share the trials; each of them makes every boot.
    """
    trial = min(DEFAULT_TRIAL_S, limits.trial) if trial_s is None else trial_s
    boot = DEFAULT_BOOT_S if boot_s is None else boot_s
    source = "assumed" if trial_s is None else "measured in an earlier run"
    basis = f"{trials} × {format_duration(trial)} per trial ({source}), {boots} × {format_duration(boot)} per boot"
    if hosts > 1:
        basis += f", {hosts} hosts"
    return Estimate(trials * trial / hosts + boots * boot, basis)
