"""``orchestrate verify``: check that a bundle is intact."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.cli.output import echo
from orchestrator.errors import ExitCode
from orchestrator.units import plural


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--id",
    "identity",
    default="",
    metavar="ID",
    help="Also check the id of the bundle: the ID that its author published, or at least 8 digits of it.",
)
@click.option("-v", "--verbose", is_flag=True, help="Name every damaged file.")
def verify(bundle: Path, identity: str, verbose: bool) -> None:
    """Check that a bundle is intact.

    Checks every byte of BUNDLE, an archive or a directory, and names files that were modified, added or removed.
    Exit code 2 if there is one, or if the id differs.
    """
    from orchestrator.bundle.verify import verify as check

    result = check(bundle)
    for line in result.damage if verbose else result.summary():
        echo(f"orchestrate: {line}", err=True)
    other_id = identity and not (len(identity) >= 8 and result.identity.startswith(identity.lower()))
    if other_id:
        echo(f"orchestrate: the bundle's id is {result.identity}, not {identity}", err=True)
    if other_id or result.damage:
        sys.exit(ExitCode.BAD_INPUT)
    echo(f"{bundle}: OK, {plural(result.files, 'file')}, id {result.identity}")
