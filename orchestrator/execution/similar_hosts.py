"""The hosts of one run, one after another: whether figures of all of them can be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.hardware import differences, traits


class SimilarHosts:
    """Tells the user of a host that differs from the run's first one. A run that is resumed may get another host.

    :param note: takes a line.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._first: tuple[str, Mapping[str, Any], str] | None = None
        self._told: set[str] = set()

    def begin_with(self, host: str, facts: Mapping[str, Any], environment: str) -> None:
        """Take over a host of an earlier controller, or of this one; the first call counts."""
        if self._first is None and facts:
            self._first = host, facts, environment

    def compare(self, host: str, facts: Mapping[str, Any], environment: str, *, kernel: bool) -> None:
        """Compare a host with the first one.

        :param kernel: whether to compare the running kernels; not useful if the run boots other ones.
        """
        self.begin_with(host, facts, environment)
        if self._first is None:
            return
        first, its_facts, its_environment = self._first
        found = differences(
            traits(its_facts, its_environment, kernel=kernel), traits(facts, environment, kernel=kernel)
        )
        message = f"{host}: differs from {first}: {'; '.join(found)}"
        if found and message not in self._told:
            self._told.add(message)
            self._note(message)
