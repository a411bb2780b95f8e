"""Records survive the way to a line and back; invalid records are refused with a message."""

from __future__ import annotations

import json
import math
from types import MappingProxyType
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrator.experiment.model import Breakdown, Comparison, Published, PublishedFigure, Status
from orchestrator.results import migrations
from orchestrator.results.codec import DamagedRecord, NotJson, decode, encode, from_line, to_line
from orchestrator.results.migrations import UnreadableFormat, upgrade
from orchestrator.results.records import (
    FORMAT,
    BlockRecord,
    EndRecord,
    FactorInfo,
    HostOutcome,
    HostRecord,
    KnownFacts,
    MetricInfo,
    MetricValue,
    Record,
    RunRecord,
    TrialRecord,
)
from tests.run_samples import BLOCK, END, RUN, trial

# Lone surrogates too, for a program prints any bytes; but no former name, which hypothesis finds in our sources.
texts = st.text(st.characters(exclude_categories=()), max_size=20).filter(
    lambda text: migrations.rename({"headline": text})["headline"] == text
)
whole = st.integers()
counts = st.integers(-(2**63), 2**63 - 1)
# The names of facts are ours, so they are Unicode.
other_facts = st.text(max_size=20).filter(lambda name: name not in KnownFacts.__annotations__)
finite = st.floats(allow_nan=False, allow_infinity=False)
text_maps = st.dictionaries(texts, texts, max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | whole | finite | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
better = st.sampled_from(["higher", "lower", "neither"])
figures = st.builds(PublishedFigure, text_maps, finite, st.none() | finite)
published = st.builds(
    Published,
    **dict.fromkeys(["dataset", "source", "machine", "kernel", "unit"], texts),
    better=st.sampled_from(["higher", "lower"]),
    figures=st.lists(figures, max_size=2).map(tuple),
)
records: st.SearchStrategy[Record] = st.one_of(
    st.builds(
        RunRecord,
        **dict.fromkeys(
            ["run", "experiment", "content_hash", "time", "benchmark", "headline", "version", "scope"], texts
        ),
        seed=whole,
        trials=whole,
        resumed=st.booleans(),
        metrics=st.lists(st.builds(MetricInfo, texts, texts, better, texts), max_size=3).map(tuple),
        factors=st.lists(st.builds(FactorInfo, texts, st.lists(texts).map(tuple)), max_size=3).map(tuple),
        breakdown=st.none() | st.builds(Breakdown, texts, text_maps, st.lists(texts, max_size=2).map(tuple)),
        compare=st.none() | st.builds(Comparison, texts, text_maps, st.none() | published),
        fleet=st.sampled_from(["", "shard", "replicate"]),
        hosts=st.lists(texts, max_size=3).map(tuple),
    ),
    st.builds(
        BlockRecord,
        **dict.fromkeys(["kernel", "host", "boot", "environment", "time"], texts),
        block=whole,
        clock=st.sampled_from(["wall", "instructions"]),
        facts=st.dictionaries(other_facts, json_values, max_size=3),
        settings=text_maps,
    ),
    st.builds(
        TrialRecord,
        **dict.fromkeys(["trial", "cell", "host", "boot", "environment", "reason", "start", "end"], texts),
        repetition=counts,
        block=whole,
        factors=text_maps,
        status=st.sampled_from(Status),
        metrics=st.dictionaries(texts, st.builds(MetricValue, finite, texts), max_size=3),
        exit_code=st.none() | whole,
        settings=text_maps,
        counters=st.dictionaries(texts, whole, max_size=3),
        kernel_log=st.lists(texts, max_size=3).map(tuple),
        details=json_values,
        stdout=texts,
        stderr=texts,
        cut=st.lists(texts, max_size=2).map(tuple),
        missing=text_maps,
        allowed=st.booleans(),
        final=st.booleans(),
    ),
    st.builds(HostRecord, texts, st.sampled_from(get_args(HostOutcome)), whole, texts, texts),
    st.builds(EndRecord, st.booleans(), texts, texts),
)


@given(records)
def test_a_record_survives_its_line(record: Record) -> None:
    line = to_line(record)
    assert from_line(line) == record == decode(json.loads(line))
    assert line.isascii()
    assert line.index(b"\n") == len(line) - 1


@pytest.mark.parametrize(
    ("written", "metrics", "details"),
    [
        (
            {"details": {"migbench": 1, "truth": {"pages_left": 3}}},
            {},
            {"migbench": 2, "verification": {"pages_not_migrated": 3}},
        ),
        (
            {"metrics": {"toucher": {"value": 1.5, "unit": "us"}}},
            {"latency_probe": MetricValue(1.5, "us")},
            None,
        ),
        ({"metrics": {"rate": {"value": 2, "unit": "1/s"}}}, {"rate": MetricValue(2.0, "1/s")}, None),
    ],
)
def test_names_of_older_benchmarks_are_read_in_lines_of_the_present_format(
    written: dict[str, Any], metrics: dict[str, MetricValue], details: Any
) -> None:
    document = encode(trial({}, details=None)) | written
    record = from_line(json.dumps(document, separators=(",", ":")).encode() + b"\n")
    assert isinstance(record, TrialRecord)
    assert (record.metrics, record.details, record.final) == (metrics, details, True)


@given(records)
def test_a_record_survives_its_document(record: Record) -> None:
    assert decode(encode(record)) == record


def test_numbers_that_are_not_finite_become_null_and_read_as_nan() -> None:
    odd = trial({}, metrics={"rate": MetricValue(math.inf, "1/s")}, details={"deep": [math.nan, 1.5]})
    line = to_line(odd)
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    back = from_line(line)
    assert isinstance(back, TrialRecord)
    assert math.isnan(back.metrics["rate"].value)
    assert back.details == {"deep": [None, 1.5]}


def test_read_only_mappings_are_written_like_any() -> None:
    block = replace(BLOCK, facts=MappingProxyType(dict(BLOCK.facts)), settings=MappingProxyType({"a": "b"}))
    assert from_line(to_line(block)) == replace(BLOCK, settings={"a": "b"})


def test_fields_of_a_later_version_are_ignored() -> None:
    for record in (RUN, BLOCK, trial({"mode": "serial"}), END):
        assert decode(encode(record) | {"later": {"a": 1}}) == record


def test_attempts_and_trials_differ_in_type() -> None:
    assert encode(trial({}))["type"] == "trial"
    assert encode(trial({}, final=False))["type"] == "attempt"
    assert from_line(to_line(trial({}, final=False))) == trial({}, final=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "song"}, 'unknown type "song"; expected one of run'),
        ({"trial": 3}, "trial record: trial: expected a string, got an integer"),
        ({"status": "fine"}, "trial record: status: invalid value 'fine'"),
        ({"type": ["trial"]}, r'unknown type \["trial"\]'),
        ({"metrics": {"rate": 3}}, "trial record: metrics.*: expected an object, got an integer"),
        ({"metrics": []}, "trial record: metrics: expected an object, got a list"),
        ({"factors": {"mode": 1}}, "expected a string, got an integer"),
        ({"repetition": True}, "repetition: expected an integer, got true or false"),
        ({"counters": {"pgfault": "many"}}, "expected an integer, got a string"),
        ({"exit_code": "0"}, "exit_code: expected an integer or null, got a string"),
        ({"allowed": 1}, "allowed: expected true or false, got an integer"),
    ],
)
def test_an_invalid_record_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DamagedRecord, match=message):
        decode(encode(trial({"mode": "serial"})) | change)


def test_a_missing_field_is_named() -> None:
    document = encode(trial({}))
    del document["boot"]
    with pytest.raises(DamagedRecord, match="trial record: missing key 'boot'"):
        decode(document)


@pytest.mark.parametrize(
    "line", [b"", b"\0\0\0\0\n", b"[1]\n", b"12\n", b'{"format":1', b"\xff\xfe\n", b"[" * 99999]
)
def test_a_line_that_is_not_an_object_has_its_own_error(line: bytes) -> None:
    with pytest.raises(NotJson):
        from_line(line)


@pytest.mark.parametrize("number", [FORMAT + 1, 0, None, "1", True, 1.0])
def test_other_formats_are_refused(number: object) -> None:
    with pytest.raises(UnreadableFormat):
        decode(encode(END) | {"format": number})


def test_a_newer_format_says_to_upgrade() -> None:
    with pytest.raises(UnreadableFormat, match=r"format 9 is newer .* upgrade migration-orchestrator"):
        decode(encode(END) | {"format": 9})


def test_steps_lead_from_any_older_format_to_the_present_one() -> None:
    steps = {
        1: lambda old: {"name": old["title"]},
        2: lambda old: old | {"unit": "GiB/s"},
    }
    assert upgrade({"format": 1, "title": "x"}, 3, steps) == {"format": 3, "name": "x", "unit": "GiB/s"}
    assert upgrade({"format": 2, "name": "y"}, 3, steps) == {"format": 3, "name": "y", "unit": "GiB/s"}
    assert (set(migrations.JOURNAL), set(migrations.MANIFEST)) == ({1}, set()), "add a test with each step"


def test_the_outcome_of_a_host_was_called_fate_in_format_1() -> None:
    line = b'{"format":1,"type":"host","host":"n1","fate":"lost","trials":3,"reason":"gone","time":"2026"}\n'
    record = HostRecord("n1", "lost", 3, "gone", "2026")
    assert from_line(line) == record
    assert encode(record)["outcome"] == "lost"


def test_a_block_of_format_1_has_its_hypervisor() -> None:
    block = replace(BLOCK, hypervisor={"qemu": "7.2.22", "cpu": "Host CPU", "kernel": "6.1.0"})
    document = encode(block)
    old = {("beneath" if key == "hypervisor" else key): value for key, value in document.items()}
    assert decode(old | {"format": 1}) == block
