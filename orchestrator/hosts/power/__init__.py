"""Who can press a machine's power button: one file each. A new file in this folder is a new way.

The inventory says which it is: ``power: nobody``, or ``power: {WAY: …}``. Having it is also what allows to boot the
machine at all.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean


class Power(ABC):
    """A way to take a machine's power away and give it back. Known by its ``name`` once imported.

    :cvar watchdog: whether a kernel of ours is to reset the machine itself where nobody finds it.
    """

    name: ClassVar[str]
    watchdog: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, value: Any) -> None:
        """Take what the inventory says; ``ValueError`` for what the user can mend."""

    @abstractmethod
    def cycle(self) -> None:
        """Press the button, hard; ``HostError`` where that is in vain. Does not wait for the machine."""


def find_power(host: str, value: Any) -> Power:
    """Return the way that an inventory's ``power`` names; ``BadInput`` for one that is none."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    ways = {way.name: way for way in Power.__subclasses__()}
    if isinstance(value, str):
        value = {value: None}
    if not isinstance(value, dict) or len(value) != 1:
        raise BadInput(f"host {host!r}: power: expected one of {', '.join(sorted(ways))}; found {value!r}")
    ((name, argument),) = value.items()
    if name not in ways:
        raise BadInput(f"host {host!r}: power: no way {name!r}; {did_you_mean(str(name), sorted(ways))}")
    try:
        return ways[name](argument)
    except ValueError as error:
        raise BadInput(f"host {host!r}: power: {name}: {error}") from error
