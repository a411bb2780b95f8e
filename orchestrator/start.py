"""The command ``orchestrate``: Ctrl-C before it has begun ends it as other programs, without a traceback of Python."""

from __future__ import annotations

import os
import signal
import sys

_NOT_IGNORED = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _NOT_IGNORED:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Import the command line, and run the command."""
    if sys.getfilesystemencoding() != "utf-8":
        # Files, names and what hosts print are UTF-8, whatever the locale. Python 3.15 assumes so by itself.
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    from orchestrator import cli, streams

    streams.make_reliable()
    if _NOT_IGNORED:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main()
