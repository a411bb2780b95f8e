"""Load an experiment file, or report all its faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from orchestrator.documents.document import JSONSchema, read_file
from orchestrator.documents.draft import Draft
from orchestrator.errors import BadInput
from orchestrator.experiment import programs, roles, schemas, sections, setting_names
from orchestrator.experiment.benchmark import BenchmarkReader
from orchestrator.experiment.comparison import ComparisonReader
from orchestrator.experiment.content import content_hash
from orchestrator.experiment.factors import SweepReader
from orchestrator.experiment.kernels import read_kernels
from orchestrator.experiment.model import Experiment, Role
from orchestrator.experiment.noise import noise
from orchestrator.experiment.overrides import apply_overrides
from orchestrator.experiment.tuning import tuning

_SWEEP = ("factors", "zip", "derive", "include", "exclude", "kernels")


def load(
    path: Path,
    *,
    provider_options: Mapping[str, JSONSchema] | None = None,
    overrides: Sequence[str] = (),
    role_path: Sequence[Path] = (),
    text: str | None = None,
    check_roles: Callable[[Sequence[Role]], None] | None = None,
) -> Experiment:
    """Read an experiment file.

    :param provider_options: JSON Schema of each provider's section; None accepts any provider.
    :param overrides: arguments of ``--set``, such as ``repetitions.count=5``.
    :param role_path: directories to search for roles before the default ones.
    :param text: the content of the file, as recorded by a run; None: as it is now.
    :param check_roles: raises ``BadInput`` with the faults of roles.

    Raises ``BadInput`` with every fault of the file and of the overrides.
    """
    node = read_file(path, text)
    apply_overrides(node, overrides)
    rules = schemas.experiment(provider_options, node.mapping("hosts"))
    draft = Draft(node, schemas.check(node, rules))
    role_path = roles.search_path(path, role_path)
    benchmark_reader = BenchmarkReader(draft, role_path)
    faults_before = len(draft.faults)
    kernels = read_kernels(draft, path.parent, role_path)
    sweep_reader = SweepReader(draft, benchmark_reader, kernels)
    sweep = sweep_reader.sweep()
    benchmark_reader.check_arguments(sweep_reader.names)
    # Cells are checked if all that they are made of can be read, whatever else is wrong.
    has_cells = (
        len(draft.faults) == faults_before
        and benchmark_reader.knows_arguments
        and benchmark_reader.knows_factors
        and all(draft.is_valid(section) for section in _SWEEP)
        and draft.is_valid("benchmark", "arguments")
    )
    benchmark = benchmark_reader.benchmark()
    programs.check_paths(draft, path.parent)
    faults_before = len(draft.faults)
    comparison_reader = ComparisonReader(draft, sweep_reader, benchmark)
    has_comparison = len(draft.faults) == faults_before and draft.is_valid("compare")
    experiment = Experiment(
        name=draft.value("name", default=_name(path)),
        description=draft.value("description", default="").strip(),
        file=path,
        content_hash="",
        hosts=sections.hosts(draft, benchmark_reader.min_nodes, sweep_reader.nodes()),
        kernels=kernels,
        roles=_roles(draft, role_path, benchmark_reader.role),
        tuning=tuning(draft),
        benchmark=benchmark,
        sweep=sweep,
        repetitions=sections.repetitions(draft),
        order=sections.order(draft),
        limits=sections.limits(draft),
        allow_unsupported=sweep_reader.allow_unsupported(),
        noise=noise(draft),
    )
    if has_cells:
        faults_before = len(draft.faults)
        sweep_reader.check_cells(sweep)
        if has_comparison and len(draft.faults) == faults_before:
            experiment = replace(experiment, compare=comparison_reader.comparison(sweep))
    if check_roles is not None:
        try:
            check_roles(experiment.roles)
        except BadInput as error:
            draft.faults += [fault for fault in error.faults if not isinstance(fault, str)]
    setting_names.warn(draft.node)
    draft.raise_faults()
    return replace(experiment, content_hash=content_hash(experiment))


def _name(path: Path) -> str:
    """Return the default name: the file's name with the characters of experiment names only."""
    return re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")[:64] or "experiment"


def _roles(draft: Draft, role_path: Sequence[Path], benchmark_role: Role | None) -> tuple[Role, ...]:
    """Return the roles of the file. The role of the benchmark comes last unless the file lists it."""
    listed = sections.roles(draft, role_path)
    if benchmark_role is None or benchmark_role.name in [role.name for role in listed]:
        return tuple(listed)
    return (*listed, benchmark_role)
