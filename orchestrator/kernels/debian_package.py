"""Fetch Debian packages with kernels or their source, without root, and cache them unpacked.

A package is unpacked into a temporary directory and then renamed, under a lock. So a cached package is always complete,
and concurrent runs fetch it only once.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from orchestrator.activities import doing
from orchestrator.architectures import Architecture, native
from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.experiment.model import Suite
from orchestrator.kernels.apt import Apt, Package, unpack
from orchestrator.kernels.locks import atomic_folder, locked
from orchestrator.kernels.suites import opened

_log = logging.getLogger(__name__)

ORIGIN = "origin.json"
"""File in the directory of an unpacked package, with what :func:`origin` returns."""


def fetch_package(
    package: str,
    prefix: str = "linux-image-",
    suite: Suite | None = None,
    architecture: Architecture | None = None,
) -> Path:
    """Return the directory of the unpacked package.

    Uses the version that apt would install, or that of ``suite``. If it cannot be fetched (no network, no package
    lists), the newest version in the cache is used, with a warning.

    :param prefix: follow dependencies of a meta package to the package with this prefix.
    :param suite: where to find the package; None: the machine's own sources.
    :param architecture: of the package; None: that of this machine.

    Raises ``KernelError`` if there is none in the cache either.
    """
    architecture = architecture or native()
    parent = _folder(package, suite, architecture)
    parent.parent.mkdir(parents=True, exist_ok=True)
    version = suite.version if suite else ""
    with locked(parent.with_name(f"{parent.name}.lock")):
        try:
            with doing("", f"asking apt for {package}"), opened(suite, architecture) as apt:
                packages = _chosen(apt, package, prefix, version)
                folder = parent / str(packages[0])
                if not folder.is_dir():
                    _unpack(folder, packages, apt, suite)
            folder.touch()  # `orchestrate kernel gc` removes old ones
        except KernelError as error:
            cached = _versions(parent, version)
            if not cached:
                raise
            folder = max(cached, key=lambda path: path.stat().st_mtime)
            _log.warning("%s; using %s from the cache", error, folder.name)
    return folder


def is_fetched(package: str, suite: Suite | None, architecture: Architecture) -> bool:
    """Return whether the cache has a package; ``KernelError`` if it does not and apt does not know it either.

    Fetches nothing: apt is not asked about a suite or another architecture, whose lists a run fetches first.
    """
    if _versions(_folder(package, suite, architecture), suite.version if suite else ""):
        return True
    if suite is None and architecture.is_native:
        with opened(None, architecture) as apt:
            apt.show(package)
    return False


def _folder(package: str, suite: Suite | None, architecture: Architecture) -> Path:
    foreign = "" if architecture.is_native else f":{architecture.debian}"
    return packages_folder() / f"{package}{foreign}{f'@{suite.label}' if suite else ''}"


def _versions(folder: Path, version: str) -> list[Path]:
    return [path for path in folder.glob(f"*={version or '*'}") if path.is_dir() and path.suffix != ".part"]


def packages_folder() -> Path:
    """Return the directory of packages: ``NAME/NAME=VERSION``, ``NAME:ARCHITECTURE@SUITE/NAME=VERSION``."""
    return cache_folder() / "packages"


def origin(folder: Path) -> dict[str, Any]:
    """Return where an unpacked package is from.

    ``package``: its name; ``version``; ``suite``, empty for the machine's own sources; ``sha256``: the SHA-256 (hex) of
    each file that was unpacked, by ``NAME=VERSION``. Empty for a package that an older version fetched.
    """
    file = folder / ORIGIN
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _chosen(apt: Apt, name: str, prefix: str, version: str) -> list[Package]:
    """Return the package that ``name`` is, or stands for as a meta package, and those with its other files."""
    chosen = apt.show(name, version)
    for _ in range(2):
        dependency = next((depend for depend in chosen.depends if depend[0].startswith(prefix)), None)
        if dependency is None:
            return [chosen, *_parts(apt, chosen, prefix)]
        chosen = apt.show(*dependency)
    raise KernelError(f"package {name} has no dependency {prefix}*")


def _parts(apt: Apt, package: Package, prefix: str) -> Iterator[Package]:
    """Yield the packages with parts of the same kernel: linux-modules-RELEASE, linux-binary-RELEASE and others.

    The image of a newer Debian kernel, and the modules of an Ubuntu kernel, are in packages of their own.
    """
    suffix = f"-{package.name.removeprefix(prefix)}"
    for name, version in package.depends:
        if name.startswith("linux-") and name.endswith(suffix):
            yield apt.show(name, version)


def _unpack(target: Path, packages: Sequence[Package], apt: Apt, suite: Suite | None) -> None:
    """Fetch the packages and unpack them into ``target``, atomically."""
    _log.info("fetching %s into the cache (%s)", target.name, target.parent)
    hashes = {}
    with doing("", f"fetching {target.name}"), atomic_folder(target) as tree:
        for package in packages:
            with tempfile.TemporaryDirectory(prefix="orchestrate-package-") as temporary:
                file = apt.download(package, Path(temporary))
                with file.open("rb") as stream:
                    hashes[str(package)] = hashlib.file_digest(stream, "sha256").hexdigest()
                unpack(file, tree)
        document = {
            "package": packages[0].name,
            "version": packages[0].version,
            "suite": suite.name if suite else "",
            "sha256": hashes,
        }
        (tree / ORIGIN).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
