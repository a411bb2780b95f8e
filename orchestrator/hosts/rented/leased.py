"""One rented machine from its request to its end: wait until it can be used, connect, ask whether it still exists."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct, field

from orchestrator.errors import HostError, HostGone, Interrupted
from orchestrator.hosts.base import Host
from orchestrator.hosts.rented.access import Keys
from orchestrator.hosts.rented.cloud import Cloud, Instance, NoCapacity
from orchestrator.hosts.ssh import connect
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

PAUSE_S = 5.0
"""Between two requests about the same machine, or two attempts to connect to it."""


class Tenancy(Struct, frozen=True):
    """What the machines of a run share.

    :ivar note: takes lines of progress.
    :ivar stopped_by: returns the signal or limit that wants the run to stop; empty: nothing does.
    :ivar lock: the cloud's library is used by one thread at a time.
    """

    cloud: Cloud
    run: str
    keys: Keys
    note: Callable[[str], None]
    stopped_by: Callable[[], str]
    lock: threading.RLock = field(default_factory=threading.RLock)


class LeasedMachine:
    """One machine of a run.

    :ivar host: the connection that :meth:`start` has opened; None before.
    """

    def __init__(self, tenancy: Tenancy, instance: Instance) -> None:
        self._tenancy = tenancy
        self.instance = instance
        self.host: Host | None = None
        self._next_question = 0.0

    @property
    def name(self) -> str:
        """The id of the instance."""
        return self.instance.id

    def start(self) -> Host:
        """Wait until the machine answers by SSH, and connect.

        Raises ``NoCapacity`` if the cloud does not start it, ``HostGone`` if it ends, ``HostError`` if it is silent.
        """
        self.instance = self._wait_for_start()
        self.host = self._wait_for_ssh()
        self._next_question = 0.0
        try:
            self._tenancy.keys.replace_host_key(self.name, self.host)
        except HostError:
            self._check_exists()
            raise
        return self.host

    def reconnect(self) -> Host:
        """Connect once to the machine; ``HostError`` on failure, ``HostGone`` if the machine has ended."""
        cloud, keys = self._tenancy.cloud, self._tenancy.keys
        try:
            with self._tenancy.lock:
                address = keys.address(self.name, cloud.user, cloud.reach(self.instance))
            return connect(self.name, address, CONNECT_LIMIT_S)
        except HostError:
            self._check_exists()
            raise

    def close(self) -> None:
        """Close the connection that :meth:`start` has opened."""
        if self.host is not None:
            self.host.close()
            self.host = None

    def power_cycle(self) -> None:
        """Reset the machine."""
        with self._tenancy.lock:
            self._tenancy.cloud.power_cycle(self.instance)

    def interruption(self) -> str:
        """Return why the cloud interrupts the machine; empty: it does not, or cannot be asked now."""
        try:
            with self._tenancy.lock:
                return self._tenancy.cloud.interruption(self.instance)
        except HostError as error:
            log.info("%s", error)
            return ""

    def _check_exists(self) -> None:
        """Raise ``HostGone`` if the cloud says that the machine has ended."""
        if time.monotonic() < self._next_question:
            return
        self._next_question = time.monotonic() + ENDED_PAUSE_S
        found = self._found()
        if found.state == "ended":
            raise HostGone(f"{found.id}: the machine has ended: {found.reason or 'no reason given'}")

    def _found(self) -> Instance:
        with self._tenancy.lock:
            found = self._tenancy.cloud.find(self._tenancy.run)
        return next((one for one in found if one.id == self.instance.id), self.instance)

    def _wait_for_start(self) -> Instance:
        """Wait until the cloud has started the machine; ``NoCapacity`` if it does not."""
        instance, tenancy = self.instance, self._tenancy

        def state() -> Instance | None:
            found = self._found()
            if found.state == "ended":
                raise NoCapacity(f"{found.type} in {found.zone}: {found.reason or 'ended while starting'}")
            wait.say(found.state)
            return found if found.state == "running" else None

        with waiting(tenancy.note, _described(instance), "requested", CAPACITY_LIMIT_S) as wait:
            started = self._poll(state, CAPACITY_LIMIT_S)
        if started is None:
            limit = f"{CAPACITY_LIMIT_S / 60:g} minutes"
            raise NoCapacity(f"{instance.type} in {instance.zone}: no capacity: not started within {limit}")
        self._wait_for_address(started)
        return started

    def _wait_for_address(self, instance: Instance) -> None:
        deadline = time.monotonic() + ADDRESS_LIMIT_S
        while True:
            try:
                self._tenancy.cloud.reach(instance)
            except NoCapacity:
                raise  # waiting does not help
            except HostError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_S)
            else:
                return

    def _wait_for_ssh(self) -> Host:
        reasons: list[str] = []

        def answer() -> Host | None:
            try:
                return self.reconnect()
            except HostGone:
                raise
            except HostError as error:
                reasons[:] = [str(error)]
                wait.say(f"running, no answer by SSH yet ({str(error).removeprefix(f'{self.name}: ')})")
                return None

        self._next_question = time.monotonic() + ENDED_PAUSE_S
        tenancy = self._tenancy
        with waiting(tenancy.note, _described(self.instance), "running, connecting", START_LIMIT_S) as wait:
            host = self._poll(answer, START_LIMIT_S)
        if host is None:
            raise HostError(f"{reasons[-1]}; gave up after {START_LIMIT_S / 60:g} minutes")
        return host

    def _poll(self, function: Callable[[], T | None], limit: float) -> T | None:
        """Call a function until it returns a value; None after ``limit`` seconds."""
        deadline = time.monotonic() + limit
        while True:
            if by := self._tenancy.stopped_by():
                raise Interrupted(f"stopped by {by}")
            value = function()
            if value is not None or time.monotonic() > deadline:
                return value
            time.sleep(PAUSE_S)


def _described(instance: Instance) -> str:
    where = f", {instance.zone}" if instance.zone else ""
    return f"{instance.id} ({instance.type}{where})"
