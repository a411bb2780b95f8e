"""Fetch Debian packages with kernels or their source, without root, and cache them unpacked.

A package is unpacked into a temporary directory and then renamed, under a lock. So a cached package is always complete,
and concurrent runs fetch it only once.
"""

from __future__ import annotations

import logging
import subprocess
import tempfile
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.kernels.locks import atomic_folder, locked
from orchestrator.kernels.programs import failure_reason

_log = logging.getLogger(__name__)

QUERY_LIMIT_S = 60
DOWNLOAD_LIMIT_S = 900


def fetch_package(package: str, prefix: str = "linux-image-") -> Path:
    """Return the directory of the unpacked package.

    Uses the version that apt would install. If it cannot be fetched (no network, no package lists), the newest version
    in the cache is used, with a warning.

    :param prefix: follow dependencies of a meta package to the package with this prefix.

    Raises ``KernelError`` if there is none in the cache either.
    """
    store = packages_folder()
    store.mkdir(parents=True, exist_ok=True)
    with locked(store / f"{package}.lock"):
        try:
            folder = store / package / _candidate(package, prefix)
            if not folder.is_dir():
                _unpack(folder)
            folder.touch()  # `orchestrate kernel gc` removes old ones
        except KernelError as error:
            cached = [
                path for path in (store / package).glob("*") if path.is_dir() and path.suffix != ".part"
            ]
            if not cached:
                raise
            folder = max(cached, key=lambda path: path.stat().st_mtime)
            _log.warning("%s; using %s from the cache", error, folder.name)
    return folder


def packages_folder() -> Path:
    """Return the directory of packages: ``NAME/NAME=VERSION``."""
    return cache_folder() / "packages"


def _candidate(package: str, prefix: str) -> str:
    """Return ``NAME=VERSION`` of the apt candidate for ``package``; follows meta packages."""
    name = package
    for _ in range(3):
        fields = _show(name)
        depends = [part.split()[0] for part in fields.get("Depends", "").split(",") if part.split()]
        dependency = next((word for word in depends if word.startswith(prefix)), None)
        if dependency is None:
            return f"{name}={fields['Version']}"
        name = dependency
    raise KernelError(f"package {package} has no dependency {prefix}*")


def _show(package: str) -> dict[str, str]:
    try:
        completed = subprocess.run(
            ["apt-cache", "show", "--no-all-versions", package],
            capture_output=True,
            text=True,
            timeout=QUERY_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(
            f"apt-cache show {package} failed: {failure_reason(error, 'apt-cache')}; or use 'image' with a bzImage"
        ) from error
    fields = dict(
        line.split(": ", 1) for line in completed.stdout.splitlines() if ": " in line and line[0] != " "
    )
    if "Version" not in fields:
        raise KernelError(
            f"unable to locate package {package}; run 'apt-get update', or use 'image' with a bzImage"
        )
    return fields


def _unpack(target: Path) -> None:
    """Fetch the package ``NAME=VERSION`` (the name of ``target``) and unpack it into ``target``, atomically."""
    package = target.name
    _log.info("fetching %s into the cache (%s)", package, target.parent)
    with (
        tempfile.TemporaryDirectory(prefix="orchestrate-package-") as temporary,
        atomic_folder(target) as tree,
    ):
        folder = Path(temporary)
        download = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", package]
        _run(download, folder, f"cannot download {package}")
        files = list(folder.glob("*.deb"))
        if len(files) != 1:
            raise KernelError(f"cannot download {package}: apt-get created no package file")
        _run(["dpkg-deb", "-x", str(files[0]), str(tree)], folder, f"cannot unpack {files[0].name}")


def _run(argv: list[str], folder: Path, failure: str) -> None:
    try:
        subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=DOWNLOAD_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"{failure}: {failure_reason(error, argv[0])}") from error
