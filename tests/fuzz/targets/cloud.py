"""clouds.yaml, flavors of OpenStack sites, and what machines have reported of their types."""

from __future__ import annotations

import os
from types import SimpleNamespace

import yaml

from orchestrator.errors import OrchestratorError
from orchestrator.experiment.model import Needs
from orchestrator.hosts.openstack import clouds_yaml, flavors
from orchestrator.hosts.rented import machine_types
from tests.fuzz import mutation, scratch
from tests.fuzz.target import Target, raise_longest

CLOUDS = b"""clouds:
  site: {auth: {auth_url: https://example.org:5000, username: u, password: p, project_name: x}, region_name: R}
"""
SPECS = b"hw:numa_nodes: '2'\nhw:cpu_arch: aarch64\ntrait:HW_ARCH_AARCH64: required\nresources:CUSTOM_METAL: '1'\n"
REPORTED = b'{"compute_skylake": {"cpus": 48, "nodes": 2, "memory": 206158430208}}'


def run(data: bytes) -> None:
    os.environ["XDG_CACHE_HOME"] = str(scratch.folder() / "cloud")
    scratch.write("cloud/orchestrate/machine-types/openstack.json", data)
    refused: list[OrchestratorError] = []
    try:
        clouds_yaml.check([str(scratch.write("clouds.yaml", data))])
    except OrchestratorError as error:
        refused.append(error)
    known = machine_types.shipped("openstack")
    try:
        specs = yaml.load(data, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        specs = None
    if isinstance(specs, dict) and all(isinstance(word, str) for pair in specs.items() for word in pair):
        flavor = SimpleNamespace(name="f", vcpus=8, ram=16384, extra_specs=specs)
        try:
            flavors.suitable([flavor], (), Needs(numa_nodes=2), known)
        except OrchestratorError as error:
            refused.append(error)
    raise_longest(refused)


TARGET = Target(
    "cloud",
    run,
    (
        "orchestrator.hosts.openstack.clouds_yaml",
        "orchestrator.hosts.openstack.flavors",
        "orchestrator.hosts.rented.machine_types",
    ),
    lambda: [CLOUDS, SPECS, REPORTED],
    mutation.yaml_document(
        "clouds", "auth", "region_name", "hw:numa_nodes", "trait:X", "resources:CUSTOM_X", "cpus"
    ),
)
