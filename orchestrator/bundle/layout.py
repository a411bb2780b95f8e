"""What a bundle consists of: the names of its parts, and ``bundle.json``, which says how to read it.

NAME/
  README.md               for the evaluator
  reproduce               the one command: installs the program of the bundle, runs, judges
  bundle.json             what this module describes
  experiment/             the experiment file, as it was, and every role, recipe and file that it uses
  run/                    the run's folder: journal, manifest, logs, consoles
  environment.json        the hosts as they were found at each boot
  report/                 the report in every form
  program/                source of the orchestrator, fit to be installed
  requirements.txt        versions of the Python packages that the run had
  ro-crate-metadata.json
  SHA256SUMS              of all other files, for `sha256sum -c`
  SHA256SUMS.sha256       of that list
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from msgspec import convert

from orchestrator.errors import BadInput

FORMAT = 1

README = "README.md"
REPRODUCE = "reproduce"
DESCRIPTION = "bundle.json"
EXPERIMENT = "experiment"
RUN = "run"
ENVIRONMENT = "environment.json"
REPORT = "report"
PROGRAM = "program"
REQUIREMENTS = "requirements.txt"
CRATE = "ro-crate-metadata.json"
SUMS = "SHA256SUMS"
SEAL = "SHA256SUMS.sha256"


@dataclass(frozen=True, slots=True)
class Description:
    """``bundle.json``.

    :ivar run: the run's id; ``experiment``: the experiment's name.
    :ivar file: path of the experiment file in the bundle.
    :ivar content_hash: of the experiment as it lies in the bundle: that of the run, unless names were scrubbed from it.
    :ivar overrides: ``--set`` of the run; ``where`` and ``limit``: what else narrowed it (0: no limit).
    :ivar ended: when the run ended, ISO 8601, UTC: the time that every file of an archive has.
    :ivar environments: where its figures were made.
    :ivar program: ``version``, ``commit``, ``source`` (a hash) of the program in the bundle, and of the one that made
        the run under ``run_version``, ``run_commit`` and ``run_source`` (empty where it did not say).
    :ivar scrubbed: number of names that stand-ins were put in place of, by kind; empty: nothing was scrubbed.
    :ivar changed: files of roles that scrubbing has changed.
    """

    run: str
    experiment: str
    file: str
    content_hash: str
    overrides: tuple[str, ...]
    where: tuple[str, ...]
    limit: int
    ended: str
    environments: tuple[str, ...]
    program: Mapping[str, str]
    scrubbed: Mapping[str, int] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


def write(folder: Path, description: Description) -> None:
    """Write ``bundle.json`` into a bundle's folder."""
    write_json(folder / DESCRIPTION, {"format": FORMAT, "type": "bundle"} | asdict(description))


def read(folder: Path) -> Description:
    """Read ``bundle.json``; ``BadInput`` if it is missing, damaged, of something else or of a newer format."""
    path = folder / DESCRIPTION
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("type") != "bundle":
            raise BadInput(f"{path}: not the description of a bundle")
        if document["format"] != FORMAT:
            raise BadInput(
                f"{path}: format {document['format']}, this version reads {FORMAT}; use the program of the bundle: "
                f"sh {REPRODUCE} smoke"
            )
        return convert(document, Description)
    except OSError as error:
        raise BadInput(f"{folder} is not a bundle: {DESCRIPTION}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{path}: damaged: {error}") from None


def write_json(path: Path, document: Any) -> None:
    """Write a document as every JSON file of a bundle is written."""
    path.write_text(json_text(document), encoding="utf-8")


def json_text(document: Any) -> str:
    """Return a document as every JSON file of ours is written."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
