"""Facts about a host, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, to_builtins


class NumaNode(Struct, frozen=True):
    """A NUMA node; sizes in bytes.

    :ivar cpus: list such as ``0-3,8``; empty for a memory-only node.
    :ivar available: free memory plus inactive page cache.
    :ivar distances: to each node, from firmware.
    :ivar huge_pages: pages in the pool by page size; ``free_huge_pages``: free pages by page size.
    """

    id: int
    cpus: str
    memory: int
    free: int
    available: int
    distances: tuple[int, ...]
    huge_pages: Mapping[int, int]
    free_huge_pages: Mapping[int, int]


class Facts(Struct, frozen=True):
    """A host at one moment. What the host does not report is an empty text, or None for a switch.

    :ivar build_id: GNU build id of the running kernel, hex.
    :ivar config_hash: SHA-256 (hex) of the kernel configuration in ``/proc/config.gz``.
    :ivar root: whether commands can run as root, by login or by passwordless ``sudo``.
    :ivar cpu_model: name of the CPU; s390: its machine type.
    :ivar cpu_part: part number of an arm64 CPU, hex; its name is known only to hosts with ``lscpu``.
    :ivar governors: CPU lists by frequency governor.
    :ivar page_size: bytes of a base page; 0: unknown.
    :ivar default_huge_page: default huge page size in bytes.
    :ivar thp_size: bytes of a transparent huge page; 0: the kernel has none.
    :ivar thp: settings of transparent huge pages: selected value by path below ``transparent_hugepage/``.
    :ivar device_tree: model and compatible machines, of machines without DMI.
    :ivar sysctls: values by dotted name.
    :ivar compilers: first line of ``--version`` by command.
    :ivar dialect_files: existing files that only kernels with accelerated page migration have.
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
    cpu_part: str
    cpu_vendor: str
    cpu_flags: tuple[str, ...]
    microcode: str
    governors: Mapping[str, str]
    turbo: bool | None
    smt: bool | None
    nodes: tuple[NumaNode, ...]
    page_size: int
    default_huge_page: int
    thp_size: int
    thp: Mapping[str, str]
    demotion: bool | None
    clocksource: str
    clocksources: tuple[str, ...]
    dmi_vendor: str
    dmi_product: str
    dmi_asset_tag: str
    device_tree: str
    hypervisor_type: str
    sysctls: Mapping[str, str]
    compilers: Mapping[str, str]
    dialect_files: tuple[str, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The facts as JSON-compatible data, by field name; all mappings have text keys."""
        return {name: _plain(value) for name, value in to_builtins(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
