"""``orchestrate verify``: is a bundle as it was?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.errors import ExitCode


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--id", "identity", default="", metavar="ID", help="The bundle's id, as its maker told it.")
def verify(bundle: Path, identity: str) -> None:
    """Compare every byte of BUNDLE (an archive or a folder) with what it was, and name what is not.

    Exit code 2: something was changed, added or taken away.
    """
    from orchestrator.bundle.opening import verify as check

    verified = check(bundle)
    for fault in verified.faults:
        click.echo(f"orchestrate: {fault}", err=True)
    if identity and not (len(identity) >= 8 and verified.identity.startswith(identity.lower())):
        click.echo(f"orchestrate: the bundle's id is {verified.identity}, not {identity}", err=True)
        sys.exit(ExitCode.BAD_INPUT)
    if verified.faults:
        sys.exit(ExitCode.BAD_INPUT)
    click.echo(f"{bundle}: {verified.files} files as they were, id {verified.identity}")
