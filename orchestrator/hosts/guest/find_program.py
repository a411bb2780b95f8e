"""Find the programs of this machine that guests need."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestrator.errors import HostError


def find_program(name: str, package: str, setup: str = "make setup") -> Path:
    """Return the path of a program of this machine; ``HostError`` names the Debian package to install.

    :param setup: the command that installs it in a source tree.
    """
    path = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        raise HostError(
            f"{name}: command not found; guests need it: run `{setup}` or install the package {package}"
        )
    return Path(path)
