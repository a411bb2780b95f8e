"""The states of Slurm's jobs and the reasons why jobs wait: what each means for a block, in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.hosts.batch import JobState, Outcome

STATES: Mapping[str, tuple[Outcome, str]] = {
    "PENDING": ("waiting", "it waits in the queue"),
    "CONFIGURING": ("waiting", "its node is being made ready"),
    "REQUEUED": ("waiting", "it was put back into the queue"),
    "REQUEUE_HOLD": ("waiting", "it was put back into the queue and is held"),
    "REQUEUE_FED": ("waiting", "it was put back into the queue of another cluster"),
    "RESV_DEL_HOLD": ("waiting", "it is held because its reservation was deleted"),
    "SPECIAL_EXIT": ("waiting", "it is held after a special exit code"),
    "RUNNING": ("running", "it is running"),
    "COMPLETING": ("running", "it is ending"),
    "RESIZING": ("running", "it is being resized"),
    "SIGNALING": ("running", "it is being signalled"),
    "STAGE_OUT": ("running", "its files are being copied"),
    "STOPPED": ("running", "it was stopped and keeps its node"),
    "SUSPENDED": ("running", "it is suspended"),
    "COMPLETED": ("retry", "it ended before its block was complete"),
    "FAILED": ("retry", "it failed"),
    "BOOT_FAIL": ("retry", "its node did not boot"),
    "PREEMPTED": ("retry", "another job took its node"),
    "TIMEOUT": ("retry", "it reached its time limit"),
    "REVOKED": ("retry", "another cluster took it over"),
    "NODE_FAIL": ("blame", "its node went down"),
    "OUT_OF_MEMORY": ("blame", "it ran out of memory"),
    "CANCELLED": ("stop", "it was cancelled"),
    "DEADLINE": ("stop", "it could not end before its deadline"),
}

_LIST = "`sinfo -s` lists partitions"

OBSTACLES: Mapping[str, str] = {
    "AccountNotAllowed": "the partition does not accept the account; set hosts.slurm.account",
    "AssocMaxWallDurationPerJobLimit": "the account does not allow a time limit that long; lower hosts.slurm.time",
    "BadConstraints": "no node meets the constraints; see hosts.slurm.constraint and hosts.slurm.features",
    "DependencyNeverSatisfied": "its dependency can never be satisfied",
    "InvalidAccount": "the account is invalid; set hosts.slurm.account",
    "InvalidQOS": "the QOS is invalid; set hosts.slurm.qos",
    "JobHeldAdmin": "an administrator holds the job; ask them to release it",
    "JobHeldUser": "the job is held; release it with `scontrol release`, or cancel it with `scancel`",
    "PartitionDown": f"the partition is down; set another hosts.slurm.partition ({_LIST})",
    "PartitionInactive": f"the partition is inactive; set another hosts.slurm.partition ({_LIST})",
    "PartitionNodeLimit": "the partition does not allow a job of one node; set another hosts.slurm.partition",
    "PartitionTimeLimit": "the partition does not allow a time limit that long; lower hosts.slurm.time",
    "QOSMaxWallDurationPerJobLimit": "the QOS does not allow a time limit that long; lower hosts.slurm.time",
    "QOSNotAllowed": "the partition does not accept the QOS; set hosts.slurm.qos",
    "ReservationDeleted": "the reservation was deleted; set another hosts.slurm.reservation",
    "launch_failed_requeued_held": "the node could not start the job, which is held now; ask an administrator",
}
"""Reasons of ``squeue`` that do not end by themselves, and what to do."""

SENTENCES: Mapping[str, str] = {
    "Job's account not": "AccountNotAllowed",
    "Job's QOS not": "QOSNotAllowed",
}
"""Reasons that ``squeue`` writes as a sentence: how it begins, and its word."""


def state(text: str, reason: str = "", job: str = "", node: str = "") -> JobState:
    """Return the state for a word of ``squeue`` or ``sacct``, such as ``RUNNING`` or ``CANCELLED by 1000``.

    A word of a version of Slurm that is not in the table counts as running: the job is in the queue.
    """
    name = text.split()[0].rstrip("+") if text.strip() else ""
    outcome, words = STATES.get(name, ("running", f"its state is {name}"))
    if name == "CANCELLED" and " by " in text:
        words = f"it was cancelled by user {text.rpartition(' ')[2]}"
    key = next((word for start, word in SENTENCES.items() if reason.startswith(start)), "")
    key = key or reason.partition(",")[0].strip().replace(" ", "_")
    lasting = obstacle(key) if outcome == "waiting" else ""
    unusual = "" if reason in USUAL else reason
    return JobState(outcome, words, job, node, lasting, unusual, is_ending=name == "COMPLETING")


def obstacle(reason: str) -> str:
    """Return a reason that does not end by itself, with what to do; empty for others."""
    return f"{reason}: {OBSTACLES[reason]}" if reason in OBSTACLES else ""


USUAL = ("", "None", "Priority", "Resources", "Dependency", "JobArrayTaskLimit", "BeginTime", "Prolog")
"""Reasons for which jobs wait in the ordinary course of things."""

ERRORS: Mapping[str, str] = {
    "Invalid account": "set hosts.slurm.account; `sacctmgr show associations` lists accounts",
    "Invalid partition name": f"set hosts.slurm.partition; {_LIST}",
    "Required partition not available": f"set another hosts.slurm.partition; {_LIST}",
    "Invalid feature specification": "see hosts.slurm.features and constraint; `sinfo -o '%N %f'` lists features",
    "Invalid qos": "set hosts.slurm.qos; `sacctmgr show qos` lists them",
    "Requested reservation is invalid": "set hosts.slurm.reservation; `scontrol show reservation` lists them",
    "Access denied to requested reservation": "ask for access, or set another hosts.slurm.reservation",
    "Invalid node name": "set hosts.slurm.nodelist; `sinfo -N` lists nodes",
    "node configuration is not available": "no node has the requested resources; `sinfo -N -l` lists nodes",
    "time limit": "lower hosts.slurm.time; `sinfo -s` lists the time limits of partitions",
    "Job violates accounting/QOS policy": "ask for fewer jobs with hosts.slurm.max_jobs, or lower hosts.slurm.time",
    "Unable to contact slurm controller": "slurmctld does not answer; check with `scontrol ping`",
    "Unable to establish controller machine": "set SLURM_CONF, or run the command on a login node",
    "invalid partition specified": f"set hosts.slurm.partition; {_LIST}",
    "Zero Bytes were transmitted": "slurmctld does not answer; check with `scontrol ping`",
    "unrecognized option": "see hosts.slurm.options",
    "parameter too long": "a batch script may exceed max_script_size; set hosts.slurm.directory to a directory "
    "that the nodes share",
    "Invalid license": "see hosts.slurm.options; `scontrol show licenses` lists them",
    "Invalid generic resource": "see hosts.slurm.options; `sinfo -o '%N %G'` lists resources",
    "authentication": "munge is not running or has another key; check with `munge -n | unmunge`",
}
"""Next steps for errors of the commands, by a part of the error."""


def next_step(error: str) -> str:
    """Return an error of a command with the next step, if one is known."""
    step = next((step for part, step in ERRORS.items() if part.lower() in error.lower()), "")
    return f"{error}; {step}" if step else error
