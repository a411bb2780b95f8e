"""What only Ansible itself can read, by its programs: scripts, plugins, directories, templates and encrypted values.

They are found on ``PATH`` or beside the running Python. Each use is reported in one line.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from orchestrator import process_groups
from orchestrator.captured import TooMuchOutput
from orchestrator.errors import BadInput, Position
from orchestrator.extras import installation
from orchestrator.hosts.inventory.variables import (
    EncryptedValue,
    Unsafe,
    contains_encrypted,
    position_of,
)

log = logging.getLogger(__name__)

_may_run = ContextVar("_may_run", default=True)
_NOT_RUN = "only Ansible can read it, and might execute it; this command does not"

_LIMIT_S = 300
_ENVIRONMENT = {
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_DEPRECATION_WARNINGS": "0",
}
_CAUSE = re.compile(r"Failed to parse \S+ with '?\S+ plugin: (.+)")
_RESULT = re.compile(r"^(\S+) \| (SUCCESS|FAILED!) => (\{\n.*?^\})", re.MULTILINE | re.DOTALL)


def program(name: str) -> str | None:
    """Return the path of one of Ansible's programs; None if Ansible is not installed."""
    beside = Path(sys.executable).with_name(name)
    return shutil.which(name) or (str(beside) if beside.is_file() else None)


class Group(Struct, frozen=True):
    """A group of ``ansible-inventory --list``."""

    hosts: tuple[str, ...] = ()
    children: tuple[str, ...] = ()


class _Hosts(Struct, frozen=True):
    hostvars: dict[str, dict[str, Any]] = field(default_factory=dict)


class Listed(Struct, frozen=True):
    """The output of ``ansible-inventory --list``: groups and the variables of hosts, by name."""

    groups: Mapping[str, Group]
    hostvars: Mapping[str, Mapping[str, Any]]


class _Answer(Struct, frozen=True):
    """What the module ``debug`` says of a host."""

    msg: Any = None


def list_inventory(path: Path, kind: str) -> Listed:
    """Return the output of ``ansible-inventory --list``.

    :param kind: what the inventory is, for the fault if Ansible is not installed.
    """
    position = Position(str(path))
    if not _may_run.get():
        raise BadInput(position.fault(_NOT_RUN))
    command = program("ansible-inventory")
    if command is None:
        raise BadInput(position.fault(f"{kind} requires Ansible; install it with: {installation('ansible')}"))
    log.warning("%s: read by ansible-inventory", path)
    ended = _run([command, "--inventory", str(path), "--list"], path)
    try:
        document = json.loads(ended.stdout, object_hook=_tagged)
    except (ValueError, RecursionError):
        raise BadInput(position.fault(f"ansible-inventory: {_cause(ended)}")) from None
    try:
        groups = msgspec.convert(document, dict[str, Any])
        hosts = msgspec.convert(groups.pop("_meta", {}), _Hosts)
        return Listed(msgspec.convert(groups, dict[str, Group]), hosts.hostvars)
    except msgspec.ValidationError as error:
        raise BadInput(position.fault(f"ansible-inventory: cannot read what it lists: {error}")) from None


def resolve(path: Path, hosts: Iterable[str], names: Sequence[str]) -> dict[str, Any]:
    """Return the values of the templates in the variables ``names`` of ``hosts``: by host a mapping, or an error.

    Empty if Ansible is not installed.
    """
    command = program("ansible")
    if command is None or not _may_run.get():
        return {}
    log.warning("%s: templates in connection variables are resolved by ansible", path)
    pairs = ", ".join(f'"{name}": {name} | default(none)' for name in names)
    pattern = ",".join(hosts)
    arguments = ["--module-name", "debug", "--args", json.dumps({"msg": f"{{{{ {{{pairs}}} }}}}"})]
    ended = _run([command, pattern, "--inventory", str(path), *arguments], path)
    values: dict[str, Any] = {}
    for host, _, text in _RESULT.findall(ended.stdout):
        try:
            result = msgspec.json.decode(text, type=_Answer).msg
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            raise BadInput(Position(str(path)).fault(f"ansible: cannot read its answer for {host}")) from None
        values[host] = result.removeprefix("Task failed: ") if isinstance(result, str) else result
    if not values:
        raise BadInput(Position(str(path)).fault(f"ansible: {_cause(ended)}"))
    return values


@cache
def decrypt_file(path: Path) -> str | None:
    """Return the content of a file that ansible-vault has encrypted; None without Ansible or a password.

    The password is the one that Ansible is configured with; it is not asked for.
    """
    if not _may_run.get():
        raise BadInput(Position(str(path)).fault(_NOT_RUN))
    command = program("ansible-vault")
    if command is None:
        return None
    ended = _run([command, "decrypt", "--output", "-", str(path)], path)
    if ended.returncode:
        return None
    log.warning("%s: decrypted by ansible-vault", path)
    return ended.stdout


def decrypt(value: EncryptedValue, position: Position, name: str) -> str:
    """Return an encrypted value in clear; empty within :func:`not_run`. ``BadInput`` if it cannot be decrypted."""
    if not _may_run.get():
        return ""
    if program("ansible-vault") is None:
        message = (
            f"{name} is encrypted with ansible-vault; "
            f"to decrypt it, install Ansible with: {installation('ansible')}"
        )
        raise BadInput(position.fault(message))
    with tempfile.NamedTemporaryFile("w", suffix=".vault") as file:
        file.write("".join(f"{line}\n" for line in value.text.split()))
        file.flush()
        text = decrypt_file(Path(file.name))
    if text is None:
        raise BadInput(
            position.fault(
                f"{name} is encrypted, and ansible-vault cannot decrypt it; "
                "set ANSIBLE_VAULT_PASSWORD_FILE, or write it in plain text"
            )
        )
    return text


def decrypted(variables: Mapping[str, Any], name: str) -> Any:
    """Return the value of a variable, in clear if it is encrypted; ``BadInput`` if that is not possible."""
    value, position = variables[name], position_of(variables, name)
    if isinstance(value, EncryptedValue):
        return decrypt(value, position, name)
    if contains_encrypted(value):
        raise BadInput(position.fault(f"{name} contains a value that is encrypted with ansible-vault"))
    return value


@contextmanager
def not_run() -> Iterator[None]:
    """Refuse what only Ansible can read: scripts and plugins of an inventory are programs, and templates can run some.

    Templates stay as they are written. Encrypted values stay secret, and are not known.
    """
    token = _may_run.set(False)
    try:
        yield
    finally:
        _may_run.reset(token)


def _run(words: list[str], path: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of Ansible without a terminal, so that it does not ask for passwords."""
    try:
        return process_groups.run(  # of an inventory, scripts and plugins
            words,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, **_ENVIRONMENT},
            timeout=_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise BadInput(
            Position(str(path)).fault(f"{Path(words[0]).name}: timed out after {_LIMIT_S} s")
        ) from None
    except TooMuchOutput as error:
        raise BadInput(Position(str(path)).fault(f"{Path(words[0]).name}: {error}")) from None
    except OSError as error:
        raise BadInput(f"{words[0]}: {error.strerror}") from None


def _cause(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of Ansible's messages that says what is wrong."""
    found = _CAUSE.search(ended.stderr)
    if found:
        return found[1].strip()
    lines = [line for line in ended.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("[ERROR]", "ERROR!"))]
    return (errors or lines or [f"exit code {ended.returncode}"])[0].removeprefix("[ERROR]: ")


def _tagged(members: dict[str, Any]) -> Any:
    """Return what Ansible's JSON says about encrypted and unsafe strings in our form."""
    if members.keys() == {"__ansible_vault"}:
        return EncryptedValue(str(members["__ansible_vault"]))
    if members.keys() == {"__ansible_unsafe"}:
        return Unsafe(members["__ansible_unsafe"])
    return members
