"""The variables of Slurm in the environment of the command, for a login node that is this machine."""

from __future__ import annotations

from collections.abc import Mapping

OF_THE_USER = {
    f"SLURM_{name}"
    for name in (
        "CONF",
        "CLUSTERS",
        "ACCOUNT",
        "PARTITION",
        "QOS",
        "RESERVATION",
        "CONSTRAINT",
        "WCKEY",
        "JWT",
    )
}
"""Not set by Slurm in a job: the user's defaults."""


def for_commands(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what would change what Slurm's commands do.

    ``SQUEUE_STATES`` and the like hide jobs. In a job, as of ``salloc``, ``srun`` would not submit another one.
    """
    is_in_job = "SLURM_JOB_ID" in environment or "SLURM_JOBID" in environment
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("SQUEUE_")
        and not (is_in_job and name.startswith("SLURM_") and name not in OF_THE_USER)
    }
