"""``power: {command: …}``: a command of this machine cycles the power, such as ``ipmitool … chassis power cycle``."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

from orchestrator.errors import HostError
from orchestrator.hosts.power import Power

LIMIT_S = 120.0


class CommandPower(Power):
    """A line for a shell, or a list of words. Passwords belong into a file that the command reads."""

    name = "command"

    def __init__(self, value: Any) -> None:
        if isinstance(value, str) and value.strip():
            self._argv = ["sh", "-c", value]
        elif isinstance(value, list) and value and all(isinstance(word, str) for word in value):
            self._argv = value
        else:
            raise ValueError(f"expected a line for a shell or a list of words; found {value!r}")

    def cycle(self) -> None:
        """Run the command; its exit code must be 0 within two minutes."""
        told = shlex.join(self._argv)
        try:
            done = subprocess.run(
                self._argv,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=LIMIT_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise HostError(f"cannot press the power button: {told}: {error}") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise HostError(
                f"cannot press the power button: exit code {done.returncode} from {told}"
                f"{': ' + said[-1] if said else ''}"
            )
