"""Commands that mend what is missing, as a user types them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from orchestrator.doctor.state import HostState
from orchestrator.hosts.facts_model import Facts
from orchestrator.source_tree import PACKAGE
from orchestrator.units import GIB

INSTALLER = PACKAGE.parent / "tools" / "install-packages.sh"
"""Installs Debian packages; only a source tree has it. It uses sudo itself."""

SUDO = 'echo "$USER ALL=(ALL) NOPASSWD: ALL" | sudo tee /etc/sudoers.d/orchestrate'
"""Lets the user of a host become root without a password."""

HUGE_PAGES = GIB
"""Bytes of huge pages that the command adds; more for pages of which that is one."""


def install(packages: Iterable[str]) -> str:
    """Return the command that installs Debian packages on this machine."""
    words = list(packages)
    if not INSTALLER.is_file():
        return install_there(words, is_root=os.geteuid() == 0)
    inside = INSTALLER.is_relative_to(Path.cwd())
    return shlex.join(["sh", str(INSTALLER.relative_to(Path.cwd()) if inside else INSTALLER), *words])


def install_there(packages: Iterable[str], *, is_root: bool) -> str:
    """Return the command that installs Debian packages on a host."""
    return as_root(shlex.join(["apt-get", "install", "--no-install-recommends", *packages]), is_root=is_root)


def compiler(facts: Facts, state: HostState) -> str:
    """Return the command that installs what builds benchmarks on a host; empty if it has no apt, as guests."""
    if "apt-get" not in state.programs:
        return ""
    return install_there(("gcc", "libc6-dev", "make"), is_root=facts.user_id == 0)


def as_root(command: str, *, is_root: bool) -> str:
    """Return a simple command as one that root executes."""
    return command if is_root else f"sudo {command}"


def write(value: str, file: str, *, is_root: bool) -> str:
    """Return the command that writes a value to files of /sys; ``file`` may have wildcards."""
    return f"echo {value} | {as_root(f'tee {file}', is_root=is_root)}"


def huge_pages(size: int, total: int, facts: Facts) -> str:
    """Return the command that adds huge pages to those that a host has.

    :param size: of a page, in bytes. ``total``: how many the host has: they are in use, and are kept.
    """
    is_root, wanted = facts.user_id == 0, total + max(2, HUGE_PAGES // size)
    if size == facts.default_huge_page:
        return as_root(f"sysctl vm.nr_hugepages={wanted}", is_root=is_root)
    file = f"/sys/kernel/mm/hugepages/hugepages-{size // 1024}kB/nr_hugepages"
    return write(str(wanted), file, is_root=is_root)
