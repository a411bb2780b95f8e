"""The files of a bundle, and ``bundle.json``, which describes it.

NAME/
  README.md               for the artifact evaluator
  reproduce               one command: install the program, run the experiment, judge the claims
  bundle.json             see :class:`Description`
  experiment/             the experiment file and every role, recipe and file that it uses
  run/                    the run's directory: journal, manifest, logs, consoles
  environment.json        the facts and settings of each host at each boot
  report/                 the report in every format
  program/                the source of the orchestrator
  requirements.txt        the versions of the run's Python packages
  sbom.cdx.json           what the run was made with: packages, kernels, programs, as a CycloneDX bill of materials
  ro-crate-metadata.json  the bundle as an RO-Crate
  SHA256SUMS              checksums of all other files, for `sha256sum -c`
  SHA256SUMS.sha256       checksum of SHA256SUMS
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, convert, field, to_builtins

from orchestrator.errors import BadInput, Position
from orchestrator.paths import LONGEST_NAME, LONGEST_PATH
from orchestrator.results.migrations import BUNDLE, UnreadableFormat, upgrade

FORMAT = 2

README = "README.md"
REPRODUCE = "reproduce"
DESCRIPTION = "bundle.json"
EXPERIMENT = "experiment"
RUN = "run"
ENVIRONMENT = "environment.json"
REPORT = "report"
PROGRAM = "program"
REQUIREMENTS = "requirements.txt"
SBOM = "sbom.cdx.json"
CRATE = "ro-crate-metadata.json"
SUMS = "SHA256SUMS"
SUMS_CHECKSUM = "SHA256SUMS.sha256"

_LARGEST = 4 << 20
"""The most bytes of ``bundle.json``, which is read at once."""
_UNPORTABLE = re.compile(r"[\0\\\r\n\ud800-\udfff]")


class Program(Struct, frozen=True):
    """The orchestrator in the bundle, and the one that made the run; empty values were not recorded.

    :ivar source_hash: SHA-256 of its source, see :func:`orchestrator.source_tree.source_hash`.
    """

    version: str
    commit: str
    source_hash: str
    run_version: str
    run_commit: str
    run_source_hash: str

    @property
    def made_the_run(self) -> bool:
        """Whether the orchestrator in the bundle is the one that made the run."""
        return self.source_hash == self.run_source_hash


class Description(Struct, frozen=True):
    """The content of ``bundle.json``.

    :ivar run: the run's id; ``experiment``: the experiment's name.
    :ivar experiment_file: path of the experiment file in the bundle.
    :ivar content_hash: hash of the experiment in the bundle. It is the run's unless scrubbing changed the experiment
        or the program's roles were updated since the run.
    :ivar overrides: the run's ``--set`` options; ``where``: its ``--where``; ``limit``: its ``--first`` (0: none).
    :ivar ended: when the run ended (ISO 8601, UTC). Every file of an archive has this modification time.
    :ivar environments: environments in which the run measured.
    :ivar scrubbed: number of placeholders by kind; empty if the bundle was not scrubbed.
    :ivar changed_role_files: files of roles that scrubbing changed.
    :ivar updated_role_files: files of roles that come with the program and differ from those of the run.
    """

    run: str
    experiment: str
    experiment_file: str
    content_hash: str
    overrides: tuple[str, ...]
    where: tuple[str, ...]
    limit: int
    ended: str
    environments: tuple[str, ...]
    program: Program
    scrubbed: Mapping[str, int] = field(default_factory=dict)
    changed_role_files: tuple[str, ...] = ()
    updated_role_files: tuple[str, ...] = ()


def write(folder: Path, description: Description) -> None:
    """Write ``bundle.json`` into a bundle's directory."""
    write_json(folder / DESCRIPTION, {"format": FORMAT, "type": "bundle"} | to_builtins(description))


def read(folder: Path) -> Description:
    """Read ``bundle.json``; ``BadInput`` if it is missing, damaged, not of a bundle or of a newer format."""
    path = folder / DESCRIPTION
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInput(f"{path}: larger than {_LARGEST >> 20} MiB")
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("type") != "bundle":
            raise BadInput(f"{path}: does not describe a bundle")
        description = convert(upgrade(document, FORMAT, BUNDLE), Description)
    except OSError as error:
        raise BadInput(f"{folder} is not a bundle: {DESCRIPTION}: {error.strerror}") from None
    except UnreadableFormat as error:
        raise BadInput(f"{path}: {error}; or use the program in the bundle: sh {REPRODUCE} smoke") from None
    except json.JSONDecodeError as error:
        position = Position(str(path), error.lineno, error.colno)
        raise BadInput(position.fault("invalid JSON; get the bundle again from its author")) from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BadInput(
            f"{path}: missing keys or invalid values; get the bundle again from its author"
        ) from None
    if not is_portable(description.experiment_file):
        raise BadInput(
            f"{path}: experiment_file: {description.experiment_file!r} is not a path in the bundle"
        )
    return description


def is_portable(name: str) -> bool:
    """Whether a bundle can hold a file of this path: inside its directory, and the same to ``sha256sum`` and tar."""
    raw = name.encode("utf-8", "replace")
    parts = raw.split(b"/")
    short = len(raw) < LONGEST_PATH and all(len(part) <= LONGEST_NAME for part in parts)
    return short and not _UNPORTABLE.search(name) and {b"", b".", b".."}.isdisjoint(parts)


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file of a bundle."""
    path.write_text(json_text(document), encoding="utf-8")


def json_text(document: Any) -> str:
    """Return a document as JSON text, indented, ending in a newline."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
