"""Our folder on a host: the scripts in it, the record of changed settings, and whoever is at work there."""

from __future__ import annotations

import hashlib
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
    """Files that a host needs below ``bin/``.

    :ivar name: of the set; its version stands in ``bin/NAME.version``.
    :ivar files: contents by file name.
    """

    name: str
    files: Mapping[str, bytes]

    @classmethod
    def of_package(cls, name: str, package: str, files_: Iterable[str]) -> Scripts:
        """Read files that lie in the folder of a Python package."""
        return cls(name, {file: (files(package) / file).read_bytes() for file in files_})

    @property
    def version(self) -> str:
        """SHA-256 (hex) of the contents."""
        return hashlib.sha256(b"\0".join(self.files.values())).hexdigest()


SCRIPTS = Scripts.of_package(
    "remote", __package__, ("settings.sh", "probe.sh", "lock.sh", "runner_process.sh")
)
"""What every connected host gets."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A runner that is at work on a host."""

    pid: str
    block: str


class HostFolder:
    """Our folder on a connected host.

    :param root: whether it must be root's, because the host is changed; else it is the user's, unless we are root.
    :ivar base: the folder, absolute; ``sudo``: it is root's, and we are not.
    """

    def __init__(self, host: Host, *, root: bool) -> None:
        self.host = host
        self.sudo = root and not host.is_root
        if self.sudo:
            self._check_sudo()
        if host.is_root or self.sudo:
            self.base = ROOT_BASE
        else:
            self.base = host.run(script(f"echo {USER_BASE}")).stdout.strip()

    def _check_sudo(self) -> None:
        if self.host.run(script("sudo -n true", accept=(0, 1, 127))).exit_code:
            raise HostError(
                f"{self.host.name}: changing the host takes root: log in as root, or allow sudo without a password"
            )

    def bring_scripts(self, *more: Scripts) -> None:
        """Copy :data:`SCRIPTS`, and ``more``, to the host, unless this version of them is there."""
        look = script('cat "$1"/bin/*.version 2>/dev/null || :', self.base, sudo=self.sudo)
        present = self.host.run(look).stdout.split()
        for scripts in (SCRIPTS, *more):
            if scripts.version in present:
                continue
            for name, content in scripts.files.items():
                self.host.put(content, script_path(self.base, name), 0o755, sudo=self.sudo)
            # Last, so that the version says that all files are there.
            version = f"{self.base}/bin/{scripts.name}.version"
            self.host.put(f"{scripts.version}\n".encode(), version, sudo=self.sudo)

    def is_used(self) -> bool:
        """Whether we were ever at work on the host; else there is nothing to look for."""
        look = Command(("test", "-d", f"{self.base}/bin"), self.sudo, accept=(0, 1))
        return self.host.run(look).exit_code == 0

    def restore(self) -> list[Change]:
        """Put back every setting that is on record. ``HostError`` names those that cannot be put back."""
        done = self.host.run(
            self.script("settings.sh", "restore", self.base, accept=(0, 1), time_limit=RESTORE_LIMIT_S)
        )
        changes = parse_changes(done.stdout)
        faults = [str(change) for change in changes if change.is_fault]
        if faults or done.exit_code:
            told = "; ".join(faults) or done.stderr.strip()
            raise HostError(f"{self.host.name}: settings that cannot be put back: {told}")
        return changes

    def check(self, settings: Iterable[Setting]) -> list[Change]:
        """Those of the settings that would be changed. ``HostError`` for those that are not there."""
        lines = encode_settings(settings)
        if not lines:
            return []
        done = self.host.run(self.script("settings.sh", "check", self.base, stdin=lines, accept=(0, 1)))
        changes = parse_changes(done.stdout)
        faults = [str(change) for change in changes if change.is_fault]
        if faults:
            raise HostError(f"{self.host.name}: settings that would not take: {'; '.join(faults)}")
        return [change for change in changes if change.verdict == "differs"]

    def diff(self) -> list[Change]:
        """Every setting that is on record, held against what it is now."""
        return parse_changes(
            self.host.run(self.script("settings.sh", "diff", self.base, accept=(0, 1))).stdout
        )

    def blocks(self) -> list[str]:
        """Names of the blocks' folders that are on the host."""
        look = script('ls "$1/blocks" 2>/dev/null || :', self.base, sudo=self.sudo)
        return self.host.run(look).stdout.split()

    def runner(self) -> Runner | None:
        """Who is at work on the host."""
        lines = self.host.run(self.script("runner_process.sh", "who", self.base)).stdout.splitlines()
        return Runner(lines[0], lines[1]) if len(lines) > 1 else None

    def stop(self, runner: Runner) -> None:
        """End a runner and its trial now; the trial's settings are put back."""
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
