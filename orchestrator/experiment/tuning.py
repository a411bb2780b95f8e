"""The section ``tuning``: what a host is set to for the length of a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.documents.document import Node
from orchestrator.documents.draft import Draft
from orchestrator.errors import BadInput, Fault
from orchestrator.experiment import settings
from orchestrator.experiment.model import Setting, Tuning

Section = Callable[[Node], Iterator[settings.Placed]]
_SECTIONS: tuple[tuple[tuple[str, ...], Section], ...] = (
    (("sysctl",), settings.sysctl),
    (("sysfs",), settings.sysfs),
    (("transparent_hugepages",), settings.transparent_hugepages),
    (("hugepages",), settings.hugepages),
    (("numa_balancing",), settings.numa_balancing),
    (("cpu",), settings.cpu),
    (("placement", "irqs"), settings.irqs),
)


def tuning(draft: Draft) -> Tuning:
    """Read the section; two values for one file are a fault."""
    found: dict[str, Setting] = {}
    for path, read in _SECTIONS:
        node = draft.get("tuning", *path)
        try:
            for position, setting in read(node) if node else ():
                known = found.setdefault(setting.path, setting)
                if known.value != setting.value:
                    draft.fault(
                        position, f"{setting.path} is also set to {known.value}; it can hold one value only"
                    )
        except BadInput as error:
            draft.faults += [fault for fault in error.faults if isinstance(fault, Fault)]
    return Tuning(tuple(found.values()), str(draft.value("tuning", "placement", "cpus", default="")))
