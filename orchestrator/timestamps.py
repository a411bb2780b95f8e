"""Timestamps."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> str:
    """Return the current time, ISO 8601 in UTC, such as ``2026-11-26T08:18:02.366Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
