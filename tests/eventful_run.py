"""A run in which everything happens that a report can show: two kernels, boots, modes, a copy, published figures,
trials that are not ok, an attempt that was repeated, and names that try to be HTML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from orchestrator.experiment.model import Breakdown, Comparison, Published, PublishedFigure, Status
from orchestrator.results import manifest
from orchestrator.results.manifest import Manifest
from orchestrator.results.records import FactorInfo, MetricInfo, MetricValue, Record, TrialRecord
from tests.run_samples import BLOCK, END, RUN, VERIFICATION, trial, write

HOSTILE = "<script>window.hacked = 1</script>\"'&\x07"
MODES = {"serial": 2.0, "parallel": 3.0, "copy": 8.0}
THREADS = ("1", "2", "16")
RUN_ID = "20261123T101500000Z-0a1b"

OPENING = replace(
    RUN,
    run=RUN_ID,
    experiment=f"eventful {HOSTILE}",
    trials=146,
    metrics=(
        MetricInfo("throughput", "GiB/s", "higher"),
        MetricInfo("call_latency", "us", "lower"),
        MetricInfo("modelled_throughput", "GiB/s", "higher", models="throughput"),
        MetricInfo("copy_time", "us", "lower"),
    ),
    factors=(
        FactorInfo("kernel", ("base", "new")),
        FactorInfo("mode", tuple(MODES)),
        FactorInfo("threads", THREADS),
        FactorInfo("page_size", ("4KiB", "2MiB")),
    ),
    breakdown=Breakdown("call_latency", {"copy": "copy_time"}, ()),
    compare=Comparison(
        "throughput",
        {"mode": "serial", "threads": "1"},
        Published(
            "rfc2017-cover",
            "Zi Yan, linux-mm, 2017-02-17, some@id",
            "2 x Intel E5-2640v3",
            "mmotm",
            "GiB/s",
            "higher",
            (PublishedFigure({"mode": "parallel", "threads": "16", "page_size": "2MiB"}, 8.6, 3.0),),
            "move_pages across sockets",
            ("Says nothing of 4 KiB pages.",),
        ),
    ),
)
FACTS = {
    "release": "6.12.0",
    "cpu_model": f"Some CPU {HOSTILE}",
    "cpus": 32,
    "microcode": "0x1",
    "governors": {"performance": "0-31"},
    "nodes": [
        {"id": 0, "cpus": "0-15", "memory": 64 << 30, "distances": [10, 20]},
        {"id": 1, "cpus": "16-31", "memory": 64 << 30, "distances": [20, 10]},
    ],
    "sysctls": {"vm.zone_reclaim_mode": "0"},
    "thp": {"enabled": "madvise"},
}
HYPERVISOR = {"qemu": "QEMU emulator version 7.2.22 (Debian)", "cpu": "Host CPU", "kernel": "6.1.0"}
BLOCKS = [
    replace(BLOCK, block=n, kernel=kernel, boot=f"{kernel}-{n}", facts=FACTS, hypervisor=HYPERVISOR)
    for n, kernel in enumerate(("base", "new", "base", "new"))
]
REQUEST = {"page_size": "4KiB", "memory": "auto", "warmup_pages": 1, "latency_probe": False}
DETAILS = {"verification": VERIFICATION, "request": REQUEST, "environment": {"memory": "thp"}}
PROVENANCE = Manifest(
    run=RUN_ID,
    experiment="eventful",
    content_hash=RUN.content_hash,
    seed=7,
    experiment_file="eventful.yaml",
    experiment_text=f"version: 1\nname: eventful\ndescription: All there is\n# {HOSTILE[:-1]}\n",
    overrides=(),
    command_line=("orchestrate", "run", "eventful.yaml"),
    started=RUN.time,
    version="0.1.0",
    commit="a" * 40 + "-dirty",
    python="3.11.2",
    packages={"click": "8.1"},
    controller={"host": "laptop", "cpus": 2},
    roles={"migbench": {"tasks.yaml": "f" * 64}},
    kernels={
        "base": {"release": "6.12.0-base", "hash": "", "patches": []},
        "new": {
            "release": "6.12.0-new",
            "hash": "0123456789ab",
            "patches": ["0001-mm.patch", "0002-mm.patch"],
            "source": "git 0123abcd",
            "recipe": "accel",
            "config": "tiny and 3 options",
            "config_hash": "c" * 64,
            "compiler": "gcc 12.2.0",
        },
    },
)


def make(results: Path) -> Path:
    """Write the run below a results folder and return its own folder."""
    folder = write(results / "eventful" / RUN_ID, records())
    manifest.save(folder, PROVENANCE)
    return folder


def records() -> list[Record]:
    """Return the whole journal: 144 trials that are ok or unsupported, two disturbed ones, an attempt."""
    serial = {"kernel": "base", "mode": "serial", "threads": "1", "page_size": "2MiB"}
    special = [
        trial(serial, 90, final=False, status=Status.CRASHED, reason="the host died", boot="base-0"),
        trial(serial, 90, status=Status.DISTURBED, reason=f"logins {HOSTILE}", boot="base-2"),
        trial(serial, 91, status=Status.TIMEOUT, reason="", boot="base-2", start="", end=""),
    ]
    return [OPENING, *BLOCKS, *_trials(), *special, END]


def _trials() -> Iterator[TrialRecord]:
    clock = 0
    for kernel, gain in (("base", 1.0), ("new", 1.1)):
        for mode, speed in MODES.items():
            for threads in THREADS:
                for page_size in ("4KiB", "2MiB"):
                    levels = {"kernel": kernel, "mode": mode, "threads": threads, "page_size": page_size}
                    for repetition in range(4):
                        clock += 2
                        yield _trial(levels, repetition, speed * gain, clock)


def _trial(levels: dict[str, str], repetition: int, speed: float, clock: int) -> TrialRecord:
    block = BLOCKS[(repetition % 2) * 2 + (levels["kernel"] == "new")]
    start, end = (f"2026-11-23T10:{15 + at // 60:02}:{at % 60:02}.000Z" for at in (clock, clock + 1))
    at = {"boot": block.boot, "block": block.block, "start": start, "end": end}
    if levels["mode"] == "parallel" and levels["page_size"] == "4KiB":
        return trial(levels, repetition, status=Status.UNSUPPORTED, reason="no such path", allowed=True, **at)
    value = speed * (1 + repetition / 1000) * (0.25 if levels["page_size"] == "4KiB" else 1)
    record = trial(levels, repetition, value, 1000 / value, **at)
    modelled = value * (int(levels["threads"]) ** 0.8 if levels["mode"] == "parallel" else 1)
    more = {
        "modelled_throughput": MetricValue(modelled, "GiB/s"),
        "copy_time": MetricValue(700 / value, "us"),
    }
    return replace(
        record,
        metrics={**record.metrics, **more},
        details=DETAILS,
        settings={"/proc/sys/vm/limit_mt_num": levels["threads"]},
    )
