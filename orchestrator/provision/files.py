"""Files on a host as modules want them: what is there is read by one script, what is asked is held against it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import HostError
from orchestrator.hosts.command import Command, script
from orchestrator.provision.module import Context, Difference, ReadOutput, TaskPlan, Upload

OK: tuple[int, ...] = (0,)
LARGEST_SHOWN = 64 * 1024
"""Bytes of a file up to which its old and new content are compared for the reader."""

ATTRIBUTES: Mapping[str, Any] = {
    "mode": {
        "description": "Permissions in octal, in quotes, such as '0644'.",
        "title": "permissions in octal, in quotes, such as '0644'",
        "type": "string",
        "pattern": "^0?[0-7]{3,4}$",
    },
    "owner": {"description": "Name of the user.", "type": "string", "minLength": 1},
    "group": {"description": "Name of the group.", "type": "string", "minLength": 1},
}


@dataclass(frozen=True, slots=True)
class RequestedFile:
    """A file, folder or link as it shall be. Empty attributes may be as they are.

    :ivar kind: ``file``, ``directory``, ``link`` or ``absent``.
    :ivar content: of a file; None: as it is.
    """

    path: str
    kind: str
    content: bytes | None = None
    target: str = ""
    mode: str = ""
    owner: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class ActualFile:
    """What a host has at a path; of a link ``target`` as it is written and ``real``, where it ends."""

    kind: str = "absent"
    target: str = ""
    real: str = ""
    mode: str = ""
    owner: str = ""
    group: str = ""
    sha256: str = ""
    text: str | None = None


def attributes(data: Mapping[str, Any]) -> dict[str, str]:
    """Mode, owner and group of a module's arguments."""
    return {key: str(data[key]) for key in ATTRIBUTES if key in data}


def read(context: Context, paths: Sequence[str], *, sudo: bool) -> Command:
    """The command that tells what is at these paths."""
    return context.probe("files", str(LARGEST_SHOWN), *paths, sudo=sudo)


def parse(answer: ReadOutput) -> dict[str, ActualFile]:
    """What a host has, by path."""
    found: dict[str, ActualFile] = {}
    fields: dict[str, str] = {}
    texts: list[str] = []

    def close() -> None:
        if fields:
            path = fields.pop("path")
            text = "\n".join(texts) if fields.pop("text", "") else None
            found[path] = ActualFile(**fields, text=text)
            fields.clear()
            texts.clear()

    for line in answer.lines:
        if line.startswith(" "):
            texts.append(line[1:])
            continue
        key, equals, value = line.partition("=")
        if key == "path":
            close()
        if equals:
            fields[key] = value
    close()
    return found


def plan(context: Context, wanted: Sequence[RequestedFile], answer: ReadOutput) -> TaskPlan:
    """What differs, and what mends it."""
    there = parse(answer)
    differences: list[Difference] = []
    actions: list[Command | Upload] = []
    for one in wanted:
        found = there.get(one.path, ActualFile())
        sudo = context.become or (context.base_sudo and one.path.startswith(f"{context.base}/"))
        _check_kind(one, found)
        differing = list(_differences(one, found))
        if differing:
            differences += differing
            actions += _actions(one, found, sudo)
    return TaskPlan(tuple(differences), tuple(actions), {"path": wanted[0].path if wanted else ""})


def _differences(wanted: RequestedFile, found: ActualFile) -> Iterator[Difference]:
    there = found.kind
    if wanted.kind == "file" and there == "link" and found.sha256:
        there = "file"  # it is written through, as a shell does
    if wanted.kind != there:
        texts = None
        if wanted.content is not None and (shown := _shown(wanted.content)) is not None:
            texts = ("", shown)
        yield Difference(wanted.path, there, _described(wanted), texts)
        return
    if wanted.kind == "absent":
        return
    if wanted.kind == "link" and wanted.target != found.target:
        yield Difference(wanted.path, f"link to {found.target}", f"link to {wanted.target}")
    if wanted.content is not None and (digest := _sha256(wanted.content)) != found.sha256:
        shown = _shown(wanted.content)
        texts = (found.text, shown) if found.text is not None and shown is not None else None
        yield Difference(wanted.path, f"content {found.sha256[:12]}", f"content {digest[:12]}", texts)
    if wanted.mode and int(wanted.mode, 8) != int(found.mode or "0", 8):
        yield Difference(
            f"{wanted.path} mode", f"{int(found.mode or '0', 8):04o}", f"{int(wanted.mode, 8):04o}"
        )
    for key in ("owner", "group"):
        asked, has = getattr(wanted, key), getattr(found, key)
        if asked and asked != has:
            yield Difference(f"{wanted.path} {key}", has, asked)


def _check_kind(wanted: RequestedFile, found: ActualFile) -> None:
    """What is of another kind is not replaced: too much could go with it."""
    link_to_file = found.kind == "link" and bool(found.sha256)
    fits = (
        wanted.kind == "absent"
        or found.kind in ("absent", wanted.kind)
        or (wanted.kind == "file" and link_to_file)
    )
    if not fits:
        raise HostError(f"{wanted.path}: expected {wanted.kind} or nothing, found {found.kind}")


def _described(wanted: RequestedFile) -> str:
    return f"link to {wanted.target}" if wanted.kind == "link" else wanted.kind


def _actions(wanted: RequestedFile, found: ActualFile, sudo: bool) -> Iterator[Command | Upload]:
    path = found.real if wanted.kind == "file" and found.real else wanted.path
    owner, accept = f"{wanted.owner}:{wanted.group}".rstrip(":"), OK
    mode = wanted.mode
    if wanted.kind == "absent":
        yield Command(("rm", "-rf", "--", path), sudo)
        return
    if wanted.kind == "directory":
        yield Command(("mkdir", "-p", "--", path), sudo)
    elif wanted.kind == "link":
        yield script('mkdir -p "$(dirname "$2")" && ln -sfn -- "$1" "$2"', wanted.target, path, sudo=sudo)
    elif wanted.content is not None and _sha256(wanted.content) != found.sha256:
        yield Upload(wanted.content, path, int(mode or found.mode or "644", 8), sudo)
        mode = ""
        if not owner and found.owner:  # a new file takes the old one's position, and shall be whose that was
            owner, accept = f"{found.owner}:{found.group}", (0, 1)
    if owner:
        yield Command(("chown", "-h", owner, path), sudo, accept=accept)
    if mode and wanted.kind != "link":
        yield Command(("chmod", mode, path), sudo)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _shown(content: bytes) -> str | None:
    """A text that can be shown, or None."""
    if len(content) > LARGEST_SHOWN or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
