"""How long a run will take, roughly, and what that is based on."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.experiment.model import Limits
from orchestrator.units import format_duration

#: seconds, where nobody knows better: a short trial with its checks; a machine that is up already
USUAL_TRIAL_S = 2.0
USUAL_BOOT_S = 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Time of a run: ``seconds`` for all of it, and in ``basis`` what that was computed from."""

    seconds: float
    basis: str


def estimate(
    *, trials: int, boots: int, trial_s: float | None, boot_s: float | None, limits: Limits
) -> Estimate:
    """Estimate a run of so many trials and boots.

    ``trial_s``: seconds per trial in an earlier run; without it a usual time is taken, at most the file's limit.
    ``boot_s``: seconds from asking for a host to its first trial.
    """
    trial = min(USUAL_TRIAL_S, limits.trial) if trial_s is None else trial_s
    boot = min(USUAL_BOOT_S if boot_s is None else boot_s, limits.boot)
    source = "a usual trial" if trial_s is None else "a trial of an earlier run"
    basis = f"{trials} × {format_duration(trial)} as {source}, {boots} × {format_duration(boot)} for a boot"
    return Estimate(trials * trial + boots * boot, basis)
