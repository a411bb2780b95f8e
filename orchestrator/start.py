"""The command ``orchestrate``: Ctrl-C before it has begun ends it as other programs, without a traceback of Python."""

from __future__ import annotations

import signal

_NOT_IGNORED = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _NOT_IGNORED:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Import the command line, and run the command."""
    from orchestrator import cli, streams

    streams.make_reliable()
    if _NOT_IGNORED:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main()
