"""Programs in the place of Ansible's, which print a file: what they print is foreign text, and they take a second."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from tests.fuzz import scratch

PROGRAMS = ("ansible", "ansible-inventory", "ansible-vault")


@cache
def answer() -> Path:
    """Put the programs first on ``PATH`` and return the file that they print."""
    printed = scratch.write("ansible/answer", b"")
    for name in PROGRAMS:
        program = scratch.write(f"ansible/{name}", f'#!/bin/sh\nexec cat "{printed}"\n'.encode())
        program.chmod(0o755)
    os.environ["PATH"] = f"{printed.parent}:{os.environ['PATH']}"
    return printed
