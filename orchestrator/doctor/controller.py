"""This machine as the controller: programs for guests, compilers, kernel builds; SSH; disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from orchestrator import architectures, process_groups
from orchestrator.architectures import Architecture
from orchestrator.cache import cache_folder
from orchestrator.doctor import fixes
from orchestrator.doctor.finding import Finding
from orchestrator.errors import HostError
from orchestrator.hosts import building
from orchestrator.hosts.guest.find_program import find_program
from orchestrator.hosts.guest.platforms import platform_of
from orchestrator.hosts.guest.userland import PACKAGES as GUEST_PACKAGES
from orchestrator.hosts.remote import runner_program
from orchestrator.kernels import programs
from orchestrator.units import GIB

CONTROLLER = "controller"
"""This machine, in findings."""

HEADERS = {"libelf.h": "libelf-dev", "openssl/ssl.h": "libssl-dev"}
"""What builds of kernels include, and the Debian package that has it."""

KERNEL_DISK = 10 * GIB
"""Free bytes for the source and the build of a kernel with the drivers of a distribution."""

RESULTS_DISK = GIB
LIMIT_S = 10.0


def findings(results: Path) -> Iterator[Finding]:
    """Yield a finding for each subject.

    :param results: the directory of results.
    """
    yield guest_programs(architectures.native())
    yield compiler(architectures.native())
    yield kernel_programs()
    yield _ssh()
    yield _agent()
    yield _disk("disk for kernels", cache_folder(), KERNEL_DISK)
    yield _disk("disk for results", results, RESULTS_DISK)


def guest_programs(architecture: Architecture, needed: bool = False) -> Finding:
    """Return whether there is what guests of an architecture need on this machine."""
    platform = platform_of(architecture)
    packages = {platform.qemu: platform.package}
    if architecture.is_native:
        packages |= GUEST_PACKAGES
    missing = {name: package for name, package in packages.items() if not _finds(name, package)}
    subject = "guests" if architecture.is_native else f"guests of {architecture.name}"
    if missing:
        reason = f"{', '.join(missing)}: command not found"
        command = fixes.install(missing.values())
        return Finding(CONTROLLER, subject, "missing", reason, command, needed)
    return Finding(CONTROLLER, subject, "ok", ", ".join(packages))


def _finds(name: str, package: str) -> bool:
    try:
        find_program(name, package)
    except HostError:
        return False
    return True


def has_runner(architecture: Architecture) -> bool:
    """Whether this machine has, or can build, the runner for hosts of an architecture."""
    prebuilt = runner_program.PREBUILT / f"runner-{architecture.machine}"
    return prebuilt.is_file() or any(True for _ in building.compilers(architecture))


def compiler(architecture: Architecture, needed: bool = False) -> Finding:
    """Return whether benchmarks can be built here for hosts of an architecture without a compiler, and guests."""
    subject = "compiler" if architecture.is_native else f"compiler for {architecture.name}"
    found = next(building.compilers(architecture), None)
    if found is not None and found.command == "cc" and not _includes("cc", "stdio.h"):
        reason = "no headers of the C library: benchmarks cannot be built"
        return Finding(CONTROLLER, subject, "missing", reason, fixes.install(["libc6-dev"]), needed)
    if found is not None:
        return Finding(CONTROLLER, subject, "ok", found.version)
    packages = ["make", *architecture.compiler_packages.split(" and ")]
    reason = "no make and C compiler: benchmarks cannot be built for guests, and for hosts without a compiler"
    return Finding(CONTROLLER, subject, "missing", reason, fixes.install(packages), needed)


def kernel_programs(needed: bool = False) -> Finding:
    """Return whether kernels can be built here."""
    missing = programs.missing(*programs.BUILD, "gcc")
    missing |= {name: package for name, package in HEADERS.items() if not _includes("gcc", name)}
    if not missing:
        return Finding(CONTROLLER, "kernel builds", "ok", "all programs and headers")
    reason = f"not found: {', '.join(missing)}"
    command = fixes.install(dict.fromkeys(missing.values()))
    return Finding(CONTROLLER, "kernel builds", "missing", reason, command, needed)


def _includes(compiler: str, header: str) -> bool:
    """Whether a compiler finds a header; False without the compiler."""
    try:
        done = process_groups.run(
            (compiler, "-E", "-o", os.devnull, "-x", "c", "-"),
            input=f"#include <{header}>\n".encode(),
            capture_output=True,
            timeout=LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _ssh() -> Finding:
    missing = [name for name in ("ssh", "ssh-keygen") if not shutil.which(name)]
    if missing:
        reason = f"{', '.join(missing)}: command not found"
        return Finding(CONTROLLER, "SSH", "missing", reason, fixes.install(["openssh-client"]))
    return Finding(CONTROLLER, "SSH", "ok", "ssh, ssh-keygen")


def _agent() -> Finding:
    path = os.environ.get("SSH_AUTH_SOCK")
    if not path:
        reason = "none (SSH_AUTH_SOCK is not set): keys with a passphrase cannot be used"
        return Finding(CONTROLLER, "SSH agent", "warning", reason, 'eval "$(ssh-agent)" && ssh-add')
    from orchestrator.hosts.ssh.agent import Agent  # paramiko takes a while to import

    try:
        agent = Agent(path, LIMIT_S)
        try:
            keys = len(agent.get_keys())
        finally:
            agent.close()
    except Exception as error:  # noqa: BLE001 - whatever listens there, it is no agent
        reason = f"{path} does not answer as an agent: {error or type(error).__name__}"
        return Finding(CONTROLLER, "SSH agent", "warning", reason, 'eval "$(ssh-agent)" && ssh-add')
    if not keys:
        return Finding(CONTROLLER, "SSH agent", "warning", "it has no keys", "ssh-add")
    return Finding(CONTROLLER, "SSH agent", "ok", f"{keys} key{'s' * (keys != 1)}")


def _disk(subject: str, folder: Path, least: int) -> Finding:
    """Return whether there is space for a directory, which need not exist."""
    try:
        place = folder.absolute()
        while not place.is_dir() and place != place.parent:
            place = place.parent
        free = shutil.disk_usage(place).free
    except OSError as error:  # a directory above it is closed to this user, a name is too long
        return Finding(CONTROLLER, subject, "warning", f"{folder}: {error.strerror}")
    reason = f"{free / GIB:.1f} GiB free for {folder}"
    if not os.access(place, os.W_OK):
        return Finding(CONTROLLER, subject, "warning", f"{reason}, but {place} is not writable for this user")
    if free >= least:
        return Finding(CONTROLLER, subject, "ok", reason)
    command = "orchestrate kernel gc --unused-for 30d" if folder == cache_folder() else ""
    return Finding(CONTROLLER, subject, "warning", f"{reason}; {least // GIB} GiB may be needed", command)
