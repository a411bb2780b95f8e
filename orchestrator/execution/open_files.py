"""The limit of open files, which a connection to each of many hosts may exceed: on Debian it is 1024."""

from __future__ import annotations

import resource

from orchestrator.errors import HostError

FOR_OTHERS = 100
"""Files that a run has open whatever the number of hosts."""
FOR_EACH_HOST = 4
"""A connection, one to a host that it goes by, and what starts them."""


def allow_connections(hosts: int) -> None:
    """Raise the soft limit of this process to what connections to so many hosts need.

    Raises ``HostError`` if the hard limit is lower.
    """
    needed = FOR_OTHERS + FOR_EACH_HOST * hosts
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise HostError(
            f"{hosts} hosts need {needed} open files, and {hard} are allowed (ulimit -Hn); "
            "raise that limit or name fewer hosts"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
