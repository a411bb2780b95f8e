"""``orchestrate schema``: print the JSON Schema of experiment files."""

from __future__ import annotations

import json

import click

from orchestrator.cli.results import emit
from orchestrator.experiment import schemas
from orchestrator.hosts.providers import options_schemas


@click.command()
def schema() -> None:
    """Print the JSON Schema (2020-12) of experiment files."""
    emit(json.dumps(schemas.experiment(options_schemas()), indent=2) + "\n")
