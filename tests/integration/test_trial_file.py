"""The trials file, decoded by real shells."""

from __future__ import annotations

import json
import subprocess
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.execution.trial_file import HostTrial, encode_trials
from orchestrator.experiment.model import Setting
from tests.host_shells import SHELLS, environment_of

DECODE = r"""
nl='
'
while IFS= read -r line; do
    eval "set -- $line"
    printf '%d\000' $#
    for word in "$@"; do printf '%s\000' "$word"; done
done
"""

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
lines = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), max_size=20)
trials = st.builds(
    HostTrial,
    id=st.from_regex(r"[0-9a-z_-]{1,12}", fullmatch=True),
    tag=st.dictionaries(words, words, max_size=2),
    folder=words,
    argv=st.lists(words, min_size=1, max_size=4).map(tuple),
    settings=st.lists(st.builds(Setting, lines, lines, st.booleans()), max_size=2).map(tuple),
    time_limit=st.floats(0.001, 1e6),
    settle=st.floats(0, 1e6),
)


@pytest.fixture(scope="module", params=SHELLS)
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment_of(request.param, tmp_path_factory.mktemp(request.param))


def decode(environment: dict[str, str], encoded: bytes) -> list[list[str]]:
    done = subprocess.run(
        ["/usr/bin/env", "sh", "-c", DECODE], input=encoded, capture_output=True, env=environment
    )
    assert done.stderr == b""
    words = iter(done.stdout.decode().split("\0")[:-1])
    return [[next(words) for _ in range(int(count))] for count in words]


@settings(max_examples=60, deadline=None)
@given(block=st.lists(trials, max_size=5))
def test_any_shell_reads_back_what_was_written(environment: dict[str, str], block: list[HostTrial]) -> None:
    for trial, decoded in zip(block, decode(environment, encode_trials(block)), strict=True):
        name, limit, tag, folder, settle, count, *rest = decoded
        assert (name, folder) == (trial.id, trial.folder)
        assert json.loads(tag) == trial.tag
        assert int(limit) == ceil(trial.time_limit)
        assert float(settle) == pytest.approx(trial.settle, abs=0.01)
        given_settings, argv = rest[: 3 * int(count)], rest[3 * int(count) :]
        assert tuple(argv) == trial.argv
        assert given_settings == [
            word
            for setting in trial.settings
            for word in (setting.path, setting.value, "optional" if setting.optional else "required")
        ]
