"""Check the paths of programs. They are paths on a host, which has no directory of the experiment file."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.documents.draft import Draft


def check_paths(draft: Draft, folder: Path) -> None:
    """Add a fault for each relative path of a program; those of a role's command start in the role's directory.

    A path that starts in the directory of the file would be another program in each copy of the experiment, and none
    in its bundle. A role of the file may put a program below our directory, where trials run, but not beside the file.

    :param folder: the directory of the file.
    """
    for path in (("benchmark", "command"), ("hosts", "qemu", "programs")):
        in_command = path[0] == "benchmark"
        for index, node in draft.items(*path)[: 1 if in_command else None]:
            if "/" not in node.text or node.text.startswith("/"):
                continue
            beside = Path(os.path.normpath(folder.absolute() / node.text))
            if in_command and draft.node.get("roles") and not beside.exists():
                continue
            draft.add_fault(
                draft.node.nearest_position(*path, index),
                f"relative path '{node.text}' of a program; write the absolute path on the host, such as '{beside}'",
            )
