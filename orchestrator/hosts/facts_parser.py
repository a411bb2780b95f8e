"""Reads what ``facts.sh`` prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from orchestrator.errors import HostError
from orchestrator.hosts.facts_model import Facts, NumaNode

KIB = 1024
NODES = "/sys/devices/system/node/node"
THP = "/sys/kernel/mm/transparent_hugepage/"
SYSCTLS = "/proc/sys/"


def parse(printed: str) -> Facts:
    """Return the facts that ``facts.sh`` printed; raises ``HostError`` if they are not what it prints."""
    said: dict[str, str] = {}
    existing: list[str] = []
    for line in printed.splitlines():
        key, _, value = line.partition("=")
        if key == "exists":
            existing.append(value)
        else:
            said[key] = value.strip()
    if not said.get("boot") or not said.get("uname.release"):
        raise HostError(
            f"the host does not say what it is; is it Linux, with /proc? It said: {printed[:200]!r}"
        )
    content = {key.removeprefix("file."): value for key, value in said.items() if key.startswith("file.")}
    return Facts(
        release=said["uname.release"],
        version=said.get("uname.version", ""),
        machine=said.get("uname.machine", ""),
        boot_id=said["boot"],
        build_id=said.get("build_id", ""),
        config_hash=said.get("config_hash", ""),
        command_line=content.get("/proc/cmdline", ""),
        os=said.get("os", ""),
        user_id=int(said.get("user", "-1")),
        root=said.get("root") == "yes",
        cpus=int(said.get("cpus", "0")),
        online=content.get("/sys/devices/system/cpu/online", ""),
        cpu_model=said.get("cpu.model_name", said.get("cpu.CPU_part", "")),
        cpu_vendor=said.get("cpu.vendor_id", said.get("cpu.CPU_implementer", "")),
        cpu_flags=tuple(said.get("cpu.flags", said.get("cpu.Features", "")).split()),
        microcode=said.get("cpu.microcode", ""),
        governors=_governors(content),
        turbo=_turbo(content),
        smt=_switch(content.get("/sys/devices/system/cpu/smt/active")),
        nodes=_nodes(said, content),
        default_huge_page=int(said.get("memory.Hugepagesize", "0")) * KIB,
        thp={path.removeprefix(THP): _chosen(text) for path, text in content.items() if path.startswith(THP)},
        demotion=_switch(content.get("/sys/kernel/mm/numa/demotion_enabled")),
        clocksource=content.get(_clocksource("current"), ""),
        clocksources=tuple(content.get(_clocksource("available"), "").split()),
        dmi_vendor=content.get("/sys/class/dmi/id/sys_vendor", ""),
        dmi_product=content.get("/sys/class/dmi/id/product_name", ""),
        dmi_asset_tag=content.get("/sys/class/dmi/id/chassis_asset_tag", ""),
        hypervisor_type=content.get("/sys/hypervisor/type", ""),
        sysctls={
            path.removeprefix(SYSCTLS).replace("/", "."): text
            for path, text in content.items()
            if path.startswith(SYSCTLS)
        },
        compilers={
            key.removeprefix("compiler."): text for key, text in said.items() if key.startswith("compiler.")
        },
        dialect_files=tuple(existing),
    )


def _clocksource(which: str) -> str:
    return f"/sys/devices/system/clocksource/clocksource0/{which}_clocksource"


def _chosen(text: str) -> str:
    """The bracketed word of a choice, or the text itself."""
    choice = re.search(r"\[(\S+)\]", text)
    return choice.group(1) if choice else text


def _switch(text: str | None) -> bool | None:
    return None if text is None else text in ("1", "Y", "true")


def _turbo(content: Mapping[str, str]) -> bool | None:
    no_turbo = _switch(content.get("/sys/devices/system/cpu/intel_pstate/no_turbo"))
    boost = _switch(content.get("/sys/devices/system/cpu/cpufreq/boost"))
    return boost if no_turbo is None else not no_turbo


def _governors(content: Mapping[str, str]) -> dict[str, str]:
    cpus: dict[str, list[int]] = {}
    for path, governor in content.items():
        match = re.fullmatch(r"/sys/devices/system/cpu/cpu(\d+)/cpufreq/scaling_governor", path)
        if match:
            cpus.setdefault(governor, []).append(int(match.group(1)))
    return {governor: _cpu_list(numbers) for governor, numbers in cpus.items()}


def _cpu_list(numbers: Iterable[int]) -> str:
    """``[0, 1, 2, 8]`` as ``0-2,8``."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _nodes(said: Mapping[str, str], content: Mapping[str, str]) -> tuple[NumaNode, ...]:
    """The NUMA nodes; a kernel without NUMA has one, with everything."""
    numbers = sorted({int(key.split(".")[1]) for key in said if key.startswith("node.")})
    if not numbers:
        folder, cpus = "/sys/kernel/mm", content.get("/sys/devices/system/cpu/online", "")
        return (_node(0, cpus, "10", _sizes(said, "memory"), _pools(content, folder)),)
    return tuple(
        _node(
            number,
            content.get(f"{NODES}{number}/cpulist", ""),
            content.get(f"{NODES}{number}/distance", ""),
            _sizes(said, f"node.{number}"),
            _pools(content, f"{NODES}{number}"),
        )
        for number in numbers
    )


def _node(
    number: int, cpus: str, distances: str, sizes: Mapping[str, int], pools: Mapping[str, Mapping[int, int]]
) -> NumaNode:
    return NumaNode(
        id=number,
        cpus=cpus,
        memory=sizes["MemTotal"],
        free=sizes["MemFree"],
        available=sizes["MemFree"] + sizes["Inactive(file)"],
        distances=tuple(int(distance) for distance in distances.split()),
        huge_pages=pools["nr"],
        free_huge_pages=pools["free"],
    )


def _sizes(said: Mapping[str, str], prefix: str) -> dict[str, int]:
    names = ("MemTotal", "MemFree", "Inactive(file)")
    return {name: int(said.get(f"{prefix}.{name}", "0")) * KIB for name in names}


def _pools(content: Mapping[str, str], folder: str) -> dict[str, dict[int, int]]:
    pools: dict[str, dict[int, int]] = {"nr": {}, "free": {}}
    pattern = re.compile(re.escape(folder) + r"/hugepages/hugepages-(\d+)kB/(nr|free)_hugepages")
    for path, text in content.items():
        match = pattern.fullmatch(path)
        if match:
            pools[match.group(2)][int(match.group(1)) * KIB] = int(text)
    return pools
