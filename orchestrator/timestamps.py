"""Timestamps."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> str:
    """Return the current time, ISO 8601 in UTC, such as ``2026-11-26T08:18:02.366Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float | None:
    """Return a time of a record in seconds since 1970; None if it is none. One without a zone is in UTC."""
    time = read(text)
    return None if time is None else time.timestamp()


def read(text: str) -> datetime | None:
    """Return a time of a record in UTC; None if it is none. One without a zone is in UTC."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):  # the first hours of the year 1, in another zone
        return None
