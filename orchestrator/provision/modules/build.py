"""``build``: a program from source, on the host where it has a compiler, else on the controller, statically.

A program is built again only when its sources, or the compiler that builds it, have changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.experiment.model import Role
from orchestrator.hosts.command import Command, script
from orchestrator.provision.module import Context, Difference, Module, ReadOutput, TaskPlan
from orchestrator.provision.templating import is_template

BUILD_LIMIT_S = 600.0
SOURCE_SUFFIXES = frozenset({".c", ".h", ".mk", ""})


class Build(Module):
    """``build: {source: files, program: p, makes: build/p, static_target: static, static_makes: build/p-static}``."""

    name = "build"
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["source", "program", "makes", "static_target", "static_makes"],
        "properties": {
            "source": {
                "description": "Folder with a Makefile, below the role's folder.",
                "type": "string",
                "minLength": 1,
            },
            "program": {
                "description": "Name of the program in the role's folder on the host.",
                "type": "string",
                "minLength": 1,
            },
            "makes": {"description": "The file that a plain `make` makes, below `source`.", "type": "string"},
            "static_target": {
                "description": "The make target for hosts without a compiler.",
                "type": "string",
            },
            "static_makes": {
                "description": "The file that this target makes, below `source`.",
                "type": "string",
            },
        },
    }

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """The source must be there."""
        source = arguments.mapping()["source"]
        if not is_template(source.content) and not (role.folder / source.text / "Makefile").is_file():
            yield source, f"there is no Makefile in {role.folder / source.text}"

    def read(self, context: Context, arguments: Node) -> Command:
        """What is built there, of what, and whether there is a compiler."""
        return context.probe("program", context.folder, arguments.data()["program"], sudo=context.base_sudo)

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Build where sources or compiler are others; ``HostError`` where no compiler is found."""
        data = arguments.data()
        fields, program = answer.fields, data["program"]
        identity = _identity(context.role.folder / data["source"], _compiler(context, fields))
        if fields.get("identity") == identity and "sha256" in fields:
            return TaskPlan(result={"artifacts": {program: fields["sha256"]}}, note="up to date")
        before = f"of {fields['identity'][:12]}" if "identity" in fields else "absent"
        difference = Difference(f"{context.folder}/{program}", before, f"of {identity[:12]}")
        return TaskPlan((difference,), result={"compiler": fields.get("compiler", ""), "identity": identity})

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Build it there, or here and bring it there."""
        data, compiler, identity = arguments.data(), plan.result["compiler"], plan.result["identity"]
        source, program = context.role.folder / data["source"], data["program"]
        if compiler:
            context.host.run(_build_on_host(context, source, program, data["makes"]))
            how = f"built on the host with {compiler}"
        else:
            binary = _build_here(context, source, data["static_target"], data["static_makes"], identity)
            context.host.put(binary, f"{context.folder}/{program}", 0o755, sudo=context.base_sudo)
            how = "built on the controller, static, and copied"
        marker = f"{context.folder}/{program}.built-from"
        context.host.put(f"{identity}\n".encode(), marker, sudo=context.base_sudo)
        return {"note": how}


def _compiler(context: Context, fields: Mapping[str, str]) -> str:
    """First line of the version of the host's ``cc``, or which one here takes its position."""
    if "compiler" in fields:
        return fields["compiler"]
    theirs = fields.get("machine", "")
    ours = subprocess.run(("uname", "-m"), capture_output=True, text=True, check=True).stdout.strip()
    if theirs and theirs != ours:
        raise HostError(
            f"no C compiler there, and this machine cannot build for it "
            f"({ours} here, {theirs} there); install make and a C compiler on {context.host.name}"
        )
    if not (shutil.which("cc") and shutil.which("make")):
        raise HostError(
            f"no C compiler on {context.host.name} and none here; install gcc and make on one of them (make setup)"
        )
    version = subprocess.run(("cc", "--version"), capture_output=True, text=True, check=True)
    return f"static, {version.stdout.partition(chr(10))[0]}"


def _sources(folder: Path) -> Iterator[Path]:
    """Source files below ``folder`` in a fixed order; what was built there is not among them."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and inside.parts[0] != "build" and path.suffix in SOURCE_SUFFIXES:
            yield path


def _identity(folder: Path, compiler: str) -> str:
    digest = hashlib.sha256(compiler.encode())
    for path in _sources(folder):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in _sources(folder):
            archive.add(path, str(path.relative_to(folder)))
    return buffer.getvalue()


def _build_on_host(context: Context, source: Path, program: str, makes: str) -> Command:
    build = (
        'rm -rf "$1/source" && mkdir -p "$1/source" && tar -xf - -C "$1/source"'
        ' && make -C "$1/source" >&2 && cp "$1/source/$3" "$1/$2.new" && mv "$1/$2.new" "$1/$2"'
    )
    words = (context.folder, program, makes)
    return script(build, *words, sudo=context.base_sudo, stdin=_archive(source), time_limit=BUILD_LIMIT_S)


def _build_here(context: Context, source: Path, target: str, makes: str, identity: str) -> Path:
    """Build a static program in the cache, once for all hosts, and return its path."""
    built = context.cache / "builds" / identity / Path(makes).name
    built.parent.mkdir(parents=True, exist_ok=True)
    with (built.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if built.exists():
            return built
        with tempfile.TemporaryDirectory() as work:
            for path in _sources(source):
                copy = Path(work) / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            made = subprocess.run(
                ("make", "-C", work, target),
                capture_output=True,
                text=True,
                timeout=BUILD_LIMIT_S,
                check=False,
            )
            if made.returncode != 0:
                last = (made.stderr.strip() or made.stdout.strip()).splitlines()[-1:]
                raise HostError(f"building {makes} on the controller failed: {' '.join(last)}")
            partial = built.with_suffix(".partial")
            shutil.copy2(Path(work) / makes, partial)
            partial.rename(built)
    return built


MODULES = (Build(),)
