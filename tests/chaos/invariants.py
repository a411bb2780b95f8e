"""What must be true after each run, whatever happened to it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.experiment import Key
from tests.chaos.hosts.namespace import SYSCTLS
from tests.chaos.journal import Journal
from tests.chaos.scene import Scene

SETTLE_S = 5.0
"""sshd ends its sessions, and the kernel its processes, shortly after the controller has ended."""

OF_A_RUN = {"journal.jsonl", "manifest.json", "controller.lock", "orchestrate.log"}
OF_A_GUEST = {f"guest-{n}.{kind}.log" for n in range(1, 20) for kind in ("console", "qemu")}


@dataclass
class Findings:
    """What is wrong; nothing of it should ever be there.

    :ivar lost: trials without a record.
    :ivar doubled: trials with more than one final record, or that ran again though the host knew their end.
    :ivar wrong: records with a status or a figure that is not theirs.
    :ivar left: processes, files, locks, mounts, cgroups and settings that are left.
    :ivar other: anything else: a traceback, no reason, no end.
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return [
            f"{name}: {line}"
            for name in ("lost", "doubled", "wrong", "left", "other")
            for line in getattr(self, name)
        ]


def check_journal(scene: Scene, journal: Journal, found: Findings) -> None:
    """Each trial is there once, with its status and its figure."""
    experiment = scene.experiment
    count = Counter(map(experiment.key_of, journal.trials))
    for key in experiment.keys:
        if not count[key]:
            found.lost.append(f"no record of {key}")
        elif count[key] > 1:
            found.doubled.append(f"{count[key]} records of {key}")
    found.wrong.extend(f"no such trial: {key}" for key in set(count) - set(experiment.keys))
    for record in journal.trials:
        key = experiment.key_of(record)
        status = experiment.status_of(key)
        if record["status"] != status:
            found.wrong.append(f"{key}: {record['status']} ({record['reason']}), not {status}")
        elif status == "ok" and record["metrics"]["x"]["value"] != experiment.figure(key):
            found.wrong.append(f"{key}: {record['metrics']['x']['value']}, not {experiment.figure(key)}")
        elif status != "ok" and not record["reason"]:
            found.wrong.append(f"{key}: {status} without a reason")
    if not journal.is_complete:
        found.other.append("the journal does not say that the run is complete")
    try:
        manifest = json.loads((journal.path.parent / "manifest.json").read_text())
    except (OSError, ValueError) as error:
        found.other.append(f"the manifest cannot be read: {error}")
    else:
        if manifest.get("complete") is not True:
            found.other.append("the manifest does not say that the run is complete")


def check_executions(scene: Scene, found: Findings, repeats: int) -> None:
    """Each trial has run on the host to its end, and only once but for so many."""
    began, ended = _count(scene.host.executions), _count(scene.host.ended_executions)
    for key in scene.experiment.keys:
        if not began[key] or (not ended[key] and scene.experiment.status_of(key) == "ok"):
            found.lost.append(f"{key} never ran")
    again = [f"{key} ran {count} times" for key, count in ended.items() if count > 1]
    if ended.total() - len(ended) > repeats:
        found.doubled.extend(again)


def _count(path: Path) -> Counter[Key]:
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return Counter(tuple(line.split()) for line in lines)


def check_host(scene: Scene, found: Findings, mounts: list[str]) -> None:
    """The host is as it was before; ``mounts``: those after it was turned on."""
    deadline = time.monotonic() + SETTLE_S
    while left := list(_left_on_host(scene, mounts)):
        if time.monotonic() > deadline:
            found.left.extend(left)
            return
        time.sleep(0.1)


def _left_on_host(scene: Scene, mounts: list[str]) -> Iterator[str]:
    host = scene.host
    for pid, words in host.processes.items():
        if pid != 1 and not words.startswith("sshd: /usr/sbin/sshd -D") and words != "sleep 0.2":
            yield f"process on the host: {words}"
    for name, value in host.sysctls.items():
        if value != SYSCTLS[name]:
            yield f"{name} is {value}, not {SYSCTLS[name]}"
    for path in sorted(set(host.files) - set(scene.world.clean)):
        yield f"file on the host: {path}"
    for mount in sorted(set(host.mounts) - set(mounts)):
        yield f"mount on the host: {mount}"
    for group in host.groups:
        yield f"cgroup: {group}"


def check_controller(scene: Scene, found: Findings, runs: int = 1) -> None:
    """Nothing is left of the controllers but ``runs`` runs."""
    found.left.extend(f"process: {words}" for words in scene.stray_controllers())
    found.left.extend(f"temporary file: {path.name}" for path in (scene.folder / "user-tmp").iterdir())
    folders = [path for path in scene.results.glob("*/*") if path.is_dir() and path.name != "lost+found"]
    begun = [path for path in folders if Journal(path / "journal.jsonl").begun]
    if scene.user_disk is None:  # a disk that has failed may have lost who held the run
        found.left.extend(f"run without a record: {path.name}" for path in folders if path not in begun)
    if len(begun) != runs:
        found.other.append(f"{len(begun)} runs, not {runs}")
    expected = OF_A_RUN | (OF_A_GUEST if scene.experiment.in_guest else set())
    for folder in begun:
        found.left.extend(
            f"file of a run: {path.name}" for path in sorted(folder.iterdir()) if path.name not in expected
        )
