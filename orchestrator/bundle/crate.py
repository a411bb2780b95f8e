"""``ro-crate-metadata.json``: the bundle as an RO-Crate 1.1 with the Workflow Run Crate profile 0.5.

The experiment file is the workflow, the orchestrator its engine, the run one ``CreateAction``. The library ``rocrate``
is not used: it writes the current time and random identifiers, and two exports of a run must have the same bytes.
Profiles: https://w3id.org/ro/wfrun/workflow/0.5, https://w3id.org/ro/crate/1.1
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orchestrator.bundle import layout
from orchestrator.bundle.layout import Description
from orchestrator.results.manifest import Manifest

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_ENCODED = re.compile("[^A-Za-z0-9._~/\u00a0-\U0010ffff-]")
"""Characters of file names that are percent-encoded in identifiers. RO-Crate asks for others as they are."""

_MEDIA_TYPES = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".yaml": "application/yaml",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".html": "text/html",
    ".py": "text/x-python",
    ".c": "text/x-c",
    ".h": "text/x-c",
    ".sh": "text/x-shellscript",
    ".patch": "text/x-diff",
    ".log": "text/plain",
    ".txt": "text/plain",
    ".xml": "application/xml",
}


def document(
    folder: Path, files: Iterable[str], description: Description, manifest: Manifest, about: str
) -> dict[str, Any]:
    """Return the metadata of a bundle.

    :param files: paths of all other files, which exist in ``folder``.
    :param about: the description of the experiment.
    """
    files = [name for name in files if name not in (layout.CRATE, layout.SUMS, layout.SUMS_CHECKSUM)]
    inputs = [
        name
        for name in files
        if name.startswith(f"{layout.EXPERIMENT}/") and name != description.experiment_file
    ]
    results = [name for name in files if name.startswith((f"{layout.RUN}/", f"{layout.REPORT}/"))]
    results.append(layout.ENVIRONMENT)
    action = f"#run-{description.run}"
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{description.experiment}: run {description.run}",
        "description": about,
        "datePublished": description.ended,
        "license": _ref("#licence"),
        "conformsTo": [_ref(profile) for profile in PROFILES],
        "mainEntity": _file_ref(description.experiment_file),
        "hasPart": [_file_ref(name) for name in files],
        "mentions": _ref(action),
    }
    graph = [
        {
            "@id": layout.CRATE,
            "@type": "CreativeWork",
            "about": _ref("./"),
            "conformsTo": [
                _ref("https://w3id.org/ro/crate/1.1"),
                _ref("https://w3id.org/workflowhub/workflow-ro-crate/1.0"),
            ],
        },
        root,
        *({"@id": i, "@type": "CreativeWork", "name": n, "version": v} for i, (n, v) in PROFILES.items()),
        *_contextual(description, manifest),
        {
            "@id": action,
            "@type": "CreateAction",
            "name": shlex.join(["orchestrate", "run", manifest.experiment_file]),
            "description": f"Environments: {', '.join(description.environments)}.",
            "actionStatus": "http://schema.org/CompletedActionStatus",
            "startTime": _iso(manifest.started),
            "endTime": _iso(description.ended),
            "instrument": _file_ref(description.experiment_file),
            "object": [_file_ref(name) for name in inputs],
            "result": [_file_ref(name) for name in results],
        },
        *(_file(folder, name, description) for name in files),
    ]
    return {"@context": CONTEXT, "@graph": graph}


def _contextual(description: Description, manifest: Manifest) -> list[dict[str, Any]]:
    commit = f", commit {manifest.commit}" if manifest.commit else ""
    return [
        {
            "@id": "#licence",
            "@type": "CreativeWork",
            "name": "Licence",
            "description": f"{layout.PROGRAM}/LICENSE (MIT) applies to the program and its roles. "
            "For everything else ask the publisher of the bundle.",
        },
        {
            "@id": "#experiment-file",
            "@type": "ComputerLanguage",
            "name": "Experiment file of orchestrate",
            "description": "YAML; program/docs/experiment-file.md",
            "version": "1",
        },
        {
            "@id": "#orchestrate",
            "@type": "SoftwareApplication",
            "name": "orchestrate",
            "version": manifest.version,
            "description": f"The program that made the run{commit}. "
            f"{layout.PROGRAM}/ holds the source of version {description.program.version}.",
        },
    ]


def _file(folder: Path, name: str, description: Description) -> dict[str, Any]:
    path = folder / name
    entity: dict[str, Any] = {
        **_file_ref(name),
        "@type": "File",
        "name": name,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": _MEDIA_TYPES.get(
            path.suffix, "text/plain" if path.suffix in ("", ".config") else "application/octet-stream"
        ),
    }
    if name == description.experiment_file:
        entity |= {
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "conformsTo": _ref("https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"),
            "name": description.experiment,
            "version": description.content_hash[:12],
            "programmingLanguage": _ref("#experiment-file"),
        }
    if name == layout.README:
        entity["about"] = _ref("./")
    if name == f"{layout.RUN}/journal.jsonl":
        entity["description"] = "One record per trial and boot."
    return entity


def _iso(time: str) -> str:
    """Return a time in the notation of the profile."""
    return time.replace("Z", "+00:00")


def _file_ref(name: str) -> dict[str, str]:
    """Refer to a file of the bundle. An ``@id`` is an IRI, not a path."""
    return _ref(_ENCODED.sub(lambda match: quote(match[0]), name))


def _ref(identity: str) -> dict[str, str]:
    return {"@id": identity}
