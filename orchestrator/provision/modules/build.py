"""``build``: build a program from source, on the host if it has a compiler, else statically on the controller.

A program is rebuilt only if its sources or the compiler have changed.
"""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from orchestrator import architectures
from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.experiment.model import Role
from orchestrator.hosts import building
from orchestrator.hosts.command import Command, script
from orchestrator.hosts.remote.folder import NOT_BUILT_YET
from orchestrator.provision import confinement
from orchestrator.provision.module import Caution, Context, Difference, Module, ReadOutput, TaskPlan
from orchestrator.provision.templates import is_template

SOURCE_SUFFIXES = frozenset({".c", ".h", ".mk", ""})


class Build(Module):
    """``build: {source: files, program: p, makes: build/p, static_target: static, static_makes: build/p-static}``."""

    name = "build"
    cautions: ClassVar[tuple[Caution, ...]] = ("controller",)
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["source", "program", "makes", "static_target", "static_makes"],
        "properties": {
            "source": {
                "description": "Directory with a Makefile, below the role's directory.",
                "type": "string",
                "minLength": 1,
            },
            "program": {
                "description": "Name of the program in the role's directory on the host.",
                "type": "string",
                "minLength": 1,
            },
            "makes": {"description": "The file that `make` builds, below `source`.", "type": "string"},
            "static_target": {
                "description": "The make target for hosts without a compiler.",
                "type": "string",
            },
            "static_makes": {
                "description": "The file that this target builds, below `source`.",
                "type": "string",
            },
        },
    }

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """The source must have a Makefile, and what is built must be below it."""
        source = arguments.mapping()["source"]
        led_out = [
            *confinement.faults(role.folder, arguments, ("source",), "the role's directory"),
            *confinement.faults(
                role.folder / source.text, arguments, ("makes", "static_makes"), "the source"
            ),
            *confinement.faults(role.folder, arguments, ("program",), "the role's directory"),
        ]
        if led_out:
            yield from led_out
            return
        makefile = role.folder / source.text / "Makefile"
        if not is_template(source.content) and not makefile.is_file():
            yield source, f"{makefile}: no such file or directory"

    def read(self, context: Context, arguments: Node) -> Command:
        """Read the identity of the program that is on the host, and the version of its compiler."""
        return context.probe("program", context.folder, arguments.data()["program"], sudo=context.base_sudo)

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Plan a build if sources or compiler have changed; ``HostError`` if there is no usable compiler."""
        data = arguments.data()
        fields, program = output.fields, data["program"]
        compiler = _find_compiler(context, fields)
        identity = building.hash_sources(_sources(context.role.folder / data["source"]), compiler.version)
        if fields.get("identity") == identity and "sha256" in fields:
            return TaskPlan(result={"artifacts": {program: fields["sha256"]}}, note="up to date")
        before = f"build {fields['identity'][:12]}" if "identity" in fields else "absent"
        difference = Difference(f"{context.folder}/{program}", before, f"build {identity[:12]}")
        return TaskPlan((difference,), result={"compiler": compiler, "identity": identity})

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Build on the host, or build on the controller and copy."""
        data, compiler, identity = arguments.data(), plan.result["compiler"], plan.result["identity"]
        source, program = context.role.folder / data["source"], data["program"]
        if not compiler.command:
            context.host.run(_build_on_host(context, source, program, data["makes"]))
            note = f"built on the host with {compiler.version}"
        else:
            target = (f"CC={compiler.command}", data["static_target"])
            folder = context.cache / "builds" / identity
            if not context.host.executes:
                context.host.put(NOT_BUILT_YET, f"{context.folder}/{program}", 0o755, sudo=context.base_sudo)
                make = f"make {shlex.join(target)} in {source}"
                return {
                    "note": f"built on the controller by: {make}; on a host with a compiler there, by: make"
                }
            binary = building.build(_sources(source), target, data["static_makes"], folder)
            context.host.put(binary, f"{context.folder}/{program}", 0o755, sudo=context.base_sudo)
            note = "built statically on the controller and copied"
        marker = f"{context.folder}/{program}.built-from"
        context.host.put(f"{identity}\n".encode(), marker, sudo=context.base_sudo)
        return {"note": note}


class _Compiler(Struct, frozen=True):
    """The compiler of a build.

    :ivar command: on the controller; empty: the host's own compiler.
    :ivar version: part of the identity of the program.
    """

    command: str
    version: str


def _find_compiler(context: Context, fields: Mapping[str, str]) -> _Compiler:
    """Return the host's compiler, or the controller's for the host's architecture. Raises ``HostError``."""
    if "compiler" in fields:
        return _Compiler("", fields["compiler"])
    name, machine = context.host.name, fields.get("machine", "")
    architecture = architectures.of_machine(machine) if machine else architectures.native()
    if architecture is None:
        raise HostError(
            f"no C compiler on {name}, and the controller cannot build for it: the host is {machine}, "
            f"the controller {platform.machine()}; install make and a C compiler on {name}"
        )
    compiler = next(building.compilers(architecture), None)
    if compiler is None:
        raise HostError(
            f"no C compiler on {name} or on the controller; "
            "install gcc and make on one of them (on the controller: make setup)"
            if architecture.is_native
            else f"no C compiler on {name}, and none for {architecture.name} on the controller; install "
            f"{architecture.compiler_packages} on the controller (make setup ARCH={architecture.name}), "
            f"or gcc and make on {name}"
        )
    return _Compiler(compiler.command, f"static, {compiler.version}")


def _sources(folder: Path) -> building.Sources:
    """Return the source files below ``folder``, without those that were built there."""
    inner = {
        path.relative_to(folder): confinement.check(folder, path)
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {
        str(name): path
        for name, path in inner.items()
        if name.parts[0] != "build" and path.suffix in SOURCE_SUFFIXES
    }


def _build_on_host(context: Context, source: Path, program: str, makes: str) -> Command:
    build = (
        'rm -rf "$1/source" && mkdir -p "$1/source" && tar -xf - -C "$1/source"'
        ' && make -C "$1/source" >&2 && cp "$1/source/$3" "$1/$2.new" && mv "$1/$2.new" "$1/$2"'
    )
    words = (context.folder, program, makes)
    return script(
        build,
        *words,
        sudo=context.base_sudo,
        stdin=building.archive(_sources(source)),
        time_limit=building.BUILD_LIMIT_S,
    )


MODULES = (Build(),)
