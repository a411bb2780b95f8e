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

from orchestrator.errors import HostError
from orchestrator.hosts.command import Command, script
from orchestrator.provision.tasks import Context, Module, Outcome

BUILD_LIMIT_S = 600.0
SOURCE_SUFFIXES = frozenset({".c", ".h", ".mk", ""})


def apply(context: Context, arguments: Mapping[str, Any]) -> Outcome:
    """Bring ``arguments['program']`` into the role's folder on the host; ``HostError`` where no compiler is found."""
    source = context.role.folder / arguments["source"]
    program = arguments["program"]
    compiler = _compiler_on_host(context)
    identity = _identity(source, compiler or f"static, {_compiler_here(context)}")
    marker = f"{context.folder}/{program}.built-from"
    known = script(
        '[ -x "$2" ] && cat "$1"', marker, f"{context.folder}/{program}", accept=(0, 1), sudo=context.sudo
    )
    if context.host.run(known).stdout.strip() == identity:
        return Outcome(False, "up to date", {program: _sha256_on_host(context, program)})
    if compiler:
        _build_on_host(context, source, program, arguments["makes"])
        how = f"built on the host with {compiler}"
    else:
        binary = _build_here(context, source, arguments["static_target"], arguments["static_makes"], identity)
        context.host.put(binary, f"{context.folder}/{program}", 0o755, sudo=context.sudo)
        how = "built on the controller, static, and copied"
    context.host.put(f"{identity}\n".encode(), marker, sudo=context.sudo)
    return Outcome(True, how, {program: _sha256_on_host(context, program)})


def _compiler_on_host(context: Context) -> str:
    """First line of the version of the host's ``cc``; empty if it has no compiler or no make."""
    probe = script("command -v make >/dev/null && cc --version", accept=(0, 1, 127))
    completed = context.host.run(probe)
    return completed.stdout.partition("\n")[0].strip() if completed.exit_code == 0 else ""


def _compiler_here(context: Context) -> str:
    theirs = context.host.run(Command(("uname", "-m"))).stdout.strip()
    ours = subprocess.run(("uname", "-m"), capture_output=True, text=True, check=True).stdout.strip()
    if theirs and theirs != ours:
        raise HostError(
            f"{context.host.name}: no C compiler there, and this machine cannot build for it "
            f"({ours} here, {theirs} there); install make and a C compiler on {context.host.name}"
        )
    if not (shutil.which("cc") and shutil.which("make")):
        raise HostError(
            f"no C compiler on {context.host.name} and none here; install gcc and make on one of them (make setup)"
        )
    version = subprocess.run(("cc", "--version"), capture_output=True, text=True, check=True)
    return version.stdout.partition("\n")[0]


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


def _build_on_host(context: Context, source: Path, program: str, makes: str) -> None:
    build = (
        'rm -rf "$1/source" && mkdir -p "$1/source" && tar -xf - -C "$1/source"'
        ' && make -C "$1/source" >&2 && cp "$1/source/$3" "$1/$2.new" && mv "$1/$2.new" "$1/$2"'
    )
    context.host.run(
        script(
            build,
            context.folder,
            program,
            makes,
            sudo=context.sudo,
            stdin=_archive(source),
            time_limit=BUILD_LIMIT_S,
        )
    )


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


def _sha256_on_host(context: Context, program: str) -> str:
    completed = context.host.run(Command(("sha256sum", f"{context.folder}/{program}"), context.sudo))
    return completed.stdout.partition(" ")[0]


MODULE = Module(
    name="build",
    arguments={
        "type": "object",
        "additionalProperties": False,
        "required": ["source", "program", "makes", "static_target", "static_makes"],
        "properties": {
            "source": {"type": "string", "description": "Folder with a Makefile, below the role's folder."},
            "program": {
                "type": "string",
                "description": "Name of the program in the role's folder on the host.",
            },
            "makes": {"type": "string", "description": "The file that a plain `make` makes, below `source`."},
            "static_target": {
                "type": "string",
                "description": "The make target for hosts without a compiler.",
            },
            "static_makes": {
                "type": "string",
                "description": "The file that this target makes, below `source`.",
            },
        },
    },
    apply=apply,
)
