"""The optional packages of this program, and the command that installs them."""

from __future__ import annotations

import shlex
import sys

PACKAGES = {
    "ansible": ("ansible-core>=2.15", "ansible-runner>=2.3"),
    "aws": ("boto3>=1.34",),
    "b4": ("b4>=0.13",),
    "openstack": ("openstacksdk>=4", "python-blazarclient>=4"),
    "parquet": ("pyarrow>=15",),
    "pdf": ("svglib>=2",),
}
"""The packages of each extra, as in ``pyproject.toml``."""


def installation(extra: str) -> str:
    """Return the command that installs the packages of an extra for the interpreter that runs this program.

    It names the packages, so it also works where this program itself is on no package index.
    """
    return shlex.join([sys.executable, "-m", "pip", "install", *PACKAGES[extra]])
