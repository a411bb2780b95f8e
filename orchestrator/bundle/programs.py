"""Programs that a run needs and that its bundle does not hold: each has a licence and an architecture of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from orchestrator.bundle.contents import RunContents
from orchestrator.errors import HostError
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.provider import Provider

_GUEST = "guest"
_GUEST_PACKAGES = frozenset({"busybox", "coreutils", "dash"})
"""Debian packages whose programs each guest has, as applets of busybox."""


class Program(Struct, frozen=True):
    """A program that whoever reproduces a run must have.

    :ivar name: a path, or a name that is found in ``PATH``.
    :ivar package: name of its package; empty: the run recorded none.
    :ivar sha256: as the run recorded it; empty: not recorded.
    """

    name: str
    package: str = ""
    sha256: str = ""


def needed(experiment: Experiment, run: RunContents) -> tuple[Program, ...]:
    """Return the programs of ``hosts.qemu.programs``, and those of trials that do not come with a guest or a role."""
    recorded = run.manifest.programs
    of_trials = [name for name, about in recorded.items() if not _comes_along(name, about)]
    names = dict.fromkeys([*_requested(experiment), *(() if _was_in_guests(run) else of_trials)])
    return tuple(_program(name, recorded.get(name, {})) for name in names)


def unpackaged(programs: Iterable[Program]) -> list[str]:
    """Return the names of programs that no recorded package has."""
    return [program.name for program in programs if not program.package]


def lacking_in_guest(experiment: Experiment, programs: Iterable[Program]) -> list[str]:
    """Return the names of programs that a guest of the experiment would not have; empty if roles may install them."""
    if experiment.roles:
        return []
    return [program.name for program in programs if program.name not in _requested(experiment)]


def require(experiment: Experiment, run: RunContents, provider: Provider) -> None:
    """Raise ``HostError`` if programs that a bundle's run had are missing where its experiment is to run.

    Only what this machine knows is asked: nothing is connected or booted. What a role may install is not missed.
    """
    programs = needed(experiment, run)
    lacking = lacking_in_guest(experiment, programs)
    if provider.name == "qemu" and lacking:
        raise HostError(
            f"{', '.join(lacking)}: not in the guest; the bundle's run used {_it(lacking)} on another host: add "
            "--host local to run on this machine, or --host [user@]host"
        )
    of_trials = [program.name for program in programs if program.name in run.manifest.programs]
    here: Mapping[str, Sequence[str]] = {
        "qemu": _requested(experiment),
        "local": () if experiment.roles else of_trials,
    }
    missing = [name for name in here.get(provider.name, ()) if not shutil.which(name)]
    if missing:
        raise HostError(
            f"{', '.join(missing)}: command not found; the bundle does not contain {_it(missing)}: install "
            f"{_it(missing)} on this machine, under the same path if it is one"
        )


def _requested(experiment: Experiment) -> tuple[str, ...]:
    return tuple(experiment.hosts.sections.get("qemu", {}).get("programs", ()))


def _was_in_guests(run: RunContents) -> bool:
    """Whether trials ran in guests only, which have nothing but what the experiment gives them."""
    return all(block.host.partition("-")[0] == _GUEST for block in run.blocks)


def _comes_along(name: str, about: Mapping[str, Any]) -> bool:
    """Whether a program is relative to a role's directory, or on every host and in every guest."""
    is_of_role = "/" in name and not name.startswith("/")
    return is_of_role or Path(name).name == "sh" or _package(about) in _GUEST_PACKAGES


def _program(name: str, about: Mapping[str, Any]) -> Program:
    return Program(name, _package(about), str(about.get("sha256", "")))


def _package(about: Mapping[str, Any]) -> str:
    return str(about.get("package", "")).partition(" ")[0]


def _it(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"
