"""Get the machines of a run and give them back: find those that exist, else try type after type."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from orchestrator.errors import BadInput, HostError, HostGone
from orchestrator.experiment.model import Needs
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host
from orchestrator.hosts.rented import machine_types
from orchestrator.hosts.rented.access import Keys
from orchestrator.hosts.rented.cloud import Cloud, Instance, NoCapacity
from orchestrator.hosts.rented.leased import LeasedMachine, Tenancy
from orchestrator.hosts.rented.machine_types import MachineType
from orchestrator.hosts.waiting import waiting

log = logging.getLogger(__name__)

LEAST_LEFT_S = 600.0
"""A machine of an earlier controller that ends sooner is given back for another one."""


class Lease:
    """The machines of a cloud for one run, all of one type.

    :param hours: after this time the cloud itself ends new machines.
    :param count: number of machines.
    :param note: takes lines of progress.
    :param stopped_by: returns the signal or limit that wants the run to stop; empty: nothing does.
    :ivar deadline: when the cloud ends the first of the machines (UTC). An earlier controller may have set it.
    """

    def __init__(
        self,
        cloud: Cloud,
        cloud_name: str,
        run: str,
        needs: Needs,
        hours: float,
        count: int = 1,
        note: Callable[[str], None] = lambda _text: None,
        stopped_by: Callable[[], str] = lambda: "",
    ) -> None:
        self._cloud = cloud
        self._cloud_name = cloud_name
        self._run = run
        self._needs = needs
        self._hours = hours
        self._count = count
        self._note = note
        self._keys = Keys(run)
        self._tenancy = Tenancy(cloud, run, self._keys, note, stopped_by)
        self._machines: list[LeasedMachine] = []
        self.deadline = self._new_deadline()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the run for this controller; ``BadInput`` if another one here has it."""
        with self._keys.held() as held:
            if not held:
                raise BadInput(f"the machine of run {self._run} is in use by another process")
            yield

    def obtain(self) -> Sequence[LeasedMachine]:
        """Return the connected machines of the run, fewer if some have ended; rent them if there are none.

        Raises ``HostError`` with the reason of each type if no machines can be had.
        """
        another = "another machine" if self._count == 1 else "other machines"
        existing = [one for one in self._cloud.find(self._run) if one.state != "ended"][: self._count]
        if existing and self._keys.exist and self._have_time_left(existing, another):
            try:
                return self._take_over(existing)
            except HostError as error:
                log.warning("%s; renting %s", error, another)
        if existing:
            self._destroy()
        reasons: list[str] = []
        for machine_type in self._cloud.offered(self._needs):
            try:
                return self._rent(machine_type)
            except (NoCapacity, UnmetNeeds, HostGone) as error:
                log.warning("%s", error)
                reasons += error.lines
                self._destroy()
        raise HostError(*reasons, f"{self._cloud.location}: no machine type is left to try")

    def give_back(self) -> None:
        """Remove every resource of the run from the cloud."""
        self._destroy()
        self._keys.remove()

    def _take_over(self, existing: Sequence[Instance]) -> Sequence[LeasedMachine]:
        """Use the machines of an earlier controller. Those that do not answer are left out, unless none answers."""
        if len(existing) < self._count:
            log.warning("%d of %d machines are left; they run the rest", len(existing), self._count)
        self.deadline = min(one.deadline or self.deadline for one in existing)
        errors = []
        for instance in existing:
            try:
                self._cloud.end_at(self._run, instance, instance.deadline or self.deadline)
                self._start(instance)
            except HostError as error:
                errors.append(error)
        if not self._machines:
            raise HostError(*(line for unusable in errors for line in unusable.lines))
        for unusable in errors:
            log.warning("%s; not used", unusable)
        return self._machines

    def _rent(self, machine_type: MachineType) -> Sequence[LeasedMachine]:
        if not self._keys.unused:
            self._keys.create()
        self.deadline = self._new_deadline()
        access = self._keys.access(self.deadline)
        instances = self._cloud.create(self._run, machine_type, self._count, access, self.deadline)
        self.deadline = min(one.deadline or self.deadline for one in instances)
        for instance in instances:
            facts = host_facts.gather(self._start(instance))
            machine_types.learn(self._cloud_name, machine_type.name, facts)
            if unmet := host_facts.unmet(self._needs, facts):
                raise UnmetNeeds(*(f"{machine_type.name}: {need}" for need in unmet))
        return self._machines

    def _start(self, instance: Instance) -> Host:
        machine = LeasedMachine(self._tenancy, instance)
        host = machine.start()
        self._machines.append(machine)
        return host

    def _destroy(self) -> None:
        name = self._machines[0].name if len(self._machines) == 1 else self._run
        for machine in self._machines:
            machine.close()
        self._machines = []
        with waiting(self._note, name, "being removed"):
            for removed in self._cloud.destroy(self._run):
                log.info("removed %s", removed)

    def _new_deadline(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=self._hours)

    def _have_time_left(self, instances: Sequence[Instance], another: str) -> bool:
        """Whether machines of an earlier controller can run trials before the cloud ends them."""
        for instance in instances:
            if instance.deadline is None:
                continue
            if (instance.deadline - datetime.now(UTC)).total_seconds() < LEAST_LEFT_S:
                ends = f"{instance.deadline:%Y-%m-%d %H:%M} UTC"
                log.warning("%s ends at %s (limits.max_hours); renting %s", instance.id, ends, another)
                return False
        return True


class UnmetNeeds(HostError):
    """A machine has less than the facts about its type say."""
