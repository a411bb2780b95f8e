"""Which machines a review looks at."""

from __future__ import annotations

from collections.abc import Container, Sequence

from orchestrator.hosts.base import Machine

_BECOME = ("ansible_become", "ansible_sudo")
"""Variables that say how tasks become root."""

LOOKED_AT = 20
"""So many machines are looked at for each role: what differs between more would not be read."""


def machines_alike(machines: Sequence[Machine], names: Container[str]) -> list[tuple[Machine, list[str]]]:
    """Return one machine of each kind, with the names of all of that kind.

    Few machines are each a kind of their own, since a role can ask for the name of its host. Of many, those are one
    kind that have the same groups, and the same values of the variables that the role can see.

    :param names: the variables that the role has.
    """
    if len(machines) <= LOOKED_AT:
        return [(machine, [machine.name]) for machine in machines]
    kinds: dict[str, tuple[Machine, list[str]]] = {}
    for machine in machines:
        seen = [
            (
                name,
                type(machine.variables[name]),
                machine.variables[name],
            )  # text may be marked as no template
            for name in sorted(machine.variables)
            if name in names or name.startswith(_BECOME)
        ]
        _, hosts = kinds.setdefault(repr((seen, machine.groups)), (machine, []))
        hosts.append(machine.name)
    return list(kinds.values())
