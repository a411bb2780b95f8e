"""Where the programs are that are measured: ours as its users install it, the others in an environment of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from orchestrator.cache import cache_folder

PROJECT = Path(__file__).parents[2]
PEERS = ("ansible-core", "pyinfra", "fabric", "virtme-ng", "reframe-hpc", "matplotlib")


class Environments:
    """Two virtual environments in the cache; the first use installs them.

    :param own: an environment that has this tree already, to be used instead; then there are no peers.
    """

    def __init__(self, own: Path | None = None) -> None:
        folder = cache_folder() / "performance"
        self.has_peers = own is None
        self._own, self._peers = own or folder / "own", folder / "peers"

    def install(self) -> None:
        """Install this tree anew, and the peers if they are not there."""
        for venv, words in (
            (self._own, ("--upgrade", str(PROJECT))),
            (self._peers, PEERS),
        ):
            if not (venv / "bin" / "pip").exists():
                subprocess.run((sys.executable, "-m", "venv", str(venv)), check=True)
            subprocess.run((venv / "bin" / "pip", "install", "--quiet", *words), check=True)

    @property
    def orchestrate(self) -> Path:
        """Our program."""
        return self._own / "bin" / "orchestrate"

    @property
    def own_python(self) -> Path:
        """The Python of our program."""
        return self._own / "bin" / "python"

    @property
    def python(self) -> Path:
        """The Python of the peers."""
        return self.peer("python")

    def peer(self, program: str) -> Path:
        """Return the path of a program of the peers."""
        return self._peers / "bin" / program

    def versions(self) -> dict[str, str]:
        """Return the versions of the peers."""
        listed = subprocess.run(
            (self._peers / "bin" / "pip", "list", "--format", "freeze"),
            capture_output=True,
            text=True,
            check=True,
        )
        lines = (line.partition("==") for line in listed.stdout.splitlines())
        return {name: version for name, _, version in lines if name in PEERS}
