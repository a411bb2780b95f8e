"""The files that ``orchestrate init`` creates: an example experiment and a CI workflow."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from orchestrator.errors import BadInput, HostError

EXPERIMENT = Path("experiment.yaml")
WORKFLOW = Path(".github/workflows/page-migration.yaml")
_SOURCES = {EXPERIMENT: "experiment.yaml", WORKFLOW: "workflow.yaml"}


def write(folder: Path, target: Path) -> Path:
    """Create one of the files below ``folder`` and return its path.

    Raises ``BadInput`` if the file exists, ``HostError`` if it cannot be written.
    """
    path = folder / target
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(files(__package__).joinpath(_SOURCES[target]).read_text(encoding="utf-8"))
    except FileExistsError:
        raise BadInput(f"{path} already exists") from None
    except OSError as error:
        raise HostError(f"{path}: {error.strerror}") from None
    return path
