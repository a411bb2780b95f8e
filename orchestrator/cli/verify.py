"""``orchestrate verify``: check that a bundle is intact."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.errors import ExitCode
from orchestrator.units import plural


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--id",
    "identity",
    default="",
    metavar="ID",
    help="The id that the author of the bundle published; at least its first 8 digits.",
)
def verify(bundle: Path, identity: str) -> None:
    """Check every byte of BUNDLE, an archive or a directory, and name each damaged file.

    Exit code 2: a file was modified, added or removed, or the id differs.
    """
    from orchestrator.bundle.verify import verify as check

    result = check(bundle)
    for damage in result.damage:
        click.echo(f"orchestrate: {damage}", err=True)
    other_id = identity and not (len(identity) >= 8 and result.identity.startswith(identity.lower()))
    if other_id:
        click.echo(f"orchestrate: the bundle's id is {result.identity}, not {identity}", err=True)
    if other_id or result.damage:
        sys.exit(ExitCode.BAD_INPUT)
    click.echo(f"{bundle}: OK, {plural(result.files, 'file')}, id {result.identity}")
