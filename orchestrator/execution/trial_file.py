"""The trials of a block as the host gets them: lines of words, quoted as for a POSIX shell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Limits, Setting
from orchestrator.hosts.remote.settings import setting_words, shell_line
from orchestrator.plan.model import Trial

ID = re.compile(r"[0-9A-Za-z_-]+")


class HostTrial(Struct, frozen=True):
    """A trial as a host sees it.

    :ivar tag: whatever the controller wants back in the trial's line of the host's journal.
    :ivar folder: working folder on the host.
    :ivar argv: the whole command; a first word with a slash is relative to ``folder``.
    :ivar time_limit: seconds.
    :ivar settle: longest wait for idle CPUs, in seconds; 0: do not wait.
    """

    id: str
    tag: Mapping[str, Any]
    folder: str
    argv: tuple[str, ...]
    settings: tuple[Setting, ...] = ()
    time_limit: float = 60.0
    settle: float = 0.0


def host_trial(
    trial: Trial, limits: Limits, folder: str, tag: Mapping[str, Any], prefix: tuple[str, ...] = ()
) -> HostTrial:
    """Return the host's view of ``trial``; ``prefix`` (such as ``taskset -c 0-3``) goes before its command."""
    return HostTrial(
        id=trial.id,
        tag=tag,
        folder=folder,
        argv=(*prefix, *trial.cell.argv),
        settings=trial.cell.settings,
        time_limit=limits.trial,
        settle=limits.settle,
    )


def encode_trials(trials: Iterable[HostTrial]) -> bytes:
    """Return the content of a block's ``trials`` file, one line a trial.

    Raises :class:`~orchestrator.errors.BadInput` for what no host could execute: an empty command, a NUL byte.
    """
    return b"".join(shell_line(_words(trial)) for trial in trials)


def _words(trial: HostTrial) -> list[str]:
    if not ID.fullmatch(trial.id):
        raise BadInput(f"invalid trial id {trial.id!r}; expected letters, digits, '-' and '_'")
    if not trial.argv:
        raise BadInput(f"trial {trial.id}: empty command")
    words = [trial.id, f"{trial.time_limit:.3f}", json.dumps(trial.tag, separators=(",", ":"))]
    words += [trial.folder, f"{trial.settle:.2f}", str(len(trial.settings))]
    for setting in trial.settings:
        words += setting_words(setting)
    return [*words, *trial.argv]
