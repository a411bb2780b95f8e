"""Shells of hosts, and a host's directory: for tests of the runner and the scripts."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from orchestrator.execution.host_journal import End, Event, Reader, TrialEnd
from orchestrator.execution.trial_file import HostTrial, encode_trials
from orchestrator.hosts.remote import runner_program
from orchestrator.hosts.remote.folder import SCRIPTS

SHELLS = ("dash", "busybox", "bash")
TIME_LIMIT_S = 90.0


def environment_of(shell: str, folder: Path) -> dict[str, str]:
    """Return an environment whose ``sh`` is ``shell``; with busybox, PATH contains its applets only."""
    tools = folder / f"bin-{shell}"
    tools.mkdir(exist_ok=True)
    program = shutil.which(shell)
    assert program, f"{shell}: command not found; make setup installs it"
    if shell == "busybox":
        listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
        for applet in listed.split():
            (tools / applet).symlink_to(program)
        path = str(tools)
    else:
        (tools / "sh").symlink_to(program)
        path = f"{tools}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder), "LC_ALL": "C"}


class HostFolder:
    """A host's directory with the scripts and one block, and methods to run them."""

    def __init__(self, shell: str, folder: Path) -> None:
        self.environment = environment_of(shell, folder)
        self.shell = folder / f"bin-{shell}/sh"
        self.folder = folder
        self.prefix: tuple[str, ...] = ()
        """Words before each command, such as ``unshare``."""
        self.base = folder / "a base"
        self.block = folder / "block 1"
        self.block.mkdir()
        scripts = folder / "scripts"
        scripts.mkdir()
        for name, content in SCRIPTS.files.items():
            (scripts / name).write_bytes(content)
        self.runner_script = scripts / "runner.sh"
        program = runner_program.find(platform.machine())
        (scripts / f"runner-{platform.machine()}").symlink_to(program)

    def sh(
        self, script: Path, *arguments: str | Path, stdin: bytes = b"", **options: Any
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one of the scripts."""
        return subprocess.run(
            [*self.prefix, "/usr/bin/env", "sh", str(script), *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env=self.environment,
            timeout=TIME_LIMIT_S,
            check=False,
            **options,
        )

    def start(self, *trials: HostTrial, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Start the runner, with new trials if any are given."""
        if trials:
            (self.block / "trials").write_bytes(encode_trials(trials))
        return self.sh(self.runner_script, "start", self.base, self.block, **options)

    def stop(self, *now: str) -> subprocess.CompletedProcess[bytes]:
        return self.sh(self.runner_script, "stop", self.block, *now)

    def status(self) -> str:
        return self.sh(self.runner_script, "status", self.block).stdout.decode().strip()

    def wait(self) -> None:
        """Wait until the runner has exited."""
        deadline = time.monotonic() + TIME_LIMIT_S
        while self.status() == "running":
            assert time.monotonic() < deadline, "timed out: the runner is still running"
            time.sleep(0.1)

    def wait_for(self, text: str) -> None:
        """Wait until the journal contains ``text``."""
        deadline = time.monotonic() + TIME_LIMIT_S
        while text not in self.journal():
            assert time.monotonic() < deadline, f"timed out: no {text} in the journal: {self.journal()}"
            time.sleep(0.02)

    def run(self, *trials: HostTrial) -> list[TrialEnd]:
        """Run trials and wait for their end."""
        started = self.start(*trials)
        assert started.returncode == 0, started.stderr
        self.wait()
        return self.trial_ends()

    def journal(self) -> str:
        path = self.block / "journal.jsonl"
        return path.read_text(errors="replace") if path.exists() else ""

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.journal().splitlines()]

    def events(self) -> list[Event]:
        reader = Reader()
        read = [reader.read(line) for line in self.journal().splitlines()]
        events = [event for event in read if event is not None]
        assert len(events) == len(read), "a line of the journal is not JSON"
        return events

    def trial_ends(self) -> list[TrialEnd]:
        return [event for event in self.events() if isinstance(event, TrialEnd)]

    def end(self) -> End:
        last = self.events()[-1]
        assert isinstance(last, End)
        return last

    @property
    def runner_pid(self) -> int:
        return int((self.block / "runner").read_text().split()[0])

    def kill_runner(self) -> None:
        """Kill the runner, as a power cut would; its trial keeps running."""
        os.kill(self.runner_pid, signal.SIGKILL)

    def close(self) -> None:
        """Stop what a failed test has left running."""
        if (self.block / "runner").exists() and self.status() == "running":
            self.stop("now")
        else:
            self.stop()


def processes(marker: str) -> list[int]:
    """Return pids of running processes whose command line contains ``marker``."""
    pids: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if marker in (entry / "cmdline").read_bytes().decode(errors="replace"):
                    pids.append(int(entry.name))
            except OSError:
                continue
    return pids
