"""A user who writes roles and applies them to a machine that may be changed."""

from __future__ import annotations

from pathlib import Path

from tests.integration.machine import Machine
from tests.running import Ended, User


def admin_of(machine: Machine, folder: Path) -> User:
    folder.mkdir()
    return User(folder, ("--host", "testhost", "--ssh-config", str(machine.sshd.ssh_config)))


def role(user: User, name: str = "mine", **files: str) -> None:
    """Write a role; ``__`` in a name is a slash."""
    for path, text in files.items():
        stem = path.replace("__", "/")
        target = user.folder / "roles" / name / (stem if "/" in stem else f"{stem}.yaml")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def apply(user: User, *words: str) -> Ended:
    return user.orchestrate("role", "apply", *words, *user.options)
