"""Experiment files, as ``orchestrate validate`` and ``plan`` read them."""

from __future__ import annotations

import itertools

import yaml

from orchestrator.documents.document import read_file
from orchestrator.hosts.provider_choice import choose_provider
from orchestrator.plan import Plan
from orchestrator.provision.experiments import load_experiment
from tests.fuzz import mutation, scratch, seeds
from tests.fuzz.target import Target

KEYS = (
    *("hosts", "kernels", "roles", "tuning", "benchmark", "factors", "derive", "zip", "include", "exclude"),
    *(
        "repetitions",
        "order",
        "limits",
        "noise",
        "compare",
        "allow_unsupported",
        "needs",
        "provider",
        "fleet",
    ),
    *("range", "geometric", "levels", "recipe", "patches", "image", "package", "suite", "boot", "arguments"),
    *(
        "metrics",
        "command",
        "regex",
        "json",
        "key_value",
        "usage",
        "breakdown",
        "exit_codes",
        "sysctl",
        "sysfs",
    ),
)


def run(data: bytes) -> None:
    file = scratch.write("fuzzed.yaml", data)
    experiment = load_experiment(file)
    plan = Plan(experiment, first=5)
    assert sum(plan.trials_in(block) for block in plan.blocks()) == plan.trial_count
    for block in plan.blocks():
        list(itertools.islice(plan.trials(block), 3))
    if experiment.hosts.provider != "ssh":
        choose_provider(experiment)
    scratch.write("fuzzed.yaml", yaml.dump(read_file(file).data(), sort_keys=False).encode())
    assert load_experiment(file).content_hash == experiment.content_hash


TARGET = Target(
    "experiment",
    run,
    ("orchestrator.experiment", "orchestrator.documents", "orchestrator.plan"),
    lambda: [*seeds.read("experiments/*.yaml"), *seeds.read("*.yaml", below=seeds.DAMAGED)],
    mutation.yaml_document(*KEYS),
)
