"""Power control of machines: one file for each method. A new file in this directory adds a method.

The inventory selects the method: ``power: none`` or ``power: {METHOD: …}``. A machine without ``power`` is not booted.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from orchestrator.documents.document import describe_value
from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean


class Power(ABC):
    """A method to power-cycle a machine. A subclass is registered by its ``name`` when it is imported.

    :cvar aliases: other accepted names.
    :cvar watchdog: whether an installed kernel resets the machine when the controller cannot connect to it.
    """

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    watchdog: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, value: Any) -> None:
        """Check the value in the inventory; ``ValueError`` if it is invalid."""

    @abstractmethod
    def cycle(self) -> None:
        """Power-cycle the machine without a shutdown; ``HostError`` on failure. Does not wait for the boot."""


def find_power(host: str, value: Any) -> Power:
    """Return the power control that an inventory's ``power`` selects; ``BadInput`` for an invalid value."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    known = [one for one in Power.__subclasses__() if one.__module__.startswith(f"{__name__}.")]
    names = sorted(method.name for method in known)
    methods = {name: method for method in known for name in (method.name, *method.aliases)}
    if isinstance(value, str):
        value = {value: None}
    if not isinstance(value, dict) or len(value) != 1:
        raise BadInput(
            f"host {host!r}: power: expected one of {', '.join(names)}, found {describe_value(value)}"
        )
    ((name, argument),) = value.items()
    if name not in methods:
        raise BadInput(f"host {host!r}: power: unknown method {name!r}; {did_you_mean(str(name), names)}")
    try:
        return methods[name](argument)
    except ValueError as error:
        raise BadInput(f"host {host!r}: power: {name}: {error}") from error
