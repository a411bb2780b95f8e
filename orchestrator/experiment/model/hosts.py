"""Where trials run, and in which state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Needs:
    """What a host must have before anything is changed on it; sizes in bytes.

    ``numa_nodes`` is what the file says or, where it does not, what benchmark and node numbers ask for.
    ``mode`` is a migration mode that the running kernel must have; empty: any kernel will do.
    """

    cpus: int = 1
    numa_nodes: int = 1
    memory_per_node: int = 0
    free_huge_pages_per_node: int = 0
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where to run: a provider, its own section of the file (checked by the provider's schema) and the needs.

    ``fleet``: ``shard`` deals the cells out to all hosts of the group, ``replicate`` runs every cell on each of them;
    empty: one host.
    """

    provider: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    group: str = ""
    needs: Needs = Needs()
    fleet: Literal["", "shard", "replicate"] = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A file of ``/proc/sys`` or ``/sys`` and the value it shall hold.

    ``path`` may hold shell wildcards. An ``optional`` setting is passed over where no such file exists (a CPU without
    a governor) or where the file keeps its value (an interrupt that cannot be moved); for others both are errors. One
    that is ``off_if_missing`` holds where no such file exists: what a kernel does not have is off.
    """

    path: str
    value: str
    optional: bool = False
    off_if_missing: bool = False


@dataclass(frozen=True, slots=True)
class Tuning:
    """State of the host for the length of a block, and the CPUs (a list such as ``0-3,8``) trials are bound to."""

    settings: tuple[Setting, ...] = ()
    cpus: str = ""


@dataclass(frozen=True, slots=True)
class KernelMessages:
    """What the kernel may say during a trial: nothing of this severity or worse that no pattern (``re``) is found in.

    ``level`` is that of syslog(2): 0 is an emergency, 3 an error, 4 a warning.
    """

    level: int = 3
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Noise:
    """What else may go on on a host around a trial; past it the trial is ``disturbed``. None: no limit.

    :ivar retries: how often a trial that was disturbed is run again before it is set aside.
    :ivar steal: share of the time that CPUs had work for which the hypervisor gave to others.
    :ivar throttling: whether a trial is disturbed when a CPU or package is throttled for its temperature.
    :ivar load: of one minute, before the trial.
    :ivar frequency: least, in Hz, of the CPU that worked most, at the end of the trial.
    :ivar memory_per_node: least free memory in bytes, before the trial; ``free_huge_pages_per_node`` likewise.
    :ivar logins: most terminals that are open before or after it.
    """

    retries: int = 2
    steal: float | None = 0.25
    throttling: bool = True
    kernel_log: KernelMessages | None = KernelMessages()
    load: float | None = None
    frequency: float | None = None
    memory_per_node: int | None = None
    free_huge_pages_per_node: int | None = None
    logins: int | None = None
