"""The network between controller and host."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.faults.fault import Act, Fault
from tests.chaos.hosts.proxy import DOWN, UP, Connection
from tests.chaos.scene import Scene


def _cut(end: Callable[[Connection], None]) -> Act:
    """Return what ends all connections once or twice, from a random instant on."""

    def strike(scene: Scene) -> None:
        scene.random_instant()
        for _ in range(scene.random.randrange(1, 3)):
            scene.proxy.each(end)
            scene.sleep(scene.random.uniform(0, 1))

    return strike


def _hold(*ways: str) -> Act:
    """Return what lets nothing pass for a while, in these directions."""

    def strike(scene: Scene) -> None:
        scene.random_instant()
        scene.proxy.held = frozenset(ways)
        scene.sleep(scene.random.choice((0.5, 2.0, 5.0)))
        scene.proxy.held = frozenset()

    return strike


def _slow(scene: Scene) -> None:
    scene.random_instant()
    scene.proxy.rate = 2000.0
    scene.sleep(4)
    scene.proxy.rate = 0.0


def _delay(scene: Scene) -> None:
    """As with packets that are lost and sent again: pieces of data are late."""
    scene.proxy.delay = scene.random.choice((0.02, 0.1))
    scene.sleep(6)
    scene.proxy.delay = 0.0


def _split(scene: Scene) -> None:
    """The host is gone for good, and for the client nothing has happened."""
    scene.random_instant()
    scene.proxy.each(Connection.drop_server)


FAULTS = (
    Fault("network: RST", _cut(Connection.reset)),
    Fault("network: FIN", _cut(Connection.close)),
    Fault("network: half-open", _split),
    Fault("network: nothing arrives", _hold(UP, DOWN)),
    Fault("network: no answers", _hold(DOWN)),
    Fault("network: 2 kB/s", _slow),
    Fault("network: late", _delay),
)
