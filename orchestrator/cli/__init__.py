"""The commands of ``orchestrate``: one module per verb, no logic."""

from __future__ import annotations

import errno
import importlib
import pkgutil
import sys
from typing import Any

import click

from orchestrator import __version__
from orchestrator.errors import ExitCode, OrchestratorError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
NOT_VERBS = frozenset({"options", "progress"})


class Verbs(click.Group):
    """Finds each verb in the module of its name, and imports no other: start-up stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the modules here that are verbs."""
        return sorted(entry.name for entry in pkgutil.iter_modules(__path__) if entry.name not in NOT_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = getattr(importlib.import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click does, naming the nearest verb for one that does not exist."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="orchestrate")
def orchestrate() -> None:
    """Run declarative experiments on Linux page migration.

    \b
    Exit codes: 0 all trials ok, 1 some trial not ok, 2 bad input,
    3 host or provider, 4 kernel, 5 regression (compare) or a claim that
    does not hold (reproduce), 130 interrupted.
    """


def main() -> None:
    """Entry point: errors that a user can mend become plain lines and an exit code."""
    try:
        # Not orchestrate.main(): that ends with exit code 1, which is "some trial not ok", when a pipe is closed.
        with orchestrate.make_context("orchestrate", sys.argv[1:]) as context:
            orchestrate.invoke(context)
    except OrchestratorError as error:
        for line in str(error).splitlines():
            click.echo(f"orchestrate: {line}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.BAD_INPUT)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("orchestrate: interrupted", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has seen enough; nothing more can be said, not even by the interpreter's exit.
        sys.stdout = None
        sys.exit(ExitCode.OK)
    except OSError as error:
        if error.errno not in FULL:
            raise
        click.echo(
            f"orchestrate: cannot write results: {error.strerror}; make room, then run it again", err=True
        )
        sys.exit(ExitCode.HOST)
