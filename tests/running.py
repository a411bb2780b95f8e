"""``orchestrate`` as its users run it: the installed command, in a folder of its own, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.hosts.remote.folder import ROOT_BASE
from tests import messages

COMMAND = Path(sys.executable).with_name("orchestrate")
MEASURED = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")
"""Environment variables with which Python measures coverage."""

LIMITED_FILES = 'ulimit -f "$1"; shift; trap "" XFSZ; exec "$@"'
"""A script that runs a command which may write files of so many blocks only."""

PATIENCE_S = 300.0
"""Guards against hanging; nothing is tested against it."""


@dataclass(frozen=True)
class Ended:
    """What became of a command."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.err, self.err
        messages.record("\n".join(self.complaints))

    @property
    def complaints(self) -> list[str]:
        """The error messages on stderr, without the prefix; those at a position in a file have none."""
        return [
            line.removeprefix("orchestrate: ")
            for line in self.err.splitlines()
            if line.startswith("orchestrate: ") or re.match(r"[^\s:]+:\d+:(\d+:)? ", line)
        ]


@dataclass
class User:
    """Someone with a shell in ``folder``; ``options`` go to each run (such as where it runs).

    ``prefix`` is a command that runs theirs, for example as another user. Such commands are not measured by coverage:
    they may not be able to write its data.
    """

    folder: Path
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    prefix: tuple[str, ...] = ()

    @property
    def base(self) -> Path:
        """The project's folder on the host, where the host is this machine."""
        return Path(ROOT_BASE) if os.geteuid() == 0 else Path.home() / ".orchestrate"

    @property
    def executions(self) -> Path:
        """Where the shell commands of trials keep count, if they do."""
        return self.folder / "executions"

    def file(self, text: str, name: str = "sweep.yaml", **limits: str | int) -> Path:
        """Write an experiment; ``EXECUTIONS`` in it is the path of :attr:`executions`.

        Its trials do not wait for idle CPUs: tests run where much else does.
        """
        path = self.folder / name
        head = {"version": 1, "limits": {"settle": 0, **limits}}
        lines = [f"{key}: {json.dumps(value)}\n" for key, value in head.items()]
        path.write_text("".join(lines) + text.replace("EXECUTIONS", str(self.executions)))
        return path

    def begin(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        environment = {**os.environ, "COLUMNS": "200", **self.environment}
        if self.prefix:
            for name in MEASURED:
                environment.pop(name, None)
        process = subprocess.Popen(
            [*self.prefix, str(COMMAND), *map(str, words)],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def end(self, process: subprocess.Popen[str], time_limit: float = PATIENCE_S) -> Ended:
        """Wait for a command."""
        out, err = process.communicate(timeout=time_limit)
        return Ended(process.returncode, out, err)

    def orchestrate(self, *words: str | Path) -> Ended:
        """Run a command to its end."""
        return self.end(self.begin(*words))

    def begin_run(self, *words: str | Path) -> subprocess.Popen[str]:
        return self.begin("run", *words, *self.options)

    def run(self, *words: str | Path) -> Ended:
        """``orchestrate run`` where this user runs things."""
        return self.end(self.begin_run(*words))

    def kill(self, process: subprocess.Popen[str], number: int = signal.SIGKILL) -> Ended:
        process.send_signal(number)
        return self.end(process)

    @property
    def run_folders(self) -> list[Path]:
        return sorted(path.parent for path in self.folder.glob("results/*/*/journal.jsonl"))

    @property
    def records(self) -> list[dict[str, Any]]:
        """The journal of the one run there is; empty as long as there is none.

        A controller that is killed before its first record leaves an empty directory, which is no run.
        """
        journals = [folder / "journal.jsonl" for folder in self.run_folders]
        texts = [path.read_text() for path in journals if path.is_file()]
        started = [text for text in texts if "\n" in text]
        if not started:
            return []
        (text,) = started
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def of_type(self, name: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == name]

    @property
    def trials(self) -> list[dict[str, Any]]:
        return self.of_type("trial")

    @property
    def statuses(self) -> Counter[str]:
        return Counter(record["status"] for record in self.trials)

    @property
    def counted(self) -> Counter[str]:
        """Number of occurrences of each line in :attr:`executions`."""
        return Counter(self.executions.read_text().split() if self.executions.exists() else [])

    def wait_for(self, condition: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> None:
        """Until ``condition`` holds; fails if ``process`` ends before it does."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "what was waited for does not come"
            assert process is None or process.poll() is None or condition(), process.communicate()
            time.sleep(0.02)

    def assert_complete(self, trials: int) -> None:
        """All trials are there, each once, and the journal says that the run is over."""
        ids = [record["trial"] for record in self.trials]
        assert len(ids) == len(set(ids)) == trials
        assert self.records[-1]["type"] == "end"
        assert self.records[-1]["complete"] is True

    def close(self) -> None:
        """End what a failed test has left, and remove what runs have left on a host that is this machine."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()
        for run in self.run_folders:
            for block in self.base.glob(f"blocks/{run.name}-*"):
                subprocess.run(
                    ["sh", str(self.base / "bin/runner.sh"), "stop", str(block), "now"], check=False
                )
                shutil.rmtree(block, ignore_errors=True)
        with contextlib.suppress(OSError):
            (self.base / "blocks").rmdir()
