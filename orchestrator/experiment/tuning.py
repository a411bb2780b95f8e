"""Read the section ``tuning``: the settings of a host during a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.cpu_lists import parse_cpus
from orchestrator.documents.document import Node
from orchestrator.documents.draft import Draft
from orchestrator.errors import BadInput, Fault
from orchestrator.experiment import settings
from orchestrator.experiment.model import Setting, Tuning

Section = Callable[[Node], Iterator[settings.PlacedSetting]]
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
    """Read the section. Two different values for one file are a fault."""
    by_path: dict[str, Setting] = {}
    for path, read in _SECTIONS:
        node = draft.get("tuning", *path)
        try:
            for position, setting in read(node) if node else ():
                first = by_path.setdefault(setting.path, setting)
                if first.value != setting.value:
                    draft.add_fault(
                        position, f"conflicting value for {setting.path}; already set to {first.value}"
                    )
        except BadInput as error:
            draft.faults += [fault for fault in error.faults if isinstance(fault, Fault)]
    for key in ("cpus", "irqs"):
        node = draft.get("tuning", "placement", key)
        try:
            parse_cpus(node.text if node else "")
        except BadInput as error:
            draft.add_error(error, "tuning", "placement", key)
    return Tuning(tuple(by_path.values()), str(draft.value("tuning", "placement", "cpus", default="")))
