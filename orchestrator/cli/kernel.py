"""``orchestrate kernel``: build kernels from recipes, look at those that are kept, make room."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import load_experiment
from orchestrator.errors import BadInput

if TYPE_CHECKING:
    from orchestrator.experiment.model import Recipe
    from orchestrator.kernels.store import Built

DAY_S = 86400.0


@click.group()
def kernel() -> None:
    """Build kernels from recipes and keep them."""


@kernel.command()
@click.argument("what", metavar="RECIPE|FILE.yaml...", nargs=-1, required=True)
@click.option("--package", is_flag=True, help="Make a Debian package as well, to install on a machine.")
def build(what: tuple[str, ...], package: bool) -> None:
    """Build the kernels of recipes, or all those that an experiment file asks for.

    Prints the folder of each. A kernel that is in the cache is not built again.
    """
    from orchestrator.cli.progress import building
    from orchestrator.kernels.build import build

    recipes = [recipe for text in what for recipe in _recipes(text)]
    for recipe in recipes:
        with building(recipe.name or "kernel") as say:
            built = build(recipe, say, package)
        click.echo(built.folder)


@kernel.command("list")
def list_() -> None:
    """List the kernels of the cache, those used last first."""
    from tabulate import tabulate

    from orchestrator.kernels import store

    rows = [
        [
            built.hash,
            built.recipe or "-",
            built.release,
            len(built.ingredients["patches"]),
            _rounded(store.size(built.folder)),
            datetime.fromisoformat(built.built).astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
            time.strftime("%Y-%m-%d %H:%M", time.gmtime(store.last_used(built))),
        ]
        for built in store.kernels()
    ]
    if not rows:
        click.echo(
            f"no kernel in {store.kernels_folder()}; `orchestrate kernel build RECIPE` makes one", err=True
        )
        return
    click.echo(
        tabulate(rows, ["kernel", "recipe", "release", "patches", "size", "built (UTC)", "used (UTC)"])
    )


@kernel.command()
@click.argument("name", metavar="HASH|RECIPE")
def show(name: str) -> None:
    """Show what a kernel is made of and what proves it."""
    from orchestrator.kernels import store

    for key, value in _facts(store.find(name)):
        click.echo(f"{key + ':':16}{value}")


@kernel.command()
@click.option(
    "--unused-for",
    metavar="DURATION",
    default="30d",
    show_default=True,
    help="Remove what was not used for so long, such as 12h or 7d; 0: everything.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def gc(unused_for: str, dry_run: bool) -> None:
    """Remove kernels, sources and workspaces of the cache that were not used for a while."""
    from orchestrator.kernels import collect

    freed = 0
    for item in collect.removable(_seconds(unused_for)):
        told = (
            f"{item.what} {item.folder.name}, {_rounded(item.size)}, unused for {item.idle / DAY_S:.1f} days"
        )
        if dry_run:
            click.echo(f"would remove {told}")
        elif collect.remove(item):
            freed += item.size
            click.echo(f"removed {told}")
        else:
            click.echo(f"in use, kept: {told}")
    if not dry_run:
        click.echo(f"{_rounded(freed)} freed")


def _recipes(text: str) -> list[Recipe]:
    """The recipe of this name or file, or those of an experiment file."""
    from orchestrator.documents.document import read_file
    from orchestrator.experiment import roles
    from orchestrator.experiment.kernels import load_recipe

    folder = Path.cwd()
    path = Path(text)
    if path.suffix in (".yaml", ".yml") and read_file(path).get("benchmark") is not None:
        experiment = load_experiment(path, ())
        found = [kernel.recipe for kernel in experiment.kernels if kernel.recipe is not None]
        if not found:
            raise BadInput(f"{text}: none of its kernels is built from a recipe")
        return found
    return [load_recipe(text, folder, roles.search_path(folder / "recipe.yaml"))]


def _facts(built: Built) -> list[tuple[str, object]]:
    made_of = built.ingredients
    config = made_of["config"]
    patches = [f"{patch['name']} {patch['sha256'][:12]}" for patch in made_of["patches"]]
    return [
        ("kernel", built.hash),
        ("recipe", built.recipe or "-"),
        ("release", built.release),
        ("build id", built.build_id),
        ("configuration", f"{built.config_hash} (base {config['base']}, {len(config['requests'])} requests)"),
        ("source", made_of["source"]),
        ("compiler", made_of["compiler"]),
        ("linker", made_of["linker"]),
        *(("patch", patch) for patch in patches),
        ("built", f"{built.built}, in {built.seconds:.0f} s"),
        ("image", built.image),
        *([("modules", built.modules)] if built.modules else []),
        *([("package", built.package)] if built.package else []),
    ]


def _seconds(text: str) -> float:
    from orchestrator.units import parse_duration

    try:
        return parse_duration(text)
    except BadInput as error:
        raise BadInput(f"--unused-for: {error}") from None


def _rounded(size: int) -> str:
    return f"{size / 1024**2:.0f} MiB"
