"""The smoke test of a bundle runs in a guest, whose figures may have another meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import PATIENCE_S, User

MOVER = """
name: mover
benchmark:
  command: [sh, -c, 'case {mode} in dma) exit 3;; copy) echo rate=90;; *) echo rate=$((10 * {threads}));; esac']
  metrics: {rate: {key_value: rate, unit: GiB/s, better: higher}}
  exit_codes: {3: unsupported}
factors:
  mode: [serial, copy, dma]
  threads: [1, 2, 4]
allow_unsupported: [dma]
repetitions: 3
"""


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    folder = tmp_path / 'it\'s a "größe", 100%'
    folder.mkdir()
    user = User(folder)
    yield user
    user.close()


def test_a_smoke_test_in_a_guest_judges_outcomes_and_mixes_no_environments(user: User) -> None:
    assert user.run(user.file(MOVER)).code == 0
    original = user.trials[0]["environment"]
    assert user.orchestrate("export", "latest", "--output", "bundle.tar").code == 0
    smoke = user.begin("reproduce", "bundle.tar", "--results", "again", "--format", "json")
    ended = user.end(smoke, 5 * PATIENCE_S)
    assert ended.code == 0, (ended.out, ended.err)
    result = json.loads(ended.out)
    (local,) = result["environments"]["local"]
    assert local.startswith("vm-")
    outcomes = [claim for claim in result["claims"] if claim["kind"] == "outcome"]
    assert [(claim["claim"], claim["local_value"], claim["verdict"]) for claim in outcomes] == [
        ("serial works", "3 of 3 cells ok", "holds"),
        ("copy works", "3 of 3 cells ok", "holds"),
        ("dma is not supported", "3 of 3 cells unsupported", "holds"),
    ]
    figures = [claim for claim in result["claims"] if claim["kind"] != "outcome"]
    assert figures
    if local == "vm-icount":
        reason = f"figures are times in the bundle ({original}) and work in the local run (vm-icount)"
        assert {(claim["verdict"], claim["reason"]) for claim in figures} == {("cannot be judged", reason)}
    different = {item["name"] for item in result["provenance"] if item["same"] is False}
    assert "NUMA nodes" in different
