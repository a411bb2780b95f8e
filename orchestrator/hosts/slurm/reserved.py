"""``hosts.slurm.boot: ssh``: the nodes of a reservation as SSH machines that boot kernels. No job is submitted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.errors import BadInput, HostError, Position
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.batch import ALL_CODES
from orchestrator.hosts.command import Command
from orchestrator.hosts.inventory.connection import OtherConnection
from orchestrator.hosts.inventory.inventory import Inventory
from orchestrator.hosts.inventory.variables import Variables
from orchestrator.hosts.printing import PrintingHost
from orchestrator.hosts.provider import Provider, ProviderRequest
from orchestrator.hosts.slurm import reservation
from orchestrator.hosts.slurm.commands import check_commands
from orchestrator.hosts.ssh import SshAddress

KEYS = ("boot", "reservation", "login", "nodelist")
"""Keys of hosts.slurm that are used here; all others are about jobs."""

CONNECT_LIMIT_S = 30.0
POLL_S = 2.0
BOOT_ID = "/proc/sys/kernel/random/boot_id"
ANY_NODE = "NODE"
"""Stands for a node in a dry run, which does not ask Slurm."""


class AfterRun(Struct, frozen=True):
    """What a provider knows of its run.

    :ivar note: takes lines of progress; ``stopped_by``: see :class:`~orchestrator.hosts.provider.Provider`.
    """

    note: Callable[[str], None]
    stopped_by: Callable[[], str]


class ReservedNodes:
    """The nodes of a reservation.

    :param ssh: makes the provider for hosts of an inventory.
    :param connect_login: connects to the login node.
    :param login: its name and address; None: this machine.
    :param inventory: may have nodes: their addresses, ``power`` and ``console``.

    Raises ``BadInput`` for a section that contradicts itself.
    """

    def __init__(
        self,
        ssh: Callable[[ProviderRequest, Inventory], Provider],
        request: ProviderRequest,
        inventory: Inventory,
        login: tuple[str, SshAddress] | None,
        connect_login: Callable[[], Host],
    ) -> None:
        options = request.options
        if not options.get("reservation"):
            raise BadInput(
                "hosts.slurm.boot: set hosts.slurm.reservation too: only nodes of your own are booted"
            )
        if unused := [key for key in options if key not in KEYS]:
            raise BadInput(
                f"hosts.slurm.{unused[0]}: not used with boot: ssh, which submits no jobs; remove it"
            )
        self.name = str(options["reservation"])
        self._nodelist = tuple(name for name in str(options.get("nodelist", "")).split(",") if name)
        if request.fleet and (not self._nodelist or "[" in "".join(self._nodelist)):
            raise BadInput(
                "hosts.fleet: list the nodes in hosts.slurm.nodelist, as node1,node2: the plan does not ask Slurm"
            )
        self.hosts = self._nodelist if request.fleet else ()
        self._provider = ssh
        self._request = request
        self._inventory = inventory
        self._login = login
        self._connect_login = connect_login

    @property
    def candidates(self) -> tuple[str, ...]:
        """The nodes of ``nodelist``; empty where only Slurm knows their names."""
        return () if "[" in "".join(self._nodelist) else self._nodelist

    @contextmanager
    def machine(self, log_folder: Path, seconds: float, end: AfterRun) -> Iterator[Machine]:
        """Provide the first node that can be reached and where the user is root.

        :param seconds: estimated time of the run; ``end``: looks at the nodes afterwards.
        """
        reserved, nodes = self._reserved(seconds)
        node, boot = self._first(nodes)
        with self._watched({node: boot}, end), self._ssh(node).machine(log_folder) as machine:
            machine.deadline = reserved.end
            machine.deadline_is = f"the end of reservation {self.name}"
            yield machine

    @contextmanager
    def machines(self, log_folder: Path, seconds: float, end: AfterRun) -> Iterator[Sequence[Machine]]:
        """Provide all nodes of ``nodelist``, not connected yet."""
        _, nodes = self._reserved(seconds)
        with (
            self._watched(self._boot_ids(nodes), end),
            self._ssh(*nodes, fleet=True).machines(log_folder) as machines,
        ):
            yield machines

    def printing_machine(self, host: str, print_line: Callable[[str], None]) -> Machine | None:
        """Print how Slurm is asked; return a machine that prints its boots."""
        name = self._login[0] if self._login else "this machine"
        PrintingHost(name, print_line).run(Command(reservation.LIST))
        node = host or next(iter(self.candidates), ANY_NODE)
        return self._ssh(node).printing_machine(node, print_line)

    def connections(self, host: str) -> Iterator[Sequence[str]]:
        """Yield the commands of ``ssh`` that connect to the nodes, as far as they are known."""
        for node in self._known(host):
            yield from node.connections()

    def controls(self, host: str) -> Iterator[tuple[str, str, Any]]:
        """See :meth:`Provider.controls`."""
        for node in self._known(host):
            yield from node.controls()

    def _known(self, host: str) -> Iterator[Provider]:
        """Yield providers of single nodes; where Slurm says which they are, of all hosts that the inventory has."""
        for node in [host] if host else self.candidates or self._inventory.hosts:
            with contextlib.suppress(OtherConnection):
                yield self._ssh(node)

    def describe(self) -> str:
        """Return a line on what would be booted, or why nothing can be."""
        try:
            found, nodes = self._reserved(0)
            node, _ = self._first(nodes)
        except HostError as error:
            return f"kernels: none can be booted: {error}"
        return (
            f"kernels: by SSH on the nodes of reservation {self.name} ({found.nodes}), "
            f"until {reservation.shown(found.end)}; root on {node}: yes"
        )

    def _reserved(self, seconds: float) -> tuple[reservation.Reservation, tuple[str, ...]]:
        """Return the reservation, and the nodes to use; ``HostError`` if they cannot be used now."""
        with self._at_login() as login:
            check_commands(login)
            found = reservation.find(login, self.name, seconds)
            nodes = reservation.expand(login, found.nodes)
            wanted = reservation.expand(login, ",".join(self._nodelist)) if self._nodelist else nodes
            if others := [node for node in wanted if node not in nodes]:
                raise HostError(
                    f"hosts.slurm.nodelist: {others[0]} is not in reservation {self.name} ({found.nodes})"
                )
            reservation.require_no_jobs(login, wanted)
        return found, wanted

    @contextmanager
    def _at_login(self) -> Iterator[Host]:
        login = self._connect_login()
        try:
            yield login
        finally:
            login.close()

    def _first(self, nodes: Sequence[str]) -> tuple[str, str]:
        """Return the first node that can be used, and its boot id; ``HostError`` says why none can be."""
        errors: list[str] = []
        for node in nodes:
            try:
                return node, self._boot_id(node)
            except HostError as error:
                errors += error.lines
        raise HostError(*errors)

    def _boot_ids(self, nodes: Sequence[str]) -> dict[str, str]:
        """Return the boot id of each node that can be used; the fleet reports the others."""
        found = {}
        for node in nodes:
            with contextlib.suppress(HostError):
                found[node] = self._boot_id(node)
        return found

    def _boot_id(self, node: str) -> str:
        """Return the boot id of a node where the user is root."""
        inventory = self._with(node)
        address = inventory.address_to_connect(node)
        if self._request.ssh_config is not None:
            address = address.with_config(self._request.ssh_config)
        host = inventory.connect(node, address, CONNECT_LIMIT_S)
        try:
            done = host.run(Command(("cat", BOOT_ID), sudo=True, accept=ALL_CODES))
        finally:
            host.close()
        if done.exit_code:
            raise HostError(
                f"{node}: booting kernels requires root; log in as root (User root in ~/.ssh/config), or ask for "
                "sudo without a password"
            )
        return done.stdout.strip()

    def _ssh(self, *nodes: str, fleet: bool = False) -> Provider:
        group = "" if len(nodes) == 1 and not fleet else self.name
        host = "" if group else nodes[0]
        wanted = self._request.fleet if fleet else ""
        request = replace(self._request, options={}, host=host, group=group, fleet=wanted)
        return self._provider(request, self._with(*nodes))

    def _with(self, *nodes: str) -> Inventory:
        """Return the inventory with nodes that it may not have: each may be booted, and is behind the login node."""
        hosts: dict[str, Variables] = dict(self._inventory.hosts)
        for node in nodes:
            variables = Variables()
            for key, value in self._defaults(node).items():
                variables.assign(key, value, Position("hosts.slurm"))
            variables.overlay(hosts.get(node, Variables()))
            hosts[node] = variables
        return replace(self._inventory, hosts=hosts, groups={**self._inventory.groups, self.name: nodes})

    def _defaults(self, node: str) -> Mapping[str, Any]:
        is_known = node in self._inventory.hosts
        jump = {"jump": str(self._login[1])} if self._login and not is_known else {}
        return {"power": "none", **jump}

    @contextmanager
    def _watched(self, boots: Mapping[str, str], end: AfterRun) -> Iterator[None]:
        """Say at the end which nodes Slurm does not take back.

        :param boots: the nodes, each with its boot id before the run.
        """
        with self._at_login() as login:
            before = {node: reservation.node_state(login, node) for node in boots}
        try:
            yield
        finally:
            for node, boot in boots.items():
                try:
                    if self._boot_id(node) != boot:
                        with self._at_login() as login:
                            self._see_returned(login, node, before[node], end)
                except HostError as error:
                    end.note(f"{node}: its state in Slurm is unknown after the boots of the run: {error}")

    def _see_returned(self, login: Host, node: str, before: reservation.NodeState, end: AfterRun) -> None:
        """Wait until its slurmd, started by the last boot, has registered; a node that stays away is told."""
        deadline = time.monotonic() + self._request.boot_limit
        while True:
            now = reservation.node_state(login, node)
            is_new = now.started != before.started
            if is_new and (not now.is_away or now.words == before.words):
                return
            is_decided = is_new and "NOT_RESPONDING" not in now.words
            if is_decided or end.stopped_by() or time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        reason = f" ({now.reason})" if now.reason else ""
        state = "+".join(now.words) if is_new else "not known yet: slurmd has not registered"
        end.note(
            f"{node}: after the boots of the run its state in Slurm is {state}{reason}; if it stays down, return it to "
            f"service with: scontrol update nodename={node} state=resume"
        )
