"""The command line of ``orchestrate``: one module per command, without logic."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from orchestrator import __version__
from orchestrator.cli.defaults import set_defaults
from orchestrator.cli.exhausted import what_is_exhausted
from orchestrator.cli.heartbeat import never_silent
from orchestrator.cli.interrupts import told_at_once
from orchestrator.cli.output import complain, echo
from orchestrator.errors import ExitCode, OrchestratorError
from orchestrator.paths import has_working_directory

ERROR_LINES = 50
COMMANDS = {
    "compare": "Compare two runs, or the kernels of one run.",
    "completion": "Print or install the script for shell completion.",
    "doctor": "Show what a machine can do for experiments, and what it lacks.",
    "export": "Write a run into a bundle.",
    "help": "Show the manual page of a command, or its help.",
    "hosts": "Check, restore and unlock hosts; start and stop guests.",
    "init": "Create an example experiment, or a CI workflow.",
    "kernel": "Build kernels from recipes and manage the cache of kernels.",
    "plan": "Print the plan of a run with the estimated time.",
    "report": "Print the figures of a run.",
    "reproduce": "Verify BUNDLE, run its experiment again, and check its claims.",
    "results": "List, show and remove runs.",
    "review": "Show what a run of a file that somebody else wrote would do.",
    "role": "Apply roles to hosts without an experiment.",
    "run": "Run an experiment and print its report.",
    "schema": "Print the JSON Schema (2020-12) of experiment files.",
    "shell": "Open a shell on the host of an experiment, as a trial finds it.",
    "validate": "Check experiment files.",
    "verify": "Check that a bundle is intact.",
}
"""The commands, each a function in a module of its name, with the first sentence of its help: ``--help`` imports
none."""


class LazyGroup(click.Group):
    """Imports the module of a command only when it is used, for a fast start."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command and return the command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Return the commands that begin with a word, and the options; import no command."""
        from click.shell_completion import CompletionItem

        known = [CompletionItem(name, help=COMMANDS[name]) for name in self.list_commands(ctx)]
        return [item for item in known if item.value.startswith(incomplete)] + click.Command.shell_complete(
            self, ctx, incomplete
        )

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Resolve a command, with the defaults of the project; suggest the closest name for an unknown one."""
        try:
            resolved = super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None
        name, command, _ = resolved
        if name and command is not None:
            set_defaults(ctx, name, command)
        return resolved


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="orchestrate")
def orchestrate() -> None:
    """Run declarative experiments on Linux page migration.

    \b
    Exit codes:
      0    success; run: all trials ok
      1    run: some trial not ok; hosts diff: a setting has another value
      2    invalid file or option; verify: the bundle was modified
      3    host or provider error
      4    kernel error
      5    compare: regression; reproduce: a claim does not hold
      6    compare --fail-on-regression: no regression, but a cell could not be judged
      70   internal error
      130  interrupted
    """


def shortened(lines: list[str]) -> list[str]:
    """Return the first :data:`ERROR_LINES` lines of an error, and the last one, which may be the advice."""
    more = len(lines) - ERROR_LINES - 1
    return [*lines[:ERROR_LINES], f"... and {more} more", lines[-1]] if more > 0 else lines


def main() -> None:
    """Run a command. Errors that the user can fix are printed as plain lines, with an exit code."""
    question = os.environ.get(
        "_ORCHESTRATE_COMPLETE"
    )  # complete.VARIABLE: each start would wait for that import
    if question:
        from orchestrator.cli.complete import answer

        sys.exit(answer(orchestrate, "orchestrate", question))
    try:
        # orchestrate.main() would exit with code 1, "some trial not ok", on a closed pipe.
        with (
            told_at_once(),
            orchestrate.make_context("orchestrate", sys.argv[1:]) as context,
            never_silent(" ".join(["orchestrate", *sys.argv[1:2]])),
        ):
            orchestrate.invoke(context)
    except OrchestratorError as error:
        from orchestrator.cli.program import as_started

        for line in shortened(str(error).splitlines()):
            complain(as_started(line))
        for note in getattr(error, "__notes__", ()):
            echo(as_started(note), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.BAD_INPUT)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except KeyboardInterrupt:  # see told_at_once
        sys.exit(ExitCode.INTERRUPTED)
    except click.Abort as abort:
        if not isinstance(abort.__context__, KeyboardInterrupt):  # Ctrl-D at a question
            echo("orchestrate: interrupted", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader has closed the pipe. Without stdout the interpreter does not fail to flush it at exit.
        sys.stdout = None
        sys.exit(ExitCode.OK)
    except Exception as bug:  # noqa: BLE001 - exit code 1 would say that a trial is not ok
        if reason := what_is_exhausted(bug):
            echo(f"orchestrate: {reason}", err=True)
            sys.exit(ExitCode.HOST)
        if isinstance(bug, FileNotFoundError) and not has_working_directory():
            echo(f"orchestrate: Unable to read current working directory: {bug.strerror}", err=True)
            sys.exit(ExitCode.BAD_INPUT)
        if isinstance(bug, PermissionError) and bug.filename:
            from orchestrator.cli.denied import refusal

            denied = refusal(bug)
            echo(f"orchestrate: {denied}", err=True)
            sys.exit(denied.exit_code)
        import traceback

        echo(traceback.format_exc().rstrip(), err=True)
        name = type(bug).__name__
        echo(f"orchestrate: internal error: {name}: {bug}; please report it with the lines above", err=True)
        sys.exit(ExitCode.BUG)
