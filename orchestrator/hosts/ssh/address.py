"""The SSH address of a host, as the command line or an inventory gives it."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

_JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>.+)@)?(?:\[(?P<v6>[^]]+)\]|(?P<host>[^:]+))(?::(?P<port>\d+))?/?")


class SshAddress(Struct, frozen=True):
    """The SSH address of a host. ``ssh -G`` completes it from the SSH configuration.

    :ivar identity_file: the key to use; of the agent's keys only those that the configuration names are used then.
    :ivar jump: jump hosts, as for ``ssh -J``: ``[user@]host[:port]``, separated by commas.
    :ivar config_file: read instead of ``~/.ssh/config``, as by ``ssh -F``.
    :ivar known_hosts_file: read instead of the known_hosts files of the SSH configuration.
    :ivar options: more words for the command line of ``ssh``, such as ``("-o", "Port=2222")``; the first word on a
        command line wins, and these come last.
    :ivar first_options: such words that come before port, key and user.
    """

    host: str
    user: str | None = None
    port: int | None = None
    identity_file: Path | None = None
    known_hosts_file: Path | None = None
    config_file: Path | None = None
    jump: str | None = None
    options: tuple[str, ...] = ()
    first_options: tuple[str, ...] = ()

    def with_config(self, config_file: Path) -> SshAddress:
        """Return the same address with another SSH configuration file."""
        return replace(self, config_file=config_file)

    @property
    def words(self) -> list[str]:
        """The options of ``ssh`` that say the same as this address; the host is not among them."""
        words: list[str] = []
        if self.config_file is not None:
            words += ["-F", str(self.config_file)]
        if self.known_hosts_file is not None:
            words += ["-o", f"UserKnownHostsFile={_quoted(self.known_hosts_file)}"]
            words += ["-o", f"GlobalKnownHostsFile={os.devnull}"]
        if self.jump is not None:
            words += ["-J", self.jump]
        words += self.first_options
        if self.port is not None:
            words += ["-p", str(self.port)]
        if self.user is not None:
            words += ["-l", self.user]
        if self.identity_file is not None:
            words += ["-o", f"IdentityFile={_quoted(self.identity_file)}", "-o", "IdentitiesOnly=yes"]
        return [*words, *self.options]

    @property
    def command(self) -> list[str]:
        """The command of ``ssh`` that connects as this address says."""
        return ["ssh", *self.words, self.host]

    @property
    def _last_config_file(self) -> Path | None:
        """The file of the last ``-F``, which ``ssh`` reads and hands on to a jump host."""
        found = self.config_file
        for word, following in pairwise((*self.first_options, *self.options, "")):
            if word.startswith("-F"):
                found = Path(word.removeprefix("-F") or following)
        return found

    def hop(self, proxy_jump: str) -> SshAddress | None:
        """Return the address of the last jump host of a ``ProxyJump``; it is reached through the others.

        As OpenSSH does, only the configuration file is handed on to it, and here the known_hosts file too.
        None if ``proxy_jump`` is not valid.
        """
        # OpenSSH starts ssh for a jump host by the shell, which takes quotes away.
        others, _, last = proxy_jump.replace('"', "").rpartition(",")
        found = _JUMP.fullmatch(last.strip())
        if found is None:
            return None
        return SshAddress(
            found["v6"] or found["host"],
            found["user"],
            int(found["port"]) if found["port"] else None,
            known_hosts_file=self.known_hosts_file,
            config_file=self._last_config_file,
            jump=others or None,
        )

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{user}{self.host}{port}"


def _quoted(path: Path) -> str:
    """Return a path as a value of the SSH configuration, which expands ``%`` and ``~``."""
    return f'"{str(path.absolute()).replace("%", "%%")}"'
