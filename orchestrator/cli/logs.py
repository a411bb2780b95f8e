"""Messages of the library on stderr."""

from __future__ import annotations

import logging

from orchestrator.cli.output import complain


def set_up_logging(verbose: int) -> None:
    """Let everything through to the run's own log, and to stderr as much as was asked for."""
    logger = logging.getLogger("orchestrator")
    logger.setLevel(logging.DEBUG)
    handler = _ToStderr()
    handler.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG))
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)


class _ToStderr(logging.Handler):
    """Writes to whatever stderr is at the moment: a progress bar makes room above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(self.format(record))
