"""Conversion of records to JSON documents and back.

Unknown fields are ignored, so that a later version may add some without a new format. Missing fields take the
record's default, if it has one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from zlib import crc32

from msgspec import MsgspecError, ValidationError, convert, to_builtins
from msgspec.json import Decoder

from orchestrator.results.damage import plain
from orchestrator.results.migrations import JOURNAL, has_former_names, rename, upgrade
from orchestrator.results.records import (
    FORMAT,
    BlockRecord,
    EndRecord,
    HostRecord,
    KnownCheck,
    KnownFacts,
    Record,
    RunRecord,
    TrialRecord,
)

Document = dict[str, Any]
Recorded = TypeVar("Recorded", RunRecord, BlockRecord)

_TRIAL = f'{{"format":{FORMAT},"type":"trial",'.encode()
"""How lines begin that are decoded without a document in between: nearly all."""
_TRIAL_DECODER = Decoder(TrialRecord)

_CHECKSUM_KEY = b',"crc32":"'
_CHECKSUM = _CHECKSUM_KEY + b'%08x"}\n'
"""The end of a line: the CRC-32 (of zlib, RFC 1952) of all bytes before it."""
_CHECKSUM_SIZE = len(_CHECKSUM % 0)


class DamagedRecord(ValueError):
    """A line of a journal is not a record."""


class NotJson(DamagedRecord):
    """A line is not a JSON object, such as the rest of a line whose writer was killed."""


def to_line(record: Record) -> bytes:
    """Return the record as one line of ASCII with its checksum and its newline."""
    document = encode(record)
    try:
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    except ValueError:  # a benchmark's own document may hold NaN or infinity
        text = json.dumps(_finite(document), separators=(",", ":"), allow_nan=False)
    content = text.encode("ascii")[:-1]
    return content + _CHECKSUM % crc32(content)


def check(line: bytes) -> None:
    """Raise :class:`DamagedRecord` if a line is not what was written. Lines of older versions have no checksum."""
    content, end = line[:-_CHECKSUM_SIZE], line[-_CHECKSUM_SIZE:]
    if end.startswith(_CHECKSUM_KEY) and end != _CHECKSUM % crc32(content):
        parse(line)  # the rest of a line whose writer was killed is no JSON
        raise DamagedRecord(
            "the checksum (crc32) is not that of the line: it was changed after it was written"
        )


def has_checksum(line: bytes) -> bool:
    """Whether a line ends with a checksum, right or wrong."""
    return line[-_CHECKSUM_SIZE:].startswith(_CHECKSUM_KEY)


def reseal(line: bytes, former: bytes) -> bytes:
    """Return a line that was made of another one, with a checksum of its own if the other had the right one."""
    content, key, _ = line.rpartition(_CHECKSUM_KEY)
    try:
        check(former)
    except DamagedRecord:
        return line
    return content + _CHECKSUM % crc32(content) if key and former != line else line


def from_line(line: bytes) -> Record:
    """Return the record that a line holds; raise as :func:`check`, :func:`parse` and :func:`decode` do."""
    check(line)
    if line.startswith(_TRIAL):
        try:
            record = _TRIAL_DECODER.decode(line)
        except (MsgspecError, ValueError, RecursionError):
            pass  # a figure that is not finite, text that is not Unicode, or damage
        else:
            if not has_former_names(record.metrics, record.factors, record.details):
                return record
    return decode(parse(line))


def parse(line: bytes) -> Document:
    """Return the JSON object that a line holds; raise :class:`NotJson`."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise NotJson("not JSON") from None
    if not isinstance(document, dict):
        raise NotJson("not a JSON object")
    return document


def encode(record: Record) -> Document:
    """Return the record as a document of format :data:`~orchestrator.results.records.FORMAT`."""
    document = {"format": FORMAT, "type": _type_of(record), **to_builtins(record, enc_hook=dict)}
    document.pop("final", None)  # implied by the type
    return document


def decode(document: Document) -> Record:
    """Return the record of a document of the present or an older format.

    Raises :class:`DamagedRecord` or :class:`~orchestrator.results.migrations.UnreadableFormat`.
    """
    try:
        document = rename(upgrade(document, FORMAT, JOURNAL))
    except RecursionError:
        raise DamagedRecord("nested too deeply") from None
    kind = document.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise DamagedRecord(f"unknown type {json.dumps(kind)}; expected one of {', '.join(_READERS)}")
    try:
        return reader(document)
    except ValidationError as error:
        raise DamagedRecord(f"{document['type']} record: {plain(error)}") from None
    except UnicodeEncodeError:
        raise DamagedRecord(f"{document['type']} record: a word that is not Unicode") from None
    except RecursionError:
        raise DamagedRecord(f"{document['type']} record: nested too deeply") from None


def plain_text(text: str) -> str:
    """Return text that sqlite and every terminal accept: bytes that are not UTF-8 become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def in_unicode(record: Recorded) -> Recorded:
    """Return a record with all its texts as :func:`plain_text` makes them."""
    text = json.dumps(to_builtins(record, enc_hook=dict), ensure_ascii=False)
    return convert(json.loads(plain_text(text)), type(record))


def _type_of(record: Record) -> str:
    if isinstance(record, TrialRecord):
        return "trial" if record.final else "attempt"
    return {RunRecord: "run", BlockRecord: "block", HostRecord: "host", EndRecord: "end"}[type(record)]


def _finite(value: Any) -> Any:
    """Return a copy of a JSON value with null for each number that is not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _read_block(document: Document) -> BlockRecord:
    record = convert(document, BlockRecord)
    convert(record.facts, KnownFacts)
    convert(record.proof, tuple[KnownCheck, ...])
    return record


def _read_trial(document: Document) -> TrialRecord:
    """Read a trial; a value that is not finite was written as null."""
    metrics = document.get("metrics")
    if isinstance(metrics, dict):
        document = document | {"metrics": {name: _with_nan(metric) for name, metric in metrics.items()}}
    return convert(document | {"final": document["type"] == "trial"}, TrialRecord)


def _with_nan(metric: Any) -> Any:
    if isinstance(metric, dict) and metric.get("value", 0) is None:
        return metric | {"value": math.nan}
    return metric


_READERS: Mapping[str, Callable[[Document], Record]] = {
    "run": partial(convert, type=RunRecord),
    "block": _read_block,
    "trial": _read_trial,
    "attempt": _read_trial,
    "host": partial(convert, type=HostRecord),
    "end": partial(convert, type=EndRecord),
}
