"""The trials file and settings, as the runner reads them."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrator.execution.trial_file import HostTrial
from orchestrator.experiment.model import Setting
from orchestrator.hosts.remote.settings import encode_settings, parse_changes
from tests.host_shells import HostFolder

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
lines = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), max_size=20)
trials = st.builds(
    HostTrial,
    id=st.from_regex(r"[0-9a-z_-]{1,12}", fullmatch=True),
    tag=st.dictionaries(words, words, max_size=2),
    folder=words,
    argv=st.lists(words, min_size=1, max_size=4).map(tuple),
    time_limit=st.floats(60, 1e6),
)


PRINT = "import sys; print(ascii(sys.argv[1:]))"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(block=st.lists(trials, max_size=5, unique_by=lambda trial: trial.id))
def test_the_runner_reads_what_was_written(tmp_path: Path, block: list[HostTrial]) -> None:
    """A trial prints the words of its command; its tag comes back."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    host = HostFolder("dash", folder)
    commands = [replace(trial, folder="/", argv=("python3", "-c", PRINT, *trial.argv)) for trial in block]
    try:
        ends = host.run(*commands) if block else []
    finally:
        host.close()
    for trial, end in zip(block, ends, strict=True):
        assert (end.trial, end.tag) == (trial.id, trial.tag)
        assert ast.literal_eval(end.stdout) == list(trial.argv)


lines_of_settings = st.lists(st.tuples(lines, lines), max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_settings=lines_of_settings)
def test_the_runner_reads_settings(tmp_path: Path, given_settings: list[tuple[str, str]]) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    host = HostFolder("dash", folder)
    written = encode_settings(Setting(f"/no/such/{path}", value) for path, value in given_settings)
    checked = host.sh(host.runner_script, "settings", "check", host.base, stdin=written)
    changes = parse_changes(checked.stdout.decode())
    assert [(change.path, change.requested) for change in changes] == [
        (f"/no/such/{path}", value) for path, value in given_settings
    ]
