"""``ro-crate-metadata.json``: the bundle as an RO-Crate 1.1 with the Workflow Run Crate profile 0.5.

The experiment file is the workflow, the orchestrator its engine, the run one ``CreateAction``. Written here, not by the
library ``rocrate``: that one puts in the time and identifiers of the moment, and the bytes of a bundle are to follow from its run.
Profiles: https://w3id.org/ro/wfrun/workflow/0.5, https://w3id.org/ro/crate/1.1
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orchestrator.bundle import layout
from orchestrator.bundle.layout import Description
from orchestrator.results.manifest import Manifest

CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_FORMS = {
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
_WORKFLOW_TYPES = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]


def document(
    folder: Path, files: Iterable[str], description: Description, manifest: Manifest, about: str
) -> dict[str, Any]:
    """Return the metadata of a bundle whose other files, at these paths in ``folder``, are all there.

    :param about: one sentence or more on the experiment.
    """
    files = [name for name in files if name not in (layout.CRATE, layout.SUMS, layout.SEAL)]
    inputs = [name for name in files if name.startswith(f"{layout.EXPERIMENT}/") and name != description.file]
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
        "mainEntity": _ref(description.file),
        "hasPart": [_ref(name) for name in files],
        "mentions": [_ref(action)],
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
            "name": f"orchestrate run {manifest.experiment_file}",
            "description": f"Environments: {', '.join(description.environments)}.",
            "actionStatus": _ref("http://schema.org/CompletedActionStatus"),
            "startTime": manifest.started,
            "endTime": description.ended,
            "instrument": _ref(description.file),
            "object": [_ref(name) for name in inputs],
            "result": [_ref(name) for name in results],
        },
        *(_file(folder, name, description) for name in files),
    ]
    return {"@context": CONTEXT, "@graph": graph}


def _contextual(description: Description, manifest: Manifest) -> list[dict[str, Any]]:
    program = description.program
    return [
        {
            "@id": "#licence",
            "@type": "CreativeWork",
            "name": "Licence",
            "description": f"{layout.PROGRAM}/LICENSE (MIT) for the program and the roles that come with it; for all else "
            "ask whoever published the bundle.",
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
            "softwareVersion": manifest.version + (f", commit {manifest.commit}" if manifest.commit else ""),
            "description": f"The program that made the run; its source ({program['version']}) is in {layout.PROGRAM}/.",
        },
    ]


def _file(folder: Path, name: str, description: Description) -> dict[str, Any]:
    path = folder / name
    entity: dict[str, Any] = {
        "@id": name,
        "@type": "File",
        "name": name,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": _FORMS.get(
            path.suffix, "text/plain" if path.suffix in ("", ".config") else "application/octet-stream"
        ),
    }
    if name == description.file:
        language = {"programmingLanguage": _ref("#experiment-file"), "runtimePlatform": "orchestrate"}
        entity |= {"@type": _WORKFLOW_TYPES, **language}
    if name == f"{layout.RUN}/journal.jsonl":
        entity["description"] = "One line for each trial, as it ended."
    return entity


def _ref(identity: str) -> dict[str, str]:
    return {"@id": identity}
