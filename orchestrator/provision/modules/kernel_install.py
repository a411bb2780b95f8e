"""``kernel_install``: install a kernel from a recipe as a Debian package. It is not removed when the run ends.

The package runs the scripts of the distribution: they make the initramfs and the boot menu entry, and make the newest
kernel the default. To measure a kernel without installing it, list it under ``kernels`` of an experiment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from orchestrator.architectures import native
from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, HostError
from orchestrator.experiment import roles
from orchestrator.experiment.kernels import load_recipe
from orchestrator.experiment.model import Recipe, Role
from orchestrator.hosts.command import Command, script
from orchestrator.provision.module import Caution, Context, Difference, Module, ReadOutput, TaskPlan
from orchestrator.provision.templates import is_template

INSTALL_LIMIT_S = 1800.0
_INSTALL = """
DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
dpkg --install "$1" >&2
code=$?
rm -f "$1"
exit "$code"
"""


class KernelInstall(Module):
    """``kernel_install: {recipe: linux-6.12-accel-machine}``; the kernel runs after the next boot."""

    name = "kernel_install"
    cautions: ClassVar[tuple[Caution, ...]] = ("controller", "download")
    needs_root: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["recipe"],
        "properties": {
            "recipe": {
                "description": "Name of a recipe, or a file below the role's directory.",
                "type": "string",
                "minLength": 1,
            }
        },
    }

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """The recipe must exist and be valid."""
        recipe = arguments.mapping()["recipe"]
        if is_template(recipe.content):
            return
        try:
            _recipe(role, recipe.text)
        except BadInput as error:
            yield recipe, str(error)

    def read(self, context: Context, arguments: Node) -> Command:
        """List the installed packages."""
        return context.probe("packages", accept=(0, 1))

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Look for a package of this kernel. Its name has a hash of the recipe, so nothing is built for this."""
        if context.host.executes and output.fields.get("manager") != "apt":
            raise HostError("kernel_install is supported on Debian hosts only: could not find apt-get")
        recipe = arguments.data()["recipe"]
        from orchestrator.kernels.build import release_suffix
        from orchestrator.kernels.ingredients import resolve

        hash_suffix = release_suffix(resolve(_recipe(context.role, recipe), native()).hash)
        installed = [
            line for line in output.lines if line.startswith("linux-image-") and line.endswith(hash_suffix)
        ]
        if installed:
            return TaskPlan(result={"package": installed[0]}, note=installed[0])
        return TaskPlan((Difference(f"kernel {recipe}", "absent", f"linux-image-…{hash_suffix}"),))

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Build the package if it is not in the cache, and install it."""
        if not context.host.executes:
            return {}
        from orchestrator.kernels.build import build

        package = build(_recipe(context.role, arguments.data()["recipe"]), package=True).package
        assert package is not None
        path = context.path(package.name)
        context.host.put(package, path, sudo=context.become)
        context.host.run(script(_INSTALL, path, sudo=context.become, time_limit=INSTALL_LIMIT_S))
        return {}


def _recipe(role: Role, text: str) -> Recipe:
    return load_recipe(text, role.folder, roles.search_path(role.folder))


MODULES = (KernelInstall(),)
