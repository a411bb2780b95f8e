"""What to say of a file that this user may not look at, read or write, wherever that was found out."""

from __future__ import annotations

import os

from orchestrator.cache import cache_folder
from orchestrator.errors import BadInput, HostError, OrchestratorError


def refusal(error: PermissionError) -> OrchestratorError:
    """Return the error for the user: of the cache a ``HostError`` with advice, else of a file that the user named."""
    path = os.path.abspath(os.fsdecode(error.filename))  # noqa: PTH100 - Path has only resolve(), which follows links
    reason = f"{path}: {error.strerror}"
    cache = str(cache_folder().absolute())
    # In the cache, or a directory above it that cannot be made.
    if os.path.commonpath([path, cache]) in (path, cache):
        return HostError(f"{reason}; set a writable directory for the cache with XDG_CACHE_HOME")
    return BadInput(reason)
