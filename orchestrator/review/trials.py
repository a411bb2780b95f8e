"""What the trials of a run execute and set, what is read from them, and their limits."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import islice

from msgspec import to_builtins

from orchestrator.experiment.model import Experiment
from orchestrator.plan import Plan
from orchestrator.provision.module import Caution
from orchestrator.review import cautions
from orchestrator.review.model import Entry, distinct
from orchestrator.review.places import Places
from orchestrator.units import format_duration, plural

COMMANDS_SHOWN = 40
COMMANDS_COUNTED = 50_000
"""Cells whose commands are compared: so many take a second."""

_DURATIONS = frozenset({"trial", "boot", "settle"})
"""Limits in seconds."""


def settings(experiment: Experiment, places: Places) -> Iterator[Entry]:
    """Yield each setting of the host during a block, with its value."""
    for setting in experiment.tuning.settings:
        optional = " (if the host has it)" if setting.optional or setting.off_if_missing else ""
        yield Entry(f"{setting.path} = {setting.value}{optional}", places.of("tuning"), cautions=("root",))
    if experiment.tuning.cpus:
        yield Entry(f"trials run on CPUs {experiment.tuning.cpus}", places.of("tuning", "placement"))


def entries(plan: Plan, places: Places, *, root: bool) -> Iterator[Entry]:
    """Yield the command of the trials and each factor."""
    experiment = plan.experiment
    yield _command(plan, places, root)
    for axis in experiment.sweep.axes:
        for factor in axis.factors:
            is_setting = factor.name.startswith(("sysctl.", "sysfs."))
            levels = ", ".join(level.text for level in factor.levels)
            section = "factors" if len(axis.factors) == 1 else "zip"
            path = (section, factor.name) if section == "factors" else (section,)
            yield Entry(
                f"factor {factor.name}: {levels}",
                places.of(*path),
                ("a setting of the host during each trial",) if is_setting else (),
                cautions=("root",) if is_setting else (),
            )
    for derived in experiment.sweep.derived:
        yield Entry(f"factor {derived.name}: {derived.expression}", places.of("derive", derived.name))


def _command(plan: Plan, places: Places, root: bool) -> Entry:
    benchmark = plan.experiment.benchmark
    counted = list(islice(plan.cells(), COMMANDS_COUNTED))
    lines = list(dict.fromkeys(shlex.join(cell.argv) for cell in counted))
    more = plan.cell_count - len(counted)
    template = [*benchmark.command, *(f"[--{name.replace('_', '-')}=…]" for name in benchmark.options)]
    fixed = ", ".join(f"{name}={level.text}" for name, level in benchmark.arguments.items())
    left = len(lines) - COMMANDS_SHOWN
    at_least = "at least " if more > 0 else ""
    own: tuple[Caution, ...] = ("root",) if root else ()
    return Entry(
        f"benchmark {benchmark.name}: {' '.join(template)}",
        places.of("benchmark"),
        (
            f"{plural(plan.cell_count, 'cell')}, {plural(plan.trial_count, 'trial')}, "
            f"{at_least}{plural(len(lines), 'different command line')}",
            *((f"arguments: {fixed}",) if fixed else ()),
            *(("run as root",) if root else ()),
        ),
        (*lines[:COMMANDS_SHOWN], *((f"... and {left} more",) if left > 0 else ())),
        distinct((*own, *cautions.in_commands(lines))),
    )


def collected(experiment: Experiment, places: Places) -> Iterator[Entry]:
    """Yield what is read from each trial and brought to the controller."""
    for metric in experiment.benchmark.metrics:
        selector = metric.selector if isinstance(metric.selector, str) else ".".join(metric.selector)
        of = "the host's account of the trial" if metric.source == "usage" else metric.stream
        where = places.of("benchmark", "metrics", metric.name)
        yield Entry(f"metric {metric.name}: {metric.source} {selector} of {of}", where)
    yield Entry("of each trial: exit code, times, settings, output, kernel messages, counters of the kernel")
    yield Entry("of each boot: facts about hardware, kernel, compilers and packages")


def limits(experiment: Experiment, places: Places) -> Iterator[Entry]:
    """Yield the limits of the run."""
    for key, value in to_builtins(experiment.limits).items():
        if value is not None:
            text = format_duration(value) if key in _DURATIONS else f"{value:g}"
            yield Entry(f"{key}: {text}", places.of("limits", key))
