"""Compare files on a host with the requested ones, and plan the commands that make them equal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from orchestrator.errors import HostError
from orchestrator.hosts.command import Command, script
from orchestrator.provision.module import Context, Difference, ReadOutput, TaskPlan, Upload

MAX_DIFF_BYTES = 64 * 1024
"""Size of a file up to which its content is read, so that a diff can be shown."""

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


class RequestedFile(Struct, frozen=True):
    """The requested state of a file, directory or link. Empty attributes are left as they are.

    :ivar kind: ``file``, ``directory``, ``link`` or ``absent``.
    :ivar content: of a file; None: left as it is.
    :ivar target: of a link.
    :ivar mode: permissions in octal.
    """

    path: str
    kind: str
    content: bytes | None = None
    target: str = ""
    mode: str = ""
    owner: str = ""
    group: str = ""


class ActualFile(Struct, frozen=True):
    """The state of a path on the host.

    :ivar kind: ``file``, ``directory``, ``link``, ``absent`` or ``other``, such as a device.
    :ivar target: of a link, as it is stored; ``real``: the path with all links resolved.
    :ivar sha256: of a file's content, also through a link.
    :ivar text: a file's content; None if it is larger than :data:`MAX_DIFF_BYTES`.
    """

    kind: str = "absent"
    target: str = ""
    real: str = ""
    mode: Annotated[str, Meta(pattern=r"^[0-7]{0,4}\Z")] = ""
    owner: str = ""
    group: str = ""
    sha256: str = ""
    text: str | None = None


class _ReportedFile(ActualFile, frozen=True, kw_only=True):
    path: str


def attributes(data: Mapping[str, Any]) -> dict[str, str]:
    """Return mode, owner and group from a module's arguments."""
    return {key: str(data[key]) for key in ATTRIBUTES if key in data}


def read(context: Context, paths: Sequence[str], *, sudo: bool) -> Command:
    """Return the command that reads the state of paths."""
    return context.probe("files", str(MAX_DIFF_BYTES), *paths, sudo=sudo)


def parse(output: ReadOutput) -> dict[str, ActualFile]:
    """Parse the output of the read command: the state of each path. ``HostError`` if it is something else."""
    files: dict[str, ActualFile] = {}
    fields: dict[str, list[str]] = {}
    value: list[str] = []

    def end_of_file() -> None:
        if fields:
            values = {key: "\n".join(lines) for key, lines in fields.items()}
            if "text" in values:
                values["text"] = "\n".join(fields["text"][1:])  # after the word that says that it was read
            try:
                file = msgspec.convert(values, _ReportedFile)
            except msgspec.ValidationError as error:
                raise HostError(f"cannot read what the host says of files: {error}") from None
            files[file.path] = file
            fields.clear()

    # Not splitlines(): that also divides at characters such as U+0085, which files may have.
    for line in output.text.split("\n"):
        if line.startswith(" "):
            value.append(line[1:])
            continue
        key, equals, first = line.partition("=")
        if key == "path":
            end_of_file()
        if equals:
            value = fields[key] = [first]
    end_of_file()
    return files


def plan(context: Context, requested_files: Sequence[RequestedFile], output: ReadOutput) -> TaskPlan:
    """Plan the change from the actual to the requested files.

    ``HostError`` for a path that exists and is of another kind than requested.
    """
    actual_files = parse(output)
    differences: list[Difference] = []
    actions: list[Command | Upload] = []
    for requested in requested_files:
        actual = actual_files.get(requested.path, ActualFile())
        sudo = context.become or (context.base_sudo and requested.path.startswith(f"{context.base}/"))
        _check_kind(requested, actual)
        differing = list(_differences(requested, actual))
        if differing:
            differences += differing
            actions += _actions(requested, actual, sudo)
    path = requested_files[0].path if requested_files else ""
    return TaskPlan(tuple(differences), tuple(actions), {"path": path})


def is_private(*modes: str) -> bool:
    """Whether by one of its modes, as it is or as it is requested, not everybody may read a file.

    Its content is not shown then, and neither is a part of its checksum, which would confirm a guess.
    """
    return any(mode and not int(mode, 8) & 0o004 for mode in modes)


def _differences(requested: RequestedFile, actual: ActualFile) -> Iterator[Difference]:
    path, hidden = requested.path, is_private(requested.mode, actual.mode)
    kind = "file" if requested.kind == "file" and _is_link_to_file(actual) else actual.kind
    if requested.kind != kind:
        texts = None
        if requested.content is not None and (text := _printable(requested.content)) is not None:
            texts = None if hidden else ("", text)
        yield Difference(path, kind, _description(requested), texts)
        return
    if requested.kind == "absent":
        return
    if requested.kind == "link" and requested.target != actual.target:
        yield Difference(path, f"link to {actual.target}", f"link to {requested.target}")
    if requested.content is not None and (digest := _sha256(requested.content)) != actual.sha256:
        if hidden:
            yield Difference(path, "content", "new content")
        else:
            text = _printable(requested.content)
            texts = (actual.text, text) if actual.text is not None and text is not None else None
            yield Difference(path, f"content {actual.sha256[:12]}", f"content {digest[:12]}", texts)
    if requested.mode and int(requested.mode, 8) != int(actual.mode or "0", 8):
        before, after = int(actual.mode or "0", 8), int(requested.mode, 8)
        yield Difference(f"{path} mode", f"{before:04o}", f"{after:04o}")
    for key in ("owner", "group"):
        requested_name, actual_name = getattr(requested, key), getattr(actual, key)
        if requested_name and requested_name != actual_name:
            yield Difference(f"{path} {key}", actual_name, requested_name)


def _is_link_to_file(actual: ActualFile) -> bool:
    """Whether the path is a link to a file. A file is then written through the link, as a shell does."""
    return actual.kind == "link" and bool(actual.sha256)


def _check_kind(requested: RequestedFile, actual: ActualFile) -> None:
    """Refuse to replace a path by one of another kind: a directory would be lost with all that it contains."""
    if requested.kind == "absent" or actual.kind in ("absent", requested.kind):
        return
    if requested.kind == "file" and _is_link_to_file(actual):
        return
    kind = "special file" if actual.kind == "other" else actual.kind
    raise HostError(f"cannot create {requested.kind} '{requested.path}': {kind} already exists")


def _description(requested: RequestedFile) -> str:
    return f"link to {requested.target}" if requested.kind == "link" else requested.kind


def _actions(requested: RequestedFile, actual: ActualFile, sudo: bool) -> Iterator[Command | Upload]:
    path = actual.real if requested.kind == "file" and actual.real else requested.path
    owner = f"{requested.owner}:{requested.group}".rstrip(":")
    accept: tuple[int, ...] = (0,)
    mode = requested.mode
    if requested.kind == "absent":
        yield Command(("rm", "-rf", "--", path), sudo)
        return
    if requested.kind == "directory":
        yield Command(("mkdir", "-p", "--", path), sudo)
    elif requested.kind == "link":
        yield script('mkdir -p "$(dirname "$2")" && ln -sfn -- "$1" "$2"', requested.target, path, sudo=sudo)
    elif requested.content is not None and _sha256(requested.content) != actual.sha256:
        yield Upload(requested.content, path, int(mode or actual.mode or "644", 8), sudo)
        mode = ""
        if not owner and actual.owner:
            # The upload replaces the file. Keep the owner of the old one if possible.
            owner, accept = f"{actual.owner}:{actual.group}", (0, 1)
    if owner:
        yield Command(("chown", "-h", owner, path), sudo, accept=accept)
    if mode and requested.kind != "link":
        yield Command(("chmod", mode, path), sudo)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _printable(content: bytes) -> str | None:
    """Return the content as text; None if it is too large for a diff or not text."""
    if len(content) > MAX_DIFF_BYTES or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
