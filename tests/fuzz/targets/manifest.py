"""JSON files of a run, a bundle and the cache of kernels."""

from __future__ import annotations

import os

import msgspec

from orchestrator.bundle import layout
from orchestrator.errors import OrchestratorError
from orchestrator.kernels import store
from orchestrator.results import manifest
from tests.fuzz import mutation, scratch, seeds
from tests.fuzz.target import Target, raise_longest

BUNDLE = b"""{"format": 2, "type": "bundle", "run": "20261128T150054809Z-9609", "experiment": "quickstart",
"experiment_file": "experiment/quickstart.yaml", "content_hash": "00ff", "overrides": ["a=1"], "where": [], "limit": 0,
"ended": "2026-11-28T15:00:54.809Z", "environments": ["metal"], "program": {"version": "0.1.0", "commit": "",
"source_hash": "0f", "run_version": "0.1.0", "run_commit": "", "run_source_hash": "0f"}, "scrubbed": {"user": 1}}"""


def _kernel() -> bytes:
    fields = {field.name: "" for field in msgspec.structs.fields(store.Built) if field.required}
    return mutation.dump_json(
        {**fields, "hash": "0011223344556677", "recipe": "base", "patches": ["a.patch"]}
    )


KEYS = (
    "format",
    "type",
    "run",
    "experiment_file",
    "experiment_text",
    "packages",
    "roles",
    "kernels",
    "where",
    "limit",
)


def run(data: bytes) -> None:
    os.environ["XDG_CACHE_HOME"] = str(scratch.folder() / "cache")
    scratch.write("manifest/manifest.json", data)
    scratch.write("manifest/bundle.json", data)
    kernel = store.kernels_folder() / "0011223344556677" / store.FILE
    kernel.parent.mkdir(parents=True, exist_ok=True)
    kernel.write_bytes(data)
    folder = scratch.folder() / "manifest"
    refused: list[OrchestratorError] = []
    for read in (manifest.load, layout.read):
        try:
            read(folder)
        except OrchestratorError as error:
            refused.append(error)
    try:
        store.find("0011")
    except OrchestratorError as error:
        refused.append(error)
    raise_longest(refused)


TARGET = Target(
    "manifest",
    run,
    ("orchestrator.results.manifest", "orchestrator.bundle.layout", "orchestrator.results.migrations"),
    lambda: [BUNDLE, _kernel(), *seeds.read("*/*/*/manifest.json", below=seeds.RECORDED)],
    mutation.json_document(*KEYS),
)
