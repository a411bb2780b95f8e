"""From an experiment file to an :class:`Experiment`, or to every fault that the file has."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.documents.document import read_file
from orchestrator.documents.draft import Draft
from orchestrator.documents.schema import JSONSchema
from orchestrator.experiment import overrides as override_texts
from orchestrator.experiment import roles as role_folders
from orchestrator.experiment import schemas, sections
from orchestrator.experiment.benchmark import Program
from orchestrator.experiment.comparison import ComparisonReader
from orchestrator.experiment.content import content_hash
from orchestrator.experiment.factors import SweepReader
from orchestrator.experiment.kernels import kernels as read_kernels
from orchestrator.experiment.model import Experiment, Role
from orchestrator.experiment.noise import noise
from orchestrator.experiment.tuning import tuning


def load(
    path: Path,
    *,
    provider_options: Mapping[str, JSONSchema] | None = None,
    overrides: Sequence[str] = (),
    role_path: Sequence[Path] = (),
) -> Experiment:
    """Read an experiment file.

    :param provider_options: JSON Schema of the file's section for each provider that there is; without it any
        provider is accepted.
    :param overrides: texts of ``--set``, such as ``repetitions.count=5``.
    :param role_path: folders to search for roles before the usual ones.

    Raises ``BadInput`` with every fault of the file and of the overrides.
    """
    node = read_file(path)
    override_texts.apply(node, overrides)
    draft = Draft(node, schemas.check(node, schemas.experiment(provider_options)))
    searched = role_folders.search_path(path, role_path)
    program = Program(draft, searched)
    kernels = read_kernels(draft, path.parent, searched)
    reader = SweepReader(draft, program, kernels)
    sweep = reader.sweep()
    program.check_arguments(reader.names)
    benchmark = program.benchmark()
    compared = ComparisonReader(draft, reader, benchmark)
    experiment = Experiment(
        name=draft.value("name", default=_name(path)),
        description=draft.value("description", default="").strip(),
        file=path,
        content_hash="",
        hosts=sections.hosts(draft, max(program.least_nodes, reader.least_nodes())),
        kernels=kernels,
        roles=_roles(draft, searched, program.role),
        tuning=tuning(draft),
        benchmark=benchmark,
        sweep=sweep,
        repetitions=sections.repetitions(draft),
        order=sections.order(draft),
        limits=sections.limits(draft),
        allow_unsupported=reader.allowed(),
        noise=noise(draft),
    )
    draft.close()
    reader.check_cells(sweep)
    draft.close()
    experiment = dataclasses.replace(experiment, compare=compared.comparison(sweep))
    draft.close()
    return dataclasses.replace(experiment, content_hash=content_hash(experiment))


def _name(path: Path) -> str:
    """Make a name that is fit for a folder of the file's."""
    return re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")[:64] or "experiment"


def _roles(draft: Draft, searched: Sequence[Path], own: Role | None) -> tuple[Role, ...]:
    """The roles of the file, the benchmark's own last unless the file places it."""
    listed = sections.roles(draft, searched)
    there = own is None or own.name in [role.name for role in listed]
    return tuple(listed) if own is None or there else (*listed, own)
