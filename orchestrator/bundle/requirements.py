"""``requirements.txt``: the Python packages that a run's program needed, as pip reads them."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator, Mapping


def requirements(packages: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines: each package that the program needs, and what that needs, in the version it had.

    :param packages: version by name of every package that a run had.
    """
    versions = {_normal(name): (name, version) for name, version in packages.items()}
    found: set[str] = set()
    left = [_normal("migration-orchestrator")]
    while left:
        try:
            needed = importlib.metadata.requires(left.pop()) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for text in needed:
            match = re.match(r"[\w.-]+", text)
            name = _normal(match[0]) if match else ""
            if name in versions and name not in found and "extra ==" not in text:
                found.add(name)
                left.append(name)
    for name in sorted(found):
        yield "{}=={}\n".format(*versions[name])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
