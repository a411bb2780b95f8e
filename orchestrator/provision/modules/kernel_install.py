"""``kernel_install``: a kernel from a recipe, as a Debian package. It stays when the run is over.

What the distribution does for a new kernel of its own is done for this one: initramfs, boot menu, and where it is the
newest also the default entry. A kernel that is only to be measured is better named under ``kernels:`` of an
experiment, where it is booted once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, HostError
from orchestrator.experiment import roles
from orchestrator.experiment.kernels import load_recipe
from orchestrator.experiment.model import Recipe, Role
from orchestrator.hosts.command import Command, script
from orchestrator.kernels.build import build, suffix
from orchestrator.kernels.ingredients import gather
from orchestrator.provision.module import Context, Difference, Module, ReadOutput, TaskPlan
from orchestrator.provision.templating import is_template

INSTALL_LIMIT_S = 1800.0
_INSTALL = """
DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
dpkg --install "$1" >&2
code=$?
rm -f "$1"
exit "$code"
"""


class KernelInstall(Module):
    """``kernel_install: {recipe: linux-6.12-accel-machine}``; it runs after the next boot."""

    name = "kernel_install"
    needs_root: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["recipe"],
        "properties": {
            "recipe": {
                "description": "Name of a recipe, or a file below the role's folder.",
                "type": "string",
                "minLength": 1,
            }
        },
    }

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """The recipe must be there and sound."""
        recipe = arguments.mapping()["recipe"]
        if is_template(recipe.content):
            return
        try:
            _recipe(role, recipe.text)
        except BadInput as error:
            yield recipe, str(error)

    def read(self, context: Context, arguments: Node) -> Command:
        """Which packages are installed."""
        return context.probe("packages", accept=(0, 1))

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Whether a package of this very kernel is there; nothing is built to find that out."""
        if context.host.answers and answer.fields.get("manager") != "apt":
            raise HostError("kernels are installed as Debian packages, and this host has no apt")
        recipe = arguments.data()["recipe"]
        ending = suffix(gather(_recipe(context.role, recipe)).hash)
        found = [line for line in answer.lines if line.startswith("linux-image-") and line.endswith(ending)]
        if found:
            return TaskPlan(result={"package": found[0]}, note=found[0])
        return TaskPlan((Difference(f"kernel {recipe}", "absent", f"linux-image-…{ending}"),))

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Build the package, unless it is in the cache, and install it."""
        if not context.host.answers:
            return {}
        package = build(_recipe(context.role, arguments.data()["recipe"]), package=True).package
        assert package is not None
        there = context.path(package.name)
        context.host.put(package, there, sudo=context.become)
        context.host.run(script(_INSTALL, there, sudo=context.become, time_limit=INSTALL_LIMIT_S))
        return {}


def _recipe(role: Role, text: str) -> Recipe:
    return load_recipe(text, role.folder, roles.folders(role.folder))


MODULES = (KernelInstall(),)
