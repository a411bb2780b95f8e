"""Load experiment files and recipes with everything that they name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.documents.document import read_file
from orchestrator.errors import BadInput
from orchestrator.experiment import roles
from orchestrator.experiment.kernels import load_recipe
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment, Recipe
from orchestrator.hosts.providers import options_schemas
from orchestrator.provision.loading import check_roles


def load_experiment(file: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Load an experiment file; check the section of its provider and its roles.

    :param overrides: arguments of ``--set``.

    Raises ``BadInput`` with every fault.
    """
    return load(file, provider_options=options_schemas(), overrides=overrides, check_roles=check_roles)


def load_recipes(name: str) -> list[Recipe]:
    """Return the recipe with this name or path, or all recipes of an experiment file.

    Raises ``BadInput`` if there is none.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and read_file(path).get("benchmark") is not None:
        kernels = load_experiment(path).kernels
        recipes = [kernel.recipe for kernel in kernels if kernel.recipe is not None]
        if not recipes:
            raise BadInput(f"{name}: no kernel of this experiment has a recipe")
        return recipes
    folder = Path.cwd()
    return [load_recipe(name, folder, roles.search_path(folder / "recipe.yaml"))]
