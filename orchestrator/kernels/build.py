"""From a recipe to a kernel in the store: built once, whole or not at all, by one process at a time."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.errors import KernelError
from orchestrator.experiment.model import Recipe
from orchestrator.kernels import programs, store
from orchestrator.kernels.config import check_survival, parse
from orchestrator.kernels.image import image_release
from orchestrator.kernels.ingredients import Ingredients, resolve
from orchestrator.kernels.locks import locked, whole_folder
from orchestrator.kernels.make import Make, ProgressCallback
from orchestrator.kernels.store import Built
from orchestrator.kernels.workspace import Killed, Workspace, workspace

_log = logging.getLogger(__name__)

PROGRAMS = ("make", "flex", "bison", "bc", "git", "tar", "rsync", "readelf", "setpriv", "nice")
_BUILD_ID = re.compile(r"Build ID: ([0-9a-f]+)")


def build(recipe: Recipe, say: ProgressCallback = lambda _: None, package: bool = False) -> Built:
    """Return the kernel of a recipe, building it if it is not in the store.

    :param say: told how far it is, often.
    :param package: make a Debian package of it as well.

    Raises ``KernelError``: a recipe that cannot be followed, a build that fails, no space.
    """
    with _disk_faults_are_errors():
        ingredients = resolve(recipe)
        name = ingredients.hash

        def waiting() -> None:
            say(f"another process builds kernel {name}; waiting for it")

        with locked(store.kernels_folder() / f"{name}.lock", waiting):
            built = store.load(name)
            if built is None:
                built = _build(recipe, ingredients, say)
            if package and built.package is None:
                _build_package(built, ingredients, say)
            store.mark_used(built)
            return built


def release_suffix(name: str) -> str:
    """What the release of the kernel of this hash ends with: whoever sees ``uname -r`` can tell which it is."""
    return f"-{name}"


def _build(recipe: Recipe, ingredients: Ingredients, say: ProgressCallback) -> Built:
    programs.require(*PROGRAMS)
    if platform.machine() != "x86_64":
        raise KernelError(f"kernels are built for x86_64, and this machine is {platform.machine()}")
    started = time.monotonic()
    with workspace(ingredients) as place:
        make = _prepared(place, ingredients, say)
        with place.building():
            config = _configure(place, ingredients, make)
            make("bzImage", *(("modules",) if config.get("MODULES") == "y" else ()))
        with whole_folder(store.kernels_folder() / ingredients.hash) as folder:
            image = folder / "bzImage"
            shutil.copy2(place.build / "arch" / "x86" / "boot" / "bzImage", image)
            for name in (".config", "System.map"):
                shutil.copy2(place.build / name, folder / name.lstrip("."))
            if config.get("MODULES") == "y":
                make("modules_install", INSTALL_MOD_PATH=str(folder), INSTALL_MOD_STRIP="1")
            shutil.copy2(place.log, folder / "build.log")
            built = Built(
                hash=ingredients.hash,
                recipe=recipe.name,
                release=image_release(image),
                build_id=_build_id(place.build / "vmlinux"),
                config_hash=hashlib.sha256((folder / "config").read_bytes()).hexdigest(),
                ingredients=ingredients.document,
                seconds=round(time.monotonic() - started, 1),
                built=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            store.save(folder, built)
            _sync(folder)
    _log.info("kernel %s built in %.0f s: %s", built.hash, built.seconds, built.folder)
    return built


def _sync(folder: Path) -> None:
    """Wait until all files of a folder are on disk, as a rename does not promise that."""
    for file in (path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as stream:
            os.fsync(stream.fileno())


def _build_package(built: Built, ingredients: Ingredients, say: ProgressCallback) -> None:
    """Make a Debian package of a kernel that is built; its workspace may have built others since."""
    programs.require("dpkg-deb", "dpkg-buildpackage", "dh_listpackages")
    with workspace(ingredients) as place:
        make = _prepared(place, ingredients, say)
        for old in place.folder.glob("linux-*"):
            old.unlink()
        with place.building():
            _configure(place, ingredients, make)
            make("bindeb-pkg", KDEB_PKGVERSION="1", DPKG_FLAGS="-d")
        packages = [
            file
            for file in place.folder.glob(f"linux-image-{built.release}_*.deb")
            if "-dbg_" not in file.name
        ]
        if len(packages) != 1:
            raise KernelError(
                f"make bindeb-pkg left no package linux-image-{built.release} in {place.folder}"
            )
        part = built.folder / f".{packages[0].name}.part"
        shutil.copy2(packages[0], part)
        part.rename(built.folder / packages[0].name)


def _prepared(place: Workspace, ingredients: Ingredients, say: ProgressCallback) -> Make:
    say("laying out the source")
    place.log.unlink(missing_ok=True)
    place.prepare(ingredients)
    return Make(place, ingredients, release_suffix(ingredients.hash), say)


def _configure(place: Workspace, ingredients: Ingredients, make: Make) -> dict[str, str]:
    """Make ``.config`` and return it; ``KernelError`` if a request did not survive."""
    configuration = ingredients.configuration
    wanted = "".join(f"{request.line}\n" for request in configuration.requests)
    config = place.build / ".config"
    if configuration.base == "tiny":
        (place.build / "wanted.config").write_text(wanted, encoding="utf-8")
        make("allnoconfig", KCONFIG_ALLCONFIG=str(place.build / "wanted.config"))
    else:
        if configuration.base == "defconfig":
            make("defconfig")
        else:
            config.write_text(configuration.base_text, encoding="utf-8")
        with config.open("a", encoding="utf-8") as file:
            file.write(wanted)
        make("olddefconfig")
    found = parse(config.read_text(encoding="utf-8"))
    check_survival(configuration.requests, found, place.source)
    return found


def _build_id(vmlinux: Path) -> str:
    """The GNU build id that the linker wrote into a kernel (ELF note of type 3)."""
    told = subprocess.run(["readelf", "--notes", vmlinux], capture_output=True, text=True, check=False).stdout
    match = _BUILD_ID.search(told)
    if match is None:
        raise KernelError(f"{vmlinux} has no build id; without one a running kernel could not be proven")
    return match[1]


@contextmanager
def _disk_faults_are_errors() -> Iterator[None]:
    """A cache that is full or may not be written is for the user to mend."""
    place = store.kernels_folder().parent
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise KernelError(f"no space left in {place}; make room and try again") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise KernelError(f"cannot write {error.filename or place}: {error.strerror}") from error
        raise
    except Killed:
        raise
    except KernelError as error:
        if programs.FULL in str(error):
            raise KernelError(f"no space left in {place}; make room and try again ({error})") from error
        raise
