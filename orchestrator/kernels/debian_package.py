"""Fetch Debian packages with kernels or their source, without root, and cache them unpacked.

A package is unpacked into a temporary directory and then renamed, under a lock. So a cached package is always complete,
and concurrent runs fetch it only once.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from orchestrator.architectures import Architecture, native
from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.kernels.apt import Apt, run
from orchestrator.kernels.locks import atomic_folder, locked

_log = logging.getLogger(__name__)


def fetch_package(
    package: str, prefix: str = "linux-image-", architecture: Architecture | None = None
) -> Path:
    """Return the directory of the unpacked package.

    Uses the version that apt would install. If it cannot be fetched (no network, no package lists), the newest version
    in the cache is used, with a warning.

    :param prefix: follow dependencies of a meta package to the package with this prefix.
    :param architecture: None: that of this machine.

    Raises ``KernelError`` if there is none in the cache either.
    """
    apt = Apt(architecture or native())
    suffix = "" if apt.architecture.is_native else f":{apt.architecture.debian}"
    store = packages_folder()
    store.mkdir(parents=True, exist_ok=True)
    with locked(store / f"{package}{suffix}.lock"):
        try:
            folder = store / f"{package}{suffix}" / _candidate(apt, package, prefix)
            if not folder.is_dir():
                _unpack(apt, folder)
            folder.touch()  # `orchestrate kernel gc` removes old ones
        except KernelError as error:
            cached = [
                path
                for path in (store / f"{package}{suffix}").glob("*")
                if path.is_dir() and path.suffix != ".part"
            ]
            if not cached:
                raise
            folder = max(cached, key=lambda path: path.stat().st_mtime)
            _log.warning("%s; using %s from the cache", error, folder.name)
    return folder


def packages_folder() -> Path:
    """Return the directory of packages: ``NAME/NAME=VERSION``, of another architecture ``NAME:ARCHITECTURE/…``."""
    return cache_folder() / "packages"


def _candidate(apt: Apt, package: str, prefix: str) -> str:
    """Return ``NAME=VERSION`` of the apt candidate for ``package``; follows meta packages."""
    name = package
    for _ in range(3):
        fields = _show(apt, name)
        depends = [part.split()[0] for part in fields.get("Depends", "").split(",") if part.split()]
        dependency = next((word for word in depends if word.startswith(prefix)), None)
        if dependency is None:
            return f"{name}={fields['Version']}"
        name = dependency
    raise KernelError(f"package {package} has no dependency {prefix}*")


def _show(apt: Apt, package: str) -> dict[str, str]:
    try:
        text = apt.show(package)
    except KernelError as error:
        raise KernelError(f"{error}; or use 'image' with a kernel image") from error
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and line[0] != " ")
    if "Version" not in fields:
        arch = apt.architecture
        raise KernelError(
            f"unable to locate package {package}; run 'apt-get update', or use 'image' with a kernel image"
            if arch.is_native
            else f"unable to locate package {package} for {arch.name} ({arch.debian}) in this machine's apt sources; "
            "use 'image' with a kernel image"
        )
    return fields


def _unpack(apt: Apt, target: Path) -> None:
    """Fetch the package ``NAME=VERSION`` (the name of ``target``) and unpack it into ``target``, atomically."""
    package = target.name
    _log.info("fetching %s into the cache (%s)", package, target.parent)
    with (
        tempfile.TemporaryDirectory(prefix="orchestrate-package-") as temporary,
        atomic_folder(target) as tree,
    ):
        file = apt.download(package, Path(temporary))
        unpack(file, tree)


def unpack(file: Path, tree: Path) -> None:
    """Unpack a package file into a directory. Raises ``KernelError``."""
    run(["dpkg-deb", "-x", str(file), str(tree)], tree, f"cannot unpack {file.name}")
