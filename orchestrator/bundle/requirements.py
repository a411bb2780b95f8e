"""``requirements.txt``: the Python packages of the run that the orchestrator needs, in pip's format."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator, Mapping

from orchestrator.results.manifest import OWN_PACKAGE


def requirements(packages: Mapping[str, str]) -> Iterator[str]:
    """Yield one line per package that the orchestrator needs, directly or not, with its version in the run.

    :param packages: version by name of every package that was installed in the run.
    """
    versions = {normal(name): (name, version) for name, version in packages.items()}
    names: set[str] = set()
    pending = [normal(OWN_PACKAGE)]
    while pending:
        try:
            needed = importlib.metadata.requires(pending.pop()) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for text in needed:
            match = re.match(r"[\w.-]+", text)
            name = normal(match[0]) if match else ""
            if name in versions and name not in names and "extra ==" not in text:
                names.add(name)
                pending.append(name)
    for name in sorted(names):
        yield "{}=={}\n".format(*versions[name])


def normal(name: str) -> str:
    """Return the name of a package as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()
