"""Commands that run the scripts in the orchestrator's directory on a host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from orchestrator.experiment.model import Setting
from orchestrator.hosts.command import DEFAULT_TIME_LIMIT_S, Command
from orchestrator.hosts.remote.settings import encode_settings


def script_path(base: str, name: str) -> str:
    """Return the path of a script on the host; ``base`` is the orchestrator's directory there, absolute."""
    return f"{base}/bin/{name}"


def script_command(
    base: str,
    name: str,
    *arguments: str,
    sudo: bool = False,
    accept: tuple[int, ...] = (0,),
    stdin: bytes | None = None,
    time_limit: float = DEFAULT_TIME_LIMIT_S,
) -> Command:
    """Return the command that runs a script; ``accept`` lists the exit codes that are not an error."""
    return Command(("sh", script_path(base, name), *arguments), sudo, time_limit, accept, stdin)


def probe_command(
    base: str,
    verb: str,
    *arguments: str,
    sudo: bool = False,
    accept: tuple[int, ...] = (0,),
    time_limit: float = DEFAULT_TIME_LIMIT_S,
) -> Command:
    """Return a command that only reads from the host; ``probe.sh`` documents each verb and its output."""
    return script_command(base, "probe.sh", verb, *arguments, sudo=sudo, accept=accept, time_limit=time_limit)


def settings_command(
    base: str,
    verb: Literal["apply", "check"],
    settings: Iterable[Setting],
    *,
    sudo: bool = False,
    time_limit: float = DEFAULT_TIME_LIMIT_S,
) -> Command:
    """Return the command that applies settings, or reports what applying them would change.

    Exit code 1 is accepted: the output then names the settings that do not have the requested value.
    """
    lines = encode_settings(settings)
    return script_command(
        base,
        "runner.sh",
        "settings",
        verb,
        base,
        sudo=sudo,
        accept=(0, 1),
        stdin=lines,
        time_limit=time_limit,
    )
