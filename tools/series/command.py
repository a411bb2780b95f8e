"""What both commands share: errors as plain lines, progress on stderr."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from orchestrator.errors import ExitCode, OrchestratorError


def run_command(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    """Parse the words, run the command and exit; what the user can mend is printed without a traceback."""
    options = parser.parse_args()
    try:
        sys.exit(run(options))
    except OrchestratorError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        sys.exit(ExitCode.INTERRUPTED)


def say(text: str) -> None:
    """Report progress."""
    print(text, file=sys.stderr, flush=True)
