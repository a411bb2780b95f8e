"""The form of clouds.yaml: openstacksdk skips a file that is no YAML, and fails on one of another form."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import BadInput


def check(files: Sequence[str]) -> None:
    """Raise ``BadInput`` with file and line of a fault in the file that openstacksdk reads, the first that exists.

    :param files: where openstacksdk looks for it, see ``openstack.config.loader.CONFIG_FILES``.
    """
    places = [os.environ.get("OS_CLIENT_CONFIG_FILE", ""), *files]
    path = next((Path(place) for place in places if place and Path(place).is_file()), None)
    if path is None:
        return
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{path}:{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not YAML: {str(error).splitlines()[0]}") from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    for key in _not_mappings(document):
        raise BadInput(f"{path}: {key}not a mapping; see the manual of openstacksdk, clouds.yaml")


def _not_mappings(document: Any) -> Iterator[str]:
    """Yield the keys of what should be mappings and is not."""
    if document is None:
        return
    if not isinstance(document, Mapping):
        yield ""
        return
    clouds = document.get("clouds", {})
    if not isinstance(clouds, Mapping):
        yield "clouds: "
        return
    for name, cloud in clouds.items():
        if not isinstance(cloud, Mapping):
            yield f"clouds.{name}: "
        elif not isinstance(cloud.get("auth", {}), Mapping):
            yield f"clouds.{name}.auth: "
