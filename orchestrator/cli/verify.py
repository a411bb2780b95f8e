"""``orchestrate verify``: check that a bundle is intact."""

from __future__ import annotations

import os
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
@click.option(
    "--signer",
    default="",
    metavar="NAME",
    help="Also check that NAME, a principal of --allowed-signers, signed the bundle.",
)
@click.option(
    "--allowed-signers",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The keys of signers, in the format ALLOWED SIGNERS of ssh-keygen(1).",
)
@click.option(
    "--revoked-keys",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Public keys whose signatures are refused, or a key revocation list (KRL).",
)
@click.option("-v", "--verbose", is_flag=True, help="Name every damaged file.")
def verify(
    bundle: Path,
    identity: str,
    signer: str,
    allowed_signers: Path | None,
    revoked_keys: Path | None,
    verbose: bool,
) -> None:
    """Check that a bundle is intact.

    Checks every byte of BUNDLE, an archive or a directory, and names files that were modified, added or removed.
    Exit code 2 if there is one, or if the id or the signer differs. The signature is BUNDLE.sig.
    """
    if bool(signer) != bool(allowed_signers):
        raise click.UsageError("--signer and --allowed-signers require each other")
    if revoked_keys and not signer:
        raise click.UsageError("--revoked-keys requires --signer")
    from orchestrator.bundle import signature
    from orchestrator.bundle.verify import verify as check

    result = check(bundle)
    for line in result.damage if verbose else result.summary():
        echo(f"orchestrate: {line}", err=True)
    other_id = identity and not (len(identity) >= 8 and result.identity.startswith(identity.lower()))
    if other_id:
        echo(f"orchestrate: the bundle's id is {result.identity}, not {identity}", err=True)
    if other_id or result.damage:
        sys.exit(ExitCode.BAD_INPUT)
    signed = "not signed"
    file = signature.find(bundle)
    if allowed_signers is not None:
        by = signature.Signer(signer, allowed_signers, revoked_keys)
        signed = f"signed by {signer} with {signature.check_signer(file, result.sums, by)}"
    elif os.path.lexists(file):  # a link that leads nowhere is no missing signature
        key = signature.check(file, result.sums)
        signed = f"signed with {key}, which was not checked: name its owner with --signer"
    echo(f"{bundle}: OK, {plural(result.files, 'file')}, id {result.identity}")
    echo(f"{bundle}: {signed}")
