"""Hosts and their settings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct, field


class Needs(Struct, frozen=True):
    """The requirements on a host, checked before anything is changed on it. Sizes are in bytes.

    :ivar numa_nodes: minimum number of nodes with memory.
    :ivar nodes: numbers of nodes in the file, ascending. Each must exist and have memory; numbers may have gaps.
    :ivar mode: a migration mode that the running kernel must support; empty: any kernel.
    """

    cpus: int = 1
    numa_nodes: int = 1
    memory_per_node: int = 0
    free_huge_pages_per_node: int = 0
    mode: str = ""
    nodes: tuple[int, ...] = ()


class Hosts(Struct, frozen=True):
    """The hosts to run on.

    :ivar options: the section of the provider, checked by the schema of the provider.
    :ivar sections: the sections of all providers in the file, by name; ``--provider`` chooses among them.
    :ivar fleet: ``shard`` distributes the cells over all hosts of the group, ``replicate`` runs every cell on each of
        them; empty: one host.
    """

    provider: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    group: str = ""
    needs: Needs = Needs()
    fleet: Literal["", "shard", "replicate"] = ""
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))


class Setting(Struct, frozen=True):
    """A file of ``/proc/sys`` or ``/sys`` and its required value.

    :ivar path: may contain shell wildcards.
    :ivar optional: it is no error if the file does not exist (a CPU without a governor) or keeps its value (an
        interrupt that cannot be moved).
    :ivar off_if_missing: the setting means "off", which is also true if the file does not exist.
    """

    path: str
    value: str
    optional: bool = False
    off_if_missing: bool = False


class Tuning(Struct, frozen=True):
    """Settings of the host during a block, and the CPUs of the trials (a list such as ``0-3,8``; empty: all)."""

    settings: tuple[Setting, ...] = ()
    cpus: str = ""


class KernelMessages(Struct, frozen=True):
    """Kernel messages that disturb a trial.

    :ivar level: severity as in syslog(2); this and lower numbers disturb the trial. 0: emergency, 3: error, 4: warning.
    :ivar ignore: patterns (``re``) of messages that do not.
    """

    level: int = 3
    ignore: tuple[str, ...] = ()


class Noise(Struct, frozen=True):
    """Limits on other activity around a trial. A trial that exceeds one is ``disturbed``. None: no limit.

    :ivar retries: maximum number of retries of a disturbed trial.
    :ivar steal: maximum steal time, as a share of the time in which CPUs were runnable.
    :ivar throttling: whether thermal throttling of a CPU or package disturbs a trial.
    :ivar load: maximum 1-minute load average before the trial.
    :ivar frequency: minimum frequency in Hz of the busiest CPU at the end of the trial.
    :ivar memory_per_node: minimum free memory of each node in bytes, before the trial.
    :ivar free_huge_pages_per_node: minimum number of free huge pages of each node, before the trial.
    :ivar logins: maximum number of open terminals before and after the trial.
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
