"""A record as a JSON document and back.

Fields that are not known are passed over, so that a later version may add some without a new format; fields that
are missing take the record's default, if it has one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar, get_args

from orchestrator.results.migrations import JOURNAL, upgrade
from orchestrator.results.records import (
    FORMAT,
    BlockRecord,
    EndRecord,
    FactorInfo,
    Fate,
    HostRecord,
    MetricInfo,
    MetricValue,
    Record,
    RunRecord,
    TrialRecord,
)
from orchestrator.spec.model import Breakdown, Comparison, Published, PublishedFigure, Status

Document = dict[str, Any]
T = TypeVar("T")
_METRIC = tuple(field.name for field in fields(MetricInfo))


class DamagedRecord(ValueError):
    """A line of a journal is not a record."""


class NotJson(DamagedRecord):
    """A line is no JSON object: what is left of a line whose writer was stopped."""


def to_line(record: Record) -> bytes:
    """Return the record as one line of ASCII with its newline."""
    document = encode(record)
    try:
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    except ValueError:  # a benchmark's own document may hold what JSON cannot
        text = json.dumps(_finite(document), separators=(",", ":"), allow_nan=False)
    return text.encode("ascii") + b"\n"


def from_line(line: bytes) -> Record:
    """Return the record that a line holds; raise as :func:`parse` and :func:`decode` do."""
    return decode(parse(line))


def parse(line: bytes) -> Document:
    """Return the JSON object that a line holds; raise :class:`NotJson`."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotJson(f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise NotJson("not a JSON object")
    return document


def encode(record: Record) -> Document:
    """Return the record as a document of format :data:`~orchestrator.results.records.FORMAT`."""
    head = {"format": FORMAT, "type": _type_of(record)}
    if isinstance(record, TrialRecord):
        return head | _encode_trial(record)
    if isinstance(record, BlockRecord):
        return head | _encode_block(record)
    return head | asdict(record)


def decode(document: Document) -> Record:
    """Return the record of a document of any format up to the present one.

    Raises :class:`DamagedRecord` or :class:`~orchestrator.results.migrations.UnreadableFormat`.
    """
    document = upgrade(document, FORMAT, JOURNAL)
    decoder = _DECODERS.get(document.get("type", ""))
    if decoder is None:
        raise DamagedRecord(f"unknown type {document.get('type')!r}; expected one of {', '.join(_DECODERS)}")
    try:
        return decoder(document)
    except KeyError as error:
        raise DamagedRecord(f"{document['type']} record without {error}") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise DamagedRecord(f"{document['type']} record: {error}") from None


def _type_of(record: Record) -> str:
    if isinstance(record, TrialRecord):
        return "trial" if record.final else "attempt"
    return {RunRecord: "run", BlockRecord: "block", HostRecord: "host", EndRecord: "end"}[type(record)]


def _encode_trial(record: TrialRecord) -> Document:
    return {
        "trial": record.trial,
        "cell": record.cell,
        "repetition": record.repetition,
        "factors": dict(record.factors),
        "block": record.block,
        "host": record.host,
        "boot": record.boot,
        "environment": record.environment,
        "kernel_hash": record.kernel_hash,
        "status": record.status.value,
        "reason": record.reason,
        "metrics": {
            name: {"value": metric.value, "unit": metric.unit} for name, metric in record.metrics.items()
        },
        "start": record.start,
        "end": record.end,
        "exit_code": record.exit_code,
        "settings": dict(record.settings),
        "counters": dict(record.counters),
        "noise": dict(record.noise),
        "kernel_log": list(record.kernel_log),
        "details": record.details,
        "allowed": record.allowed,
    }


def _encode_block(record: BlockRecord) -> Document:
    return {
        "block": record.block,
        "kernel": record.kernel,
        "host": record.host,
        "boot": record.boot,
        "environment": record.environment,
        "clock": record.clock,
        "facts": dict(record.facts),
        "settings": dict(record.settings),
        "time": record.time,
        "kernel_hash": record.kernel_hash,
        "proof": [dict(check) for check in record.proof],
        "beneath": dict(record.beneath),
    }


def _finite(value: Any) -> Any:
    """Return a copy of a JSON value with null for each number that is not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _decode_run(document: Document) -> RunRecord:
    return RunRecord(
        run=_text(document["run"]),
        experiment=_text(document["experiment"]),
        content_hash=_text(document["content_hash"]),
        seed=_whole(document["seed"]),
        trials=_whole(document["trials"]),
        time=_text(document["time"]),
        benchmark=_text(document.get("benchmark", "")),
        headline=_text(document.get("headline", "")),
        metrics=tuple(
            MetricInfo(**{name: metric[name] for name in _METRIC if name in metric})
            for metric in document.get("metrics", ())
        ),
        factors=tuple(
            FactorInfo(_text(factor["name"]), tuple(map(_text, factor["levels"])))
            for factor in document.get("factors", ())
        ),
        resumed=_flag(document.get("resumed", False)),
        version=_text(document.get("version", "")),
        scope=_text(document.get("scope", "")),
        breakdown=_optional(_decode_breakdown, document.get("breakdown")),
        compare=_optional(_decode_comparison, document.get("compare")),
        fleet=_text(document.get("fleet", "")),
        hosts=tuple(map(_text, document.get("hosts", ()))),
    )


def _decode_breakdown(document: Document) -> Breakdown:
    return Breakdown(
        total=_text(document["total"]),
        phases=_texts(document["phases"]),
        beside=tuple(map(_text, document["beside"])),
    )


def _decode_comparison(document: Document) -> Comparison:
    return Comparison(
        metric=_text(document["metric"]),
        baseline=_texts(document["baseline"]),
        published=_optional(_decode_published, document["published"]),
    )


def _decode_published(document: Document) -> Published:
    better = document["better"]
    if better not in ("higher", "lower"):
        raise DamagedRecord(f"run record: published figures are better {better!r}")
    return Published(
        dataset=_text(document["dataset"]),
        source=_text(document["source"]),
        machine=_text(document["machine"]),
        kernel=_text(document["kernel"]),
        unit=_text(document["unit"]),
        better=better,
        figures=tuple(
            PublishedFigure(
                levels=_texts(figure["levels"]),
                value=float(figure["value"]),
                baseline=_optional(float, figure["baseline"]),
            )
            for figure in document["figures"]
        ),
        method=_text(document.get("method", "")),
        notes=tuple(map(_text, document.get("notes", ()))),
    )


def _decode_block(document: Document) -> BlockRecord:
    clock = document["clock"]
    if clock not in ("wall", "instructions"):
        raise DamagedRecord(f"block record: unknown clock {clock!r}")
    return BlockRecord(
        block=_whole(document["block"]),
        kernel=_text(document["kernel"]),
        host=_text(document["host"]),
        boot=_text(document["boot"]),
        environment=_text(document["environment"]),
        clock=clock,
        facts=_mapping(document["facts"]),
        settings=_texts(document["settings"]),
        time=_text(document["time"]),
        kernel_hash=_text(document.get("kernel_hash", "")),
        proof=tuple(map(_mapping, document.get("proof", ()))),
        beneath=_texts(document.get("beneath", {})),
    )


def _decode_trial(document: Document) -> TrialRecord:
    exit_code = document.get("exit_code")
    return TrialRecord(
        trial=_text(document["trial"]),
        cell=_text(document["cell"]),
        repetition=_whole(document["repetition"]),
        factors=_texts(document["factors"]),
        block=_whole(document["block"]),
        host=_text(document["host"]),
        boot=_text(document["boot"]),
        environment=_text(document["environment"]),
        kernel_hash=_text(document.get("kernel_hash", "")),
        status=Status(document["status"]),
        reason=_text(document["reason"]),
        metrics={
            name: MetricValue(_figure(metric["value"]), _text(metric["unit"]))
            for name, metric in document["metrics"].items()
        },
        start=_text(document["start"]),
        end=_text(document["end"]),
        exit_code=None if exit_code is None else _whole(exit_code),
        settings=_texts(document.get("settings", {})),
        counters={name: _whole(count) for name, count in document.get("counters", {}).items()},
        noise=_mapping(document.get("noise", {})),
        kernel_log=tuple(map(_text, document.get("kernel_log", ()))),
        details=document.get("details"),
        allowed=_flag(document.get("allowed", False)),
        final=document["type"] == "trial",
    )


def _decode_host(document: Document) -> HostRecord:
    fate = document["fate"]
    if fate not in get_args(Fate):
        raise DamagedRecord(f"host record: unknown fate {fate!r}")
    return HostRecord(
        host=_text(document["host"]),
        fate=fate,
        trials=_whole(document["trials"]),
        reason=_text(document["reason"]),
        time=_text(document["time"]),
    )


def _decode_end(document: Document) -> EndRecord:
    return EndRecord(_flag(document["complete"]), _text(document["reason"]), _text(document["time"]))


_DECODERS: Mapping[str, Callable[[Document], Record]] = {
    "run": _decode_run,
    "block": _decode_block,
    "trial": _decode_trial,
    "attempt": _decode_trial,
    "host": _decode_host,
    "end": _decode_end,
}


def _optional(decode: Callable[[Any], T], value: Any) -> T | None:
    return None if value is None else decode(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise DamagedRecord(f"expected a text, found {value!r}")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise DamagedRecord(f"expected a whole number, found {value!r}")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise DamagedRecord(f"expected true or false, found {value!r}")
    return value


def _figure(value: Any) -> float:
    return math.nan if value is None else float(value)


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DamagedRecord(f"expected an object, found {value!r}")
    return value


def _texts(value: Any) -> dict[str, str]:
    return {name: _text(text) for name, text in _mapping(value).items()}
