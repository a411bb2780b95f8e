"""URLs of sources, as messages show them."""

from __future__ import annotations


def without_password(url: str) -> str:
    """Return a URL without its user and password, which may have any characters."""
    scheme, slashes, rest = url.partition("//")
    return scheme + slashes + (rest.rpartition("@")[2] if slashes else "")
