"""Whatever a host answers, the program says so in a line: no answer is trusted to have its shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.doctor import devices, state
from orchestrator.errors import HostError
from orchestrator.execution.host_journal import Reader
from orchestrator.hosts import facts
from orchestrator.hosts.command import Command
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.remote.lock import check_free
from orchestrator.hosts.remote.settings import parse_changes
from orchestrator.hosts.testing import ScriptedHost
from orchestrator.provision import files
from orchestrator.provision.module import ReadOutput
from orchestrator.provision.read_ahead import read_all
from tests.unit.execution.test_host_journal import HEADER, TRIAL
from tests.unit.hosts.test_facts import TWO_NODES

CHANGE = json.dumps(TRIAL["settings"][0])  # type: ignore[index]
LOCK = '{"run":"r","user":"u","controller":"c","since":"s","process":"k/12-13"}'
FILES = """\
path=/f
kind=file
mode=644
owner=u
group=g
sha256=00ff
text=yes
 a
 b

path=/l
kind=link
target=f
real=/f
"""
STATE = "worked.cpu0=95\nbusy=93 4711 cc1\nhuge.2048=0 16 yes\ndma=4 3 ioatdma\nperf=yes\ncounters=cpu\ndisk=83886\n"
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


@settings(max_examples=300, deadline=None)
@given(damaged(FILES))
@example(FILES.replace("mode=644", "mode=rw"))
@example(FILES.replace("target=f", "target=f\nfoo=bar"))
@example("foo=bar\n")
def test_the_state_of_files(printed: str) -> None:
    with refused_in_words("cannot read what the host says of files: "):
        for file in files.parse(ReadOutput(0, printed)).values():
            files.is_private(file.mode)


@settings(max_examples=300, deadline=None)
@given(damaged(" a\n !0\n#\n b\n !0\n#\n"))
@example(" a\n !0\n#\n b\n")
def test_the_output_of_several_commands(printed: str) -> None:
    host = ScriptedHost("n1")
    host.answer("probe.sh all", stdout=printed)
    with refused_in_words(""):
        read_all(host, "/base", [Command(("a",)), Command(("b",))])


@settings(max_examples=300, deadline=None)
@given(damaged(STATE))
@example("".join(f"{line[: line.index('=')]}={'9' * 5000}\n" for line in STATE.splitlines()))
@example(f"huge.{'9' * 5000}=1 1 yes\nbusy={'9' * 400} 1 cc1\n")
def test_the_state_of_a_machine(printed: str) -> None:
    """What is no number is left out."""
    list(devices.findings("n1", facts.parse(TWO_NODES), state.parse(printed)))


@settings(max_examples=200, deadline=None)
@given(damaged(LOCK))
def test_a_lock(line: str) -> None:
    host = ScriptedHost("n1")
    host.answer("lock.sh show", stdout=line)
    with refused_in_words("n1: locked by "):
        check_free(HostFolder(host, root=False, base="/x"))
