"""``group_vars`` and ``host_vars``: YAML files, or directories of such files, for a group or a host."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from orchestrator.documents.document import describe_value, read_string
from orchestrator.errors import BadInput, Position
from orchestrator.hosts.inventory import ansible, yaml11
from orchestrator.hosts.inventory.variables import Variables

log = logging.getLogger(__name__)

_SUFFIXES = ("", ".yml", ".yaml", ".json")
VAULT = "$ANSIBLE_VAULT;"


class VarsFiles:
    """The variables in the files of several directories, the last of which has the highest precedence."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._groups = [_Folder(folder / "group_vars") for folder in folders]
        self._hosts = [_Folder(folder / "host_vars") for folder in folders]

    def of_groups(self, names: Sequence[str]) -> Iterator[Variables]:
        """Yield the variables of groups, those of the highest precedence last."""
        for folder in self._groups:
            for name in names:
                yield from folder.variables(name)

    def of_host(self, name: str) -> Iterator[Variables]:
        """Yield the variables of a host, those of the highest precedence last."""
        for folder in self._hosts:
            yield from folder.variables(name)


def encrypted_names(folders: Iterable[Path]) -> set[str]:
    """Return the variables that encrypted files of any group or host set."""
    entries = (
        entry
        for folder in folders
        for part in (folder / "group_vars", folder / "host_vars")
        if part.is_dir()
        for entry in part.iterdir()
    )
    return {
        name
        for entry in entries
        for path in _files(entry)
        if is_encrypted(path)
        for name in _read(path).secret
    }


def is_encrypted(path: Path) -> bool:
    """Whether ansible-vault has encrypted a file."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(VAULT)) == VAULT.encode()


class _Folder:
    """One ``group_vars`` or ``host_vars`` directory. Each file is read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._names = {entry.name for entry in path.iterdir()}
        except OSError:
            self._names = set()
        self._read: dict[str, Variables] = {}

    def variables(self, name: str) -> Iterator[Variables]:
        """Yield the variables for a name if there are any: few of many hosts have a file."""
        found = next((name + suffix for suffix in _SUFFIXES if name + suffix in self._names), None)
        if found is None:
            return
        if name not in self._read:
            self._read[name] = variables = Variables()
            for path in _files(self._path / found):
                variables.overlay(_read(path))
        yield self._read[name]


def _files(path: Path) -> list[Path]:
    """Return a file, or the files below a directory in Ansible's order.

    Of a directory with several names, such as links to one above them, the last is what counts: it is read there only.
    """
    found = []
    seen = set()
    left = [path]
    while left:  # from the last to the first
        inner = left.pop()
        if not inner.is_dir():
            found.append(inner)
        elif (real := inner.resolve()) not in seen:
            seen.add(real)
            left += sorted(filter(_is_read, inner.iterdir()), key=lambda entry: entry.name)
    return found[::-1]


def _is_read(entry: Path) -> bool:
    """Whether Ansible reads an entry of a directory."""
    if entry.name.startswith(".") or entry.name.endswith("~"):
        return False
    return not entry.suffix if entry.is_dir() else entry.is_file() and entry.suffix in _SUFFIXES


def _read(path: Path) -> Variables:
    variables = Variables()
    text = read_string(path)
    was_encrypted = text.startswith(VAULT)
    if was_encrypted:
        opened = ansible.decrypt_file(path)
        if opened is None:
            log.warning(
                "%s: encrypted with ansible-vault and not read; to read it, set ANSIBLE_VAULT_PASSWORD_FILE",
                path,
            )
            return variables
        text = opened
    root = yaml11.read(text, str(path))
    if root.content is None:
        return variables
    if not isinstance(root.content, dict):
        raise BadInput(root.position.fault(f"expected a mapping; found {describe_value(root.content)}"))
    for name, node in root.content.items():
        variables.assign(name, node.data(), root.keys.get(name, Position(str(path))))
    if was_encrypted:
        variables.secret.update(variables)
    return variables
