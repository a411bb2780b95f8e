"""Find the programs of this machine that guests need."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import HostError

NEEDED: Mapping[str, str] = {
    "busybox": "busybox-static",
    "dash": "dash",
    "dropbear": "dropbear-bin",
    "dropbearconvert": "dropbear-bin",
    "dropbearkey": "dropbear-bin",
}
"""Debian packages of the programs of each guest, and of its keys."""


def find_program(name: str, package: str, setup: str = "make setup") -> Path:
    """Return the path of a program of this machine; ``HostError`` names the Debian package to install.

    If it is missing, all others that guests need and that are missing are named with it.

    :param setup: the command that installs it in a source tree.
    """
    path = _which(name)
    if path is None:
        missing = {name: package} | {other: of for other, of in NEEDED.items() if _which(other) is None}
        packages = list(dict.fromkeys(missing.values()))
        it = "it" if len(missing) == 1 else "them"
        raise HostError(
            f"{', '.join(missing)}: command not found; guests need {it}: run `{setup}` or install the "
            f"package{'s' * (len(packages) > 1)} {', '.join(packages)}"
        )
    return Path(path)


def _which(name: str) -> str | None:
    return shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
