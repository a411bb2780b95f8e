"""Commands that are printed for copying: a shell gets exactly the words of the command that was run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import HostError
from orchestrator.experiment.loader import load
from orchestrator.hosts.remote import lock
from orchestrator.hosts.remote.folder import HostFolder, Runner
from orchestrator.hosts.testing import ScriptedHost
from orchestrator.results import manifest
from tests.calls import orchestrate
from tests.reports import Reported, render
from tests.run_samples import BLOCK, END, RUN, trial, write

WORDS = (
    *("run", "my experiments/a.yaml", "--where", "mib == 8", "--where", "mode != 'serial'"),
    *(
        "--set",
        "factors.mode=[serial, 'mbind']",
        "--set",
        "x=a\n\tb\\n$HOME",
        "--host",
        "me@[::1]:2222",
        "ä  b*",
    ),
)


def pasted(text: str) -> tuple[str, ...]:
    """Return the words after ``orchestrate`` that a POSIX shell gets from a command."""
    script = f"orchestrate() {{ printf '%s\\0' \"$@\"; }}\n{text}\n"
    done = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, check=True, timeout=20)
    assert done.stderr == b""
    return tuple(done.stdout.decode().split("\0")[:-1])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose command had words that a shell would split or expand."""
    file = tmp_path / "a.yaml"
    file.write_text("version: 1\nbenchmark: {command: [prog], metrics: {x: {key_value: x, unit: s}}}\n")
    folder = tmp_path / "my results" / "a b" / RUN.run
    write(folder, [RUN, BLOCK, trial({"mode": "serial"}, throughput=3.0), END])
    manifest.save(folder, manifest.begin(load(file), RUN.run, [], ["/opt/x/orchestrate", *WORDS]))
    return folder


def test_the_command_of_a_run_in_its_provenance(run: Path) -> None:
    shown = orchestrate("results", "show", RUN.run, "--results", str(run.parents[1])).stdout
    (line,) = re.findall(r"^command: (.*)$", shown, re.MULTILINE)
    assert pasted(line) == WORDS


def test_the_command_of_a_run_in_a_mail(run: Path) -> None:
    mail = render(Reported(run.parents[1], run), "mail")
    assert pasted(mail.partition("\nCommand:\n")[2]) == WORDS


def test_the_command_at_the_end_of_a_run(run: Path) -> None:
    from orchestrator.report import run_end
    from orchestrator.report.model import open_report
    from orchestrator.results.runs import RunFolder

    with open_report(run.parents[1], RunFolder(run)) as report:
        last = run_end.render(report, run).splitlines()[-1]
    assert pasted(last.partition(": ")[2]) == ("report", str(run))


def test_the_next_commands_of_init(tmp_path: Path) -> None:
    folder = tmp_path / "it's $mine"
    folder.mkdir()
    said = orchestrate("init", str(folder)).stdout.splitlines()[-1]
    path = str(folder / "experiment.yaml")
    assert pasted(said.partition("next: ")[2]) == ("plan", path, "run", path)


def test_hints_for_a_host_whose_name_has_brackets() -> None:
    name = "me@[::1]:2222"
    assert pasted(Runner("7", "b").refusal(name).partition("with: ")[2]) == (
        *("hosts", "restore", "--stop", name),
    )
    host = ScriptedHost(name)
    other = lock.Holder("another", "me", "elsewhere", "2026-11-28T10:00:00Z", "")
    host.answer("lock.sh take", stdout=other.line, exit_code=lock.HELD)
    with pytest.raises(HostError) as caught:
        lock.take(HostFolder(host, root=True), "a")
    assert pasted(str(caught.value).partition("with: ")[2]) == ("hosts", "unlock", name)
