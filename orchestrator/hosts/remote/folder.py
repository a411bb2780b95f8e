"""The directory on a host: its scripts, the record of changed settings, blocks and the active runner."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from orchestrator.errors import HostError
from orchestrator.experiment.model import Setting
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command, script
from orchestrator.hosts.remote.commands import script_command, script_path
from orchestrator.hosts.remote.settings import Change, encode_settings, parse_changes

ROOT_BASE = "/var/lib/orchestrate"
USER_BASE = '"$HOME/.orchestrate"'
RESTORE_LIMIT_S = 600.0


@dataclass(frozen=True, slots=True)
class Scripts:
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


SCRIPTS = Scripts.of_package(__package__, ("settings.sh", "probe.sh", "lock.sh", "runner_process.sh"))
"""The scripts of every host."""


@dataclass(frozen=True, slots=True)
class Runner:
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

    def install_scripts(self, *more: Scripts) -> None:
        """Copy :data:`SCRIPTS` and ``more`` to the host, unless it has the same versions.

        One file lists the versions of all sets. An orchestrator of another version that finds it does not find its own
        version there, and copies its scripts again.
        """
        path = f"{self.base}/bin/version"
        listed = self.host.run(script('[ ! -e "$1" ] || cat "$1"', path, sudo=self.sudo)).stdout.split()
        sets = (SCRIPTS, *more)
        missing = [scripts for scripts in sets if scripts.version not in listed]
        if not missing:
            return
        for scripts in missing:
            for name, content in scripts.files.items():
                self.host.put(content, script_path(self.base, name), 0o755, sudo=self.sudo)
        # Last: a version is listed only if all files of its set are there.
        versions = "".join(f"{scripts.version}\n" for scripts in sets)
        self.host.put(versions.encode(), path, sudo=self.sudo)

    def exists(self) -> bool:
        """Whether the directory exists; otherwise nothing was ever changed on the host."""
        test = Command(("test", "-d", f"{self.base}/bin"), self.sudo, accept=(0, 1))
        return self.host.run(test).exit_code == 0

    def restore(self) -> list[Change]:
        """Restore all recorded settings. ``HostError`` names those that cannot be restored."""
        completed = self.host.run(
            self.script("settings.sh", "restore", self.base, accept=(0, 1), time_limit=RESTORE_LIMIT_S)
        )
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
        completed = self.host.run(self.script("settings.sh", "check", self.base, stdin=lines, accept=(0, 1)))
        changes = parse_changes(completed.stdout)
        errors = [str(change) for change in changes if change.is_error]
        if errors:
            raise HostError(f"{self.host.name}: cannot change settings: {'; '.join(errors)}")
        return [change for change in changes if change.verdict == "differs"]

    def diff(self) -> list[Change]:
        """Return all recorded settings with their current values."""
        return parse_changes(
            self.host.run(self.script("settings.sh", "diff", self.base, accept=(0, 1))).stdout
        )

    def blocks(self) -> list[str]:
        """Return the names of the blocks' directories on the host."""
        listing = script('ls "$1/blocks" 2>/dev/null || :', self.base, sudo=self.sudo)
        return self.host.run(listing).stdout.split()

    def runner(self) -> Runner | None:
        """Return the active runner on the host, if any."""
        lines = self.host.run(self.script("runner_process.sh", "who", self.base)).stdout.splitlines()
        return Runner(lines[0], lines[1]) if len(lines) > 1 else None

    def stop(self, runner: Runner) -> None:
        """Stop a runner and its trial now; the trial's settings are restored."""
        self.host.run(self.script("runner_process.sh", "stop", runner.block))

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
