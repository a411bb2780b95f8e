"""The directory on a host: the runner and scripts, the record of changed settings, blocks and the active runner."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from orchestrator import architectures, source_tree
from orchestrator.activities import doing
from orchestrator.errors import HostError
from orchestrator.experiment.model import Setting
from orchestrator.hosts import building
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command, script
from orchestrator.hosts.remote import runner_program
from orchestrator.hosts.remote.commands import script_command, script_path
from orchestrator.hosts.remote.runner_program import NotBuilt, RunnerProgram
from orchestrator.hosts.remote.settings import Change, encode_settings, parse_changes

ROOT_BASE = "/var/lib/orchestrate"
USER_BASE = '"$HOME/.orchestrate"'
RESTORE_LIMIT_S = 600.0
ALL_CODES = tuple(range(256))
NOT_EXECUTABLE = 126
"""Exit code of a shell for a file that it cannot execute."""

NOT_BUILT_YET = Path("/dev/null/runner")
"""The runner in a dry run, which builds nothing: a file that cannot exist."""

NO_COMPILER = 99
BUILD = f"""
command -v make >/dev/null && command -v cc >/dev/null || exit {NO_COMPILER}
path=$1 && shift && rm -rf "$path.source" && mkdir -p "$path.source" && tar -xf - -C "$path.source" &&
    make -C "$path.source" CC=cc "$@" >&2 && mv "$path.source/{runner_program.MAKES}" "$path" && rm -rf "$path.source"
"""
"""Builds the runner on a host."""


class Scripts(Struct, frozen=True):
    """A set of files for ``bin/`` on a host, by file name."""

    files: Mapping[str, bytes]

    @classmethod
    def of_package(cls, package: str, files_: Iterable[str]) -> Scripts:
        """Read files of a Python package."""
        return cls({file: (files(package) / file).read_bytes() for file in files_})

    @property
    def version(self) -> str:
        """SHA-256 (hex) of the contents."""
        return hashlib.sha256(b"\0".join(self.files.values())).hexdigest()


SCRIPTS = Scripts.of_package(__package__, ("runner.sh", "probe.sh", "lock.sh", "program.sh"))
"""The scripts of every host."""


class Runner(Struct, frozen=True):
    """An active runner on a host."""

    pid: str
    block: str

    def refusal(self, host: str) -> str:
        """Return the message for another command that needs the host."""
        return (
            f"{host}: another run is active on this host (pid {self.pid}, {self.block}); stop it with: "
            f"orchestrate hosts restore --stop {shlex.quote(host)}"
        )


class HostFolder:
    """The directory on a connected host.

    :param root: whether it must belong to root, because settings are changed; else it is the user's.
    :param base: where it is, absolute; empty: at the usual place.
    :ivar base: its absolute path.
    :ivar sudo: whether commands need sudo: it belongs to root and the user is not root.
    """

    def __init__(self, host: Host, *, root: bool, base: str = "") -> None:
        self.host = host
        self.sudo = root and not host.is_root
        if self.sudo:
            self._check_sudo()
        if base:
            self.base = base
        elif host.is_root or self.sudo:
            self.base = ROOT_BASE
        else:
            self.base = host.run(script(f"echo {USER_BASE}")).stdout.strip()

    def _check_sudo(self) -> None:
        if self.host.run(script("sudo -n true", accept=(0, 1, 127))).exit_code:
            raise HostError(
                f"{self.host.name}: changing settings requires root: log in as root or configure passwordless sudo"
            )

    def install(self) -> RunnerProgram:
        """Copy the runner and :data:`SCRIPTS` to the host, unless it has the same versions; return the runner.

        One file lists the versions. An orchestrator of another version that finds it does not find its own version
        there, and copies its files again.
        """
        path = f"{self.base}/bin/version"
        asked = script('uname -m; [ ! -e "$1" ] || cat "$1"', path, sudo=self.sudo)
        machine, *listed = self.host.run(asked).stdout.split() or [architectures.native().machine]
        programs = [program for word in listed if (program := RunnerProgram.of_word(word))]
        source = runner_program.source_hash()
        current = [program for program in programs if program.source == source]
        runner = next((program for program in current if program.machine == machine), None)
        if runner is not None and SCRIPTS.version in listed:
            return runner
        if SCRIPTS.version not in listed:
            for name, content in SCRIPTS.files.items():
                self.host.put(content, script_path(self.base, name), 0o755, sudo=self.sudo)
        if runner is None:
            runner = self._install_runner(machine)
            current.append(runner)
        # Last: a version is listed only if all its files are there.
        words = (SCRIPTS.version, *(program.word for program in current))
        self.host.put("".join(f"{word}\n" for word in words).encode(), path, sudo=self.sudo)
        return runner

    def _install_runner(self, machine: str) -> RunnerProgram:
        """Copy the runner, or build it on the host; ``HostError`` if neither can be done, or it does not run there."""
        source = runner_program.source_hash()
        path = script_path(self.base, f"runner-{machine}")
        try:
            program = runner_program.find(machine) if self.host.executes else NOT_BUILT_YET
            sha256 = source_tree.sha256(program) if self.host.executes else ""
            self.host.put(program, path, 0o755, sudo=self.sudo)
        except NotBuilt as error:
            self._build_runner(machine, path, str(error))
            sha256 = self.host.run(script('sha256sum <"$1"', path, sudo=self.sudo)).stdout.partition(" ")[0]
        tried = self.host.run(self.script("runner.sh", "version", accept=ALL_CODES))
        if tried.exit_code:
            reason = (tried.stderr or tried.stdout).strip().splitlines()[-1:]
            hint = "; is this file system mounted noexec?" if tried.exit_code == NOT_EXECUTABLE else ""
            raise HostError(f"{self.host.name}: {path} does not run: {' '.join(reason)}{hint}")
        return RunnerProgram(machine, source, sha256)

    def _build_runner(self, machine: str, path: str, why_here: str) -> None:
        """Build the runner on the host; ``HostError`` if it has no compiler, or that fails.

        :param why_here: why it was not built on the controller.
        """
        command = script(
            BUILD,
            path,
            *runner_program.make_words(),
            sudo=self.sudo,
            stdin=building.archive(runner_program.sources()),
            time_limit=building.BUILD_LIMIT_S,
            accept=ALL_CODES,
        )
        with doing(self.host.name, "building the runner"):
            done = self.host.run(command)
        if done.exit_code == NO_COMPILER:
            raise HostError(
                f"{self.host.name}: {why_here}, and no make and cc on {self.host.name}; "
                f"{runner_program.advice(machine, self.host.name)}"
            )
        if done.exit_code:
            reason = done.stderr.strip().splitlines()[-1:]
            raise HostError(f"{self.host.name}: could not build the runner: {' '.join(reason)}")

    def exists(self) -> bool:
        """Whether the directory exists; otherwise nothing was ever changed on the host."""
        test = Command(("test", "-d", f"{self.base}/bin"), self.sudo, accept=(0, 1))
        return self.host.run(test).exit_code == 0

    def restore(self) -> list[Change]:
        """Restore all recorded settings. ``HostError`` names those that cannot be restored."""
        restore = self.script(
            "runner.sh", "settings", "restore", self.base, accept=(0, 1), time_limit=RESTORE_LIMIT_S
        )
        with doing(self.host.name, "restoring settings"):
            completed = self.host.run(restore)
        changes = parse_changes(completed.stdout)
        errors = [str(change) for change in changes if change.is_error]
        if errors or completed.exit_code:
            reason = "; ".join(errors) or completed.stderr.strip()
            raise HostError(f"{self.host.name}: cannot restore settings: {reason}")
        return changes

    def check(self, settings: Iterable[Setting]) -> list[Change]:
        """Return the settings that ``apply`` would change. ``HostError`` for missing or unreadable ones."""
        lines = encode_settings(settings)
        if not lines:
            return []
        completed = self.host.run(
            self.script("runner.sh", "settings", "check", self.base, stdin=lines, accept=(0, 1))
        )
        changes = parse_changes(completed.stdout)
        errors = [str(change) for change in changes if change.is_error]
        if errors:
            raise HostError(f"{self.host.name}: cannot change settings: {'; '.join(errors)}")
        return [change for change in changes if change.verdict == "differs"]

    def diff(self) -> list[Change]:
        """Return all recorded settings with their current values."""
        return parse_changes(
            self.host.run(self.script("runner.sh", "settings", "diff", self.base, accept=(0, 1))).stdout
        )

    def blocks(self) -> list[str]:
        """Return the names of the blocks' directories on the host."""
        listing = script('ls "$1/blocks" 2>/dev/null || :', self.base, sudo=self.sudo)
        return self.host.run(listing).stdout.split()

    def runner(self) -> Runner | None:
        """Return the active runner on the host, if any."""
        lines = self.host.run(self.script("runner.sh", "who", self.base)).stdout.splitlines()
        return Runner(lines[0], lines[1]) if len(lines) > 1 else None

    def stop(self, runner: Runner) -> None:
        """Stop a runner and its trial now; the trial's settings are restored."""
        self.host.run(self.script("runner.sh", "stop", runner.block, "now"))

    def script(
        self,
        name: str,
        *arguments: str,
        accept: tuple[int, ...] = (0,),
        stdin: bytes | None = None,
        time_limit: float = 60.0,
    ) -> Command:
        """A command that runs one of our scripts."""
        return script_command(
            self.base, name, *arguments, sudo=self.sudo, accept=accept, stdin=stdin, time_limit=time_limit
        )
