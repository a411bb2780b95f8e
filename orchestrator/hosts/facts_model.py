"""What a host is, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NumaNode:
    """A NUMA node; sizes in bytes.

    :ivar cpus: list such as ``0-3,8``; empty for a node of memory alone.
    :ivar available: free memory and what the page cache would give back at once (its inactive part).
    :ivar distances: to each node, as firmware tells them.
    :ivar huge_pages: pools by page size; ``free_huge_pages``: what is free in them.
    """

    id: int
    cpus: str
    memory: int
    free: int
    available: int
    distances: tuple[int, ...]
    huge_pages: Mapping[int, int]
    free_huge_pages: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Facts:
    """A host as it was when it was asked; a text is empty and a switch None where the host does not say.

    :ivar build_id: GNU build id of the running kernel, hex.
    :ivar config_hash: SHA-256 (hex) of its configuration, where it tells that in ``/proc/config.gz``.
    :ivar root: whether commands can run as root, by login or by ``sudo`` without a password.
    :ivar governors: lists of CPUs by the frequency governor they have.
    :ivar default_huge_page: size in bytes of a huge page that is asked for without a size.
    :ivar thp: settings of transparent huge pages, the chosen word of each, by path below their folder.
    :ivar sysctls: by dotted name.
    :ivar compilers: first line of ``--version`` by command.
    :ivar dialect_files: files that only kernels with accelerated page migration have.
    """

    release: str
    version: str
    machine: str
    boot_id: str
    build_id: str
    config_hash: str
    command_line: str
    os: str
    user_id: int
    root: bool
    cpus: int
    online: str
    cpu_model: str
    cpu_vendor: str
    cpu_flags: tuple[str, ...]
    microcode: str
    governors: Mapping[str, str]
    turbo: bool | None
    smt: bool | None
    nodes: tuple[NumaNode, ...]
    default_huge_page: int
    thp: Mapping[str, str]
    demotion: bool | None
    clocksource: str
    clocksources: tuple[str, ...]
    dmi_vendor: str
    dmi_product: str
    dmi_asset_tag: str
    hypervisor_type: str
    sysctls: Mapping[str, str]
    compilers: Mapping[str, str]
    dialect_files: tuple[str, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The facts as plain data for a journal: names of the fields, lists and mappings with text keys."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
