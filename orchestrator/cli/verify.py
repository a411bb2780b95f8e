"""``orchestrate verify``: check that a bundle is intact."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.bundle.origin import Origin
from orchestrator.cli.options import origin_options
from orchestrator.cli.output import echo
from orchestrator.errors import ExitCode
from orchestrator.units import plural


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@origin_options
@click.option("-v", "--verbose", is_flag=True, help="Name every damaged file.")
def verify(bundle: Path, origin: Origin, verbose: bool) -> None:
    """Check that a bundle is intact.

    Checks every byte of BUNDLE, an archive or a directory, and names files that were modified, added or removed.
    Exit code 2 if there is one, or if the id or the signer differs. The signature is BUNDLE.sig.
    """
    from orchestrator.bundle.verify import verify as check

    result = check(bundle)
    lines = result.damage if verbose else result.summary()
    other_id = origin.other_id(result.identity)
    for line in (*lines, *filter(None, [other_id])):
        echo(f"orchestrate: {line}", err=True)
    if other_id or result.damage:
        sys.exit(ExitCode.BAD_INPUT)
    signed = origin.check(bundle, result.identity, result.sums)
    echo(f"{bundle}: OK, {plural(result.files, 'file')}, id {result.identity}")
    echo(f"{bundle}: {signed}")
