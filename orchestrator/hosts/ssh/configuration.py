"""The SSH configuration of a host. ``ssh -G`` reads it; nothing here reads a configuration file."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

from orchestrator import process_groups
from orchestrator.captured import TooMuchOutput
from orchestrator.errors import HostError
from orchestrator.hosts.ssh.address import SshAddress

LIMIT_S = 30.0
"""For ``ssh -G``: commands of ``Match exec`` and look-ups of names may take a while."""

_TOKENS = "CdhikLlnpru"
_SEPARATOR = "\x1f"

_UNSUPPORTED = {
    "remotecommand": ("RemoteCommand", "none"),
    "sessiontype": ("SessionType", "default"),
    "tunnel": ("Tunnel", "false"),
}
"""Words that change what a session is, each with the value that has no effect."""


class Configuration(Struct, frozen=True):
    """What ``ssh -G`` says of ``address``.

    :ivar values: by keyword in lower case; one value for each line.
    :ivar tokens: the values of ``%h`` and so on.
    """

    address: SshAddress
    values: Mapping[str, tuple[str, ...]]
    tokens: Mapping[str, str]

    @property
    def host(self) -> str:
        """The name or IP address to connect to."""
        return self.tokens["h"]

    @property
    def port(self) -> int:
        """The port to connect to."""
        return int(self.tokens["p"])

    @property
    def user(self) -> str:
        """The user to log in as."""
        return self.tokens["r"]

    def value(self, word: str, default: str = "none") -> str:
        """Return the value of a keyword; ``default`` where it is not set."""
        return self.values.get(word, (default,))[0]

    def flag(self, word: str) -> bool:
        """Whether a keyword is ``yes``; ``ssh -G`` prints ``yes`` for some and ``true`` for others."""
        return self.value(word) in ("yes", "true")

    def algorithms(self, word: str) -> list[str]:
        """Return a list of algorithms in order of preference; empty where ``ssh`` does not print it."""
        return [name for name in self.value(word, "").split(",") if name]

    def files(self, word: str) -> list[Path]:
        """Return the files of a keyword with several in one line. ``ssh -G`` does not quote blanks in their names."""
        if word == "userknownhostsfile" and self.address.known_hosts_file is not None:
            return [self.address.known_hosts_file]
        words, found = self.value(word, "").split(" "), []
        while words:
            longest = (n for n in range(len(words), 1, -1) if Path(" ".join(words[:n])).exists())
            size = next(longest, 1)
            found.append(" ".join(words[:size]))
            words = words[size:]
        return [Path(name) for name in found if name not in ("", "none", os.devnull)]

    def paths(self, word: str) -> list[Path]:
        """Return the files of a keyword that may be repeated, with ``~`` and tokens expanded."""
        return [Path(self.expand(value)) for value in self.values.get(word, ()) if value != "none"]

    def expand(self, text: str, more: Mapping[str, str] | None = None, *, variables: bool = True) -> str:
        """Expand a leading ``~``, ``%`` tokens and ``${VARIABLE}`` as OpenSSH does; ``HostError`` for unknown ones.

        :param more: tokens that only this text may have.
        :param variables: whether OpenSSH expands ``${VARIABLE}`` here; in a ``ProxyCommand`` the shell does.
        """
        tokens = {**self.tokens, **(more or {}), "%": "%"}

        def replacement(found: re.Match[str]) -> str:
            token, variable = found.groups()
            if variable and not variables:
                return found[0]
            value = os.environ.get(variable) if variable else tokens.get(token)
            if value is None:
                raise HostError(f"{self.address.host}: SSH configuration: unknown {found[0]} in {text!r}")
            return value

        # The home directory of the user database, as in OpenSSH, not $HOME.
        text = re.sub(r"^~(?=/|$)", self.tokens["d"].replace("%", "%%"), text)
        return os.path.expanduser(re.sub(r"%(.)|\$\{(\w+)\}", replacement, text))  # noqa: PTH111 - ~user of a text


def resolve(address: SshAddress) -> Configuration:
    """Ask ``ssh -G``. ``HostError`` with its message, or for a word that cannot be honoured."""
    # ControlPath is printed with its tokens expanded, and as the last -S it takes precedence.
    probe = "/" + _SEPARATOR.join(f"%{token}" for token in _TOKENS)
    argv = ["ssh", "-G", "-T", "-o", "BatchMode=yes", *address.words, "-S", probe, "--", address.host]
    printed = _run(argv, address)
    values: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for line in printed.splitlines():
        word, _, value = line.partition(" ")
        values[word.lower()] += (value,)
    expanded = values.pop("controlpath", ("",))[0].removeprefix("/").split(_SEPARATOR)
    tokens = dict(zip(_TOKENS, expanded, strict=False))
    if tokens.get("n") != address.host:
        raise HostError(
            f"{address.host}: not an option of ssh: {tokens.get('n')!r} in {shlex.join(address.options)!r}"
        )
    return Configuration(address, values, tokens)


@cache
def default_host_key_algorithms() -> tuple[str, ...]:
    """Return the host key algorithms of ``ssh`` without a configuration, in its order of preference."""
    return tuple(resolve(SshAddress("localhost", config_file=Path("none"))).algorithms("hostkeyalgorithms"))


@cache
def openssh_version() -> tuple[int, int]:
    """Return the version of ``ssh``; (0, 0) for one that is not OpenSSH."""
    completed = subprocess.run(
        ("ssh", "-V"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    found = re.match(r"OpenSSH_(\d+)\.(\d+)", completed.stderr)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def refuse_unsupported(configuration: Configuration) -> None:
    """Raise ``HostError`` for a word that changes what a session is and that is not supported."""
    for word, (name, harmless) in _UNSUPPORTED.items():
        value = configuration.value(word, harmless)
        if value != harmless:
            raise HostError(
                f"{configuration.address.host}: SSH configuration: {name} {value}: not supported; "
                f"set {name} to {'no' if harmless == 'false' else harmless} for this host"
            )


def _run(argv: list[str], address: SshAddress) -> str:
    try:
        completed = process_groups.run(  # `Match exec` starts others
            argv,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=LIMIT_S,
        )
    except FileNotFoundError:
        raise HostError(f"{address.host}: ssh: command not found; install openssh-client") from None
    except subprocess.TimeoutExpired:
        raise HostError(f"{address.host}: timed out after {LIMIT_S:g} s: ssh -G {address.host}") from None
    except TooMuchOutput as error:
        raise HostError(f"{address.host}: ssh -G: {error}") from None
    except ValueError as error:  # a NUL in a name
        raise HostError(f"{address.host!r}: ssh -G: {error}") from None
    if completed.returncode:
        lines = [line for line in completed.stderr.splitlines() if line and ": terminating, " not in line]
        reason = "; ".join(lines) or f"exit code {completed.returncode}"
        raise HostError(f"{address.host}: ssh -G: {reason}")
    return completed.stdout
