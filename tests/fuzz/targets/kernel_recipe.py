"""Kernel recipes."""

from __future__ import annotations

import yaml

from orchestrator.documents.document import read_file
from orchestrator.experiment.kernels import load_recipe
from tests.fuzz import mutation, scratch, seeds
from tests.fuzz.target import Target

KEYS = (
    "source",
    "git",
    "ref",
    "tarball",
    "package",
    "folder",
    "patches",
    "series",
    "b4",
    "config",
    "base",
    "fragments",
    "compiler",
)


def run(data: bytes) -> None:
    file = scratch.write("recipes/fuzzed.yaml", data)
    recipe = load_recipe(str(file), file.parent, [])
    again = yaml.dump(read_file(file).data(), sort_keys=False)
    scratch.write("recipes/fuzzed.yaml", again.encode())
    assert load_recipe(str(file), file.parent, []) == recipe


TARGET = Target(
    "kernel-recipe",
    run,
    ("orchestrator.experiment.kernels",),
    lambda: [
        *(
            text.replace(b"../files", bytes(seeds.ROOT / "roles" / "kernel" / "files"))
            for text in seeds.read("roles/kernel/recipes/*.yaml")
        ),
        b"source: {git: https://example.org/linux.git, ref: v6.1}\nconfig: {base: defconfig}\n",
        b"source: {package: linux-source-6.1}\npatches: [{b4: 20260101-a@b}]\nconfig: {base: running}\n",
    ],
    mutation.yaml_document(*KEYS),
)
