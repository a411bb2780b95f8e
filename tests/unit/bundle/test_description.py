"""A `bundle.json` that `export` did not write is refused in one line, and leads to no file outside the bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.bundle import layout
from orchestrator.errors import BadInput

DESCRIPTION: dict[str, Any] = {
    "format": 2,
    "type": "bundle",
    "run": "1",
    "experiment": "mover",
    "experiment_file": "experiment/mover.yaml",
    "content_hash": "",
    "overrides": [],
    "where": [],
    "limit": 0,
    "ended": "",
    "environments": [],
    "program": dict.fromkeys(
        ("version", "commit", "source_hash", "run_version", "run_commit", "run_source_hash"), ""
    ),
}


def read(folder: Path, text: str | bytes) -> layout.Description:
    (folder / layout.DESCRIPTION).write_bytes(text.encode() if isinstance(text, str) else text)
    return layout.read(folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "[1]",
        "[" * 100_000,
        '{"a":' * 100_000,
        b"\xff",
        '{"type": "bundle", "format": 1' + "0" * 5000 + "}",
        '{"type": "bundle", "format": NaN}',
        '{"type": "bundle", "format": 1, "program": []}',
        json.dumps(DESCRIPTION) + " " * (5 << 20),
    ],
)
def test_what_is_no_description_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(BadInput) as refused:
        read(tmp_path, text)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("key", list(DESCRIPTION))
def test_a_key_that_is_missing_or_of_another_type_is_refused(tmp_path: Path, key: str) -> None:
    assert read(tmp_path, json.dumps(DESCRIPTION)).experiment == "mover"
    for other in ([DESCRIPTION[key]], None, 1.5, {"a": "b"}):
        with pytest.raises(BadInput):
            read(tmp_path, json.dumps(DESCRIPTION | {key: other}))
    with pytest.raises(BadInput):
        read(tmp_path, json.dumps({name: value for name, value in DESCRIPTION.items() if name != key}))


@pytest.mark.parametrize(
    "file",
    ["/etc/passwd", "../../etc/passwd", "experiment/../../x", "", ".", "a\0b", "a\nb", "\ud800", "a" * 300],
)
def test_an_experiment_file_outside_the_bundle_is_refused(tmp_path: Path, file: str) -> None:
    with pytest.raises(BadInput, match=r"experiment_file: .* is not a path in the bundle") as refused:
        read(tmp_path, json.dumps(DESCRIPTION | {"experiment_file": file}))
    assert len(str(refused.value).splitlines()) == 1
