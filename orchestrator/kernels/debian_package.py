"""Kernels and their source from Debian packages, fetched without root and kept unpacked in the cache.

A package is unpacked beside its place and renamed into it, under a lock: what is in its place is whole, and two runs
that want the same kernel fetch it once.
"""

from __future__ import annotations

import logging
import subprocess
import tempfile
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.kernels.locks import locked, whole_folder

_log = logging.getLogger(__name__)

QUERY_LIMIT_S = 60
DOWNLOAD_LIMIT_S = 900


def fetch_package(package: str, prefix: str = "linux-image-") -> Path:
    """Return the folder that ``package`` is unpacked in, or the one it stands for, whose name begins with ``prefix``.

    Takes the version that apt would install. Where that cannot be had (no network, no package lists) the newest one
    in the cache serves, with a warning; ``KernelError`` if there is none.
    """
    store = packages_folder()
    store.mkdir(parents=True, exist_ok=True)
    with locked(store / f"{package}.lock"):
        try:
            place = store / package / _candidate(package, prefix)
            if not place.is_dir():
                _unpack(place)
            place.touch()  # how `orchestrate kernel gc` knows that it is in use
        except KernelError as error:
            kept = [path for path in (store / package).glob("*") if path.is_dir() and path.suffix != ".part"]
            if not kept:
                raise
            place = max(kept, key=lambda path: path.stat().st_mtime)
            _log.warning("%s; using %s from the cache", error, place.name)
    return place


def packages_folder() -> Path:
    """Where packages are kept: a folder by name, in it one by name and version."""
    return cache_folder() / "packages"


def _candidate(package: str, prefix: str) -> str:
    """Return ``NAME=VERSION`` of what apt has for ``package``, seen through meta packages."""
    name = package
    for _ in range(3):
        fields = _show(name)
        depends = [part.split()[0] for part in fields.get("Depends", "").split(",") if part.split()]
        real = next((word for word in depends if word.startswith(prefix)), None)
        if real is None:
            return f"{name}={fields['Version']}"
        name = real
    raise KernelError(f"package {package} leads to no {prefix}*")


def _show(package: str) -> dict[str, str]:
    try:
        answer = subprocess.run(
            ["apt-cache", "show", "--no-all-versions", package],
            capture_output=True,
            text=True,
            timeout=QUERY_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KernelError(
            f"cannot ask apt for {package} ({error}); name a bzImage with `image:` instead"
        ) from error
    fields = dict(
        line.split(": ", 1) for line in answer.stdout.splitlines() if ": " in line and line[0] != " "
    )
    if "Version" not in fields:
        raise KernelError(
            f"apt knows no package {package}: run `apt-get update`, or name a bzImage with `image:`"
        )
    return fields


def _unpack(place: Path) -> None:
    """Fetch the package that ``place`` is named after (``NAME=VERSION``) and unpack it there, whole or not at all."""
    package = place.name
    _log.info("fetching %s (once; kept in %s)", package, place.parent)
    with tempfile.TemporaryDirectory(prefix="orchestrate-package-") as name, whole_folder(place) as tree:
        folder = Path(name)
        download = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", package]
        _run(download, folder, f"cannot download {package}")
        files = list(folder.glob("*.deb"))
        if len(files) != 1:
            raise KernelError(f"cannot download {package}: apt-get left no package file")
        _run(["dpkg-deb", "-x", str(files[0]), str(tree)], folder, f"cannot unpack {files[0].name}")


def _run(argv: list[str], folder: Path, failure: str) -> None:
    try:
        subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=DOWNLOAD_LIMIT_S, check=True)
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip() or error.stdout.strip()).splitlines()
        raise KernelError(f"{failure}: {said[-1] if said else 'no reason given'}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KernelError(f"{failure}: {error}") from error
