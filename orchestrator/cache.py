"""The cache directory of the controller."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return ``$XDG_CACHE_HOME/orchestrate`` or ``~/.cache/orchestrate``; all of its content can be recreated."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "orchestrate"
