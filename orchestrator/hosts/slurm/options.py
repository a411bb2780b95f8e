"""The section ``hosts.slurm`` of an experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from orchestrator.errors import BadInput
from orchestrator.units import parse_duration

DEFAULT_DIRECTORY = "~/.orchestrate/slurm"
DEFAULT_NODE_DIRECTORY = "/var/tmp/orchestrate"  # nosec B108 # made only for its owner, and checked to be
DEFAULT_POLL_S = 5.0
DEFAULT_LOST_AFTER_S = 300.0

WORDS = ("partition", "account", "qos", "reservation", "constraint", "nodelist")
"""Options of sbatch and srun that the section has under the same name."""


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "description": description}


def _duration(description: str) -> dict[str, Any]:
    return {"type": ["string", "number"], "description": description}


OPTIONS_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "Run each block as a job of a Slurm cluster.",
    "additionalProperties": False,
    "properties": {
        "login": _text(
            "The login node, where sbatch and the other commands run: a host of the inventory, or "
            "[user@]host[:port]. Default: this machine."
        ),
        "directory": _text(
            f"Directory on the login node, best on storage that the nodes share. Default: {DEFAULT_DIRECTORY}."
        ),
        "shared": {
            "type": "boolean",
            "description": "Whether the nodes see the same directory. Default: found out on the first node.",
        },
        "node_directory": _text(
            "Directory on the disk of each node, for nodes that do not share the other one. "
            f"Default: {DEFAULT_NODE_DIRECTORY}-UID."
        ),
        "partition": _text("Partition. Default: that of the cluster."),
        "account": _text("Account to charge. Default: that of the user."),
        "qos": _text("Quality of service."),
        "reservation": _text("Reservation to run in."),
        "boot": {
            "enum": ["ssh"],
            "description": "ssh: boot the kernels on nodes of the reservation, by SSH as root; no job is submitted.",
        },
        "constraint": _text("Features that nodes must have, as for sbatch --constraint."),
        "nodelist": _text("The node to run on. Default: any."),
        "features": {
            "type": "object",
            "description": "By kernel: the feature that boots a node into it (node_features/helpers).",
            "additionalProperties": {"type": "string", "minLength": 1},
        },
        "guest": {
            "type": "boolean",
            "default": False,
            "description": "Run each block in a guest that its job boots on its node; hosts.qemu describes the guest.",
        },
        "max_jobs": {
            "type": "integer",
            "minimum": 1,
            "description": "Greatest number of jobs that run at the same time. Default: no limit.",
        },
        "time": _duration("Time limit of a job, such as 2h. Default: from the plan."),
        "options": {
            "type": "array",
            "items": {"type": "string", "pattern": "^-"},
            "description": "More options for sbatch and srun, such as --licenses=a:1.",
        },
        "poll": _duration(f"Time between two looks at the queue. Default: {DEFAULT_POLL_S:g}s."),
        "lost_after": _duration(
            "A job is lost that has left the queue and written nothing for this long. "
            f"Default: {DEFAULT_LOST_AFTER_S / 60:g}min."
        ),
    },
}


class SlurmOptions(Struct, frozen=True):
    """What the section says; times in seconds, ``time`` 0: from the plan.

    :ivar boots: whether nodes of a reservation are booted by SSH, without jobs.
    :ivar shared: None: found out; ``node_directory``: empty: :data:`DEFAULT_NODE_DIRECTORY` and the user's id.
    :ivar words: options that both sbatch and srun take.
    """

    directory: str
    shared: bool | None
    node_directory: str
    words: tuple[str, ...]
    constraint: str
    nodelist: str
    features: Mapping[str, str]
    guest: bool
    max_jobs: int
    time: float
    poll: float
    lost_after: float
    boots: bool

    def job_options(self, minutes: int, kernel: str = "", node: str = "") -> tuple[str, ...]:
        """Return the options of sbatch and srun for a job on one whole node.

        :param kernel: name of a kernel that a feature boots; ``node``: takes precedence over ``nodelist``.
        """
        constraint = "&".join(part for part in (self.constraint, self.features.get(kernel, "")) if part)
        nodelist = node or self.nodelist
        return (
            "--nodes=1",
            "--exclusive",
            "--mem=0",
            f"--time={minutes}",
            *((f"--constraint={constraint}",) if constraint else ()),
            *((f"--nodelist={nodelist}",) if nodelist else ()),
            *self.words,
        )


def read_options(section: Mapping[str, Any]) -> SlurmOptions:
    """Read the section; ``BadInput`` lists every time that is not one."""
    faults: list[str] = []

    def seconds(key: str, default: float) -> float:
        try:
            found = parse_duration(section[key]) if key in section else default
        except BadInput as error:
            faults.append(f"hosts.slurm.{key}: {error}")
            return default
        if key in section and found <= 0:
            faults.append(f"hosts.slurm.{key}: must be > 0")
        return found

    if not str(section.get("directory", DEFAULT_DIRECTORY)).startswith(("/", "~/")):
        faults.append("hosts.slurm.directory: must begin with / or ~/")
    if not str(section.get("node_directory", DEFAULT_NODE_DIRECTORY)).startswith("/"):
        faults.append("hosts.slurm.node_directory: must begin with /")
    if "node_directory" in section and section["node_directory"] == section.get("directory"):
        faults.append("hosts.slurm.node_directory: must differ from hosts.slurm.directory")
    options = SlurmOptions(
        directory=str(section.get("directory", DEFAULT_DIRECTORY)),
        shared=section.get("shared"),
        node_directory=str(section.get("node_directory", "")),
        words=(
            *(
                f"--{key}={section[key]}"
                for key in WORDS
                if key in section and key not in ("constraint", "nodelist")
            ),
            *section.get("options", ()),
        ),
        constraint=str(section.get("constraint", "")),
        nodelist=str(section.get("nodelist", "")),
        features=dict(section.get("features", {})),
        guest=bool(section.get("guest", False)),
        max_jobs=int(section.get("max_jobs", 0)),
        time=seconds("time", 0),
        poll=seconds("poll", DEFAULT_POLL_S),
        lost_after=seconds("lost_after", DEFAULT_LOST_AFTER_S),
        boots="boot" in section,
    )
    if options.guest and options.features:
        faults.append(
            "hosts.slurm: guest and features are mutually exclusive: kernels are booted in guests or on nodes"
        )
    if options.guest and options.shared is False:
        faults.append("hosts.slurm: guest needs a directory that the nodes share; remove shared: false")
    if faults:
        raise BadInput(*faults)
    return options
