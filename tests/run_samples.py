"""Records and journals that look like real ones, for the tests of results, analysis and report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orchestrator.experiment.model import Status
from orchestrator.results.journal import Journal
from orchestrator.results.records import (
    BlockRecord,
    EndRecord,
    FactorInfo,
    MetricInfo,
    MetricValue,
    Record,
    RunRecord,
    TrialRecord,
)

RUN = RunRecord(
    run="20261123T101500000Z-0a1b",
    experiment="quickstart",
    content_hash="c0ffee" * 10 + "abcd",
    seed=7,
    trials=12,
    time="2026-11-23T10:15:00.000Z",
    benchmark="migbench",
    headline="throughput",
    metrics=(
        MetricInfo("throughput", "GiB/s", "higher"),
        MetricInfo("call_latency", "us", "lower"),
        MetricInfo("tlb_shootdowns", "1"),
    ),
    factors=(
        FactorInfo("mode", ("serial", "parallel", "copy")),
        FactorInfo("page_size", ("4KiB", "2MiB")),
        FactorInfo("threads", ("1", "2", "10")),
        FactorInfo("bytes"),
    ),
    version="0.1.0",
    scope="5c09e" * 12 + "abcd",
)
BLOCK = BlockRecord(
    block=0,
    kernel="stock",
    host="guest-1",
    boot="5b7cbb9e-3ab0-4b0f-8dc4-2f2d6c4f5a11",
    environment="vm-icount",
    clock="instructions",
    facts={"release": "6.1.0-13-cloud-amd64", "nodes": [{"cpus": "0-1", "memory": 1 << 30}]},
    settings={"/proc/sys/kernel/numa_balancing": "0"},
    time="2026-11-23T10:15:20.000Z",
)
END = EndRecord(True, "all trials have their record", "2026-11-23T10:17:00.000Z")
FIXED = {"page_size": "2MiB", "bytes": "33554432"}
"""Factors of all cells of a sample."""
VERIFICATION = {"pages": 16, "pages_on_target": 16, "bytes_checked": 33554432, "bytes_wrong": 0}


def identity(*parts: object) -> str:
    """Return 12 hex digits, as ids of cells and trials are."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def trial(
    factors: Mapping[str, str],
    repetition: int = 0,
    throughput: float | None = None,
    latency: float | None = None,
    **changes: Any,
) -> TrialRecord:
    """Return a record with ids made from factors and repetition; figures only where given."""
    factors = {"kernel": "stock", **factors}
    metrics = {}
    if throughput is not None:
        metrics["throughput"] = MetricValue(throughput, "GiB/s")
    if latency is not None:
        metrics["call_latency"] = MetricValue(latency, "us")
    record = TrialRecord(
        trial=identity(factors, repetition),
        cell=identity(factors),
        repetition=repetition,
        factors=factors,
        block=0,
        host="guest-1",
        boot=BLOCK.boot,
        environment="vm-icount",
        status=Status.OK,
        reason="",
        metrics=metrics,
        start="2026-11-23T10:15:30.000Z",
        end="2026-11-23T10:15:31.500Z",
        exit_code=0,
        counters={"pgmigrate_success": 8192},
        details={"verification": VERIFICATION},
    )
    return replace(record, **changes)


def write(folder: Path, records: Iterable[Record]) -> Path:
    """Append the records to the journal of the run in ``folder``, made if need be; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with Journal(folder) as journal:
        for record in records:
            journal.append(record)
    return folder
