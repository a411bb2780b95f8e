"""Parser of the output of ``facts.sh``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestrator.cpu_lists import format_cpus
from orchestrator.errors import HostError
from orchestrator.hosts.facts_model import Facts, NumaNode

KIB = 1024
NODES = "/sys/devices/system/node/node"
THP = "/sys/kernel/mm/transparent_hugepage/"
THP_SIZE = f"{THP}hpage_pmd_size"
SYSCTLS = "/proc/sys/"


def parse(printed: str) -> Facts:
    """Parse the output of ``facts.sh``; ``HostError`` if it is something else."""
    values: dict[str, str] = {}
    existing: list[str] = []
    for line in printed.splitlines():
        key, _, value = line.partition("=")
        if key == "exists":
            existing.append(value)
        else:
            values[key] = value.strip()
    if not values.get("boot") or not values.get("uname.release"):
        raise HostError(
            f"cannot read facts: the host is not Linux, or /proc is not mounted; output: {printed[:200]!r}"
        )
    try:
        return _facts(values, existing)
    except ValueError as error:
        raise HostError(f"cannot read facts: {error}") from None


def _facts(values: Mapping[str, str], existing: list[str]) -> Facts:
    content = {key.removeprefix("file."): value for key, value in values.items() if key.startswith("file.")}
    return Facts(
        release=values["uname.release"],
        version=values.get("uname.version", ""),
        machine=values.get("uname.machine", ""),
        boot_id=values["boot"],
        build_id=values.get("build_id", ""),
        config_hash=values.get("config_hash", ""),
        command_line=content.get("/proc/cmdline", ""),
        os=values.get("os", ""),
        user_id=int(values.get("user", "-1")),
        root=values.get("root") == "yes",
        cpus=int(values.get("cpus", "0")),
        online=content.get("/sys/devices/system/cpu/online", ""),
        cpu_model=_cpu_model(values),
        cpu_part=values.get("cpu.CPU_part", ""),
        cpu_vendor=_first(values, "vendor_id", "CPU_implementer", "mvendorid"),
        cpu_flags=tuple(_first(values, "flags", "Features", "features", "isa").split()),
        microcode=values.get("cpu.microcode", ""),
        governors=_governors(content),
        turbo=_turbo(content),
        smt=_switch(content.get("/sys/devices/system/cpu/smt/active")),
        nodes=_nodes(values, content),
        page_size=int(values.get("page_size", "0")),
        default_huge_page=int(values.get("memory.Hugepagesize", "0")) * KIB,
        thp_size=int(content.get(THP_SIZE, "0")),
        thp={
            path.removeprefix(THP): _selected(text)
            for path, text in content.items()
            if path.startswith(THP) and path != THP_SIZE
        },
        demotion=_switch(content.get("/sys/kernel/mm/numa/demotion_enabled")),
        clocksource=content.get(_clocksource("current"), ""),
        clocksources=tuple(content.get(_clocksource("available"), "").split()),
        dmi_vendor=content.get("/sys/class/dmi/id/sys_vendor", ""),
        dmi_product=content.get("/sys/class/dmi/id/product_name", ""),
        dmi_asset_tag=content.get("/sys/class/dmi/id/chassis_asset_tag", ""),
        device_tree=values.get("device_tree", ""),
        hypervisor_type=content.get("/sys/hypervisor/type", ""),
        sysctls={
            path.removeprefix(SYSCTLS).replace("/", "."): text
            for path, text in content.items()
            if path.startswith(SYSCTLS)
        },
        compilers={
            key.removeprefix("compiler."): text for key, text in values.items() if key.startswith("compiler.")
        },
        dialect_files=tuple(existing),
    )


def _cpu_model(values: Mapping[str, str]) -> str:
    """Return the name of the CPU, as lscpu gives it: x86, MIPS; LoongArch; MIPS; Power; RISC-V; arm64; s390.

    Where there is no name: the instruction set of RISC-V, the part number of arm64.
    """
    name = _first(values, "model_name", "Model_Name", "cpu_model", "cpu", "uarch", "name")
    if not name and "cpu.machine_type" in values:
        name = f"machine type {values['cpu.machine_type']}"
    return name or _first(values, "isa", "CPU_part").partition("_")[0]


def _first(values: Mapping[str, str], *names: str) -> str:
    """Return the first of these fields of /proc/cpuinfo that there is; empty without any."""
    return next((values[f"cpu.{name}"] for name in names if f"cpu.{name}" in values), "")


def _clocksource(which: str) -> str:
    return f"/sys/devices/system/clocksource/clocksource0/{which}_clocksource"


def _selected(text: str) -> str:
    """Return the bracketed word of ``a [b] c``, or the text itself."""
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
    return {governor: format_cpus(numbers) for governor, numbers in cpus.items()}


def _nodes(values: Mapping[str, str], content: Mapping[str, str]) -> tuple[NumaNode, ...]:
    """Return the NUMA nodes; a kernel without NUMA has one node."""
    numbers = sorted({int(key.split(".")[1]) for key in values if key.startswith("node.")})
    if not numbers:
        folder, cpus = "/sys/kernel/mm", content.get("/sys/devices/system/cpu/online", "")
        return (_node(0, cpus, "10", _sizes(values, "memory"), _pools(content, folder)),)
    return tuple(
        _node(
            number,
            content.get(f"{NODES}{number}/cpulist", ""),
            content.get(f"{NODES}{number}/distance", ""),
            _sizes(values, f"node.{number}"),
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


def _sizes(values: Mapping[str, str], prefix: str) -> dict[str, int]:
    names = ("MemTotal", "MemFree", "Inactive(file)")
    return {name: int(values.get(f"{prefix}.{name}", "0")) * KIB for name in names}


def _pools(content: Mapping[str, str], folder: str) -> dict[str, dict[int, int]]:
    pools: dict[str, dict[int, int]] = {"nr": {}, "free": {}}
    pattern = re.compile(re.escape(folder) + r"/hugepages/hugepages-(\d+)kB/(nr|free)_hugepages")
    for path, text in content.items():
        match = pattern.fullmatch(path)
        if match:
            pools[match.group(2)][int(match.group(1)) * KIB] = int(text)
    return pools
