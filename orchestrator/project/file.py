"""Read a project file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from orchestrator.documents import schema
from orchestrator.documents.document import Node, read_file, read_path
from orchestrator.errors import BadInput
from orchestrator.paths import check_reachable, is_closed, user_path

PATHS = ("inventory", "ssh_config", "results")
"""Keys of paths, each the value of the option of its name."""
_SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
COMMANDS = frozenset(_SCHEMA["properties"]["defaults"]["properties"])
"""Commands that may have a key in ``defaults``."""
_OF_EXPERIMENTS = ("benchmark", "version", "factors")


class Project(Struct, frozen=True):
    """A project file that is valid.

    :ivar defaults: values of options, by command and by their names without dashes; those of a subcommand are in the
        mapping of its command.
    """

    file: Path
    defaults: Mapping[str, Any]
    _node: Node

    def has(self, key: str) -> bool:
        """Whether a key of :data:`PATHS` is set."""
        return self._node.get(key) is not None

    def path(self, key: str, check: bool) -> str:
        """Return the path of a key of :data:`PATHS` that is set, a list of hosts as it is.

        With ``check``, ``BadInput`` if there is no such file. The results directory need not exist.
        """
        node = self._node.get(key)
        assert node is not None
        text = str(node.content)
        is_list = key == "inventory" and "," in text  # unless a file is called so
        try:
            path = user_path(text, self.file.parent)
        except BadInput:  # of more characters than a name of a file may have
            if is_list:
                return text
            raise
        if key == "results":
            return str(path)
        if check:
            try:
                check_reachable(path)
            except BadInput as error:
                raise BadInput(node.position.fault(f"{key}: {error}")) from None
        if is_closed(path) or path.exists():
            return str(path)
        if is_list:
            return text
        if not check:
            return str(path)
        raise BadInput(node.position.fault(f"{key}: {path}: No such file or directory"))


def read(path: Path) -> Project:
    """Read a project file. Raises ``BadInput`` with every fault, in one line for an experiment of that name."""
    node = read_path(path)
    if node.content is None:  # an empty file, or one with comments only
        return Project(path, {}, node)
    node = read_file(path)
    if any(node.get(key) is not None for key in _OF_EXPERIMENTS):
        raise BadInput(
            f"{path}: this is an experiment, and a file of this name has the defaults of a project; rename it"
        )
    faults = schema.check(node, _SCHEMA)
    if faults:
        raise BadInput(*(fault for _, fault in faults))
    defaults = node.get("defaults")
    return Project(path, defaults.data() if defaults else {}, node)
