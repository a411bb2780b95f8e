"""Build kernels from recipes into the cache, once and atomically."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from orchestrator.architectures import Architecture, native
from orchestrator.errors import KernelError
from orchestrator.experiment.model import Recipe
from orchestrator.kernels import programs, store
from orchestrator.kernels.config import check_requests, parse
from orchestrator.kernels.image import image_release
from orchestrator.kernels.ingredients import Ingredients, resolve
from orchestrator.kernels.locks import atomic_folder, locked
from orchestrator.kernels.make import Make, ProgressCallback
from orchestrator.kernels.store import Built
from orchestrator.kernels.workspace import BuildKilled, Workspace, workspace

_log = logging.getLogger(__name__)

_PREPARING = "preparing the source"
"""Fetching, unpacking, copying and patching it."""
_BUILD_ID = re.compile(r"Build ID: ([0-9a-f]+)")


def build(
    recipe: Recipe,
    on_progress: ProgressCallback = lambda _: None,
    package: bool = False,
    architecture: Architecture | None = None,
) -> Built:
    """Return the kernel of a recipe; build it if it is not in the cache.

    :param on_progress: called often during the build.
    :param package: build a Debian package too.
    :param architecture: None: that of this machine.

    Raises ``KernelError`` if an ingredient is missing, the build fails or there is no space left.
    """
    with _report_disk_errors():
        on_progress(_PREPARING)
        ingredients = resolve(recipe, architecture or native())
        name = ingredients.hash

        def waiting() -> None:
            on_progress(f"waiting for another process that builds kernel {name}")

        with locked(store.kernels_folder() / f"{name}.lock", waiting):
            built = store.load(name)
            if built is None:
                built = _build(recipe, ingredients, on_progress)
            if package and built.package is None:
                _build_package(built, ingredients, on_progress)
            store.mark_used(built)
            # The version may have been fetched from another suite when the kernel was built.
            return replace(built, ingredients={**built.ingredients, **ingredients.origin})


def check_patches(
    recipe: Recipe,
    on_progress: ProgressCallback = lambda _: None,
    architecture: Architecture | None = None,
) -> None:
    """Apply the patches of a recipe to a copy of its source, unless the cache has its kernel.

    Where several kernels are to be built, this tells before the first one of a patch that does not apply. Raises
    ``KernelError`` as :func:`build` would.
    """
    if not recipe.patches:
        return
    with _report_disk_errors():
        on_progress(_PREPARING)
        ingredients = resolve(recipe, architecture or native())
        if store.load(ingredients.hash) is not None:
            return
        programs.require(*programs.BUILD)
        on_progress("checking that its patches apply")
        with workspace(ingredients) as space, space.patched_source(ingredients):
            pass


def release_suffix(name: str) -> str:
    """Return the suffix of the kernel release for a hash, so that ``uname -r`` identifies the kernel."""
    return f"-{name}"


def _build(recipe: Recipe, ingredients: Ingredients, on_progress: ProgressCallback) -> Built:
    programs.require(*programs.BUILD)
    architecture = ingredients.architecture
    started = time.monotonic()
    with workspace(ingredients) as space:
        make = _prepare(space, ingredients, on_progress)
        with space.building():
            config = _configure(space, ingredients, make)
            make(architecture.image, *(("modules",) if config.get("MODULES") == "y" else ()))
        with atomic_folder(store.kernels_folder() / ingredients.hash) as folder:
            image = folder / architecture.image
            shutil.copy2(space.build / architecture.image_folder / architecture.image, image)
            for name in (".config", "System.map"):
                shutil.copy2(space.build / name, folder / name.lstrip("."))
            if config.get("MODULES") == "y":
                make("modules_install", INSTALL_MOD_PATH=str(folder), INSTALL_MOD_STRIP="1")
            shutil.copy2(space.log, folder / "build.log")
            built = Built(
                hash=ingredients.hash,
                recipe=recipe.name,
                release=image_release(image),
                build_id=_build_id(space.build / "vmlinux"),
                config_hash=hashlib.sha256((folder / "config").read_bytes()).hexdigest(),
                ingredients={**ingredients.document, **ingredients.origin},
                seconds=round(time.monotonic() - started, 1),
                built=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            store.save(folder, built)
            _sync(folder)
    _log.info("kernel %s built in %.0f s: %s", built.hash, built.seconds, built.folder)
    return built


def _sync(folder: Path) -> None:
    """Flush all files of a directory to disk; a rename does not."""
    for file in (path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as stream:
            os.fsync(stream.fileno())


def _build_package(built: Built, ingredients: Ingredients, on_progress: ProgressCallback) -> None:
    """Build the Debian package of a kernel. Its workspace may have been used for other kernels since."""
    programs.require("dpkg-deb", "dpkg-buildpackage", "dh_listpackages")
    with workspace(ingredients) as space:
        make = _prepare(space, ingredients, on_progress)
        for old in space.folder.glob("linux-*"):
            old.unlink()
        with space.building():
            _configure(space, ingredients, make)
            make("bindeb-pkg", KDEB_PKGVERSION="1", DPKG_FLAGS="-d")
        packages = [
            file
            for file in space.folder.glob(f"linux-image-{built.release}_*.deb")
            if "-dbg_" not in file.name
        ]
        if len(packages) != 1:
            raise KernelError(
                f"make bindeb-pkg created no package linux-image-{built.release} in {space.folder}"
            )
        part = built.folder / f".{packages[0].name}.part"
        shutil.copy2(packages[0], part)
        part.rename(built.folder / packages[0].name)


def _prepare(space: Workspace, ingredients: Ingredients, on_progress: ProgressCallback) -> Make:
    on_progress(_PREPARING)
    space.log.unlink(missing_ok=True)
    space.prepare(ingredients)
    return Make(space, ingredients, release_suffix(ingredients.hash), on_progress)


def _configure(space: Workspace, ingredients: Ingredients, make: Make) -> dict[str, str]:
    """Create ``.config`` and return its values. Raises ``KernelError`` if a request is not in it."""
    configuration = ingredients.configuration
    fragment = "".join(f"{request.line}\n" for request in configuration.requests)
    config = space.build / ".config"
    if configuration.base == "tiny":
        (space.build / "fragment.config").write_text(fragment, encoding="utf-8")
        make("allnoconfig", KCONFIG_ALLCONFIG=str(space.build / "fragment.config"))
    else:
        if configuration.base == "defconfig":
            make("defconfig")
        else:
            config.write_text(configuration.base_text, encoding="utf-8")
        with config.open("a", encoding="utf-8") as file:
            file.write(fragment)
        make("olddefconfig")
    final = parse(config.read_text(encoding="utf-8"))
    check_requests(configuration.requests, final, space.source)
    return final


def _build_id(vmlinux: Path) -> str:
    """Return the GNU build id of a kernel (ELF note of type 3)."""
    notes = subprocess.run(
        ["readelf", "--notes", vmlinux], capture_output=True, text=True, check=False
    ).stdout
    match = _BUILD_ID.search(notes)
    if match is None:
        raise KernelError(f"{vmlinux}: no build id; the running kernel could not be verified")
    return match[1]


@contextmanager
def _report_disk_errors() -> Iterator[None]:
    """Turn errors of the disk into ``KernelError``."""
    cache = store.kernels_folder().parent
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise KernelError(f"no space left in {cache}; free disk space and try again") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise KernelError(f"cannot write {error.filename or cache}: {error.strerror}") from error
        raise
    except BuildKilled:
        raise
    except KernelError as error:
        if programs.NO_SPACE in str(error):
            raise KernelError(f"no space left in {cache}; free disk space and try again ({error})") from error
        raise
