"""``orchestrate kernel``: build kernels from recipes; list, show and remove kernels in the cache."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import complete
from orchestrator.cli.options import Group
from orchestrator.cli.output import echo
from orchestrator.errors import BadInput

if TYPE_CHECKING:
    from orchestrator.kernels.store import Built

DAY_S = 86400.0


@click.group(cls=Group)
def kernel() -> None:
    """Build kernels from recipes and manage the cache of kernels."""


@kernel.command()
@click.argument(
    "names",
    metavar="(RECIPE|EXPERIMENT.yaml)...",
    nargs=-1,
    required=True,
    shell_complete=complete.recipes_or_file,
)
@click.option("--package", is_flag=True, help="Also build a Debian package.")
@click.option(
    "--arch",
    type=click.Choice(["x86_64", "arm64", "ppc64le"]),
    help="Architecture of the kernels. Default: that of this machine.",
)
def build(names: tuple[str, ...], package: bool, arch: str | None) -> None:
    """Build kernels from recipes.

    RECIPE is a name or a file. Of an experiment file, all recipes that it names are built. Prints the directory of each
    kernel. Kernels in the cache are not rebuilt.
    """
    from orchestrator import architectures
    from orchestrator.cli.progress import building
    from orchestrator.kernels.build import build, check_patches
    from orchestrator.provision.experiments import load_recipes

    recipes = [recipe for name in names for recipe in load_recipes(name)]
    architecture = architectures.find(arch or "")
    for recipe in recipes[1:]:  # the build of the first begins with its patches
        with building(recipe.name or "kernel") as on_progress:
            check_patches(recipe, on_progress, architecture)
    for recipe in recipes:
        with building(recipe.name or "kernel") as on_progress:
            built = build(recipe, on_progress, package, architecture)
        echo(built.folder)


@kernel.command("list")
def list_() -> None:
    """List the kernels in the cache, most recently used first."""
    from tabulate import tabulate

    from orchestrator.kernels import store

    rows = [
        [
            built.hash,
            built.recipe or "-",
            built.release,
            built.architecture,
            len(built.ingredients["patches"]),
            _mebibytes(store.size(built.folder)),
            datetime.fromisoformat(built.built).astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
            time.strftime("%Y-%m-%d %H:%M", time.gmtime(store.last_used(built))),
        ]
        for built in store.kernels()
    ]
    if not rows:
        echo(
            f"no kernels in {store.kernels_folder()}; build one with 'orchestrate kernel build RECIPE'",
            err=True,
        )
        return
    echo(
        tabulate(
            rows, ["kernel", "recipe", "release", "arch", "patches", "size", "built (UTC)", "used (UTC)"]
        )
    )


@kernel.command()
@click.argument("name", metavar="(HASH|RECIPE)", shell_complete=complete.kernels)
def show(name: str) -> None:
    """Show the ingredients and the build id of a kernel.

    The ingredients are the source, the patches, the configuration, the compiler and the linker.
    """
    for key, value in _facts(_find(name)):
        echo(f"{key + ':':16}{value}")


@kernel.command()
@click.option(
    "--unused-for",
    metavar="DURATION",
    default="30d",
    show_default=True,
    help="Remove what has not been used for this time, such as 12h or 7d; 0: everything.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
def gc(unused_for: str, dry_run: bool) -> None:
    """Remove unused files from the cache of kernels.

    These are kernels, sources, build directories and packages. Files in use are kept.
    """
    from orchestrator.kernels import collect

    freed = 0
    for item in collect.removable(_seconds(unused_for)):
        shown = f"{item.kind} {item.folder.name}, {_mebibytes(item.size)}, unused for {item.idle / DAY_S:.1f} days"
        if dry_run:
            echo(f"would remove {shown}")
        elif collect.remove(item):
            freed += item.size
            echo(f"removed {shown}")
        else:
            echo(f"skipped (in use): {shown}")
    if not dry_run:
        echo(f"{_mebibytes(freed)} freed")


def _find(name: str) -> Built:
    """Return a kernel of the cache; ``BadInput`` says how to build it if ``name`` is a recipe that was not built."""
    from orchestrator.experiment import roles
    from orchestrator.experiment.kernels import find_recipe, recipe_names
    from orchestrator.kernels import store

    folder = Path.cwd()
    search_path = roles.search_path(folder / "recipe.yaml")
    is_file = "/" in name or name.endswith((".yaml", ".yml"))
    recipe = find_recipe(name, folder, search_path).stem if is_file else name
    is_cached = any(built.recipe == recipe or built.hash.startswith(recipe) for built in store.kernels())
    if not is_cached and (is_file or name in recipe_names(search_path)):
        command = shlex.join(["orchestrate", "kernel", "build", name])
        raise BadInput(f"recipe {name} is not built yet; build it with: {command}")
    return store.find(recipe)


def _facts(built: Built) -> list[tuple[str, object]]:
    ingredients = built.ingredients
    config = ingredients["config"]
    patches = [f"{patch['name']} {patch['sha256'][:12]}" for patch in ingredients["patches"]]
    return [
        ("kernel", built.hash),
        ("recipe", built.recipe or "-"),
        ("release", built.release),
        ("architecture", built.architecture),
        ("build id", built.build_id),
        ("configuration", f"{built.config_hash} (base {config['base']}, {len(config['requests'])} options)"),
        ("source", ingredients["source"] + _suite(ingredients)),
        ("compiler", ingredients["compiler"]),
        ("linker", ingredients["linker"]),
        *(("patch", patch) for patch in patches),
        ("built", f"{built.built}, in {built.seconds:.0f} s"),
        ("image", built.image),
        *([("modules", built.modules)] if built.modules else []),
        *([("package", built.package)] if built.package else []),
    ]


def _suite(ingredients: Mapping[str, Any]) -> str:
    suite = ingredients.get("package", {}).get("suite")
    return f", suite {suite}" if suite else ""


def _seconds(text: str) -> float:
    from orchestrator.units import parse_duration

    try:
        return parse_duration(text)
    except BadInput as error:
        raise BadInput(f"--unused-for: {error}") from None


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.0f} MiB"
