"""Get one machine for a run and give it back: find the one that exists, else try type after type."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from orchestrator.errors import BadInput, HostError, HostGone, Interrupted
from orchestrator.experiment.model import Needs
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host
from orchestrator.hosts.rented import machine_types
from orchestrator.hosts.rented.access import Keys
from orchestrator.hosts.rented.cloud import Cloud, Instance, NoCapacity
from orchestrator.hosts.rented.machine_types import MachineType
from orchestrator.hosts.ssh import SshAddress, connect
from orchestrator.hosts.waiting import waiting

log = logging.getLogger(__name__)

T = TypeVar("T")

CAPACITY_LIMIT_S = 300.0
"""A machine that the cloud has not started by then is given up for another type or zone: it is not booting."""

ADDRESS_LIMIT_S = 60.0
"""A running machine that has no address by then will not get one."""

START_LIMIT_S = 2400.0
"""Metal takes more than 20 minutes to answer; 34 were seen (openshift/managed-cluster-config#1331)."""

CONNECT_LIMIT_S = 20.0

ENDED_PAUSE_S = 15.0
"""The cloud is asked at most this often whether a machine that does not answer has ended."""

LEAST_LEFT_S = 600.0
"""A machine of an earlier controller that ends sooner is given back for another one."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between two requests about the same machine."""

    state: float = 5.0
    connection: float = 5.0


class Lease:
    """One machine of a cloud for one run.

    :param hours: after this time the cloud itself ends a new machine.
    :param note: takes lines of progress.
    :param stopped_by: returns the signal or limit that wants the run to stop; empty: nothing does.
    :ivar deadline: when the cloud ends the machine (UTC). An earlier controller may have set it.
    """

    def __init__(
        self,
        cloud: Cloud,
        cloud_name: str,
        run: str,
        needs: Needs,
        hours: float,
        pauses: Pauses = Pauses(),
        note: Callable[[str], None] = lambda _text: None,
        stopped_by: Callable[[], str] = lambda: "",
    ) -> None:
        self._cloud = cloud
        self._cloud_name = cloud_name
        self._run = run
        self._needs = needs
        self._hours = hours
        self._pauses = pauses
        self._note = note
        self._stopped_by = stopped_by
        self._keys = Keys(run)
        self.instance: Instance | None = None
        self.deadline = self._new_deadline()
        self._next_question = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the run for this controller; ``BadInput`` if another one here has it."""
        with self._keys.held() as held:
            if not held:
                raise BadInput(f"the machine of run {self._run} is in use by another process")
            yield

    def obtain(self) -> Host:
        """Return the connected machine of the run; rent one if there is none.

        Raises ``HostError`` with the reason of each type if no machine can be had.
        """
        existing = [one for one in self._cloud.find(self._run) if one.state != "ended"]
        if existing and self._keys.exist and self._has_time_left(existing[0]):
            try:
                self._cloud.end_at(self._run, existing[0], existing[0].deadline or self.deadline)
                return self._start(existing[0])
            except HostError as error:
                log.warning("%s; renting another machine", error)
        if existing:
            self._destroy()
        reasons = []
        for machine_type in self._cloud.offered(self._needs):
            try:
                return self._rent(machine_type)
            except (NoCapacity, UnmetNeeds, HostGone) as error:
                log.warning("%s", error)
                reasons.append(str(error))
                self._destroy()
        raise HostError("\n".join([*reasons, f"{self._cloud.location}: no machine type is left to try"]))

    def reconnect(self) -> Host:
        """Connect once to the machine; ``HostError`` on failure, ``HostGone`` if the machine has ended."""
        try:
            return connect(self._name, self._address(), CONNECT_LIMIT_S)
        except HostError:
            self._check_exists()
            raise

    def interruption(self) -> str:
        """Return why the cloud interrupts the machine; empty: it does not, or cannot be asked now."""
        assert self.instance is not None
        try:
            return self._cloud.interruption(self.instance)
        except HostError as error:
            log.info("%s", error)
            return ""

    def power_cycle(self) -> None:
        """Reset the machine."""
        assert self.instance is not None
        self._cloud.power_cycle(self.instance)

    def give_back(self) -> None:
        """Remove every resource of the run from the cloud."""
        self._destroy()
        self._keys.remove()

    def _check_exists(self) -> None:
        """Raise ``HostGone`` if the cloud says that the machine has ended."""
        if time.monotonic() < self._next_question:
            return
        self._next_question = time.monotonic() + ENDED_PAUSE_S
        assert self.instance is not None
        for one in self._cloud.find(self._run):
            if one.id == self.instance.id and one.state == "ended":
                raise HostGone(f"{one.id}: the machine has ended: {one.reason or 'no reason given'}")

    def _destroy(self) -> None:
        with waiting(self._note, self._name, "being removed"):
            for removed in self._cloud.destroy(self._run):
                log.info("removed %s", removed)

    def _new_deadline(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=self._hours)

    def _has_time_left(self, instance: Instance) -> bool:
        """Whether a machine of an earlier controller can run trials before the cloud ends it."""
        if instance.deadline is None:
            return True
        left = instance.deadline - datetime.now(UTC)
        if left.total_seconds() >= LEAST_LEFT_S:
            return True
        ends = f"{instance.deadline:%Y-%m-%d %H:%M} UTC"
        log.warning("%s ends at %s (limits.max_hours); renting another machine", instance.id, ends)
        return False

    @property
    def _name(self) -> str:
        return self.instance.id if self.instance else self._run

    def _wait_for_address(self, instance: Instance) -> None:
        deadline = time.monotonic() + ADDRESS_LIMIT_S
        while True:
            try:
                self._cloud.reach(instance)
            except NoCapacity:
                raise  # waiting does not help
            except HostError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(self._pauses.connection)
            else:
                return

    def _address(self) -> SshAddress:
        assert self.instance is not None
        return self._keys.address(self._cloud.user, self._cloud.reach(self.instance))

    def _rent(self, machine_type: MachineType) -> Host:
        if not self._keys.unused:
            self._keys.create()
        self.deadline = self._new_deadline()
        access = self._keys.access(self.deadline)
        host = self._start(self._cloud.create(self._run, machine_type, access, self.deadline))
        facts = host_facts.gather(host)
        machine_types.learn(self._cloud_name, machine_type.name, facts)
        unmet = host_facts.unmet(self._needs, facts)
        if unmet:
            host.close()
            raise UnmetNeeds("\n".join(f"{machine_type.name}: {need}" for need in unmet))
        return host

    def _start(self, instance: Instance) -> Host:
        self.deadline = instance.deadline or self.deadline
        self.instance = self._wait_for_start(instance)
        host = self._wait_for_ssh(self.instance)
        try:
            self._keys.replace_host_key(host)
        except HostError:
            self._next_question = 0.0
            self._check_exists()
            raise
        return host

    def _wait_for_start(self, instance: Instance) -> Instance:
        """Wait until the cloud has started a machine; ``NoCapacity`` if it does not."""

        def state() -> Instance | None:
            found = next((one for one in self._cloud.find(self._run) if one.id == instance.id), instance)
            if found.state == "ended":
                raise NoCapacity(f"{found.type} in {found.zone}: {found.reason or 'ended while starting'}")
            wait.say(found.state)
            return found if found.state == "running" else None

        with waiting(self._note, _described(instance), "requested", CAPACITY_LIMIT_S) as wait:
            started = self._poll(state, CAPACITY_LIMIT_S, self._pauses.state)
        if started is None:
            limit = f"{CAPACITY_LIMIT_S / 60:g} minutes"
            raise NoCapacity(f"{instance.type} in {instance.zone}: no capacity: not started within {limit}")
        self._wait_for_address(started)
        return started

    def _wait_for_ssh(self, instance: Instance) -> Host:
        reasons: list[str] = []

        def answer() -> Host | None:
            try:
                return self.reconnect()
            except HostGone:
                raise
            except HostError as error:
                reasons[:] = [str(error)]
                wait.say(f"running, no answer by SSH yet ({str(error).removeprefix(f'{instance.id}: ')})")
                return None

        self._next_question = time.monotonic() + ENDED_PAUSE_S
        with waiting(self._note, _described(instance), "running, connecting", START_LIMIT_S) as wait:
            host = self._poll(answer, START_LIMIT_S, self._pauses.connection)
        if host is None:
            raise HostError(f"{reasons[-1]}; gave up after {START_LIMIT_S / 60:g} minutes")
        return host

    def _poll(self, function: Callable[[], T | None], limit: float, pause: float) -> T | None:
        """Call a function until it returns a value; None after ``limit`` seconds."""
        deadline = time.monotonic() + limit
        while True:
            if by := self._stopped_by():
                raise Interrupted(f"stopped by {by}; repeat the command to resume")
            value = function()
            if value is not None or time.monotonic() > deadline:
                return value
            time.sleep(pause)


def _described(instance: Instance) -> str:
    where = f", {instance.zone}" if instance.zone else ""
    return f"{instance.id} ({instance.type}{where})"


class UnmetNeeds(HostError):
    """A machine has less than the facts about its type say."""
