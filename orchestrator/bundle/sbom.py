"""``sbom.cdx.json``: what the run was made with, as a CycloneDX 1.6 bill of materials.

All of it is from the manifest, so it tells of the run's environment, whichever program exports it. The document has no
serial number and no time: two exports of a run have the same bytes. That is why cyclonedx-python-lib, which tests check
the document with, does not write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from orchestrator.bundle.requirements import normal
from orchestrator.results.manifest import OWN_PACKAGE, Manifest

_SHA256 = re.compile("[0-9a-f]{64}")

Component = dict[str, Any]


def document(manifest: Manifest, benchmark: str) -> dict[str, Any]:
    """Return the bill of materials of a run.

    :param benchmark: the name of the role that built the benchmark; empty if none did.
    """
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": _component(
                "application",
                OWN_PACKAGE,
                manifest.version,
                licence=manifest.licences.get(OWN_PACKAGE),
                properties={"commit": manifest.commit, "source": manifest.source},
            )
        },
        "components": [
            _component("platform", "Python", manifest.python),
            *_packages(manifest),
            *(_kernel(name, kernel) for name, kernel in manifest.kernels.items()),
            *_programs(manifest, benchmark),
        ],
    }


def _packages(manifest: Manifest) -> Iterator[Component]:
    """Yield the Python packages. Which file of a release was installed is not known, so neither is its hash."""
    for name, version in manifest.packages.items():
        if name != OWN_PACKAGE:
            component = _component("library", name, version, licence=manifest.licences.get(name))
            yield component | {"purl": f"pkg:pypi/{quote(normal(name))}@{quote(version)}"}


def _kernel(name: str, kernel: Mapping[str, Any]) -> Component:
    """Return a kernel with the Debian packages, the source and the patches that it is made of."""
    ingredients = kernel.get("ingredients") or {}
    package = ingredients.get("package") or kernel.get("package") or {}
    parts = [
        _component("library", *file.partition("=")[::2], sha256=sha256)
        for file, sha256 in (package.get("sha256") or {}).items()
    ]
    parts += [
        _component("file", patch["name"], sha256=patch["sha256"]) for patch in ingredients.get("patches", ())
    ]
    about = {key: kernel.get(key, "") for key in ("build_id", "config_hash", "hash")}
    about |= {key: ingredients.get(key, "") for key in ("source", "compiler", "linker")}
    component = _component(
        "operating-system", "linux", str(kernel.get("release", "")), properties={"kernel": name, **about}
    )
    return component | ({"components": parts} if parts else {})


def _programs(manifest: Manifest, benchmark: str) -> Iterator[Component]:
    """Yield what was executed on hosts: the benchmark, other programs of the trials, and the runner."""
    if benchmark:
        yield _component("application", benchmark, sha256=manifest.benchmark)
    for name, program in manifest.programs.items():
        if not benchmark or program.get("sha256") != manifest.benchmark:
            about = {"path": program.get("path", ""), "package": program.get("package", "")}
            yield _component("application", name, sha256=program.get("sha256", ""), properties=about)
    for machine, runner in manifest.runners.items():
        about = {"machine": machine, "source": runner.get("source", "")}
        yield _component("application", "runner", sha256=runner.get("sha256", ""), properties=about)


def _component(
    kind: str,
    name: str,
    version: str = "",
    *,
    sha256: str = "",
    licence: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
) -> Component:
    """Return a component with what is known of it."""
    component: Component = {"type": kind, "name": name}
    if version:
        component["version"] = version
    if _SHA256.fullmatch(sha256):
        component["hashes"] = [{"alg": "SHA-256", "content": sha256}]
    if licence:
        component["licenses"] = [{"license": licence} if "name" in licence else licence]
    if known := list(_properties((properties or {}).items())):
        component["properties"] = known
    return component


def _properties(pairs: Iterable[tuple[str, str]]) -> Iterator[dict[str, str]]:
    return ({"name": f"orchestrate:{name}", "value": value} for name, value in pairs if value)
