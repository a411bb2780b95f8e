"""Where fetched and built things are kept on the controller."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return ``$XDG_CACHE_HOME/orchestrate`` or ``~/.cache/orchestrate``; everything in it can be made again."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "orchestrate"
