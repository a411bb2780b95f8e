"""Run roc-validator offline: the JSON-LD context comes from the copy in the package rocrate."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import rocrate
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "workflow-run-crate-0.5"


def faults(crate: Path, cache: Path) -> list[str]:
    """Return what RO-Crate 1.1 and the profile require or recommend and the crate (a directory) lacks.

    :param cache: a directory for the validator's HTTP cache.
    """
    from rocrate_validator import services
    from rocrate_validator.models import Severity, ValidationSettings

    path = cache / "http"
    _fill_cache(path)
    settings = ValidationSettings(
        rocrate_uri=crate,
        profile_identifier=PROFILE,
        requirement_severity=Severity.RECOMMENDED,
        cache_path=path,
        offline=True,
        skip_availability_check=True,
    )
    result = services.validate(settings)
    return [f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()]


def _fill_cache(path: Path) -> None:
    """Put the context into the validator's HTTP cache."""
    import requests_cache

    with requests_cache.CachedSession(str(path), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", _LocalCopy())
        for accept in ("application/ld+json, application/json", "application/ld+json", "*/*"):
            assert session.get(CONTEXT, headers={"Accept": accept}).ok


class _LocalCopy(HTTPAdapter):
    """Answers every request with the local copy."""

    def send(self, request: Any, *arguments: Any, **options: Any) -> Any:
        text = (Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_text()
        text = text.replace("https://bioschemas.org/terms/", "https://bioschemas.org/")  # as in version 1.1
        raw = HTTPResponse(
            io.BytesIO(text.encode()),
            {"Content-Type": "application/ld+json"},
            200,
            preload_content=False,
            request_url=request.url,
        )
        return self.build_response(request, raw)
