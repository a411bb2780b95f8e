"""The journal of a run: lines that were damaged or forged, and the index of what is left."""

from __future__ import annotations

from orchestrator.results import codec, journal
from orchestrator.results.migrations import UnreadableFormat
from orchestrator.results.store import Store
from tests.fuzz import mutation, scratch, seeds
from tests.fuzz.target import Target

KEYS = (
    *(
        "type",
        "format",
        "trial",
        "cell",
        "status",
        "metrics",
        "details",
        "noise",
        "nodes",
        "label",
        "request",
    ),
    *(
        "environment",
        "counters",
        "kernel_log",
        "settings",
        "value",
        "unit",
        "time",
        "facts",
        "factors",
        "levels",
    ),
    *("compare", "breakdown", "published", "verification", "crc32", "final", "repetition", "block", "clock"),
)


def run(data: bytes) -> None:
    path = scratch.write("results/fuzzed/20261128T150054809Z-9609/journal.jsonl", data)
    (path.parents[2] / "index.sqlite").unlink(missing_ok=True)
    for line in data.split(b"\n"):
        _check_round_trip(line + b"\n")
    journal.last_record(path)
    with Store(path.parents[2], temporary=True) as store:
        store.sync()
        for found in store.runs():
            list(store.cells(found))


def _check_round_trip(line: bytes) -> None:
    """What the writer writes of a record that was read, the reader reads."""
    try:
        record = codec.from_line(line)
    except (codec.DamagedRecord, UnreadableFormat):
        return
    written = codec.to_line(record)
    assert codec.to_line(codec.from_line(written)) == written


def recorded() -> list[bytes]:
    whole = seeds.read("*/*/*/journal.jsonl", below=seeds.RECORDED)
    return [b"\n".join([*text.split(b"\n")[:6], *text.split(b"\n")[-2:]]) for text in whole]


TARGET = Target("journal", run, ("orchestrator.results",), recorded, mutation.json_lines(*KEYS))
