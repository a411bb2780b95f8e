"""Whatever a host answers, the program says so in a line: no answer is trusted to have its shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.errors import HostError
from orchestrator.execution.host_journal import Reader
from orchestrator.hosts import facts
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.remote.lock import check_free
from orchestrator.hosts.remote.settings import parse_changes
from orchestrator.hosts.testing import ScriptedHost
from tests.unit.execution.test_host_journal import HEADER, TRIAL
from tests.unit.hosts.test_facts import TWO_NODES

CHANGE = json.dumps(TRIAL["settings"][0])  # type: ignore[index]
LOCK = '{"run":"r","user":"u","controller":"c","since":"s","process":"k/12-13"}'
ODD = st.sampled_from(
    [
        "",
        "null",
        "[]",
        "{}",
        "-1",
        "1e400",
        "NaN",
        '"\\ud800"',
        "\0",
        "\x1b]52;c;eA==\x07",
        "[" * 2000,
        "٣",
        "9" * 5000,
    ]
)


@contextmanager
def refused_in_words(start: str) -> Iterator[None]:
    """What is in the block is fine, or an error of the host."""
    message = start
    try:
        yield
    except HostError as error:
        message = str(error)
    assert message.startswith(start)


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """Return a text with a piece of it replaced by something odd."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 20)))
    return text[:start] + draw(ODD | st.text(max_size=8)) + text[end:]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([HEADER, json.dumps(TRIAL)]).flatmap(damaged))
def test_lines_of_a_journal(line: str) -> None:
    reader = Reader("n1:/journal")
    with refused_in_words("n1:/journal: "):
        reader.read(HEADER)
        reader.read(line)


@settings(max_examples=300, deadline=None)
@given(damaged(TWO_NODES))
@example(TWO_NODES.replace("cpus=6", "cpus=six"))
def test_facts(printed: str) -> None:
    with refused_in_words("cannot read facts: "):
        facts.parse(printed)


@settings(max_examples=300, deadline=None)
@given(damaged(CHANGE))
def test_settings(printed: str) -> None:
    with refused_in_words("cannot read what the runner says of settings: "):
        parse_changes(printed)


@settings(max_examples=200, deadline=None)
@given(damaged(LOCK))
def test_a_lock(line: str) -> None:
    host = ScriptedHost("n1")
    host.answer("lock.sh show", stdout=line)
    with refused_in_words("n1: locked by "):
        check_free(HostFolder(host, root=False, base="/x"))
