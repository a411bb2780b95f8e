"""Names of sysctls that are likely misspelt. A kernel may have others than those we know of, so that is no fault."""

from __future__ import annotations

import difflib
import logging
from functools import cache
from importlib.resources import files

from orchestrator.documents.document import Node
from orchestrator.experiment.settings import sysctl_name, sysctl_path

log = logging.getLogger(__name__)

_LOOKED_AT = 200
"""Names of a section; to compare one with all that are known takes some milliseconds."""

_CUTOFF = 0.88
"""Of difflib's ratio: one wrong, missing or swapped letter in eight."""


def meant(name: str) -> str:
    """Return the sysctl of Linux that ``name`` most likely means; empty if it is one, or like none."""
    name = sysctl_name(sysctl_path(name))
    if not name.startswith(("vm.", "kernel.")):
        return ""
    known = _known()
    close = [] if name in known else difflib.get_close_matches(name, known, n=1, cutoff=_CUTOFF)
    return close[0] if close else ""


@cache
def _known() -> tuple[str, ...]:
    text = (files("orchestrator.experiment") / "sysctls.txt").read_text(encoding="ascii")
    return tuple(line for line in text.splitlines() if not line.startswith("#"))


def warn(node: Node) -> None:
    """Log a warning for each key of ``tuning.sysctl``, or factor that sets a sysctl, that is likely misspelt."""
    for section, prefix in ((node.get("tuning", "sysctl"), ""), (node.get("factors"), "sysctl.")):
        if section is None or not isinstance(section.content, dict):
            continue
        for key in list(section.content)[:_LOOKED_AT]:
            name = str(key).removeprefix(prefix)
            likely = meant(name) if str(key).startswith(prefix) else ""
            if likely:
                log.warning(
                    "%s",
                    section.keys[key].fault(f"warning: unknown sysctl '{name}'; did you mean '{likely}'?"),
                )
