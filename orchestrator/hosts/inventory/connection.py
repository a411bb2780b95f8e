"""The SSH address that the variables of a host describe, by Ansible's rules."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from orchestrator.errors import BadInput, HostError
from orchestrator.extras import installation
from orchestrator.hosts.inventory import ansible
from orchestrator.hosts.inventory.patterns import MAX_PORT, port_number
from orchestrator.hosts.inventory.variables import (
    EncryptedValue,
    Variables,
    contains_encrypted,
    contains_template,
)
from orchestrator.hosts.ssh import SshAddress

_CONNECTION = "ansible_connection"
_HOST = ("ansible_ssh_host", "ansible_host")
_PORT = ("ansible_ssh_port", "ansible_port")
_USER = ("ansible_ssh_user", "ansible_user")
_KEY = ("ansible_ssh_private_key_file", "ansible_private_key_file")
_CHECK_KEYS = ("ansible_ssh_host_key_checking", "ansible_host_key_checking")
_TIMEOUT = ("ansible_ssh_timeout",)
_EARLY_WORDS, _LATE_WORDS = "ansible_ssh_args", ("ansible_ssh_common_args", "ansible_ssh_extra_args")
_TRUE, _FALSE = (
    ("true", "yes", "on", "1", "t", "y", "1.0"),
    ("false", "no", "off", "0", "f", "n", "0.0"),
)
_UNUSED = {
    **dict.fromkeys(("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"), "log in with a key"),
    **dict.fromkeys(
        ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"),
        "sudo must not ask for a password (NOPASSWD)",
    ),
}
"""Passwords, which are not used, and what is needed instead."""
_EXECUTABLE = "ansible_ssh_executable"
_BECOME = "ansible_become"
_SHELL = "ansible_shell_type"
_WINDOWS_SHELLS = ("powershell", "cmd")
_REFUSED = {
    "ansible_ssh_pkcs11_provider": "use a key of the SSH agent",
    "ansible_private_key": "write the key into a file and set ansible_ssh_private_key_file",
    "ansible_ssh_private_key": "write the key into a file and set ansible_ssh_private_key_file",
    "ansible_paramiko_user": "set ansible_user",
    "ansible_paramiko_port": "set ansible_port",
    "ansible_paramiko_host": "set ansible_host",
    "ansible_paramiko_private_key_file": "set ansible_ssh_private_key_file",
    "ansible_paramiko_proxy_command": "set ansible_ssh_common_args",
}
"""Variables that change where or how Ansible connects, and that this program does not have."""
_OWN = ("known_hosts_file", "jump", "power", "console")
"""Variables of this program."""
USED = (
    _CONNECTION,
    *_HOST,
    *_PORT,
    *_USER,
    *_KEY,
    *_CHECK_KEYS,
    *_TIMEOUT,
    _EARLY_WORDS,
    *_LATE_WORDS,
    _EXECUTABLE,
    *_REFUSED,
    _BECOME,
    _SHELL,
    *_OWN,
)
"""Variables whose templates must be resolved before a host is used."""

_SSH = re.compile(r"(ansible\.(builtin|legacy|netcommon)\.)?(ssh|smart|paramiko|paramiko_ssh)")
_NOT_IN_HOST = re.compile(r"^-|[\s'\"`$\\;&<>|(){}\x00-\x1f\x7f]")
_NOT_IN_USER = re.compile(r"^-|['\"`;&<>|(){}\x00-\x1f\x7f]|\s-|\\$")
"""What OpenSSH refuses in the name of a host and of a user."""


class OtherConnection(HostError):
    """A host that Ansible does not reach by SSH; ``connection`` is its ``ansible_connection``."""

    def __init__(self, message: str, connection: str) -> None:
        super().__init__(message)
        self.connection = connection


def address(name: str, variables: Variables) -> SshAddress:
    """Return the SSH address of a host. ``BadInput`` for an invalid variable, with its place.

    Raises :class:`OtherConnection` where ``ansible_connection`` is not SSH.
    """
    reader = _Reader(name, variables)
    reader.require_ssh()
    reader.refuse_unsupported()
    return SshAddress(
        host=reader.name(_HOST, _NOT_IN_HOST) or reader.checked("", name, _NOT_IN_HOST),
        user=reader.name(_USER, _NOT_IN_USER),
        port=reader.port(),
        identity_file=reader.path(_KEY),
        known_hosts_file=reader.path(("known_hosts_file",)),
        jump=reader.text(("jump",)),
        options=reader.late_options(),
        first_options=reader.early_options(),
    )


def unused(variables: Variables) -> dict[str, str]:
    """Return the variables that a connection does not use, with what it needs instead."""
    return {name: instead for name, instead in _UNUSED.items() if variables.get(name) not in (None, "")}


class _Reader:
    """Reads variables of one host; a fault has the place where the variable is set."""

    def __init__(self, host: str, variables: Variables) -> None:
        self._host = host
        self._variables = variables

    def fault(self, variable: str, message: str) -> BadInput:
        position = self._variables.positions.get(variable)
        text = f"host {self._host!r}: {variable + ': ' if variable else ''}{message}"
        return BadInput(position.fault(text) if position else text)

    def require_ssh(self) -> None:
        connection = self.text((_CONNECTION,)) or "ssh"
        if _SSH.fullmatch(connection):
            return
        way = "for this machine, use --host local" if connection == "local" else "only ssh is supported"
        (fault,) = self.fault(_CONNECTION, f"{connection!r}: {way}").faults
        raise OtherConnection(str(fault), connection)

    def refuse_unsupported(self) -> None:
        for variable, instead in _REFUSED.items():
            if self._variables.get(variable) not in (None, ""):
                raise self.fault(variable, f"not supported; {instead}")
        for variable in (_BECOME, *_OWN):
            self.require_clear(variable)
        if self.text((_SHELL,)) in _WINDOWS_SHELLS:
            raise self.fault(
                _SHELL, f"{self._variables[_SHELL]!r}: not supported, the host needs a POSIX shell"
            )
        executable = self.text((_EXECUTABLE,))
        if executable and Path(executable).name != "ssh":
            raise self.fault(_EXECUTABLE, f"{executable!r}: not supported, only ssh")

    def require_resolved(self, variable: str) -> None:
        """Raise a fault if a value still has templates; Ansible has resolved them where it is installed."""
        value = self._variables.get(variable)
        if contains_template(value):
            message = f"{value!r} is a template, which requires Ansible; install it with: "
            raise self.fault(variable, message + installation("ansible"))

    def require_clear(self, variable: str) -> None:
        """Raise a fault if a value has templates or is encrypted."""
        self.require_resolved(variable)
        if contains_encrypted(self._variables.get(variable)):
            raise self.fault(variable, "is encrypted with ansible-vault; write it in plain text")

    def value(self, variables: tuple[str, ...]) -> tuple[str, Any]:
        """Return the first of the variables that is set, and its value; an empty name if none is."""
        for variable in variables:
            value = self._variables.get(variable)
            if value is None:
                continue
            self.require_resolved(variable)
            if isinstance(value, EncryptedValue):
                position = self._variables.positions[variable]
                value = ansible.decrypt(value, position, f"host {self._host!r}: {variable}").strip()
            if contains_encrypted(value) or isinstance(value, list | dict):
                raise self.fault(variable, "expected a string")
            return variable, value
        return "", None

    def text(self, variables: tuple[str, ...]) -> str | None:
        variable, value = self.value(variables)
        return str(value) if variable and value != "" else None

    def name(self, variables: tuple[str, ...], refused: re.Pattern[str]) -> str | None:
        variable, value = self.value(variables)
        return self.checked(variable, str(value), refused) if variable and value != "" else None

    def checked(self, variable: str, text: str, refused: re.Pattern[str]) -> str:
        if refused.search(text):
            raise self.fault(variable, f"{text!r} has characters that SSH does not accept")
        return text

    def port(self) -> int | None:
        variable, value = self.value(_PORT)
        if not variable or value == "":
            return None
        text = str(value).strip()
        number = port_number(text)
        if isinstance(value, bool) or number is None:
            raise self.fault(variable, f"expected a port from 1 to {MAX_PORT}; found {value!r}")
        return number

    def path(self, variables: tuple[str, ...]) -> Path | None:
        variable, value = self.value(variables)
        if not variable or value == "":
            return None
        try:
            return Path(str(value)).expanduser()
        except RuntimeError:
            raise self.fault(variable, f"{value}: no such user") from None

    def early_options(self) -> tuple[str, ...]:
        """Return the words that Ansible writes before port, key and user."""
        options = self._words(_EARLY_WORDS)
        variable, check = self.value(_CHECK_KEYS)
        if variable and not self.boolean(variable, check):
            options += ["-o", "StrictHostKeyChecking=no"]
        return tuple(options)

    def late_options(self) -> tuple[str, ...]:
        """Return the words that Ansible writes after port, key and user, in its order."""
        options: list[str] = []
        timeout = self.text(_TIMEOUT)
        if timeout is not None:
            options += ["-o", f"ConnectTimeout={timeout}"]
        for name in _LATE_WORDS:
            options += self._words(name)
        return tuple(options)

    def boolean(self, variable: str, value: Any) -> bool:
        text = str(value).lower()
        if text not in (*_TRUE, *_FALSE):
            raise self.fault(variable, f"expected true or false; found {value!r}")
        return text in _TRUE

    def _words(self, variable: str) -> list[str]:
        text = self.text((variable,))
        try:
            return shlex.split(text or "")
        except ValueError as error:
            raise self.fault(variable, f"cannot be split into words: {error}") from None
